"""Spectra stand in ivoa.obscore with the times, resolutions and places that they have."""

import html
import math
import re

import pytest
import pyvo
import requests

from tests.conftest import Instance
from tests.publication import samples
from tests.service.conftest import SERVICE
from vospec.publication import connect

pytestmark = SERVICE

Rows = dict[int, pyvo.dal.Record]


def _of(tap: pyvo.dal.TAPService, spectrum_id: str) -> Rows:
    """Rows of a spectrum by their level of calibration."""
    query = f"SELECT * FROM ivoa.obscore WHERE obs_id = '{spectrum_id}'"  # noqa: S608 - our own names
    return {row["calib_level"]: row for row in tap.search(query)}


@pytest.fixture(scope="module")
def rows(tap: pyvo.dal.TAPService) -> Rows:
    return _of(tap, samples.SURVEY[3])


def test_there_are_the_delivered_and_the_rectified(rows: Rows) -> None:
    assert set(rows) == {2, 3}
    assert rows[2]["dataproduct_subtype"] == ""
    assert rows[3]["dataproduct_subtype"] == "rectified"
    assert rows[2]["obs_publisher_did"] == f"ivo://x-vospec/~?vospec/q/{samples.SURVEY[3]}"
    assert rows[3]["obs_publisher_did"].endswith(f"?vospec/q/rectified/{samples.SURVEY[3]}")


@pytest.mark.parametrize("level", [2, 3])
def test_rows_tell_of_the_exposure(rows: Rows, level: int) -> None:
    row = rows[level]
    # 1728 s are a fiftieth of a day.
    assert row["t_min"] == pytest.approx(56003.5 - 0.01, abs=1e-9)
    assert row["t_max"] == pytest.approx(56003.5 + 0.01, abs=1e-9)
    assert row["t_exptime"] == 1728
    assert row["em_res_power"] == 1800
    assert row["s_ra"] == pytest.approx(samples.RA + 0.3)
    assert row["s_dec"] == pytest.approx(samples.DEC)
    assert row["s_fov"] == pytest.approx(3.3 / 3600)
    assert row["dataproduct_type"] == "spectrum"
    assert row["obs_collection"] == "lamost"
    assert row["target_name"] == "Star spec-3"
    assert row["facility_name"] == "LAMOST"
    assert row["instrument_name"] == "LAMOST LRS"
    assert row["em_ucd"] == "em.wl"


def test_rows_tell_of_the_pixels(rows: Rows) -> None:
    axis, grid = samples.axis(samples.SURVEY[3]), samples.GRID_WAVELENGTHS
    assert rows[2]["o_ucd"] == "phot.flux.density;em.wl"
    assert rows[3]["o_ucd"] == "phot.flux.density;em.wl;arith.ratio"
    assert (rows[2]["em_xel"], rows[3]["em_xel"]) == (axis.size, grid.size)
    assert rows[2]["em_min"] == pytest.approx(axis[0] * 1e-10)
    assert rows[2]["em_max"] == pytest.approx(axis[-1] * 1e-10)
    assert rows[3]["em_min"] == pytest.approx(grid[0] * 1e-10)
    assert rows[3]["em_max"] == pytest.approx(grid[-1] * 1e-10)


def test_rectified_training_spectra_have_the_resolution_of_the_survey(
    tap: pyvo.dal.TAPService,
) -> None:
    rows = _of(tap, samples.TRAINING)
    assert (rows[2]["em_res_power"], rows[3]["em_res_power"]) == (13000, 1800)
    assert rows[2]["facility_name"].endswith("Perek 2m Telescope")


@pytest.mark.parametrize("level", [2, 3])
def test_rows_lead_to_files(rows: Rows, session: requests.Session, level: int) -> None:
    answer = session.get(rows[level]["access_url"], timeout=60)
    assert answer.headers["Content-Type"] == rows[level]["access_format"]
    assert rows[level]["access_estsize"] == len(answer.content) // 1024


def test_regions_hold_the_star_and_little_else(tap: pyvo.dal.TAPService) -> None:
    def seen(ra: float) -> set[str]:
        query = (
            "SELECT obs_id FROM ivoa.obscore"  # noqa: S608 - our own numbers
            f" WHERE 1 = CONTAINS(POINT('ICRS', {ra}, {samples.DEC}), s_region)"
        )
        return set(tap.search(query)["obs_id"])

    assert seen(samples.RA + 0.3) == {samples.SURVEY[3]}
    # A fibre reaches 1.65 arcsec.
    aside = 1 / 3600 / math.cos(math.radians(samples.DEC))
    assert seen(samples.RA + 0.3 + 1.5 * aside) == {samples.SURVEY[3]}
    assert seen(samples.RA + 0.3 + 3 * aside) == set()


def test_what_is_not_known_is_not_told(tap: pyvo.dal.TAPService) -> None:
    row = _of(tap, samples.NOWHERE)[2]
    assert all(math.isnan(row[name]) for name in ("s_ra", "s_dec", "t_min", "t_max", "t_exptime"))


def _plan(instance: Instance, query: str) -> str:
    """How PostgreSQL would go about it if the tables were large."""
    place = dict(part.split("=") for part in instance.database.split())
    with connect(host=place["host"], port=int(place["port"])) as connection:
        # Tables of a few rows would be read through.
        connection.execute("SET enable_seqscan = off")
        lines = connection.execute(f"EXPLAIN {query}").fetchall()  # type: ignore[call-overload]
    return "\n".join(str(line) for (line,) in lines)


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("table", ["vospec.ssa_spectra", "ivoa.obscore"])
@pytest.mark.parametrize("kind", ["", "rectified/"])
def test_identifiers_are_found_by_an_index(instance: Instance, table: str, kind: str) -> None:
    name = "ssa_pubdid" if table == "vospec.ssa_spectra" else "obs_publisher_did"
    did = f"ivo://x-vospec/~?vospec/q/{kind}{samples.SURVEY[0]}"
    plan = _plan(instance, f"SELECT * FROM {table} WHERE {name} = '{did}'")  # noqa: S608 - our own names
    assert '"delivered_x-vospec"' in plan
    assert '"rectified_x-vospec"' in plan


@pytest.mark.usefixtures("url")
def test_spectra_of_candidates_are_found_by_an_index(instance: Instance) -> None:
    plan = _plan(
        instance,
        "SELECT * FROM vospec.candidate_records JOIN vospec.ssa_spectra USING (spectrum_id)",
    )
    # A view that is a query of its own would be gone through before it is joined.
    assert "Subquery Scan" not in plan
    assert plan.count("spectra_pkey") == 2


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', 119.3, 3, 0.1))", "spectra_index_6"),
        ("INTERSECTS(s_region, CIRCLE('ICRS', 119.3, 3, 0.1))", "spectra_index_3"),
        ("CONTAINS(POINT('ICRS', 119.3, 3), s_region)", "spectra_index_3"),
    ],
)
def test_places_are_found_by_an_index(
    url: str, session: requests.Session, instance: Instance, condition: str, index: str
) -> None:
    query = f"SELECT obs_id FROM ivoa.obscore WHERE 1 = {condition}"  # noqa: S608 - our own words
    asked = {"LANG": "ADQL", "QUERY": query, "FORMAT": "votable/td"}
    answer = session.post(f"{url}/tap/sync", data=asked)
    assert samples.SURVEY[3] in answer.text
    # DaCHS tells what it has made of the query.
    (made,) = re.findall(r'name="sql_query" value="([^"]*)"', answer.text)
    # As delivered and rectified.
    assert _plan(instance, html.unescape(made)).count(index) >= 2
