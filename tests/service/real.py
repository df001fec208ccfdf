"""Real spectra of two Be stars and of stars without emission, scored and added to the samples."""

import csv
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from psycopg import sql

from vospec import config, pipeline
from vospec.backend.session import Engine
from vospec.job import Job
from vospec.plan import Plan
from vospec.publication import Connection, Content, add
from vospec.publication.contents import CONTENTS
from vospec.publication.merging import derive

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"

#: Of DR1, beside the stars that the training archive has, too.
_OTHERS = 40
_OF_RUN = ("scores", "candidates", "neighbours")
_ADDED = ("spectra", "pixels", "features", *_OF_RUN)


def score(folder: Path) -> Plan:
    """Run all stages on some spectra of LAMOST's first release and all of CCD700."""
    survey = folder / "survey"
    survey.mkdir()
    for path in _files():
        shutil.copy(path, survey)
    settings = config.Settings(
        store=config.StoreSettings(str(folder / "store")),
        survey=config.SurveySettings((str(survey),)),
        training=config.TrainingSettings((str(DATA / "ccd700"),)),
        learning=config.LearningSettings(methods=("label_propagation",)),
        spark=config.SparkSettings(master="none", min_spectra=10**9),
    )
    with Engine(settings.spark, folder) as engine:
        job = Job(settings, engine)
        for stage in (pipeline.ingest, pipeline.features, pipeline.score):
            stage(job)
    return job.plan


def _files() -> Iterator[Path]:
    with (DATA / "lamost.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["release"] == "dr1"]
    both = [row for row in rows if row["ccd700_file"]]
    others = [row for row in rows if not row["ccd700_file"]]
    for row in both + others[:_OTHERS]:
        yield DATA / row["file"]


@contextmanager
def added(connection: Connection, plan: Plan, run_id: str) -> Iterator[None]:
    """Have the spectra of a plan among those of a published run, as if they came after it."""
    contents = {name: _content(name, plan, run_id) for name in _ADDED}
    spectra = plan.spectra.table(["spectrum_id"]).column("spectrum_id").to_pylist()
    add(connection, run_id=run_id, contents=contents)
    try:
        yield
    finally:
        _remove(connection, spectra)


def _content(name: str, plan: Plan, run_id: str) -> Content:
    if name in _OF_RUN:
        dataset = getattr(plan.runs[0], name)
    else:
        dataset = plan.features if name == "features" else plan.spectra
    table = dataset.read().to_table()
    if name == "features":
        table = table.filter(table.column("flux").is_valid())
    if name in _OF_RUN:
        place = table.schema.get_field_index("run_id")
        table = table.set_column(place, "run_id", pa.array([run_id] * len(table)))
    if "rank" in table.column_names:
        # The ranks of a run are of its own spectra.
        place = table.schema.get_field_index("rank")
        table = table.set_column(place, "rank", pa.nulls(len(table), pa.int32()))
    return Content(table.to_batches(max_chunksize=500), f"real-{name}")


def _remove(connection: Connection, spectra: list[str]) -> None:
    with connection.transaction():
        for name in _ADDED:
            for table in CONTENTS[name]:
                connection.execute(
                    sql.SQL("DELETE FROM {} WHERE spectrum_id = ANY (%s)").format(
                        sql.Identifier("vospec", table.name)
                    ),
                    (spectra,),
                )
        connection.execute("DELETE FROM vospec.loads WHERE fingerprint LIKE 'real-%'")
        derive(connection, "spectra")
