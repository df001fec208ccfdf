"""The adapting kernel from stars that both archives have."""

import argparse
import logging

from vospec import config
from vospec.commands.arguments import Commands, declare, tell

logger = logging.getLogger(__name__)

MEANING = "fit the adapting kernel on stars that both archives have observed (after ingest)"


def add(commands: Commands) -> None:
    """Declare calibrate."""
    parser = declare(commands, "calibrate", _calibrate, MEANING)
    parser.add_argument(
        "--write", action="store_true", help="write the width into the settings file"
    )


def _calibrate(given: argparse.Namespace) -> int:
    from vospec import kernel  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    fitted = kernel.fit(Plan(config.load(given.config)))
    tell(kernel.lines(fitted))
    if given.write:
        width = round(fitted.calibration.fwhm, 2)
        config.write(given.config, "adaptation", kernel="fitted", fwhm_angstrom=width)
        logger.info("%s: [adaptation] kernel = fitted, fwhm_angstrom = %s", given.config, width)
    return 0
