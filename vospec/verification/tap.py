"""Questions to a TAP service, with tables of ours uploaded, and whole answers or none.

pyvo makes the question and reads the answer; the request itself is carried by
:class:`~vospec.archives.ssa.Transport`, which is polite and patient. Not by
``astroquery.simbad``: it speaks to two servers by name alone (a mirror, a test or another
service cannot be told), truncates at 10 000 rows unless told, takes an answer that was cut
for whole with a warning, keeps answers in the process, and goes through pyvo in the end.

A service may cut its answer and say so (QUERY_STATUS OVERFLOW), or be asked for fewer rows
than there are (MAXREC); who asks must know either.
"""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from xml.sax.saxutils import escape

import pyvo
from astropy.table import Table

from vospec.archives.ssa.transport import Answer, PassingError, Transport
from vospec.archives.ssa.votables import parsed
from vospec.errors import ServiceError

#: Bytes of an answer at most.
MOST_ANSWER = 1 << 28

#: Of integers, numbers in double precision and texts, by numpy's kinds.
_DATATYPES = {
    "i": 'datatype="long"',
    "f": 'datatype="double"',
    "U": 'datatype="char" arraysize="*"',
}
_VOTABLE = "application/x-votable+xml"


class CutError(ServiceError):
    """A service has given only a part of its answer."""


def ask(  # noqa: PLR0913 - all but two by name
    transport: Transport,
    url: str,
    *,
    query: str,
    columns: Sequence[str] = (),
    uploads: Mapping[str, Table] | None = None,
    most: int,
) -> Table:
    """Ask a TAP service and wait for the answer.

    Parameters
    ----------
    transport
        Carries the question.
    url
        Base address of the service, without ``/sync``.
    query
        In ADQL.
    columns
        What the answer must have, in lower case; it may have more.
    uploads
        Tables of numbers and texts by their names in ``TAP_UPLOAD``.
    most
        Rows at most.

    Returns
    -------
    astropy.table.Table
        All rows; the names of the columns are in lower case.

    Raises
    ------
    CutError
        There are more than `most` rows, or more than the service gives.
    RefusedError
        The service does not accept the question (HTTP 4xx).
    ServiceError
        The service is silent, broken or overloaded at every try, calls the question wrong
        at every try, or answers with another table.
    """
    # One row more tells a whole answer of this length from a cut one.
    prepared = pyvo.dal.TAPQuery(url.rstrip("/?&"), query, maxrec=most + 1)
    form = {name: str(value) for name, value in prepared.items()}
    given = uploads or {}
    if given:
        form["UPLOAD"] = ";".join(f"{name},param:{name}" for name in given)
    files = {name: (f"{name}.vot", _votable(table), _VOTABLE) for name, table in given.items()}
    read = partial(_read, url=url)
    table, status = transport.post(
        prepared.queryurl, form, files=files, most=MOST_ANSWER, read=read
    )
    _require(table, columns, url)
    if status == "overflow" or len(table) > most:
        message = f"{url}: the answer was cut after {len(table)} rows"
        raise CutError(message)
    return table


def _votable(table: Table) -> bytes:
    """Numbers and texts as a VOTable with TABLEDATA, which every service reads.

    Not by astropy, whose writer of TABLEDATA ends the process where a row has just so many
    characters as it has room for.
    """
    fields = "".join(
        f'<FIELD name="{name}" {_DATATYPES[table[name].dtype.kind]}/>' for name in table.colnames
    )
    columns = (table[name].tolist() for name in table.colnames)
    rows = "".join(
        f"<TR>{''.join(f'<TD>{escape(str(value))}</TD>' for value in row)}</TR>\n"
        for row in zip(*columns, strict=True)
    )
    return (
        '<?xml version="1.0"?>\n'
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>'
        f"<TABLE>{fields}<DATA><TABLEDATA>\n{rows}</TABLEDATA></DATA></TABLE>"
        "</RESOURCE></VOTABLE>"
    ).encode()


def _read(answer: Answer, *, url: str) -> tuple[Table, str]:
    """The rows of an answer and its status; what is broken may come whole the next time."""
    with warnings.catch_warnings():
        # Services bend the standard; an overflow is looked for by who asks.
        warnings.simplefilter("ignore")
        try:
            results = pyvo.dal.TAPResults(parsed(answer, url), url=url)
            table = results.to_table()
        except (ServiceError, pyvo.DALQueryError, pyvo.DALFormatError) as fault:
            raise PassingError(_without(str(fault), url)) from fault
    for name in table.colnames:
        table[name].name = name.lower()
    return table, str(results.status[0]).lower()


def _without(reason: str, url: str) -> str:
    """A reason without the address, which whoever passes it on tells anyway."""
    return " ".join(reason.removeprefix(f"{url}: ").split())


def _require(table: Table, columns: Sequence[str], url: str) -> None:
    missing = [name for name in columns if name not in table.colnames]
    if missing:
        found = ", ".join(table.colnames) or "none"
        message = f"{url}: expected the columns {', '.join(columns)}, found {found}"
        raise ServiceError(message)
