"""Spectra as pictures."""

import argparse
import logging
from pathlib import Path

from vospec import config
from vospec.commands.arguments import Commands, declare
from vospec.errors import ConfigurationError

logger = logging.getLogger(__name__)


def add(commands: Commands) -> None:
    """Declare plot and its kinds."""
    meaning = "draw spectra into a file"
    kinds = commands.add_parser("plot", help=meaning, description=meaning).add_subparsers(
        metavar="KIND", required=True
    )
    meaning = "a star in both archives around Hα, adapted and compared"
    declare(kinds, "pair", _pair, meaning).add_argument(
        "spectra",
        nargs="+",
        metavar="STAR | FILE FILE",
        help="a name (HD53416) or spectrum_id in the store, or two FITS files",
    )
    meaning = "a whole spectrum, and its Hα line"
    declare(kinds, "spectrum", _spectrum, meaning).add_argument(
        "spectrum", metavar="SPECTRUM", help="a FITS file, or a spectrum_id in the store"
    )
    for name, parser in kinds.choices.items():
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help=f"png, pdf or svg (default: {name}-NAME.png in this folder)",
        )


def _pair(given: argparse.Namespace) -> int:
    from vospec import drawn, plots  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    names = given.spectra
    needed = len(names) == 1 or given.config.exists()
    settings = config.load(given.config) if needed else config.Settings()
    if len(names) > 2:  # noqa: PLR2004 - a pair is two
        message = f"plot pair takes a star or two files, not {len(names)} names"
        raise ConfigurationError(message)
    both = (
        drawn.pair_of_name(Plan(settings), names[0])
        if len(names) == 1
        else drawn.pair_of_files((Path(names[0]), Path(names[1])))
    )
    path = given.output or _figure("pair", both[0].object or Path(names[0]).stem)
    width = drawn.kernel_width(settings.adaptation, *both)
    found = plots.pair(path, *both, fwhm=width, grid=Plan(settings).grid)
    logger.info(
        "%s: RMS of the difference %.4f, not adapted %.4f, noise %.4f; FWHM %.2f Å",
        *(path, found.after, found.before, found.noise, width),
    )
    return 0


def _spectrum(given: argparse.Namespace) -> int:
    from vospec import drawn, plots  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    name = given.spectrum
    if Path(name).is_file():
        spectrum = drawn.from_file(Path(name))
    else:
        (spectrum,) = drawn.from_store(Plan(config.load(given.config)), name)
    path = given.output or _figure("spectrum", Path(name).name.partition(".")[0])
    title = Path(name).name if spectrum.object is None else f"{spectrum.object} ({Path(name).name})"
    plots.spectrum(path, spectrum, title=title)
    logger.info("%s", path)
    return 0


def _figure(kind: str, name: str) -> Path:
    plain = "".join(letter if letter.isalnum() or letter in "+-." else "" for letter in name)
    return Path(f"{kind}-{plain}.png")
