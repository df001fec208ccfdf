"""Every table is read by TAP, with metadata."""

import numpy as np
import pytest
import pyvo
import requests
from astropy.table import Table
from astropy.units import Unit

from tests.publication import samples
from tests.service.conftest import OTHER_RUN, RUN, SERVICE
from vospec.columns import (
    FEATURES,
    GRID,
    LABELS,
    NEIGHBOURS,
    OBJECT_TYPES,
    PAIRS,
    PUBLISHED_CANDIDATES,
    RELIABILITY,
    RUNS,
    SCORE_CHANGES,
    SCORES,
    SIMBAD,
    SPECTRA,
    THRESHOLDS,
    VERDICT_RULES,
    Column,
)
from vospec.verification.verdicts import RULES

pytestmark = SERVICE

_N = len(samples.USABLE)

_TABLES = {
    "spectra": (SPECTRA.published, _N + 1),
    "features": (FEATURES.columns, _N),
    "feature_summary": (FEATURES.columns[:1] + FEATURES.columns[2:], _N),
    "grid": (GRID.columns, samples.GRID_WAVELENGTHS.size),
    "labels": (LABELS.columns, 2),
    "runs": (RUNS.columns, 2),
    "reliability": (RELIABILITY.columns, 2 * 2),
    "thresholds": (THRESHOLDS.columns, 2 * 2),
    "scores": (SCORES.columns, 2 * len(samples.SURVEY)),
    "candidates": (PUBLISHED_CANDIDATES.columns, len(samples.SURVEY)),
    "neighbours": (NEIGHBOURS.columns, 3 * len(samples.SURVEY)),
    "simbad": (SIMBAD.columns, 6),
    "object_types": (OBJECT_TYPES.columns, 2),
    "verdict_rules": (VERDICT_RULES.columns, len(RULES)),
    # All candidates have another score in the other run.
    "score_changes": (SCORE_CHANGES.columns, len(samples.SURVEY)),
    "pairs": (PAIRS.columns, 1),
}


@pytest.mark.parametrize("name", _TABLES)
def test_table_is_read_with_units_and_ucds(tap: pyvo.dal.TAPService, name: str) -> None:
    columns, count = _TABLES[name]
    result = tap.search(f"SELECT * FROM vospec.{name}")  # noqa: S608 - our own names
    assert len(result) == count
    assert result.fieldnames == tuple(column.name for column in columns)
    for column in columns:
        described = result.getdesc(column.name)
        assert (described.ucd or "") == column.ucd
        assert described.unit == (Unit(column.unit) if column.unit else None)
        assert " ".join(described.description.split()) == column.description


def test_features_are_arrays_on_the_grid(tap: pyvo.dal.TAPService) -> None:
    wavelength = tap.search("SELECT wavelength FROM vospec.grid ORDER BY element")["wavelength"]
    assert np.allclose(wavelength, samples.GRID_WAVELENGTHS, rtol=1e-15)
    (expected,) = samples.features()
    found = {row["spectrum_id"]: row["flux"] for row in tap.search("SELECT * FROM vospec.features")}
    for row in expected.to_pylist():
        assert np.array_equal(found[row["spectrum_id"]], np.float32(row["flux"]))


def test_missing_values_are_missing(tap: pyvo.dal.TAPService) -> None:
    query = f"SELECT * FROM vospec.spectra WHERE spectrum_id = '{samples.UNREADABLE}'"  # noqa: S608 - as above
    table = tap.search(query).to_table()
    for name in ("ra", "mjd", "snr", "n_pixels", "exposure_seconds"):
        assert np.ma.is_masked(table[name][0]) or np.isnan(table[name][0]), name
    assert table["quality"][0] == 1
    assert "100 bytes" in table["reason"][0]


def test_candidates_are_of_the_current_run(tap: pyvo.dal.TAPService) -> None:
    found = tap.search("SELECT run_id, spectrum_id, score FROM vospec.candidates ORDER BY rank")
    assert set(found["run_id"]) == {RUN}
    assert list(found["spectrum_id"]) == samples.SURVEY
    assert np.allclose(found["score"], 1 / np.arange(1, len(samples.SURVEY) + 1))
    states = {row["run_id"]: row["state"] for row in tap.search("SELECT * FROM vospec.runs")}
    assert states == {RUN: "current", OTHER_RUN: "kept"}


