"""The stages before the publication, as ``vospec run`` does them: ``python -m … TOML``."""

import argparse
import sys
from pathlib import Path

from vospec import __main__ as command_line

STAGES = ("ingest", "features", "score")


def main() -> int:
    """Do them in one session of Spark."""
    command_line._log(verbose=False)
    return command_line._stages(*STAGES)(argparse.Namespace(config=Path(sys.argv[1])))


if __name__ == "__main__":
    sys.exit(main())
