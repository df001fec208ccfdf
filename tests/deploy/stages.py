"""Stages before the publication, as ``vospec run`` does them: ``python -m … TOML [STAGE...]``."""

import logging
import sys
from pathlib import Path

from vospec import config, pipeline
from vospec.job import open_job

STAGES = ("ingest", "features", "score")


def main() -> None:
    """Do them, or all, in one session of Spark."""
    path, *stages = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with open_job(config.load(Path(path)), "stages") as job:
        for name in stages or STAGES:
            getattr(pipeline, name)(job)


if __name__ == "__main__":
    main()
