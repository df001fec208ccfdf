"""The command line: ``vospec COMMAND``.

The outside world's faults end in one line and exit code 1; anything else is a
bug and shows its traceback.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from vospec import __version__, commands
from vospec.errors import VospecError

logger = logging.getLogger("vospec")

DESCRIPTION = """\
Find emission-line stars in LAMOST spectra and publish them in the Virtual Observatory.

The stages, each of which leaves a dataset in the store and goes on where it was
interrupted:
  ingest    read FITS files: the survey (LAMOST) and the training spectra (CCD700)
  features  adapt the training spectra, rectify all on one wavelength grid
  score     build the neighbour graph, spread the labels, select candidates
  publish   load everything into PostgreSQL, where DaCHS serves it
  run       all of these

New spectra between two runs are scored by additions. Spectra of a service of the Virtual
Observatory are downloaded by fetch. How good the methods are on spectra whose class is
known is told by evaluate, after score.
"""

EPILOG = """\
A first try without data of your own:
  vospec simulate var/simulated
  vospec config > vospec.toml     (then name the folders in it)
  vospec run
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    given = _parser().parse_args(arguments)
    _log(verbose=given.verbose)
    try:
        code: int = given.command(given)
    except VospecError as fault:
        sys.stderr.write(f"vospec: {fault}\n")
        return 1
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("vospec: interrupted; the same command goes on from here\n")
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vospec",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vospec {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    commands.add(parser.add_subparsers(metavar="COMMAND", required=True))
    return parser


def _log(*, verbose: bool) -> None:
    # A terminal shows what is said now; a log must also tell when.
    layout = "%(message)s" if sys.stderr.isatty() else "%(asctime)s %(message)s"
    logging.basicConfig(level=logging.WARNING, format=layout, stream=sys.stderr)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
