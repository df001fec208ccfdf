"""What kept runs were made from stays; the rest goes when it is old."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from vospec import retention
from vospec.config import StoreSettings
from vospec.job import Job
from vospec.plan import Plan
from vospec.store import Store


def _age(store: Store, days: float) -> None:
    """Let all datasets look as if they were so old."""
    for dataset in store.find(""):
        path = Path(store.root, dataset.path, "_manifest.json")
        content = json.loads(path.read_text())
        then = datetime.now(UTC) - timedelta(days=days)
        path.write_text(json.dumps(content | {"completed": then.isoformat()}))


def _paths(store: Store) -> set[str]:
    return {dataset.path for dataset in store.find("")}


def _other(store: Store, path: str, **facts: object) -> None:
    dataset = store.dataset(path)
    dataset.clear()
    dataset.complete(**facts)


def test_what_a_run_was_made_from_stays_whatever_its_age(whole: Job) -> None:
    store = whole.plan.store
    before = _paths(store)
    _age(store, 400)
    assert retention.sweep(whole.plan, keep_runs=1, keep_days=1) == []
    assert _paths(store) == before
    assert any(path.startswith("nearest/") for path in before)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three runs of one method, made from datasets of their own and one that all share."""
    store = Store(str(tmp_path))
    _other(store, "spectra/a")
    for number in range(3):
        _other(store, f"features/{number}", inputs={"of": ["spectra/a"]})
        _other(store, f"runs/method-{number}/scores")
        _other(store, f"runs/method-{number}/record", nearest=f"features/{number}")
    return store


def test_old_runs_go_with_all_that_nothing_else_needs(store: Store, whole: Job) -> None:
    plan = Plan(replace(whole.settings, store=StoreSettings(store.root)))
    _age(store, 10)
    latest = Path(store.root, "runs/method-0/record/_manifest.json")
    latest.write_text(
        json.dumps({"completed": datetime.now(UTC).isoformat(), "nearest": "features/0"})
    )
    gone = retention.sweep(plan, keep_runs=1, keep_days=5)
    kept = {"spectra/a", "features/0", "runs/method-0/scores", "runs/method-0/record"}
    assert _paths(store) == kept
    assert len(gone) == 6
    assert not Path(store.root, "features/1").exists()


def test_what_simbad_has_answered_stays_for_ever(store: Store, whole: Job) -> None:
    plan = Plan(replace(whole.settings, store=StoreSettings(store.root)))
    history = {f"simbad/{name}/20250101T000000.000000Z" for name in ("answers", "types")}
    for path in (*history, plan.pairs.path):
        _other(store, path)
    _age(store, 4000)
    retention.sweep(plan, keep_runs=1, keep_days=5)
    assert history | {plan.pairs.path} <= _paths(store)


def test_what_is_young_stays(store: Store, whole: Job) -> None:
    plan = Plan(replace(whole.settings, store=StoreSettings(store.root)))
    before = _paths(store)
    assert retention.sweep(plan, keep_runs=1, keep_days=5) == []
    assert _paths(store) == before


def test_free_space_is_that_of_a_disk_of_this_machine(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "new"))
    free = retention.free_bytes(store)
    assert free is not None
    assert free > 0
    store.filesystem = pafs.SubTreeFileSystem("/", store.filesystem)
    assert retention.free_bytes(store) is None


def test_what_nobody_will_finish_goes_when_it_is_old(store: Store, whole: Job) -> None:
    plan = Plan(replace(whole.settings, store=StoreSettings(store.root)))
    unfinished = [store.dataset(path) for path in ("spectra/half", plan.spectra.path, "nearest/h")]
    strange = Path(store.root, "spectra", "other", "notes.txt")
    for dataset in unfinished:
        Path(dataset.location).mkdir(parents=True)
        for name in ("part-00001.parquet", ".part-00002.parquet.0a1b.incoming"):
            Path(dataset.location, name).write_bytes(b"half")
    strange.parent.mkdir()
    strange.write_text("of somebody else")
    assert retention.sweep(plan, keep_runs=3, keep_days=1) == []
    for path in Path(store.root).rglob("*"):
        os.utime(path, (0, 0))
    assert retention.sweep(plan, keep_runs=3, keep_days=1) == ["nearest/h", "spectra/half"]
    # That of the job itself it would go on with.
    assert [Path(dataset.location).exists() for dataset in unfinished] == [False, True, False]
    assert strange.exists()
