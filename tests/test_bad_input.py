"""Input that is not as it should be: a clear error or a correct result, never a wrong score."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from pyarrow import parquet
from scipy.sparse import csgraph

from tests.conftest import by_itself
from vospec import config, neighbourhood, pipeline, scoring
from vospec.columns import FEATURES
from vospec.errors import LabelListError, NoSpectraError, StoreError
from vospec.job import Job
from vospec.store import Dataset, arrow_schema

pytestmark = pytest.mark.spark

#: What other rows a part is given.
Change = Callable[[pa.Table], pa.Table]


def _rewrite(dataset: Dataset, change: Change) -> None:
    """Give all parts of a dataset other rows, in the place of its own."""
    for path in sorted(Path(dataset.location).glob("*.parquet")):
        table = change(parquet.read_table(path))
        parquet.write_table(table, path)


def _scores(job: Job) -> dict[str, dict[str, Any]]:
    rows = job.plan.runs[0].scores.table().drop_columns(["run_id"]).to_pylist()
    return {row["spectrum_id"]: row for row in rows}


# Labels.


def _with_labels(job: Job, *lists: dict[str, str]) -> Job:
    """The job with other label lists, read by the ingest."""
    paths = []
    for number, given in enumerate(lists):
        paths.append(Path(job.plan.store.root, f"labels-{number}.csv"))
        lines = [f"{name},{class_}" for name, class_ in given.items()]
        paths[-1].write_text("\n".join(["id,label", *lines]), encoding="utf-8")
    training = replace(job.settings.training, labels=tuple(map(str, paths)))
    other = Job(replace(job.settings, training=training), job.engine)
    pipeline.ingest(other)
    return other


@pytest.fixture
def known(done: Job) -> dict[str, str]:
    """The labels of the survey, by the identifiers of the archive."""
    labels = done.plan.labels.table(["spectrum_id", "class"])
    spectra = done.plan.spectra.table(["spectrum_id", "archive_id"])
    place = pc.index_in(labels.column(0), spectra.column(0))
    names = spectra.column(1).take(place).to_pylist()
    return dict(zip(names, labels.column(1).to_pylist(), strict=True))


def test_labels_of_unknown_spectra_change_nothing(
    fresh: Callable[..., Job], whole: Job, known: dict[str, str]
) -> None:
    job = _with_labels(fresh(), {"ivo://nobody/1": "emission"} | known | {"other": "absorption"})
    scoring.score(job)
    assert _scores(job) == _scores(whole)
    assert job.plan.runs[0].record.table().column("n_labelled").to_pylist() == [len(known)]


@pytest.mark.parametrize(
    ("lists", "error", "told"),
    [
        (
            [{}],
            NoSpectraError,
            "labels-0.csv: expected ids of spectra .* found none among 0 labels",
        ),
        ([{"x": "emission"}], NoSpectraError, r"labels-0.csv: .* found none among 1 labels \(x\)"),
        ([{"x": "nova"}], LabelListError, "labels-0.csv: line 2: expected an id and a label"),
        (
            [{"x": "emission"}, {"x": "absorption"}],
            LabelListError,
            "labels-1.csv: x is labelled absorption here and emission in .*labels-0.csv",
        ),
    ],
)
def test_labels_that_teach_nothing_are_refused_when_they_are_read(
    fresh: Callable[..., Job], lists: list[dict[str, str]], error: type[Exception], told: str
) -> None:
    job = fresh()
    with pytest.raises(error, match=told):
        _with_labels(job, *lists)


@pytest.mark.parametrize("left", [{"absorption"}, {"emission"}, {"emission", "double_peak"}])
def test_labels_of_one_side_are_refused(
    fresh: Callable[..., Job], known: dict[str, str], left: set[str]
) -> None:
    given = {name: class_ for name, class_ in known.items() if class_ in left}
    job = _with_labels(fresh(), given)
    told = "/labels/.*: expected some of emission or double_peak and some of .*, found "
    with pytest.raises(NoSpectraError, match=told):
        scoring.score(job)
    assert not Path(job.plan.store.root, "runs").exists()


def test_no_label_list_is_told_before_anything_is_read(done: Job, tmp_path: Path) -> None:
    survey = replace(done.settings.training, folders=(), labels=())
    settings = replace(by_itself(done, tmp_path / "store"), training=survey)
    with pytest.raises(NoSpectraError, match="no label list"):
        pipeline.ingest(Job(settings, done.engine))
    assert not (tmp_path / "store").exists()


# Features.


def _flux(table: pa.Table, change: Callable[[NDArray[np.float32], str], Any]) -> pa.Table:
    """Give usable spectra other vectors."""
    rows = zip(
        table.column("flux").to_pylist(), table.column("spectrum_id").to_pylist(), strict=True
    )
    flux = [None if row is None else change(np.array(row, np.float32), name) for row, name in rows]
    kind = arrow_schema(FEATURES).field("flux").type
    place = table.column_names.index("flux")
    return table.set_column(place, "flux", pa.array(flux, kind)).cast(arrow_schema(FEATURES))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_get_no_score_and_move_no_other(
    fresh: Callable[..., Job],
    done: Job,
    caplog: pytest.LogCaptureFixture,
    value: float,
) -> None:
    names = done.plan.vertices.table(["spectrum_id"]).column(0).to_pylist()
    bad = {name for name in names if name.startswith("lamost")} & set(names[::40])

    def spoilt(flux: NDArray[np.float32], name: str) -> NDArray[np.float32] | None:
        flux[7] = value if name in bad else flux[7]
        return flux

    def left_out(flux: NDArray[np.float32], name: str) -> NDArray[np.float32] | None:
        return None if name in bad else flux

    one, other = fresh(), fresh()
    _rewrite(one.plan.features, lambda table: _flux(table, spoilt))
    _rewrite(other.plan.features, lambda table: _flux(table, left_out))
    manifest = Path(other.plan.features.location, "_manifest.json")
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(facts | {"usable": facts["usable"] - len(bad)}))
    with caplog.at_level(logging.WARNING):
        scoring.score(one)
    assert f"features of {len(bad)} spectra are not finite, they get no score" in caplog.text
    scoring.score(other)
    assert _scores(one).keys() == set(names) - bad
    assert _scores(one) == _scores(other)


@pytest.mark.parametrize("n_components", [0, 16])
@pytest.mark.parametrize("which", ["one", "all"])
def test_vectors_of_another_length_than_the_grid_are_refused(
    fresh: Callable[..., Job], done: Job, n_components: int, which: str
) -> None:
    first = done.plan.vertices.table(["spectrum_id"]).column(0).to_pylist()[0]
    job = fresh(n_components=n_components)
    _rewrite(
        job.plan.features,
        lambda table: _flux(
            table, lambda flux, name: flux[1:] if which == "all" or name == first else flux
        ),
    )
    length = len(job.plan.grid)
    told = f"expected {length} elements, found {length - 1}|expected as many elements in every row"
    with pytest.raises(StoreError, match=f"features/.*: flux: ({told})"):
        scoring.score(job)


def test_two_spectra_of_one_name_are_refused(fresh: Callable[..., Job], done: Job) -> None:
    first, second = done.plan.vertices.table(["spectrum_id"]).column(0).to_pylist()[:2]
    job = fresh()

    def doubled(table: pa.Table) -> pa.Table:
        names = [first if name == second else name for name in table.column(0).to_pylist()]
        return table.set_column(0, "spectrum_id", pa.array(names))

    _rewrite(job.plan.features, doubled)
    with pytest.raises(StoreError, match=f"every spectrum_id once, found {first} more than once"):
        scoring.score(job)


def test_an_infinite_flux_is_flagged_or_masked_and_moves_no_other(
    done: Job, folder: Path, tmp_path: Path
) -> None:
    chosen = {
        name: list(filter(_is_sound, sorted((folder / name).rglob("*.fits"))))[:number]
        for name, number in (("survey", 6), ("training", 30))
    }
    jobs = []
    for spoilt in (False, True):
        here = tmp_path / str(spoilt)
        for name, files in chosen.items():
            (here / name).mkdir(parents=True)
            for path in files:
                shutil.copy(path, here / name / path.name)
        if spoilt:
            with fits.open(here / "survey" / chosen["survey"][0].name, mode="update") as hdus:
                # Hα lies in the middle of these pixels.
                hdus[0].data[0, 2100:2900] = np.inf
        jobs.append(_job_of(done, here))
    names = jobs[0].plan.spectra.table(["spectrum_id"]).column(0).to_pylist()
    vectors = [
        {row["spectrum_id"]: row for row in job.plan.features.table().to_pylist()} for job in jobs
    ]
    changed = [name for name in names if vectors[0][name] != vectors[1][name]]
    assert len(changed) == 1
    flux = vectors[1][changed[0]]["flux"]
    assert vectors[1][changed[0]]["quality"] if flux is None else np.isfinite(flux).all()
    scores = [row["score"] for row in _scores(jobs[1]).values()]
    assert all(score is None or 0 <= score <= 1 for score in scores)


def _is_sound(path: Path) -> bool:
    return path.parent.name != "bad"


def _job_of(done: Job, folder: Path) -> Job:
    """A job on the files of a folder, to its end."""
    settings = replace(
        by_itself(done, folder / "store"),
        survey=config.SurveySettings((str(folder / "survey"),)),
        training=config.TrainingSettings((str(folder / "training"),), done.plan.label_files),
    )
    job = Job(settings, done.engine)
    for stage in (pipeline.ingest, pipeline.features, scoring.score):
        stage(job)
    return job


# Parameters and shapes of the graph.


@pytest.mark.parametrize(
    ("name", "asked", "taken"),
    [("n_neighbors", 5000, 209), ("n_components", 5000, 209)],
)
def test_more_than_the_spectra_give_is_the_most_they_give(
    fresh: Callable[..., Job], caplog: pytest.LogCaptureFixture, name: str, asked: int, taken: int
) -> None:
    one, other = fresh(**{name: asked}), fresh(**{name: taken})
    with caplog.at_level(logging.WARNING):
        scoring.score(one)
    assert f"{name} = {asked} is more than the spectra give: taking {taken}" in caplog.text
    caplog.clear()
    scoring.score(other)
    assert name not in caplog.text
    assert _scores(one) == _scores(other)


def test_a_sample_smaller_than_the_components_gives_fewer(
    fresh: Callable[..., Job], caplog: pytest.LogCaptureFixture
) -> None:
    job = fresh(n_components=100, n_sample=1)
    with caplog.at_level(logging.WARNING):
        scoring.score(job)
    found = job.plan.components.manifest["rows"] - 1
    assert 0 < found < 100
    assert f"a sample of n_sample = 1 gives: taking {found}" in caplog.text
    assert all(0 <= row["score"] <= 1 for row in _scores(job).values())


@pytest.mark.parametrize("method", config.METHODS)
def test_spectra_that_no_label_reaches_have_no_score(
    fresh: Callable[..., Job], caplog: pytest.LogCaptureFixture, method: str
) -> None:
    job = fresh(n_neighbors=1, methods=(method,))
    with caplog.at_level(logging.INFO):
        scoring.score(job)
    vertices = neighbourhood.vertices(job.plan)
    _, pieces = csgraph.connected_components(neighbourhood.edges(job.plan), directed=False)
    reached = np.isin(pieces, pieces[vertices.is_labelled])
    assert 0 < reached.sum() < len(reached)
    scores = _scores(job)
    for name, there in zip(vertices.spectrum_id.to_pylist(), reached.tolist(), strict=True):
        values = {key: value for key, value in scores[name].items() if key != "spectrum_id"}
        if there:
            assert values["score"] is not None
        else:
            assert set(values.values()) == {None}
    told = f"no label reaches {(~reached).sum()} of {len(reached)} spectra, they get no score"
    assert told in caplog.text


def test_spectra_that_are_all_the_same_share_their_labels(fresh: Callable[..., Job]) -> None:
    job = fresh(n_neighbors=209)
    flux = next(
        row for row in job.plan.features.table(["flux"]).column(0).to_pylist() if row is not None
    )
    _rewrite(job.plan.features, lambda table: _flux(table, lambda *_: flux))
    scoring.score(job)
    assert not neighbourhood.nearest(job.plan)[1].any()
    vertices, scores = neighbourhood.vertices(job.plan), _scores(job)
    labels = {
        name
        for name, labelled in zip(
            vertices.spectrum_id.to_pylist(), vertices.is_labelled.tolist(), strict=True
        )
        if labelled
    }
    # Where all have the same neighbours, all have the labels' own shares.
    rest = [row for name, row in scores.items() if name not in labels]
    given = vertices.classes[vertices.is_labelled]
    for number, class_ in enumerate(("absorption", "emission", "double_peak")):
        shares = [row[f"p_{class_}"] for row in rest]
        np.testing.assert_allclose(shares, np.mean(given == number), rtol=1e-3)


def test_fewer_than_two_spectra_are_no_graph(fresh: Callable[..., Job], done: Job) -> None:
    first = done.plan.vertices.table(["spectrum_id"]).column(0).to_pylist()[0]
    job = fresh()
    _rewrite(
        job.plan.features,
        lambda table: _flux(table, lambda flux, name: flux if name == first else flux * np.nan),
    )
    with pytest.raises(NoSpectraError, match=r"features/.*: flux: expected at least two finite"):
        scoring.score(job)
