"""The files that spectra were read from, for readers who want them as they came.

DaCHS hands out files that its table ``dc.products`` names: the file of a spectrum stands at
``/getproduct/vospec/<spectrum_id>.fits`` (``.fits.gz`` where it is packed). Only files of
local file systems can be handed out. Where DaCHS has made no tables there is nothing to tell.
"""

from collections.abc import Sequence
from urllib.parse import unquote

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from vospec.columns import SPECTRA, SPECTRUM_ID, Column, Table

FITS, PACKED = "application/fits", "application/gzip"

#: Columns of `spectra` that readers do not see there.
_STORED = tuple(column for column in SPECTRA if column.name in {"path", "size"})

ORIGINALS = Table(
    "originals",
    "The files that spectra were read from",
    (SPECTRUM_ID, *_STORED, Column("mime", "text", "", "meta.code.mime", "Media type of the file")),
    SPECTRA.key,
)

#: What `originals` tells DaCHS: paths of other file systems are addresses.
_PRODUCTS = sql.SQL(
    "SELECT 'vospec/' || spectrum_id || CASE mime WHEN {packed} THEN '.fits.gz' ELSE '.fits' END"
    " AS accref, mime, path AS accesspath FROM vospec.originals WHERE starts_with(path, '/')"
).format(packed=PACKED)

_OURS = "vospec.spectra"

_FORGET = sql.SQL(
    "DELETE FROM dc.products WHERE sourcetable = {ours} AND {told}"
    " AND NOT EXISTS (SELECT FROM ({products}) AS given WHERE given.accref = products.accref)"
)
#: In the order of the key: of millions its index would not fit into memory.
_TELL = sql.SQL(
    "INSERT INTO dc.products (accref, mime, accesspath, sourcetable)"
    " SELECT accref, given.mime, given.accesspath, {ours} FROM ({products}) AS given"
    " LEFT JOIN dc.products USING (accref)"
    " WHERE (products.mime, products.accesspath, products.sourcetable)"
    " IS DISTINCT FROM (given.mime, given.accesspath, {ours}) ORDER BY accref"
    " ON CONFLICT (accref) DO UPDATE SET mime = excluded.mime,"
    " accesspath = excluded.accesspath, sourcetable = excluded.sourcetable"
)
#: Narrow either to some spectra.
_TOLD = sql.SQL(
    "accref IN (SELECT 'vospec/' || spectrum_id || suffix FROM ({touched}) AS touched,"
    " (VALUES ('.fits'), ('.fits.gz')) AS suffixes (suffix))"
)
_GIVEN = sql.SQL("{products} AND spectrum_id IN ({touched})")


def rows(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows of `originals`, of a batch of spectra; one for each that has a file.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Holds spectrum_id, path and size.
    """
    batch = batch.select(["spectrum_id", "path", "size"])
    batch = batch.filter(pc.is_valid(batch.column("path")))
    path = pa.array(map(_local, batch.column("path").to_pylist()), pa.string())
    is_packed = pc.ends_with(path, ".gz", ignore_case=True)
    batch = batch.set_column(1, "path", path)
    return batch.append_column("mime", pc.if_else(is_packed, PACKED, FITS))


def _local(path: str) -> str:
    """A path of this machine without scheme and quotes; other addresses as they are."""
    scheme, _, rest = path.partition("://")
    return unquote(rest[rest.find("/") :]) if scheme == "file" else path


def register(
    connection: psycopg.Connection[tuple[object, ...]], touched: Sequence[sql.Composable] = ()
) -> None:
    """Tell DaCHS of the files; only rows that are new, changed or gone are touched.

    Parameters
    ----------
    connection : psycopg.Connection
        Within a transaction.
    touched : sequence of Composable
        Tables of the spectra of which the files may have changed; without them all are
        looked at.
    """
    if not _is_there(connection):
        return
    products, told = sql.Composed([_PRODUCTS]), sql.Composed([sql.SQL("true")])
    if touched:
        select = sql.SQL("SELECT spectrum_id FROM {}")
        some = sql.SQL(" UNION ALL ").join(select.format(table) for table in touched)
        products = _GIVEN.format(products=_PRODUCTS, touched=some)
        told = _TOLD.format(touched=some)
    for statement in (_FORGET, _TELL):
        connection.execute(statement.format(products=products, told=told, ours=_OURS))


def are_registered(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether DaCHS knows of any file, or there is none, or no DaCHS."""
    if not _is_there(connection):
        return True
    row = connection.execute(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM dc.products WHERE sourcetable = {ours})"
            " OR NOT EXISTS ({products})"
        ).format(ours=_OURS, products=_PRODUCTS)
    ).fetchone()
    return row == (True,)


def _is_there(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute("SELECT to_regclass('dc.products')").fetchone()
    return row is not None and row[0] is not None
