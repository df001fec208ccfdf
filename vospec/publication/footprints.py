"""Footprints of spectra on the sky, for columns of regions (s_region, ssa_region).

DaCHS has polygons there and no circles, and pgsphere makes none of a centre and a radius: a
footprint is the smallest square around the aperture. Its form is made once a statement, by
text, at the pole; turning it to its place costs some µs, where reading each from text would
cost a hundred. More corners than four would make its index four times as slow.
"""

from collections.abc import Iterator, Mapping

from psycopg import sql

#: Diameter of a fibre, and about the width of a slit, by archive, in arcsec.
APERTURES: Mapping[str, float] = {"lamost": 3.3, "sdss": 3.0, "ccd700": 3.0}

#: ``vospec.region(ra, dec, radius)``: the square around a circle; degrees, radius in arcsec.
_AROUND_CIRCLE = sql.SQL(
    'CREATE OR REPLACE FUNCTION vospec.region(ra double precision, "dec" double precision,'
    " radius double precision) RETURNS spoly LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$"
    " SELECT replace('{(45d,x),(135d,x),(225d,x),(315d,x)}', 'x',"
    " (90 - sqrt(2) * radius / 3600)::text || 'd')::spoly"
    " + strans(0, radians(90 - \"dec\"), radians(ra + 90), 'ZXZ') $$"
)

#: ``vospec.region(ra, dec, collection)``: what a spectrum saw; `spectra` has an index of it.
_OF_ARCHIVE = sql.SQL(
    'CREATE OR REPLACE FUNCTION vospec.region(ra double precision, "dec" double precision,'
    " collection text) RETURNS spoly LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$"
    " SELECT CASE collection {} END $$"
)

#: ``vospec.aperture(collection)``: diameter of the aperture in arcsec.
_APERTURE = sql.SQL(
    "CREATE OR REPLACE FUNCTION vospec.aperture(collection text) RETURNS double precision"
    " LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT CASE collection {} END $$"
)


def functions() -> Iterator[sql.SQL | sql.Composed]:
    """The functions; of an archive that is not known they give NULL."""
    yield _AROUND_CIRCLE
    yield _OF_ARCHIVE.format(
        _cases(sql.SQL('WHEN {} THEN vospec.region(ra, "dec", {}::double precision / 2)'))
    )
    yield _APERTURE.format(_cases(sql.SQL("WHEN {} THEN {}::double precision")))


def _cases(case: sql.SQL) -> sql.Composed:
    return sql.SQL(" ").join(case.format(*entry) for entry in APERTURES.items())
