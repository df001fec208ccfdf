"""New spectra between two full runs, from files to scores, on a small simulated survey."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from astropy.io import fits

from tests.night import STAGES, Night, digests, linked, observed
from vospec import additions, config, interim, learning, pipeline, spectra
from vospec.columns import CANDIDATES, CLASSES, SCORES, UNUSABLE
from vospec.errors import NoSpectraError, StoreError
from vospec.job import Job
from vospec.plan import Plan
from vospec.store import arrow_schema, matrix


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Runs, and what came in afterwards."""
    return observed(tmp_path_factory.mktemp("night"))


def usable(plan: Plan) -> list[str]:
    rows = plan.features.table(["spectrum_id", "quality"]).to_pylist()
    return [row["spectrum_id"] for row in rows if not row["quality"] & UNUSABLE]


def test_every_new_spectrum_is_scored_once(night: Night) -> None:
    expected = set(usable(night.new)) - set(usable(night.job.plan))
    assert len(expected) == len(usable(night.new)) - 1 > 80
    for run, added in night.added():
        table = added.scores.table()
        assert table.schema.equals(arrow_schema(SCORES))
        assert sorted(table.column("spectrum_id").to_pylist()) == sorted(expected)
        assert set(table.column("run_id").to_pylist()) == {run.run_id}
        assert table.column("rank").null_count == len(table)


def test_scores_follow_from_the_graph_and_the_shares_of_the_run(night: Night) -> None:
    plan = night.job.plan
    axes = matrix(plan.components.table().column("vector").combine_chunks())
    vertices = plan.vertices.table(["spectrum_id", "vector"])
    places = matrix(vertices.column("vector").combine_chunks()).astype(np.float64)
    scales = matrix(plan.nearest.table().column("distances").combine_chunks())[:, 6]
    rows = night.new.features.table(["spectrum_id", "flux", "continuum_noise"]).drop_null()
    flux = matrix(rows.column("flux").combine_chunks())
    clean = spectra.despiked(flux, plan.grid, noise=rows.column("continuum_noise").to_numpy())
    points = (learning.compressed(clean) - axes[0]) @ axes[1:].T
    point = dict(zip(rows.column("spectrum_id").to_pylist(), points, strict=True))
    for run, added in night.added():
        known = {row["spectrum_id"]: row for row in run.scores.table().to_pylist()}
        emission = [known[i]["p_emission"] for i in vertices.column("spectrum_id").to_pylist()]
        for row in added.scores.table().slice(0, 20).to_pylist():
            distances = np.linalg.norm(places - point[row["spectrum_id"]], axis=1)
            near = np.argsort(distances)[:10]
            edges = np.exp(-(distances[near] ** 2) / (distances[near[6]] * scales[near]))
            expected = edges @ np.array(emission)[near] / edges.sum()
            assert row["p_emission"] == pytest.approx(expected, abs=1e-4)


def test_scores_are_sums_of_shares_halved_without_a_line(night: Night) -> None:
    rows = additions.vectors_of(night.job.plan, night.new).table().to_pylist()
    shown = {row["spectrum_id"]: row["peak"] > 3 * row["continuum_noise"] for row in rows}
    for _, added in night.added():
        for row in added.scores.table().to_pylist():
            absorption, emission, double_peak, artefact = (row[f"p_{name}"] for name in CLASSES)
            assert artefact is None
            assert absorption + emission + double_peak == pytest.approx(1, abs=1e-5)
            factor = 1.0 if shown[row["spectrum_id"]] else 0.5
            assert row["score"] == pytest.approx(factor * (emission + double_peak), abs=1e-6)


def test_candidates_are_the_best_of_the_survey(night: Night) -> None:
    roles = {
        row["spectrum_id"]: row["role"]
        for row in night.new.spectra.table(["spectrum_id", "role"]).to_pylist()
    }
    assert "training" in roles.values()
    for _, added in night.added():
        table = added.candidates.table()
        assert table.schema.equals(arrow_schema(CANDIDATES))
        rows = added.scores.table().to_pylist()
        best = [row for row in rows if row["score"] > 0.5 and roles[row["spectrum_id"]] == "survey"]
        names = [row["spectrum_id"] for row in best]
        assert sorted(table.column("spectrum_id").to_pylist()) == sorted(names)
        assert names
        scores = table.column("score").to_pylist()
        assert scores == sorted(scores, reverse=True)
        assert table.column("rank").null_count == len(table)
        assert table.column("equivalent_width").null_count == 0
        assert table.column("ra").null_count == 0


def test_every_candidate_tells_whom_its_shares_come_from(night: Night) -> None:
    for run, added in night.added():
        shares = {row["spectrum_id"]: row for row in run.scores.table().to_pylist()}
        rows = added.neighbours.table().to_pylist()
        candidates = added.candidates.table().to_pylist()
        assert {row["kind"] for row in rows} == {"neighbour"}
        assert len(rows) == 10 * len(candidates) > 0
        for candidate in candidates:
            own = [row for row in rows if row["spectrum_id"] == candidate["spectrum_id"]]
            assert [row["place"] for row in own] == list(range(1, 11))
            parts = [row["share"] for row in own]
            assert parts == sorted(parts, reverse=True)
            assert sum(parts) == pytest.approx(1, abs=1e-6)
            for name in ("p_absorption", "p_emission", "p_double_peak"):
                given = sum(row["share"] * shares[row["neighbour_id"]][name] for row in own)
                assert candidate[name] == pytest.approx(given, abs=1e-5)


def test_nothing_of_the_run_changes(night: Night) -> None:
    after = digests(night.folder / "store")
    assert {path: after.get(path) for path in night.before} == night.before
    assert len(after) > len(night.before)


