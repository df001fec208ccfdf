"""Stages before the publication, as ``vospec run`` does them: ``python -m … TOML [STAGE...]``."""

import argparse
import sys
from pathlib import Path

from vospec import __main__ as command_line

STAGES = ("ingest", "features", "score")


def main() -> int:
    """Do them, or all, in one session of Spark."""
    path, *stages = sys.argv[1:]
    command_line._log(verbose=False)
    return command_line._stages(*stages or STAGES)(argparse.Namespace(config=Path(path)))


if __name__ == "__main__":
    sys.exit(main())
