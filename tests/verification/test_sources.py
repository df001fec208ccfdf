"""The nearest source of each position."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table

from vospec.verification import sources
from vospec.verification.sources import Positions


def test_separations_are_those_of_astropy() -> None:
    random = np.random.default_rng(1)
    ra, dec = random.uniform(0, 360, 500), np.degrees(np.arcsin(random.uniform(-1, 1, 500)))
    size = 10 ** random.uniform(-5, 0, 500)
    other_ra, other_dec = (
        ra + random.normal(0, size),
        np.clip(dec + random.normal(0, size), -90, 90),
    )
    expected = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(other_ra, other_dec, unit="deg"))
    found = sources.separations(Positions(ra, dec), other_ra, other_dec)
    assert np.allclose(found, expected.arcsec, rtol=1e-6, atol=1e-6)


def test_positions_on_both_sides_of_zero_are_near() -> None:
    at = Positions(np.array([359.9999, 10.0]), np.array([0.0, 90.0]))
    found = sources.separations(at, np.array([0.0001, 190.0]), np.array([0.0, 90.0]))
    assert np.allclose(found, [0.72, 0.0])


def test_the_nearest_match_is_taken_and_all_are_counted() -> None:
    numbers = np.array([3, 0, 3, 3, 1])
    separation = np.array([2.0, 1.0, 0.5, 0.7, 0.0])
    rows, counts = sources.nearest(numbers, separation, 5)
    assert rows.tolist() == [1, 4, -1, 2, -1]
    assert counts.tolist() == [1, 1, 0, 3, 0]


def test_answers_stand_in_the_order_of_the_positions() -> None:
    told = {"main_id": ["a", "b"], "n_references": [7, None]}
    table = sources.answered(np.array([-1, 1, 0]), np.array([0, 2, 1]), np.array([0.25, 0.5]), told)
    assert table.schema == sources.SCHEMA
    assert table["state"].to_pylist() == ["nothing", "found", "found"]
    assert table["separation"].to_pylist() == [None, 0.5, 0.25]
    assert table["n_sources"].to_pylist() == [0, 2, 1]
    assert table["main_id"].to_pylist() == [None, "b", "a"]
    assert table["n_references"].to_pylist() == [None, None, 7]
    assert table["updated"].to_pylist() == [None] * 3


def test_there_may_be_no_match_at_all() -> None:
    rows, counts = sources.nearest(np.array([], int), np.array([]), 2)
    table = sources.answered(rows, counts, np.array([]), {"main_id": []})
    assert table["state"].to_pylist() == ["nothing"] * 2
    assert table["separation"].null_count == 2


def test_what_services_give_is_read_or_none() -> None:
    table = Table(
        {
            "text": MaskedColumn([" a ", "", "b"], mask=[False, False, True]),
            "number": MaskedColumn([1.5, np.nan, 2.0], mask=[False, False, True]),
            "time": ["2024-01-09", "2024-01-09T10:11:12Z", "soon"],
        }
    )
    assert sources.texts(table, "text") == ["a", None, None]
    assert sources.numbers(table, "number", float) == [1.5, None, None]
    assert sources.numbers(table, "text", int) == [None, None, None]
    assert sources.times(table, "time") == [
        datetime(2024, 1, 9, tzinfo=UTC),
        datetime(2024, 1, 9, 10, 11, 12, tzinfo=UTC),
        None,
    ]


@pytest.mark.parametrize("n", [0, 1])
def test_positions_are_cut(n: int) -> None:
    positions = Positions(np.arange(3.0), np.arange(3.0))
    assert len(positions.some(slice(0, n))) == n
    assert pa.table({"ra": positions.some(np.array([2])).ra})["ra"].to_pylist() == [2.0]
