# noqa: INP001 - DaCHS loads this file by its path
"""What the regression tests of the descriptor need beside what DaCHS gives them."""

import http.client
import io
import time
import urllib.parse
import urllib.request
from contextlib import closing
from typing import Any

from gavo import votable

Row = dict[str, Any]

_BOUNDARY = "vospec-regression"
#: An asynchronous job of a small query must be done within this many seconds.
_PATIENCE = 100


def server(address: str) -> str:
    """The server that an address is of."""
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def fetch(address: str, data: bytes | None = None, **headers: str) -> bytes:
    """What an address gives."""
    request = urllib.request.Request(address, data=data, headers=headers)  # noqa: S310 - of our own server
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        return bytes(answer.read())


def rows(content: bytes) -> list[Row]:
    """The rows of the first table of a VOTable."""
    data, metadata = votable.loads(content)
    return list(metadata.iterDicts(data))


def ask(address: str, query: str, *, stars: list[Row] | None = None) -> list[Row]:
    """The rows of a query to the TAP service of the server that an address is of.

    Stars have name, ra and dec, and are uploaded as TAP_UPLOAD.stars.
    """
    fields = {"LANG": "ADQL", "REQUEST": "doQuery", "QUERY": query}
    if stars is not None:
        fields["UPLOAD"] = "stars,param:stars"
    body = "".join(_field(f'name="{name}"', value) for name, value in fields.items())
    if stars is not None:
        body += _field('name="stars"; filename="stars.vot"', _table(stars))
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    content = f"{body}--{_BOUNDARY}--\r\n".encode()
    return rows(fetch(f"{server(address)}/tap/sync", content, **{"Content-Type": kind}))


def _field(name: str, value: str) -> str:
    head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n"
    return f"{head}Content-Type: text/plain\r\n\r\n{value}\r\n"


def _table(stars: list[Row]) -> str:
    cells = (
        f"<TD>{star['name']}</TD><TD>{star['ra']!r}</TD><TD>{star['dec']!r}</TD>" for star in stars
    )
    return (
        '<VOTABLE version="1.3"><RESOURCE><TABLE>'
        '<FIELD name="name" datatype="char" arraysize="*"/>'
        '<FIELD name="ra" datatype="double" unit="deg"/>'
        '<FIELD name="dec" datatype="double" unit="deg"/>'
        f"<DATA><TABLEDATA>{''.join(f'<TR>{row}</TR>' for row in cells)}</TABLEDATA></DATA>"
        "</TABLE></RESOURCE></VOTABLE>"
    )


def run(job: str) -> list[Row]:
    """The rows of an asynchronous job that is started here and deleted in the end."""
    fetch(f"{job}/phase", b"PHASE=RUN")
    deadline = time.monotonic() + _PATIENCE
    while (phase := fetch(f"{job}/phase").decode()) in {"PENDING", "QUEUED", "EXECUTING", "RUN"}:
        assert time.monotonic() < deadline, f"the job is still {phase}"
        time.sleep(0.5)
    assert phase == "COMPLETED", phase
    try:
        return rows(fetch(f"{job}/results/result"))
    finally:
        _delete(job)


def _delete(job: str) -> None:
    """Delete a job, and do not follow to the list of the others, which may be changing."""
    parts = urllib.parse.urlsplit(job)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    with closing(kinds[parts.scheme](parts.netloc, timeout=60)) as connection:
        connection.request("DELETE", parts.path)
        connection.getresponse().read()


def links(content: bytes) -> dict[str, list[Row]]:
    """The links of a DataLink answer, by their terms without the number sign."""
    found: dict[str, list[Row]] = {}
    for row in rows(content):
        found.setdefault((row["semantics"] or "").lstrip("#"), []).append(row)
    return found


def spectrum(content: bytes) -> Any:  # noqa: ANN401 - a record array of FITS
    """The pixels of a FITS binary table: wavelengths in Å, flux and what else there is."""
    from astropy.io import fits  # noqa: PLC0415 - slow, and few need it

    with fits.open(io.BytesIO(content)) as hdus:
        return hdus[1].data.copy()