def test_what_came_in_is_told(night: Night) -> None:
    assert "quality    2 cannot be used: the file cannot be opened or is damaged" in night.told
    assert "empty.fits: the file cannot be opened or is damaged; expected a FITS file" in night.told
    for run, added in night.added():
        candidates = added.candidates.table().to_pylist()
        scored = added.scores.manifest["rows"]
        assert (
            f"run {run.run_id}: {len(candidates)} candidates among {scored} new spectra; "
            "1 more are in the run, which has their scores"
        ) in night.told
        for row in candidates:
            line = f"  {row['score']:.4f}  {row['class']:<11}  {row['spectrum_id']}"
            assert line in night.told.splitlines()


def test_nothing_is_done_twice(night: Night) -> None:
    before = digests(night.folder / "store")
    again = "\n".join(interim.add(night.job, (str(night.folder / "new"),)))
    assert again == night.told
    assert digests(night.folder / "store") == before


def test_what_was_interrupted_is_made_anew_and_the_same(night: Night) -> None:
    tables = [added.scores.table() for _, added in night.added()]
    for _, added in night.added():
        filesystem = added.neighbours.store.filesystem
        filesystem.delete_file(f"{added.neighbours.location}/_manifest.json")
    assert "\n".join(interim.add(night.job, (str(night.folder / "new"),))) == night.told
    assert [added.scores.table() for _, added in night.added()] == tables


def test_other_spectra_beside_them_do_not_change_scores(night: Night, tmp_path: Path) -> None:
    some = sorted((night.folder / "new").glob("spec*"))[3:9]
    folder = linked([path.resolve() for path in some], tmp_path / "some")
    list(interim.add(night.job, (str(folder),)))
    plan = Plan(additions.settings_of(night.job.settings, (str(folder),)))
    vectors = additions.vectors_of(night.job.plan, plan)
    for run, added in night.added():
        few = additions.of_run(run, vectors).scores.table().to_pylist()
        many = {row["spectrum_id"]: row for row in added.scores.table().to_pylist()}
        assert len(few) > 3
        assert few == [many[row["spectrum_id"]] for row in few]


def test_a_full_run_over_the_new_folders_replaces_them(night: Night) -> None:
    settings = night.job.settings
    folders = (*settings.survey.folders, str(night.folder / "new"))
    full = Job(replace(settings, survey=config.SurveySettings(folders)), night.job.engine)
    for stage in STAGES:
        stage(full)
    told = "\n".join(interim.add(full, (str(night.folder / "new"),)))
    vectors = additions.vectors_of(full.plan, night.new)
    for (old, added), run in zip(night.added(), full.plan.runs, strict=True):
        assert run.run_id != old.run_id
        names = added.scores.table().column("spectrum_id")
        ranked = run.scores.table(["spectrum_id", "score"])
        assert pc.all(pc.is_in(names, ranked.column("spectrum_id"))).as_py()
        # The full run has a score of its own for each; nothing is left to be added.
        assert additions.of_run(run, vectors).scores.manifest["rows"] == 0
        assert f"run {run.run_id}: 0 candidates among 0 new spectra" in told
        # Additions belong to the run by which they were scored.
        assert added.scores.path.startswith(f"runs/{old.run_id}/")
        assert not list(full.plan.store.find(f"runs/{run.run_id}/additions/{added.scores.path}"))


def test_a_run_that_has_all_its_candidates_takes_better_ones_only(night: Night) -> None:
    selection = config.SelectionSettings(n_candidates=1)
    few = Job(replace(night.job.settings, selection=selection), night.job.engine)
    pipeline.score(few)
    list(interim.add(few, (str(night.folder / "new"),)))
    vectors = additions.vectors_of(few.plan, night.new)
    for (_, all_added), run in zip(night.added(), few.plan.runs, strict=True):
        last = min(run.candidates.table(["score"]).column("score").to_pylist())
        better = [s for s in all_added.candidates.table().column("score").to_pylist() if s > last]
        found = additions.of_run(run, vectors).candidates.table().column("score").to_pylist()
        assert found == better[:1]


def test_what_has_no_vector_is_counted_and_not_scored(night: Night, tmp_path: Path) -> None:
    file = next(iter(sorted((night.folder / "early").glob("spec*.fits"))))
    with fits.open(file) as hdus:
        # Below zero all over the grid, not everywhere.
        hdus[0].data[0, 2000:3000] = -5
        hdus.writeto(tmp_path / "spec-55000-dark_sp01-001.fits")
    told = "\n".join(interim.add(night.job, (str(tmp_path),)))
    assert "quality    1 cannot be used: flux is zero or negative over the grid" in told
    for run in night.job.plan.runs:
        assert f"run {run.run_id}: 0 candidates among 0 new spectra" in told


def test_the_run_must_be_there(night: Night, tmp_path: Path) -> None:
    store = config.StoreSettings(str(tmp_path / "store"))
    job = Job(replace(night.job.settings, store=store), night.job.engine)
    with pytest.raises(StoreError, match=r"label_propagation-.* is missing or incomplete"):
        list(interim.add(job, (str(night.folder / "new"),)))
    assert not (tmp_path / "store").exists()


def test_a_folder_without_spectra_is_refused(night: Night, tmp_path: Path) -> None:
    with pytest.raises(NoSpectraError, match="no FITS file"):
        list(interim.add(night.job, (str(tmp_path),)))
    (tmp_path / "x.fits").write_bytes(b"no")
    with pytest.raises(NoSpectraError, match="none of 1 FITS files holds a spectrum"):
        list(interim.add(night.job, (str(tmp_path),)))
