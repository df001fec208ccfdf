"""What others know of the candidates."""

import argparse
import logging
from pathlib import Path

from vospec import config
from vospec.commands.arguments import Commands, declare, positive, tell

logger = logging.getLogger(__name__)

MEANING = (
    "ask SIMBAD about the candidates (after score); publish then shows what it knows. "
    "What was answered is not asked again before [verification] max_age_days; "
    "exit code 1: something stayed without an answer"
)


def add(commands: Commands) -> None:
    """Declare verify."""
    parser = declare(commands, "verify", _verify, MEANING)
    parser.add_argument(
        "--catalogue",
        action="append",
        metavar="NAME|FILE",
        help="instead of SIMBAD, a list of known stars: a table of VizieR (J/A+A/643/A122/table1) "
        "or a CSV, VOTable or FITS file; may be given repeatedly",
    )
    parser.add_argument(
        "--radius-arcsec",
        type=positive,
        metavar="N",
        help="around the stars of a list (default: [verification] radius_arcsec)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the stars of the lists as CSV"
    )
    parser.add_argument(
        "--again", action="store_true", help="ask about all candidates, whatever is known"
    )


def _verify(given: argparse.Namespace) -> int:
    if given.catalogue:
        return _compare(given)
    from vospec import verify  # noqa: PLC0415 - loads what talks to services
    from vospec.plan import Plan  # noqa: PLC0415

    outcome = verify.verify(Plan(config.load(given.config)), again=given.again)
    tell(outcome.lines())
    return 0 if outcome.complete else 1


def _compare(given: argparse.Namespace) -> int:
    from vospec import known  # noqa: PLC0415 - as above
    from vospec.plan import Plan  # noqa: PLC0415
    from vospec.verification import catalogues, questions  # noqa: PLC0415

    plan = Plan(config.load(given.config))
    section = plan.settings.verification
    radius = given.radius_arcsec or section.radius_arcsec
    found = []
    with questions.transport_of(section) as transport:
        for name in given.catalogue:
            stars = (
                catalogues.from_file(Path(name))
                if catalogues.is_file(name)
                else catalogues.from_tap(transport, section.catalogues, name)
            )
            found.append(known.compare(plan, plan.runs[0], stars, radius_arcsec=radius))
            tell(found[-1].lines())
    if given.output is not None:
        known.write(found, given.output)
        logger.info("%s", given.output)
    return 0
