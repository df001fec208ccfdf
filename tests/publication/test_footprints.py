"""Footprints hold the aperture, and little else, everywhere on the sky."""

import pytest

from tests.publication.conftest import Connection
from vospec.columns import ROLES
from vospec.publication.footprints import APERTURES

_SKY = """
SELECT ra, "dec" FROM generate_series(0, 360, 22.5) AS ra, generate_series(-90, 90, 7.5) AS "dec"
"""


def test_every_archive_has_an_aperture() -> None:
    assert APERTURES.keys() == ROLES.keys()


@pytest.mark.service
@pytest.mark.parametrize("radius", [1.65, 60.0, 3600.0])
def test_a_region_is_the_square_around_its_circle(connection: Connection, radius: float) -> None:
    query = f"""
        SELECT bool_and(scircle(centre, 0.999 * radius) @ region),
          bool_and(region @ scircle(centre, 1.001 * sqrt(2) * radius)),
          bool_or(scircle(centre, 1.01 * radius) @ region)
        FROM (SELECT spoint(radians(ra), radians("dec")) AS centre,
          vospec.region(ra, "dec", %(radius)s) AS region FROM ({_SKY}) AS sky) AS regions,
          (SELECT radians(%(radius)s / 3600)) AS radians (radius)
    """  # noqa: S608 - our own words
    found = connection.execute(query, {"radius": radius}).fetchall()  # type: ignore[call-overload]
    assert found == [(True, True, False)]


@pytest.mark.service
@pytest.mark.parametrize("collection", APERTURES)
def test_a_spectrum_has_the_region_of_its_archive(connection: Connection, collection: str) -> None:
    radius = APERTURES[collection] / 2
    row = connection.execute(
        "SELECT vospec.region(10, 20, %(name)s::text)::text,"
        " vospec.region(10, 20, %(radius)s)::text, vospec.aperture(%(name)s)",
        {"name": collection, "radius": radius},
    ).fetchone()
    assert row is not None
    assert row[0] == row[1]
    assert row[2] == 2 * radius


@pytest.mark.service
def test_what_is_not_known_has_no_region(connection: Connection) -> None:
    row = connection.execute(
        "SELECT vospec.region(10, 20, 'other'), vospec.region(NULL, 20, 'lamost'),"
        " vospec.region(10, 20, NULL::float), vospec.aperture('other')"
    ).fetchone()
    assert row == (None, None, None, None)


@pytest.mark.service
def test_regions_are_found_by_an_index(connection: Connection) -> None:
    connection.execute("SET enable_seqscan = off")
    plan = connection.execute(
        "EXPLAIN SELECT * FROM vospec.spectra"
        " WHERE vospec.region(ra, dec, collection) && scircle(spoint(0, 0), 0.01)"
    ).fetchall()
    assert "spectra_index_3" in str(plan)
    kind = connection.execute("SELECT pg_get_indexdef('vospec.spectra_index_3'::regclass)")
    assert "small_spoly" in str(kind.fetchone())
