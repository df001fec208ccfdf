"""The hierarchy of object types, and a store with the candidates of a run."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tests.publication import samples
from tests.service import simbad
from vospec import config
from vospec.columns import CANDIDATES, RUNS
from vospec.store import Store, arrow_schema
from vospec.verification.types import ObjectTypes

RUN = "label_spreading-test"


@pytest.fixture(scope="session")
def types() -> ObjectTypes:
    """SIMBAD's hierarchy."""
    names = ("otype", "label", "path", "is_candidate")
    return ObjectTypes(dict(zip(names, row, strict=True)) for row in simbad.types())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def make_plan(store: Store, places: dict[str, Any], **section: Any) -> Any:  # noqa: ANN401 - stands for a Plan
    """What the verification needs of a plan: one run whose candidates stand at places."""
    record = store.dataset(f"runs/{RUN}/record", RUNS)
    candidates = store.dataset(f"runs/{RUN}/candidates", CANDIDATES)
    rows = [
        {"spectrum_id": name, "run_id": RUN, "ra": at and at[0], "dec": at and at[1]}
        for name, at in places.items()
    ]
    candidates.write(pa.Table.from_pylist(rows, schema=arrow_schema(CANDIDATES)))
    record.write(pa.Table.from_batches(samples.runs(RUN)))
    settings = config.Settings()
    verification = replace(settings.verification, pause_seconds=0.0, **section)
    run = SimpleNamespace(run_id=RUN, record=record, candidates=candidates)
    return SimpleNamespace(
        settings=replace(settings, verification=verification), store=store, runs=(run,)
    )