def test_candidates_are_explained(tap: pyvo.dal.TAPService) -> None:
    found = tap.search(
        "SELECT c.rank, n.run_id, n.kind, n.neighbour_id, n.class, n.share"  # noqa: S608 - our own names
        " FROM vospec.candidates AS c"
        " JOIN vospec.neighbours AS n ON n.spectrum_id = c.spectrum_id"
        f" WHERE c.spectrum_id = '{samples.SURVEY[3]}' ORDER BY n.kind, n.place"
    )
    assert set(found["run_id"]) == {RUN}
    assert set(found["rank"]) == {4}
    told = [(row["kind"], row["neighbour_id"], row["class"], row["share"]) for row in found]
    assert told == [
        ("label", samples.TRAINING, "emission", 1.0),
        ("neighbour", samples.SURVEY[2], "", 0.75),
        ("neighbour", samples.SURVEY[4], "", 0.25),
    ]


def test_evidence_leads_to_the_spectrum_it_names(tap: pyvo.dal.TAPService) -> None:
    query = f"SELECT * FROM vospec.neighbours WHERE spectrum_id = '{samples.SURVEY[3]}'"  # noqa: S608 - as above
    rows = tap.search(f"{query} ORDER BY kind, place")
    for row, links in zip(rows, rows.iter_datalinks(), strict=True):
        this = [link["access_url"] for link in links if link["semantics"] == "#this"]
        assert any(address.endswith(f"/product/qp/{row['neighbour_id']}.fits") for address in this)


def test_positions_are_searched(tap: pyvo.dal.TAPService) -> None:
    circle = f"CIRCLE('ICRS', {samples.RA}, {samples.DEC}, 0.15)"
    query = f"SELECT * FROM vospec.spectra WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), {circle})"  # noqa: S608 - our own names
    near = tap.search(query)
    assert set(near["spectrum_id"]) == set(samples.SURVEY[:2])


@pytest.mark.parametrize("way", ["run_sync", "run_async"])
def test_uploads_are_matched(tap: pyvo.dal.TAPService, way: str) -> None:
    stars = Table({"name": ["third"], "ra": [samples.RA + 0.2], "dec": [samples.DEC]})
    found = getattr(tap, way)(
        "SELECT s.name, c.spectrum_id FROM TAP_UPLOAD.stars AS s JOIN vospec.candidates AS c"
        " ON 1 = CONTAINS(POINT('ICRS', c.ra, c.dec), CIRCLE('ICRS', s.ra, s.dec, 0.001))",
        uploads={"stars": stars},
    )
    assert [(row["name"], row["spectrum_id"]) for row in found] == [("third", samples.SURVEY[2])]


def test_asynchronous_jobs_run(tap: pyvo.dal.TAPService) -> None:
    found = tap.run_async("SELECT COUNT(*) AS n FROM vospec.scores")
    assert found["n"][0] == 2 * len(samples.SURVEY)


def test_job_waits_to_be_told(tap: pyvo.dal.TAPService) -> None:
    job = tap.submit_job("SELECT COUNT(*) AS n FROM vospec.grid")
    assert job.phase == "PENDING"
    job.delete()


@pytest.mark.parametrize("phase", ["ABORT", "run", "COMPLETED"])
def test_new_job_is_given_no_other_phase_than_run(
    tap: pyvo.dal.TAPService, session: requests.Session, phase: str
) -> None:
    before = {job.jobid for job in tap.get_job_list()}
    answer = session.post(
        f"{tap.baseurl}/async",
        data={"LANG": "ADQL", "QUERY": "SELECT 1 AS one FROM vospec.grid", "PHASE": phase},
        allow_redirects=False,
    )
    assert answer.status_code == 400
    assert f"a new job can be given the phase RUN, or none, not '{phase}'" in answer.text
    assert {job.jobid for job in tap.get_job_list()} == before


def test_pixels_are_not_for_readers(tap: pyvo.dal.TAPService) -> None:
    with pytest.raises(pyvo.dal.DALQueryError, match="pixels"):
        tap.search("SELECT * FROM vospec.pixels")


def test_tap_schema_knows_every_column(tap: pyvo.dal.TAPService) -> None:
    found = tap.search("SELECT * FROM tap_schema.columns WHERE table_name LIKE 'vospec.%'")
    known = {
        (row["table_name"].removeprefix("vospec."), row["column_name"]): (row["unit"], row["ucd"])
        for row in found
    }
    for name, (columns, _) in _TABLES.items():
        assert {column.name: _schema_facts(column) for column in columns} == {
            place[1]: facts for place, facts in known.items() if place[0] == name
        }


def _schema_facts(column: Column) -> tuple[str, str]:
    return column.unit, column.ucd
