"""What the service says to questions that no client library would let through."""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import requests


@dataclass(frozen=True)
class Answer:
    """An answer of TAP: its status and, where it is no table, what it says."""

    status: str
    text: str

    @property
    def refused(self) -> bool:
        """Whether the question was refused with a sentence."""
        return self.status == "ERROR" and bool(self.text.strip())


def ask(
    session: requests.Session,
    url: str,
    query: str,
    *,
    table: str | bytes | None = None,
    **given: str,
) -> Answer:
    """Ask TAP at once, with a table that is uploaded as ``TAP_UPLOAD.t``."""
    data = {"LANG": "ADQL", "REQUEST": "doQuery", "QUERY": query} | given
    files: Any = None
    if table is not None:
        data["UPLOAD"] = "t,param:table"
        files = {"table": ("table.xml", table)}
    answer = session.post(f"{url}/tap/sync", data=data, files=files, timeout=200)
    return read(answer.content)


def read(document: bytes) -> Answer:
    """The status of an answer; one that is no VOTable is fine."""
    if b"QUERY_STATUS" not in document:
        return Answer("OK", document.decode(errors="replace"))
    root = ET.fromstring(document)  # noqa: S314 - of our own service
    infos = [info for info in root.iter() if info.tag.endswith("}INFO")]
    told = [info for info in infos if info.get("name") in ("QUERY_STATUS", "HINT")]
    status = [str(info.get("value")) for info in told if info.get("name") == "QUERY_STATUS"]
    return Answer(status[-1], " ".join(info.text or "" for info in told))


def votable(fields: str, data: str, *, before: str = "") -> str:
    """A VOTable with one table."""
    table = f"<TABLE>{fields}<DATA>{data}</DATA></TABLE>"
    return f'{before}<VOTABLE version="1.4"><RESOURCE>{table}</RESOURCE></VOTABLE>'


def rows(*cells: tuple[object, ...]) -> str:
    """Rows as TABLEDATA."""
    told = "".join(f"<TR>{''.join(f'<TD>{cell}</TD>' for cell in row)}</TR>" for row in cells)
    return f"<TABLEDATA>{told}</TABLEDATA>"
