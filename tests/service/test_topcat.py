"""TOPCAT, as an astronomer has it on the screen: a query, a plot, a star and its spectrum."""

import os
import shutil
import signal
import subprocess
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from pyvo import samp
from pyvo.dal.adhoc import DatalinkResults
from scipy import ndimage

from tests.conftest import Instance
from tests.publication import samples
from tests.service import display
from tests.service.conftest import SERVICE

pytestmark = SERVICE

# Where things are in TOPCAT 4.8's windows, in pixels from their upper left corners.
_BROADCAST, _ACTIVATION, _PLANE, _SKY = (115, 40), (341, 40), (423, 40), (460, 40)
_TAP, _TAP_URL, _USE_SERVICE, _QUERY, _RUN = (
    (650, 40),
    (340, 665),
    (638, 695),
    (340, 620),
    (364, 738),
)
#: The box before the action "Invoke Service", which the service's descriptor makes.
_INVOKE_SERVICE = (40, 140)
#: The button "Invoke" beside a link, and the axes of a sky plot.
_INVOKE_LINK = (701, 343)
#: TOPCAT gives the window with the links of a row no title.
_LINKS = ""
_AXES = np.s_[80:446, 50:504]


class Inbox:
    """A client at TOPCAT's hub, to which it sends tables."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.client = samp.SAMPIntegratedClient(name="vospec's tests", addr="127.0.0.1")

    def open(self) -> None:
        """Say that tables are taken."""
        self.client.connect()
        self.client.bind_receive_call("table.load.*", self._receive)

    def _receive(self, *message: Any) -> None:  # noqa: ANN401 - whatever SAMP's clients send
        _, _, message_id, _, params, _ = message
        self.received.append(params)
        self.client.reply(message_id, {"samp.status": "samp.ok", "samp.result": {}})

    def has_reader(self) -> bool:
        """Tell whether somebody takes tables."""
        return bool(self.client.get_subscribed_clients("table.load.votable"))

    def tell(self, mtype: str, **params: str) -> None:
        """Send a message to everybody."""
        self.client.notify_all({"samp.mtype": mtype, "samp.params": params})


@dataclass
class Topcat:
    """TOPCAT on a screen."""

    screen: display.Display
    inbox: Inbox
    log: Path
    known: int = 0

    def _lines(self) -> list[str]:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return [urllib.parse.unquote(line) for line in text.splitlines() if "HTTP/1.1" in line]

    def remember(self) -> None:
        """Leave out of account what the service was asked until now."""
        self.known = len(self._lines())

    def has_asked(self, *addresses: str) -> None:
        """Wait until the service has answered requests that have these paths and parameters."""

        def ask() -> bool:
            answered = [line for line in self._lines()[self.known :] if '" 200 ' in line]
            return all(any(f" '{one}'" in line for line in answered) for one in addresses)

        self.screen.until(ask, f"a request for {' and '.join(addresses)}")

    def load(self, address: str) -> None:
        """Load a table as another program of the desktop would have it loaded."""
        self.inbox.tell("table.load.votable", url=address, name="candidates")

    def broadcast(self, count: int) -> Table:
        """Press the button that sends the current table to others until it has so many rows."""

        def ask() -> Table | None:
            self.screen.click(self.screen.find("TOPCAT"), *_BROADCAST)
            sent = [Table.read(one["url"], format="votable") for one in self.inbox.received[-1:]]
            return next((table for table in sent if len(table) == count), None)

        return self.screen.until(ask, f"a table of {count} rows from TOPCAT")


def _options(home: Path) -> list[str]:
    # Nobody but this machine is asked: whatever else is wanted finds a closed door.
    alone = {"http.proxyHost": "127.0.0.1", "http.proxyPort": "9"}
    alone |= {"https.proxyHost": "127.0.0.1", "https.proxyPort": "9"}
    return [f"-D{name}={value}" for name, value in (alone | {"user.home": str(home)}).items()]


@contextmanager
def _running(screen: display.Display, home: Path, *arguments: str) -> Iterator[None]:
    command = shutil.which("topcat")
    if command is None:
        pytest.skip("topcat is not installed")
    environment = os.environ | {"DISPLAY": screen.name, "_JAVA_AWT_WM_NONREPARENTING": "1"}
    with (home / "topcat.log").open("ab") as log:
        running = subprocess.Popen(  # noqa: S603 - Debian's command
            [command, *_options(home), *arguments],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            # The command is a script that waits for Java.
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(timeout=30)


@contextmanager
def _hub(screen: display.Display, home: Path, lock: Path) -> Iterator[Inbox]:
    """Start a hub, and be its first client.

    One that comes while TOPCAT gets acquainted with the others may be missed by it.
    """
    inbox = Inbox()
    with _running(screen, home, "-jsamp", "hub", "-mode", "no-gui", "-profiles", "std"):
        screen.until(lock.exists, "a hub")
        inbox.open()
        yield inbox
        inbox.client.disconnect()


@pytest.fixture
def topcat(
    url: str, instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Topcat]:
    """TOPCAT, just started."""
    assert url
    lock = tmp_path / ".samp"
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{lock.as_uri()}")
    # Else the name of this machine is asked for in the Internet.
    monkeypatch.setattr(samp.conf, "use_internet", False)
    with (
        display.display(tmp_path) as screen,
        _hub(screen, tmp_path, lock) as inbox,
        _running(screen, tmp_path, "-nohub"),
    ):
        screen.until(inbox.has_reader, "TOPCAT at its hub")
        topcat = Topcat(screen, inbox, instance.folder / "dachs" / "logs" / "web.log")
        topcat.remember()
        yield topcat


def _refuse_registry(screen: display.Display) -> None:
    """Close the message that the registry, which is in the Internet, is not reached."""
    message = screen.find("Service search error")
    screen.click(message, message.width // 2 - 69, message.height - 18)


def test_queries_are_written_in_the_tap_window(topcat: Topcat, url: str) -> None:
    screen = topcat.screen
    screen.click(screen.find("TOPCAT"), *_TAP)
    _refuse_registry(screen)
    window = screen.place(r"Table Access Protocol \(TAP\) Query", 860, 0)
    screen.click(window, *_TAP_URL)
    screen.type(f"{url}/tap\n")
    screen.click(window, *_USE_SERVICE)
    topcat.has_asked("/tap/capabilities", "/tap/tables?detail=max", "/tap/examples")
    screen.click(window, *_QUERY)
    screen.type("SELECT spectrum_id, score, ra, dec FROM vospec.candidates WHERE rank <= 9")
    screen.click(window, *_RUN)
    table = topcat.broadcast(9)
    screen.picture("query")
    assert table.colnames == ["spectrum_id", "score", "ra", "dec"]
    assert sorted(table["spectrum_id"]) == sorted(samples.SURVEY[:9])
    assert table["ra"].unit == "deg"


def _stars(screen: display.Display) -> list[tuple[int, int]]:
    """Tell where the markers in a sky plot are, east first, from its window's corner."""
    red, green, blue = np.moveaxis(screen.pixels(screen.find(r"Sky Plot.*"))[_AXES], 2, 0)
    # Lines of the grid run through them.
    marked = ndimage.binary_closing((red > 0.8) & (green < 0.3) & (blue < 0.3), iterations=2)
    labels, count = ndimage.label(marked)
    places = ndimage.center_of_mass(marked, labels, range(1, count + 1))
    top, left = (part.start for part in _AXES)
    return sorted((round(right) + left, round(down) + top) for down, right in places)


