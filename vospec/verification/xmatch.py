"""What SIMBAD knows of very many positions, by the cross-match service of CDS.

``astroquery.xmatch`` makes the request; it is carried like every other (see `tap`), one after
the other: the service bans who sends several at once. It takes 100 MB and gives 2 000 000 rows
at most, and its SIMBAD has columns of its own: ``main_type`` may be a code or a name,
``other_types`` are codes, and nothing tells when an object was changed last.
"""

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import pyarrow as pa
from astropy import units
from astropy.table import Table

from vospec.archives.ssa.transport import Answer, PassingError, Transport
from vospec.archives.ssa.votables import parsed
from vospec.errors import ServiceError
from vospec.verification import sources
from vospec.verification.sources import Positions
from vospec.verification.tap import MOST_ANSWER, CutError
from vospec.verification.types import ObjectTypes

#: Rows that the service gives at most.
MOST_ROWS = 2_000_000
_COLUMNS = ("main_id", "main_type", "other_types", "sp_type", "radvel", "nbref")


class CrossMatch:
    """SIMBAD by CDS X-Match.

    Parameters
    ----------
    transport : Transport
        Carries the questions.
    url : str
        Address of the service's synchronous interface.
    types : ObjectTypes
        Tells codes from names.
    block : int
        Positions of one question at most.
    """

    def __init__(self, transport: Transport, url: str, *, types: ObjectTypes, block: int) -> None:
        self.transport, self.url, self.types, self.block = transport, url, types, block

    def ask(self, positions: Positions, radius_arcsec: float) -> pa.Table:
        """Ask about one block of positions; as :meth:`simbad.Simbad.ask`."""
        form, files = _request(positions, radius_arcsec)
        table, status = self.transport.post(
            self.url, form, files=files, most=MOST_ANSWER, read=self._read
        )
        if status == "overflow" or len(table) >= MOST_ROWS:
            message = f"{self.url}: the answer was cut after {len(table)} rows"
            raise CutError(message)
        number = np.asarray(table["number"], dtype=np.int64)
        if len(number) and (number.min() < 0 or number.max() >= len(positions)):
            message = f"{self.url}: expected the numbers of {len(positions)} positions"
            raise ServiceError(message)
        separation = np.asarray(table["angDist"], dtype=np.float64)
        rows, counts = sources.nearest(number, separation, len(positions))
        return sources.answered(rows, counts, separation, self._told(table))

    def _read(self, answer: Answer) -> tuple[Table, str]:
        try:
            votable = parsed(answer, self.url)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = votable.get_first_table().to_table(use_names_over_ids=True)
        except (ServiceError, IndexError) as fault:
            reason = " ".join(str(fault).removeprefix(f"{self.url}: ").split())
            raise PassingError(reason) from fault
        expected = ("number", "angDist", *_COLUMNS)
        if missing := [name for name in expected if name not in table.colnames]:
            message = (
                f"{self.url}: expected the columns {', '.join(missing)}, "
                f"found {', '.join(table.colnames)}"
            )
            raise ServiceError(message)
        infos = [*votable.infos, *(info for part in votable.resources for info in part.infos)]
        told = [str(info.value).lower() for info in infos if info.name == "QUERY_STATUS"]
        return table, told[-1] if told else "ok"

    def _told(self, table: Table) -> dict[str, list[Any]]:
        mains = [main and self.types.code(main) for main in sources.texts(table, "main_type")]
        others = sources.texts(table, "other_types")
        return {
            "main_id": sources.texts(table, "main_id"),
            "otype": mains,
            "otypes": [self._joined(*both) for both in zip(mains, others, strict=True)],
            "sp_type": sources.texts(table, "sp_type"),
            "radial_velocity": sources.numbers(table, "radvel", float),
            "n_references": sources.numbers(table, "nbref", int),
        }

    def _joined(self, main: str | None, others: str | None) -> str | None:
        words = [word.strip() for word in (others or "").split("|")]
        codes = {self.types.code(word) for word in words if word}
        return "|".join(sorted(codes | ({main} if main else set()))) or None


def _request(
    positions: Positions, radius_arcsec: float
) -> tuple[dict[str, str], dict[str, tuple[str, bytes, str]]]:
    """The form and the file of a request."""
    with contextlib.redirect_stdout(io.StringIO()):
        # It prints that an optional package is missing.
        from astroquery.xmatch import XMatchClass  # noqa: PLC0415
    service = XMatchClass()
    # It would ask the service for its list of tables, to no use.
    service.get_available_tables = list
    given = {"number": np.arange(len(positions)), "lon": positions.ra, "lat": positions.dec}
    form, sent = service.query_async(
        cat1=Table(given),
        cat2="simbad",
        max_distance=radius_arcsec * units.arcsec,
        colRA1="lon",
        colDec1="lat",
        colRA2="ra",
        colDec2="dec",
        cols2=",".join(_COLUMNS),
        MAXREC=str(MOST_ROWS),
        get_query_payload=True,
    )
    # The service knows where SIMBAD has its positions.
    form = {name: str(value) for name, value in form.items() if name not in {"colRA2", "colDec2"}}
    name, content = sent["files"]["cat1"]
    return form, {"cat1": (name, content.encode(), "text/csv")}
