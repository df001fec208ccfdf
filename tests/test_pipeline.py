"""The line from files to runs, on a small simulated survey with bad files among the good."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from tests.conftest import N_SURVEY, N_TRAINING, SPARK
from vospec import archives, config, export, neighbourhood, pipeline, status
from vospec.backend.session import Engine
from vospec.columns import CLASSES, SPECTRA, UNUSABLE, LineFlag, Quality
from vospec.errors import NoSpectraError, StoreError
from vospec.job import Job
from vospec.store import arrow_schema

pytestmark = pytest.mark.spark


def test_every_file_keeps_its_row(done: Job) -> None:
    table = done.plan.spectra.table()
    assert table.schema.equals(arrow_schema(SPECTRA))
    assert table.num_rows == N_SURVEY + N_TRAINING + 3
    assert len(pc.unique(table.column("spectrum_id"))) == table.num_rows


def test_bad_files_are_flagged_with_their_reason(done: Job, folder: Path) -> None:
    rows = done.plan.spectra.table(["path", "quality", "reason"]).to_pylist()
    bad = {Path(row["path"]).name: row for row in rows if "/bad/" in row["path"]}
    assert bad["truncated.fits"]["quality"] == Quality.UNREADABLE
    assert bad["empty.fits"]["quality"] == Quality.UNREADABLE
    assert bad["empty.fits"]["reason"] == "expected a FITS file, found nothing"
    copies = [row for row in rows if row["quality"] & Quality.DUPLICATE]
    assert len(copies) == 1
    assert copies[0]["reason"].startswith(f"the same identity as {folder}")


def test_spectra_are_those_of_the_reader(done: Job) -> None:
    table = done.plan.spectra.table(["path", "flux", "spectral_axis", "mask", "quality"])
    for row in table.slice(0, 40).to_pylist():
        if row["quality"] & UNUSABLE:
            continue
        read = archives.read(row["path"])
        np.testing.assert_array_equal(np.array(row["flux"], np.float32), read.flux)
        np.testing.assert_array_equal(row["spectral_axis"], read.spectral_axis)
        np.testing.assert_array_equal(row["mask"], read.mask)


def test_every_spectrum_has_features_or_a_flag(done: Job) -> None:
    table = done.plan.features.table(["flux", "quality"])
    usable = (table.column("quality").to_numpy() & UNUSABLE) == 0
    np.testing.assert_array_equal(table.column("flux").is_valid().to_numpy(), usable)
    lengths = pc.unique(pc.list_value_length(table.column("flux").drop_null()))
    assert lengths.to_pylist() == [len(done.plan.grid)]


def test_every_label_finds_its_spectrum(done: Job) -> None:
    assert done.plan.labels.manifest["rows"] == N_TRAINING


def _lines(done: Job) -> dict[str, float]:
    """How far Hα stands above the continuum, in units of what it must stand above."""
    rows = done.plan.vertices.table(["spectrum_id", "peak", "continuum_noise"]).to_pylist()
    lines = {row["spectrum_id"]: row["peak"] / row["continuum_noise"] for row in rows}
    assert min(lines.values()) < 3.0 < max(lines.values())
    return lines


def test_scores_are_shares_and_ranks_are_of_the_survey(done: Job) -> None:
    for run in done.plan.runs:
        table = run.scores.table()
        shares = np.array([table.column(f"p_{n}").to_numpy() for n in ("absorption", "emission")])
        double = table.column("p_double_peak").to_numpy()
        np.testing.assert_allclose(shares.sum(axis=0) + double, 1.0, atol=1e-5)
        assert table.column("p_artefact").null_count == table.num_rows
        lines = _lines(done)
        shown = [lines[name] > 3.0 for name in table.column("spectrum_id").to_pylist()]
        factor = np.where(shown, 1.0, 0.5)
        score = table.column("score").to_numpy()
        np.testing.assert_allclose(score, factor * (shares[1] + double), atol=1e-6)
        ranked = table.filter(table.column("rank").is_valid()).sort_by("rank")
        assert all(name.startswith("lamost/") for name in ranked.column("spectrum_id").to_pylist())
        order = [
            (-row["score"], -lines[row["spectrum_id"]])
            for row in ranked.select(["score", "spectrum_id"]).to_pylist()
        ]
        assert order == sorted(order)


def test_every_score_has_its_probability(done: Job) -> None:
    for run in done.plan.runs:
        record = run.record.table().to_pylist()[0]
        scores = run.scores.table().to_pylist()
        slope, intercept = record["calibration_slope"], record["calibration_intercept"]
        assert slope > 0
        survey = [row for row in scores if row["rank"] is not None]
        expected = [
            1 / (1 + (1 / min(max(row["score"], 1e-6), 1 - 1e-6) - 1) ** slope / np.exp(intercept))
            for row in survey
        ]
        found = [row["probability"] for row in survey]
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert all(row["probability"] is not None for row in scores)
        assert 0 < record["target_share"] < 0.2
        assert record["calibration_note"] is None
        # Those of a labelled spectrum come from the labels of others: of some of them it is wrong.
        trained = {row["spectrum_id"]: row for row in scores if row["rank"] is None}
        assert len(trained) == N_TRAINING
        published = run.candidates.table(["spectrum_id", "probability"]).to_pylist()
        known = {row["spectrum_id"]: row["probability"] for row in survey}
        assert all(row["probability"] == known[row["spectrum_id"]] for row in published)
        mean = np.mean([row["probability"] for row in published])
        assert record["candidate_precision"] == pytest.approx(mean, rel=1e-5)


def test_every_run_tells_what_its_thresholds_are_worth(done: Job) -> None:
    for run in done.plan.runs:
        reliability = run.reliability.table()
        assert sum(reliability.column("n").to_pylist()) == N_TRAINING
        assert set(reliability.column("run_id").to_pylist()) == {run.run_id}
        scores = run.scores.table(["score", "rank"])
        ranked = scores.filter(pc.field("rank").is_valid()).column("score").to_numpy()
        for row in run.thresholds.table().to_pylist():
            assert row["n"] == (ranked >= row["threshold"]).sum()


def test_candidates_are_the_best_scores(done: Job) -> None:
    for run in done.plan.runs:
        rows = run.candidates.table().to_pylist()
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
        assert all(row["score"] > 0.5 for row in rows)
        assert all(row["ra"] is not None for row in rows)
        strong = [row for row in rows if row["peak_height"] > 1]
        assert all(row["equivalent_width"] < 0 for row in strong)


def test_every_candidate_has_its_evidence(done: Job) -> None:
    labels = done.plan.labels.table(["spectrum_id", "class"])
    classes = dict(zip(*(labels.column(i).to_pylist() for i in (0, 1)), strict=True))
    for run in done.plan.runs:
        candidates = run.candidates.table().to_pylist()
        rows = run.neighbours.table().to_pylist()
        assert all(row["class"] == classes.get(row["neighbour_id"]) for row in rows)
        assert all(row["neighbour_id"] != row["spectrum_id"] for row in rows)
        assert run.neighbours.manifest["explained"] == len(candidates) > 0
        for candidate in candidates:
            own = [row for row in rows if row["spectrum_id"] == candidate["spectrum_id"]]
            for kind in ("neighbour", "label"):
                told = [row for row in own if row["kind"] == kind]
                assert [row["place"] for row in told] == list(range(1, len(told) + 1))
                assert 0 < sum(row["share"] for row in told) < 1 + 1e-6
            # What ten labels gave is not more than what all of them gave.
            for name in CLASSES:
                flowed = (r["share"] for r in own if (r["kind"], r["class"]) == ("label", name))
                assert sum(flowed) <= (candidate[f"p_{name}"] or 0) + 1e-3


def test_the_record_tells_how_good_the_run_is(done: Job) -> None:
    record = done.plan.runs[0].record.table().to_pylist()[0]
    truth = done.plan.runs[0].record.manifest["settings"]["survey"]["truth"]
    assert record["converged"]
    assert record["n_labelled"] == N_TRAINING
    assert 0 < record["average_precision"] <= 1
    assert truth.endswith("truth.csv")


def test_nothing_is_done_twice(done: Job, tmp_path: Path) -> None:
    with Engine(config.SparkSettings(master="none"), tmp_path) as idle:
        again = Job(done.settings, idle)
        for stage in (pipeline.ingest, pipeline.features, pipeline.score):
            stage(again)


def test_an_interrupted_dataset_is_made_anew_and_the_same(done: Job) -> None:
    before = done.plan.nearest.table()
    filesystem = done.plan.store.filesystem
    filesystem.delete_file(f"{done.plan.nearest.location}/_manifest.json")
    for run in done.plan.runs:
        filesystem.delete_dir(run.record.location)
    job = Job(done.settings, done.engine)
    pipeline.score(job)
    assert job.plan.nearest.table().equals(before)


def test_without_spark_the_same_bytes_come_out(done: Job, tmp_path: Path) -> None:
    store = config.StoreSettings(str(tmp_path / "store"))
    spark = config.SparkSettings(master="none", min_spectra=10**6)
    alone = replace(done.settings, store=store, spark=spark)
    with Engine(spark, tmp_path) as idle:
        job = Job(alone, idle)
        for stage in (pipeline.ingest, pipeline.features, pipeline.score):
            stage(job)
    root = Path(done.plan.store.root)
    written = [path.relative_to(root) for path in root.rglob("*.parquet")]
    assert len(written) > 90
    for path in written:
        # These tell when they were made.
        if not {"record", "labels", "evaluations"} & set(path.parts):
            assert (tmp_path / "store" / path).read_bytes() == (root / path).read_bytes(), path


@pytest.fixture(params=["broadcast", "blocks"])
def beyond_the_driver(request: pytest.FixtureRequest, done: Job, tmp_path: Path) -> Job:
    """The same runs from the same neighbours, the graph held by the executors."""
    shutil.copytree(
        done.plan.store.root, tmp_path / "store", ignore=shutil.ignore_patterns("runs", "nearest")
    )
    sizes = {"driver_spectra": 0, "broadcast_spectra": 10**6 * (request.param == "broadcast")}
    store = config.StoreSettings(str(tmp_path / "store"))
    job = Job(replace(done.settings, store=store, spark=replace(SPARK, **sizes)), done.engine)
    pipeline.score(job)
    assert job.plan.edges.is_complete()
    assert (sizes["broadcast_spectra"] == 0) == job.plan.runs[0].shares.is_complete()
    return job


def test_beyond_the_driver_scores_are_the_same(done: Job, beyond_the_driver: Job) -> None:
    for run, same in zip(done.plan.runs, beyond_the_driver.plan.runs, strict=True):
        one, other = (r.scores.table().sort_by("spectrum_id") for r in (run, same))
        for name in ("spectrum_id", "rank"):
            assert one.column(name).equals(other.column(name))
        for name in ("score", "p_emission", "p_absorption", "p_double_peak"):
            found = other.column(name).to_numpy()
            np.testing.assert_allclose(found, one.column(name).to_numpy(), atol=2e-4)
        partners = [
            r.neighbours.table().filter(pc.field("kind") == "neighbour").select([1, 3, 4])
            for r in (run, same)
        ]
        assert partners[0].equals(partners[1])
        facts = (r.record.table(["n_candidates", "converged"]).to_pylist() for r in (run, same))
        assert next(facts) == next(facts)


def test_a_vertex_is_one_usable_spectrum(done: Job) -> None:
    plan = done.plan
    features = plan.features.table(["spectrum_id", "flux", "continuum_noise", "line_flags"])
    usable = features.filter(features.column("flux").is_valid()).sort_by("spectrum_id")
    vertices = plan.vertices.table()
    assert vertices.column("vertex").to_pylist() == list(range(len(usable)))
    vertices = vertices.sort_by("spectrum_id")
    assert vertices.column("spectrum_id").equals(usable.column("spectrum_id"))
    noise, scatter = (table.column("continuum_noise").to_numpy() for table in (vertices, usable))
    sky = (usable.column("line_flags").to_numpy() & LineFlag.SKY_RESIDUAL) != 0
    np.testing.assert_array_equal(noise[~sky], scatter[~sky])
    assert (noise[sky] >= scatter[sky]).all()
    training = [name.startswith("ccd700") for name in vertices.column("spectrum_id").to_pylist()]
    np.testing.assert_array_equal(vertices.column("survey").to_numpy(), np.invert(training))


def test_neighbours_are_the_nearest_vertices(done: Job) -> None:
    points = neighbourhood.vectors(done.plan).astype(float)
    indices, distances = neighbourhood.nearest(done.plan)
    every = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(every, np.inf)
    expected = np.sort(every, axis=1)[:, : indices.shape[1]]
    np.testing.assert_allclose(distances, expected, rtol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(every, indices, 1), distances, rtol=1e-6)


def test_other_settings_keep_what_they_do_not_touch(done: Job) -> None:
    learning = replace(done.settings.learning, alpha=0.5, methods=("label_spreading",))
    other = Job(replace(done.settings, learning=learning), done.engine)
    assert other.plan.nearest.path == done.plan.nearest.path
    assert other.plan.runs[0].run_id != done.plan.runs[0].run_id


def test_vectors_are_exported_with_their_wavelengths(done: Job, tmp_path: Path) -> None:
    rows = export.write_csv(done.plan, tmp_path / "features.csv")
    assert rows == done.plan.features.manifest["usable"]
    vectors = csv.read_csv(tmp_path / "features.csv")
    grid = csv.read_csv(tmp_path / "features-wavelengths.csv")
    np.testing.assert_allclose(grid.column("wavelength").to_numpy(), done.plan.grid, rtol=1e-12)
    stored = {
        row["spectrum_id"]: row["flux"]
        for row in done.plan.features.table(["spectrum_id", "flux"]).to_pylist()
    }
    for row in vectors.slice(0, 20).to_pylist():
        name, class_, *flux = row.values()
        np.testing.assert_allclose(np.array(flux, np.float32), stored[name], rtol=1e-6)
        assert (class_ != "") == name.startswith("ccd700/")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "features-wavelengths.csv",
        "features.csv",
    ]


def test_status_names_what_is_wrong(done: Job) -> None:
    told = "\n".join(status.lines(done.settings))
    assert "empty.fits: the file cannot be opened or is damaged; expected a FITS file" in told
    assert f"{N_SURVEY + N_TRAINING + 3} FITS files" in told
    assert "average precision" in told


def test_status_counts_every_spectrum_once(done: Job) -> None:
    told = [line.split()[1:] for line in status.lines(done.settings) if line.startswith("counts")]
    head, *lines = told
    assert head[:4] == ["release", "layout", "files", "usable"]
    columns = dict(
        zip(head[2:], zip(*(map(int, line[2:]) for line in lines), strict=True), strict=True)
    )
    assert sum(columns["files"]) == done.plan.spectra.manifest["rows"]
    assert sum(columns["usable"]) == done.plan.features.manifest["usable"]
    assert (sum(columns["unreadable"]), sum(columns["duplicate"])) == (2, 1)
    assert {tuple(line[:2]) for line in lines} >= {
        ("dr1", "image"),
        ("vo", "vo"),
        ("unknown", "unknown"),
    }


def test_status_before_the_features_counts_the_same_files(done: Job) -> None:
    grid = replace(done.settings.grid, start_angstrom=6320.0)
    other = replace(done.settings, grid=grid)
    counts = [line for line in status.lines(other) if line.startswith("counts")]
    files = sum(int(line.split()[3]) for line in counts[1:])
    assert files == done.plan.spectra.manifest["rows"]


def test_a_spectrum_with_two_flags_counts_under_both() -> None:
    two = int(Quality.NO_TIME | Quality.NO_SIGNAL)
    counts = Counter({("dr1", "image", 0): 5, ("dr1", "image", two): 2, (None, None, 1): 3})
    assert list(status.table(counts)) == [
        "release  layout   files  usable  unreadable  no_time  no_signal",
        "dr1      image        7       5           0        2          2",
        "unknown  unknown      3       0           3        0          0",
    ]


def test_a_folder_where_nothing_can_be_read_is_refused(
    settings: config.Settings, done: Job, tmp_path: Path
) -> None:
    (tmp_path / "x.fits").write_bytes(b"no")
    survey = config.SurveySettings((str(tmp_path),))
    training = config.TrainingSettings(labels=settings.training.folders)
    alone = replace(settings, survey=survey, training=training)
    with pytest.raises(NoSpectraError, match="none of 1 FITS files holds a spectrum"):
        pipeline.ingest(Job(alone, done.engine))


@pytest.mark.parametrize("stage", [pipeline.features, pipeline.score])
def test_a_stage_asks_for_the_one_before(
    settings: config.Settings, done: Job, tmp_path: Path, stage: Callable[[Job], None]
) -> None:
    empty = replace(settings, store=config.StoreSettings(str(tmp_path)))
    with pytest.raises(StoreError, match="missing or incomplete"):
        stage(Job(empty, done.engine))


def test_few_spectra_make_a_smaller_graph(done: Job, tmp_path: Path) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    rows = done.plan.spectra.table(["spectrum_id", "path", "quality"]).to_pylist()
    labelled = set(done.plan.labels.table(["spectrum_id"]).column(0).to_pylist())
    good = [row for row in rows if row["quality"] == 0]
    survey = [row for row in good if row["spectrum_id"] not in labelled]
    for row in [row for row in good if row["spectrum_id"] in labelled][:4] + survey[:4]:
        (folder / Path(row["path"]).name).symlink_to(row["path"])
    few = replace(
        done.settings,
        store=config.StoreSettings(str(tmp_path / "store")),
        survey=config.SurveySettings((str(folder),)),
        training=replace(done.settings.training, folders=(), labels=tuple(done.plan.label_files)),
        selection=config.SelectionSettings(min_score=1.0),
    )
    job = Job(few, done.engine)
    for stage in (pipeline.ingest, pipeline.features, pipeline.score):
        stage(job)
        assert not [line for line in status.lines(few) if line.startswith("unusable")]
    record = job.plan.runs[0].record.table().to_pylist()[0]
    assert record["n_usable"] == len(list(folder.iterdir()))
    assert record["average_precision"] is None
    # Four labelled stars tell of no probability.
    assert record["calibration_note"].endswith(("found 2 and 2", "found 1 and 3", "found 3 and 1"))
    assert [run.thresholds.manifest["rows"] for run in job.plan.runs] == [0, 0]
    assert job.plan.runs[0].scores.table().column("probability").null_count == record["n_usable"]