def _line(screen: display.Display) -> int:
    """Count the pixels of what is plotted against each other."""
    red, green, _ = np.moveaxis(screen.pixels(screen.find(r"Plane Plot.*"))[_AXES], 2, 0)
    return int(np.sum((red > 0.8) & (green < 0.3)))


@dataclass(frozen=True)
class Link:
    """A row of TOPCAT's table of links: where one clicks on it, and where it leads."""

    place: tuple[int, int]
    path: str


def _links(url: str, spectrum_id: str) -> dict[tuple[str, str], Link]:
    """Tell a spectrum's links by what they mean and are."""
    links = DatalinkResults.from_result_url(f"{url}/vospec/q/dl/dlmeta?ID={spectrum_id}")
    return {
        (link["semantics"], link["content_type"]): Link(
            (60, 46 + 16 * place), urllib.parse.unquote(link["access_url"].removeprefix(url))
        )
        for place, link in enumerate(links)
    }


def _plot(topcat: Topcat, url: str, query: str) -> list[tuple[int, int]]:
    asked = urllib.parse.urlencode({"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query})
    topcat.load(f"{url}/tap/sync?{asked}")
    topcat.broadcast(len(samples.SURVEY))
    topcat.screen.click(topcat.screen.find("TOPCAT"), *_SKY)
    topcat.screen.place(r"Sky Plot.*", 860, 0)
    return topcat.screen.until(
        lambda: stars if len(stars := _stars(topcat.screen)) == len(samples.SURVEY) else None,
        "as many stars as candidates",
    )


def _follow(topcat: Topcat, star: tuple[int, int], spectrum_id: str) -> display.Window:
    """Let the service's own action follow a click on a star, and find the links that come."""
    screen = topcat.screen
    screen.click(screen.find("TOPCAT"), *_ACTIVATION)
    actions = screen.place(r"TOPCAT\(1\): Activation Actions", 0, 330)
    screen.click(actions, *_INVOKE_SERVICE)
    topcat.remember()
    screen.click(screen.find(r"Sky Plot.*"), *star)
    topcat.has_asked(f"/vospec/q/dl/dlmeta?ID={spectrum_id}")
    return screen.place(_LINKS, 0, 920)


def test_stars_in_a_plot_lead_to_their_spectra(topcat: Topcat, url: str) -> None:
    screen, star = topcat.screen, samples.SURVEY[3]
    # Right ascension grows to the east, which is left.
    place = _plot(topcat, url, "SELECT spectrum_id, score, ra, dec FROM vospec.candidates")[-4]
    window, links = _follow(topcat, place, star), _links(url, star)
    picture, table = links["#preview", "image/png"], links["#this", "application/x-votable+xml"]
    screen.click(window, *picture.place)
    screen.click(window, *_INVOKE_LINK)
    topcat.has_asked(picture.path)
    screen.place("Image", 860, 790, size=(800, 690))
    screen.picture("picture")
    screen.click(window, *table.place)
    screen.click(window, *_INVOKE_LINK)
    spectrum = topcat.broadcast(len(samples.axis(star)))
    assert np.array_equal(spectrum["spectral_axis"], samples.axis(star))
    assert np.array_equal(spectrum["flux"], samples.flux(star))
    screen.click(screen.find("TOPCAT"), *_PLANE)
    screen.place(r"Plane Plot.*", 860, 790)
    assert screen.until(lambda: _line(screen) > 100, "a spectrum in the plot")
    screen.picture("spectrum")
