"""Spectra of other services of the Virtual Observatory."""

import argparse
import logging
from pathlib import Path

from vospec.commands.arguments import Commands, count, declare, positive

logger = logging.getLogger(__name__)

NOTE = "what was interrupted goes on; exit code 1: something failed or was cut short"


def add(commands: Commands) -> None:
    """Declare fetch."""
    meaning = "download the spectra of an SSA service into a folder, which ingest then reads"
    parser = declare(commands, "fetch", _fetch, meaning, settings=False)
    parser.description = f"{meaning}; {NOTE}"
    parser.add_argument("folder", type=Path, help="where to write; made if missing")
    parser.add_argument("--ssa", required=True, metavar="URL", help="the service's base address")
    parser.add_argument(
        "--positions", type=Path, metavar="FILE", help="CSV: ra, dec and maybe size, in degrees"
    )
    for option, kind, default, what in (
        ("--radius-arcsec", positive, 30.0, "around positions without a size (default: 30)"),
        ("--pause", float, 0.5, "seconds between two requests (default: 0.5)"),
        ("--timeout", positive, 60.0, "seconds without an answer (default: 60)"),
        ("--max", count, None, "most spectra in the folder (default: all)"),
    ):
        parser.add_argument(option, type=kind, default=default, metavar="N", help=what)
    parser.add_argument(
        "--band",
        type=positive,
        nargs=2,
        default=(6540.0, 6580.0),
        metavar=("LOW", "HIGH"),
        help="what a spectrum must cover, in Å (default: 6540 6580, Hα)",
    )
    parser.add_argument(
        "--format",
        choices=("application/fits", "image/fits"),
        default="application/fits",
        help="taken first where an observation has both (default: application/fits)",
    )
    parser.add_argument("--again", action="store_true", help="ask for new spectra, too")


def _fetch(given: argparse.Namespace) -> int:
    from vospec.archives import ssa  # noqa: PLC0415 - loads what talks to services

    size = 2 * given.radius_arcsec / 3600
    regions = given.positions and ssa.read_positions(given.positions, size=size)
    manners = ssa.Manners(pause=given.pause, timeout=given.timeout)
    with ssa.Transport(manners) as transport:
        outcome = ssa.fetch(
            given.ssa,
            given.folder,
            regions=regions,
            band=tuple(sorted(given.band)),
            preferred=given.format,
            most=given.max,
            again=given.again,
            transport=transport,
        )
    for line in outcome.lines():
        logger.info("%s", line)
    return 0 if outcome.complete else 1
