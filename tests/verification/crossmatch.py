"""A stand-in for the cross-match service of CDS, made after its documentation.

It takes a form with an uploaded CSV file and answers a VOTable of all matches, which it finds by
itself.
"""

import csv
import io
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.table import Table
from astropy.units import arcsec

from tests.service import simbad

_PART = re.compile(rb'name="([^"]+)"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)


class Sky:
    """The sources that the service knows, and what it tells of them."""

    def __init__(self, places: SkyCoord, told: dict[str, Any]) -> None:
        self.places, self.told = places, told

    @classmethod
    def of(cls, sources: Sequence[simbad.Source]) -> "Sky":
        """That of the sources of a small SIMBAD; main types are told by their names."""
        labels = {code: label for code, label, _, _ in simbad.types()}
        told: dict[str, Any] = {
            "main_id": [one.main_id for one in sources],
            "main_type": [labels[one.otype] for one in sources],
            "other_types": ["|".join(one.otypes) for one in sources],
            "sp_type": [one.sp_type or "" for one in sources],
            "radvel": [np.nan if one.velocity is None else one.velocity for one in sources],
            "nbref": [one.n_references for one in sources],
        }
        places = SkyCoord([s.ra for s in sources], [s.dec for s in sources], unit="deg")
        return cls(places, {name: np.array(values) for name, values in told.items()})


@dataclass
class Service:
    """What the service is to do, what it was asked, and how long it took."""

    url: str = ""
    replies: list[Callable[[bytes], tuple[int, bytes]]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    #: What is added to the numbers of the positions.
    first: int = 0
    seconds: float = 0.0


def _matched(form: dict[str, str], sky: Sky, first: int) -> bytes:
    """A VOTable of all matches of an uploaded list with the sources."""
    names, *rows = csv.reader(io.StringIO(form["cat1"]))
    given = dict(zip(names, np.array(rows, dtype=np.float64).T, strict=True))
    ours = SkyCoord(given[form["colRA1"]], given[form["colDec1"]], unit="deg")
    i, j, distance, _ = search_around_sky(ours, sky.places, float(form["distMaxArcsec"]) * arcsec)
    uploaded = {name: values[i] for name, values in given.items()}
    uploaded["number"] = first + uploaded["number"].astype(np.int64)
    wanted = {name: sky.told[name][j] for name in form["cols2"].split(",")}
    table = Table({"angDist": distance.arcsec} | uploaded | wanted)
    stream = io.BytesIO()
    # As text astropy does not write tables of any width.
    table[: int(form["MAXREC"])].write(stream, format="votable", tabledata_format="binary2")
    return stream.getvalue()


@contextmanager
def serving(sky: Sky) -> Iterator[Service]:
    """A running service."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            started = time.perf_counter()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            form = {name.decode(): value.decode() for name, value in _PART.findall(body)}
            service.forms.append(form)
            code, reply = 200, _matched(form, sky, service.first)
            if service.replies:
                code, reply = service.replies.pop(0)(reply)
            service.seconds += time.perf_counter() - started
            self.send_response(code)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}/xmatch/api/v1/sync"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
