"""What DaCHS is told of the files that spectra were read from."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from tests.publication import samples
from tests.publication.conftest import Connection
from tests.publication.test_adding import late
from vospec.publication import Content, add, publish
from vospec.publication.originals import rows

_PRODUCTS = "SELECT accref, mime, accesspath FROM dc.products WHERE sourcetable = 'vospec.spectra'"


@pytest.fixture
def products(connection: Connection) -> Iterator[Connection]:
    """The table of DaCHS, with a row of another resource."""
    _make_products(connection)
    yield connection
    connection.execute("DROP SCHEMA dc CASCADE")


def _make_products(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA dc")
    connection.execute(
        "CREATE TABLE dc.products (accref text PRIMARY KEY, owner text, embargo date, mime text,"
        " accesspath text NOT NULL, sourcetable text NOT NULL, preview text, datalink text,"
        " preview_mime text)"
    )
    connection.execute(
        "INSERT INTO dc.products (accref, accesspath, sourcetable) VALUES ('o', '/o', 'others.o')"
    )


def _named(*paths: str | None) -> pa.RecordBatch:
    names = [f"lamost/dr1/{number}" for number in range(len(paths))]
    return pa.record_batch(
        {"spectrum_id": names, "path": pa.array(paths, pa.string()), "size": [1] * len(paths)}
    )


@pytest.mark.parametrize(
    ("path", "stored", "mime"),
    [
        ("/data/a b%20.fits", "/data/a b%20.fits", "application/fits"),
        ("/data/a.FIT.GZ", "/data/a.FIT.GZ", "application/gzip"),
        ("file:///data/a%20b.fits.gz", "/data/a b.fits.gz", "application/gzip"),
        ("file://localhost/data/a.fits", "/data/a.fits", "application/fits"),
        ("s3a://bucket/a.fits", "s3a://bucket/a.fits", "application/fits"),
    ],
)
def test_paths_are_those_of_this_machine(path: str, stored: str, mime: str) -> None:
    found = rows(_named(None, path)).to_pylist()
    assert found == [{"spectrum_id": "lamost/dr1/1", "path": stored, "size": 1, "mime": mime}]


@pytest.mark.service
def test_every_file_of_a_spectrum_is_stored(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    found = connection.execute("SELECT * FROM vospec.originals ORDER BY size").fetchall()
    assert found == [
        (
            name,
            str(samples.original_path(name)),
            1000 + number,
            "application/gzip" if name == samples.PACKED else "application/fits",
        )
        for number, name in enumerate(samples.USABLE)
    ]


@pytest.mark.service
def test_dachs_is_told_of_local_files(products: Connection) -> None:
    publish(products, run_id="first", contents=samples.contents("first"))
    expected = {
        (f"vospec/{name}.fits", "application/fits", str(samples.original_path(name)))
        for name in samples.USABLE
        if name != samples.PACKED
    }
    packed = str(samples.original_path(samples.PACKED))
    expected.add((f"vospec/{samples.PACKED}.fits.gz", "application/gzip", packed))
    assert set(products.execute(_PRODUCTS)) == expected


@pytest.mark.service
def test_only_what_changed_is_told_anew(products: Connection) -> None:
    def told() -> dict[object, tuple[object, ...]]:
        rows = products.execute("SELECT accref, xmin::text, accesspath FROM dc.products")
        return {row[0]: row[1:] for row in rows}

    publish(products, run_id="first", contents=samples.contents("first"))
    before = told()
    (first, second) = samples.spectra()
    place = first.schema.get_field_index("path")
    moved = pa.array(["s3a://bucket/a.fits", "/elsewhere.fits.gz", *first.column("path")[2:]])
    changed = Content([first.set_column(place, "path", moved), second.slice(1)], "changed")
    publish(products, run_id="first", contents={"spectra": changed})
    after = told()
    one, other, gone = samples.SURVEY[0], samples.SURVEY[1], samples.SURVEY[5]
    assert before.keys() - after.keys() == {f"vospec/{one}.fits", f"vospec/{gone}.fits"}
    assert not after.keys() - before.keys()
    assert after[f"vospec/{other}.fits.gz"][1] == "/elsewhere.fits.gz"
    assert {key for key, row in after.items() if row != before[key]} == {f"vospec/{other}.fits.gz"}


@pytest.mark.service
def test_dachs_is_told_of_files_that_came_later(products: Connection) -> None:
    publish(products, run_id="first", contents=samples.contents("first"))
    add(products, run_id="first", contents=late())
    assert len(products.execute(_PRODUCTS).fetchall()) == 2 * len(samples.USABLE)


@pytest.mark.service
def test_dachs_is_told_when_it_comes_later(connection: Connection) -> None:
    publish(connection, run_id="first", contents=samples.contents("first"))
    _make_products(connection)
    try:
        publish(connection, run_id="first", contents=samples.contents("first"))
        assert len(connection.execute(_PRODUCTS).fetchall()) == len(samples.USABLE)
    finally:
        connection.execute("DROP SCHEMA dc CASCADE")
