"""Pairs of two archives that a running DaCHS serves, by TAP and by SSA."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.conftest import Instance
from tests.service import archives, simbad
from tests.service.conftest import SERVICE
from vospec import config
from vospec.__main__ import main
from vospec.archives.ssa import query
from vospec.pairs import stars_of
from vospec.plan import Plan
from vospec.verification import pairs
from vospec.verification.pairs import catalogues

pytestmark = SERVICE

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


@pytest.fixture(scope="module")
def archive(instance: Instance) -> Iterator[str]:
    """The address of the DaCHS that serves both archives."""
    if not (DATA / "lamost.csv").is_file():
        pytest.skip("spectra of the archives are not at hand")
    archives.install(instance, archives.listed(DATA))
    yield instance.url
    archives.remove(instance)


@pytest.fixture(scope="module")
def known() -> set[tuple[str, str]]:
    """Names of the files that are of one star, as people have found them."""
    with (DATA / "lamost.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ccd700_file"]]
    return {
        (
            archives.did_of(DATA / row["ccd700_file"]),
            f"{archives.LAMOST}/{row['release']}/{Path(row['file']).stem}",
        )
        for row in rows
    }


Plans = Callable[..., Plan]


@pytest.fixture
def plan_of(archive: str, tmp_path: Path) -> Plans:
    """Settings of a search in services, each by its protocol; None: none of this role."""

    def made(training: str | None, survey: str | None, *, block: int = 100) -> Plan:
        def section(kind: type, protocol: str | None, name: str) -> config.ArchiveSettings:
            urls = {
                None: "",
                "tap": f"{archive}/tap",
                "ssa": f"{archive}/archives/q/{name}/ssap.xml?",
            }
            given = kind(url=urls[protocol], protocol=protocol or "tap", pause_seconds=0.0)
            only = (f"obs_collection={name}", "dataproduct_type=spectrum")
            return replace(given, table=archives.TABLE, only=only, block=block)

        return Plan(
            config.Settings(
                store=config.StoreSettings(str(tmp_path / "store")),
                pairs=config.PairsSettings(folder=str(tmp_path / "pairs")),
                training_archive=section(config.TrainingArchiveSettings, training, "ccd700"),
                survey_archive=section(config.SurveyArchiveSettings, survey, "lamost"),
            )
        )

    return made


def identifiers(plan: Plan) -> set[tuple[str, str]]:
    rows = plan.pairs.table().to_pylist()
    assert len(rows) == len({(row["training_id"], row["survey_id"]) for row in rows})
    return {(row["training_id"], row["survey_id"]) for row in rows}


@pytest.mark.parametrize(
    ("training", "survey"), [("tap", "tap"), ("ssa", "tap"), ("tap", "ssa"), ("ssa", "ssa")]
)
def test_all_real_pairs_are_found_and_no_other(
    plan_of: Plans, known: set[tuple[str, str]], training: str, survey: str
) -> None:
    plan = plan_of(training, survey)
    pairs.find(plan)
    assert identifiers(plan) == known
    assert pairs.is_whole(plan)
    rows = plan.pairs.table().to_pylist()
    assert all(row["survey_did"] == row["survey_id"] for row in rows)
    assert all(abs(row["training_mjd"] - row["survey_mjd"]) < 2000.0 for row in rows)
    assert all(row["residual"] < 0.07 for row in rows)
    services = plan.pairs.manifest["services"]
    # 18 stars, two of which the survey has nothing around, and some spectra of anywhere.
    assert services["training"]["questions"] == {"found": 1}
    assert services["survey"]["questions"] == {"found": 17, "nothing": 2}


def test_small_blocks_and_cut_lists_lead_to_the_same(
    plan_of: Plans, known: set[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The list of the training archive is cut, and asked for in parts of the sky.
    monkeypatch.setattr(catalogues, "MOST", 11)
    plan = plan_of("tap", "tap", block=5)
    pairs.find(plan)
    assert identifiers(plan) == known
    assert pairs.is_whole(plan)


def test_a_cut_list_of_ssa_is_asked_for_in_parts(
    plan_of: Plans, known: set[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAXREC", 11)
    plan = plan_of("ssa", "tap")
    pairs.find(plan)
    assert identifiers(plan) == known


def test_what_is_in_the_store_is_not_paired_again(
    plan_of: Plans, known: set[tuple[str, str]], tmp_path: Path
) -> None:
    """The training archive is in the store and behind a service, the survey behind one alone."""
    plan = plan_of("ssa", "tap")
    path = tmp_path / "vospec.toml"
    path.write_text(
        f'[store]\nfolder = "{tmp_path}/store"\n[training]\nfolders = ["{DATA.resolve()}/ccd700"]\n'
    )
    assert main(["ingest", "--config", str(path)]) == 0
    both = Plan(replace(plan.settings, training=config.load(path).training))
    pairs.find(both)
    rows = both.pairs.table().to_pylist()
    assert {(row["training_did"], row["survey_did"]) for row in rows} == known
    assert all(row["training_id"].startswith("ccd700/vo/") for row in rows)
    assert len(rows) == len(known)
    # Only what lies in the store can be drawn or fitted on.
    assert stars_of(both) == []


def test_a_service_that_is_not_there_is_told(
    plan_of: Plans, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = plan_of("tap", "tap").settings
    gone = replace(settings.survey_archive, url="http://127.0.0.1:9/tap", timeout_seconds=1.0)
    path = tmp_path / "vospec.toml"
    sections = {"training_archive": settings.training_archive, "survey_archive": gone}
    lines = [f'[store]\nfolder = "{tmp_path}/store"\n[pairs]\nfolder = "{tmp_path}/pairs"\n']
    for name, section in sections.items():
        keys = (f"{key} = {json.dumps(value)}\n" for key, value in asdict(section).items())
        lines += [f"[{name}]\n", *keys]
    path.write_text("".join(lines))
    assert main(["pairs", "--config", str(path)]) == 1
    assert "http://127.0.0.1:9/tap/sync: asked 4 times" in capsys.readouterr().err
    assert not Plan(config.load(path)).pairs.is_complete()
    # The answers of the one that is there are kept.
    with (tmp_path / "pairs" / "training" / "places.csv").open(newline="") as stream:
        assert [row["state"] for row in csv.DictReader(stream)] == ["found"]


@pytest.fixture
def names(instance: Instance) -> Iterator[str]:
    """The address of a SIMBAD that knows some of the stars by the names that it gives them."""
    known = [
        simbad.BT_CMI,
        replace(simbad.HD_53416, names=("HD  53416",)),
        simbad.Source("HD  90052", 156.0260, 26.3510, "PM*"),
        # Of this one the name leads to another place.
        simbad.Source("HD  34452", 80.5, 33.75, "a2*"),
        *simbad.OTHERS,
    ]
    simbad.install(instance, simbad.rows_of(known))
    yield f"{instance.url}/tap"
    simbad.remove(instance)


def test_names_are_asked_for_in_simbad(
    plan_of: Plans, known: set[tuple[str, str]], names: str
) -> None:
    settings = plan_of("ssa", "tap").settings
    plan = Plan(
        replace(
            settings,
            pairs=replace(settings.pairs, names=True),
            verification=config.VerificationSettings(services=(names,), pause_seconds=0.0),
        )
    )
    pairs.find(plan)
    rows = {row["object"]: row for row in plan.pairs.table().to_pylist()}
    assert rows["BT CMi"]["main_id"] == "V* BT CMi"
    assert rows["BT CMi"]["name_separation"] < 0.1
    assert rows["BT CMi"]["separation"] > 9.0
    assert rows["HD90052"]["main_id"] == "HD  90052"
    assert rows["HIP53355"]["main_id"] is None
    # A star whose name stands elsewhere is not taken for what is at its position.
    assert "HD 34452" not in rows
    assert len(identifiers(plan)) == len(known) - 1
    asked = plan.pairs.manifest["services"]["simbad"]
    assert asked["questions"] == {"found": 5, "nothing": 13}
    assert pairs.is_whole(plan)
