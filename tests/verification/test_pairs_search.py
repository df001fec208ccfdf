"""The pairs of a store: those of real files, and what is told of them and used."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from vospec import config, kernel, pairs
from vospec.__main__ import main
from vospec.columns import ACCEPTED, SPECTRA, UNLIKE
from vospec.errors import OutputError, StoreError
from vospec.plan import Plan
from vospec.store import arrow_schema
from vospec.verification.pairs import Stored, find, lines, search, write_csv

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
SETTINGS = """\
[store]
folder = "{store}"

[survey]
folders = ["{data}/lamost"]

[training]
folders = ["{data}/ccd700"]
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of a store that has read the real files."""
    if not (DATA / "lamost.csv").is_file():
        pytest.skip("spectra of the archives are not at hand")
    folder = tmp_path_factory.mktemp("real")
    path = folder / "vospec.toml"
    path.write_text(SETTINGS.format(store=folder / "store", data=DATA.resolve()))
    assert main(["ingest", "--config", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def plan(settings: Path) -> Plan:
    plan = Plan(config.load(settings))
    find(plan)
    return plan


@pytest.fixture(scope="module")
def known() -> set[tuple[str, str]]:
    """Names of the files that are of one star, as people have found them."""
    with (DATA / "lamost.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ccd700_file"]]
    return {(Path(row["ccd700_file"]).stem, Path(row["file"]).stem) for row in rows}


def stems(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {tuple(row[k].rpartition("/")[2] for k in ("training_id", "survey_id")) for row in found}  # type: ignore[misc]


def test_all_real_pairs_are_found_and_no_other(plan: Plan, known: set[tuple[str, str]]) -> None:
    found = plan.pairs.table().to_pylist()
    assert len(known) == len(found) == 15
    assert stems(found) == known
    assert {row["found_by"] for row in found} == {"position"}
    # Far from being chance, and far off where the archives' positions are.
    assert max(row["chance"] for row in found) < 0.0005
    assert max(row["separation"] for row in found) > 24.0
    assert all(row["residual"] < 0.07 and abs(row["velocity"]) < 150.0 for row in found)
    dids = {row["training_did"] for row in found}
    assert len(dids) == 15
    assert all(did.startswith("ivo://asu.cas.cz/stel/ccd700/") for did in dids)


class Moved(Stored):
    """The training archive with every star at the place of another one."""

    def spectra(self) -> list[pairs.Spectrum]:
        observed = super().spectra()
        others = (*observed[1:], observed[0])
        both = zip(observed, others, strict=True)
        return [replace(one, ra=other.ra, dec=other.dec) for one, other in both]


def test_at_the_places_of_others_hardly_any_pair_is_found(
    plan: Plan, known: set[tuple[str, str]]
) -> None:
    spectra = pairs.spectra_of(plan)
    found = search(Moved(spectra, "training"), Stored(spectra, "survey"), plan.settings)
    # A survey star is there by construction, so that the spectra alone decide: of 15 wrong stars
    # a share of max_agreement may pass, and more than 5 of them with a chance of 0.002.
    assert len({one.candidate.target for one in found.judged}) == 15
    accepted = {one for one in found.judged if one.decision == ACCEPTED}
    assert len(accepted) <= 5
    assert not stems(found.pairs.to_pylist()) & known
    assert len([one for one in found.judged if one.decision == UNLIKE]) >= 10


def test_nothing_is_searched_twice_unless_asked(plan: Plan) -> None:
    before = plan.pairs.manifest["completed"]
    find(Plan(plan.settings))
    assert Plan(plan.settings).pairs.manifest["completed"] == before
    find(Plan(plan.settings), again=True)
    assert Plan(plan.settings).pairs.manifest["completed"] > before


def test_pairs_are_told(
    plan: Plan, settings: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert plan.pairs.is_complete()
    listed = tmp_path / "near.csv"
    assert main(["pairs", "--config", str(settings), "--csv", str(listed)]) == 0
    told = capsys.readouterr().out.splitlines()
    star = next(line for line in told if line.startswith("HIP27249"))
    assert star.split()[1:5] == ["24.1", "1", "of", "1"]
    assert (
        "stars of the training archive: 18, 15 with a survey star within 30 arcsec, 15 paired"
        in told
    )
    assert told[-1].startswith("stars with a wrong pair to expect: at most ")
    with listed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 15
    assert {row["decision"] for row in rows} == {"accepted"}
    with pytest.raises(OutputError, match="the candidates cannot be written"):
        write_csv(plan, tmp_path / "missing" / "near.csv")


def test_the_kernel_is_fitted_on_what_was_found(plan: Plan) -> None:
    found = pairs.stars_of(plan)
    by_position = pairs.stars(pairs.spectra_of(plan), radius_arcsec=30.0)
    assert found == by_position
    assert len(kernel.fit(plan).stars) == 15


def test_what_is_no_pair_is_not_fitted_on(plan: Plan, tmp_path: Path) -> None:
    settings = config.Settings(
        store=config.StoreSettings(str(tmp_path)),
        survey=plan.settings.survey,
        training=plan.settings.training,
        pairs=config.PairsSettings(max_chance=1e-7),
    )
    strict = Plan(settings)
    strict.spectra.write(plan.spectra.table())
    assert len(pairs.stars_of(strict)) == 15
    find(strict)
    assert [star.name for star in pairs.stars_of(strict)] == ["GALEXJ1348+4337", "HD90052"]
    assert "2 paired" in " ".join(lines(strict))


def row(name: str, role: str, ra: float, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of any column
    rest = {"dec": 0.0, "quality": 0, "resolving_power": 1800.0, "spectral_axis": [], "flux": []}
    return {"spectrum_id": name, "role": role, "ra": ra, "mask": [], **rest, **more}


def plan_of(folder: Path) -> Plan:
    """A plan of spectra without pixels, so that all are alike."""
    (folder / "files").mkdir()
    (folder / "files" / "one.fits").touch()
    settings = config.Settings(
        store=config.StoreSettings(str(folder / "store")),
        training=config.TrainingSettings((str(folder / "files"),)),
        pairs=config.PairsSettings(max_agreement=1.0),
    )
    return Plan(settings)


def test_archives_without_a_common_star_have_no_pairs(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    rows = [row("ccd700/vo/a", "training", 10.0), row("lamost/dr7/c", "survey", 50.0)]
    plan.spectra.write(pa.Table.from_pylist(rows, schema=arrow_schema(SPECTRA)))
    find(plan)
    assert plan.pairs.table().num_rows == 0
    assert pairs.stars_of(plan) == []
    told = list(lines(plan))
    assert told[0].startswith("stars of the training archive: 1, 0 with a survey star within")
    assert "pairs of spectra: 0, 0 of them found by name" in told


def test_spectra_of_one_star_are_all_paired(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    rows = [
        row("ccd700/vo/a", "training", 10.0, archive_id="ivo://x/a", observation="a", release="vo"),
        row("ccd700/native/a", "training", 10.0, archive_id="ivo://x/a", observation="a"),
        row("ccd700/vo/b", "training", 10.0, archive_id="ivo://x/b", observation="b"),
        row("lamost/dr7/c", "survey", 10.0001, observation="c", release="dr7"),
        row("lamost/dr9/c", "survey", 10.0001, observation="c", release="dr9"),
        row("lamost/dr7/d", "survey", 10.0001, observation="d", release="dr7"),
    ]
    with pytest.raises(StoreError, match="vospec ingest"):
        find(plan)
    plan.spectra.write(pa.Table.from_pylist(rows, schema=arrow_schema(SPECTRA)))
    find(plan)
    found = plan.pairs.table().to_pylist()
    both = [(one["training_id"], one["survey_id"]) for one in found]
    training, survey = ("ccd700/vo/a", "ccd700/vo/b"), ("lamost/dr7/d", "lamost/dr9/c")
    assert both == [(one, other) for one in training for other in survey]
    assert {(one["residual"], one["velocity"], one["agreement"]) for one in found} == {
        (None, None, 1.0)
    }
    (star,) = pairs.stars_of(plan)
    assert [one.spectrum_id for one in star.training] == list(training)
    assert [one.spectrum_id for one in star.survey] == list(survey)
    assert list(lines(plan))[1].startswith("ccd700/vo/a")
