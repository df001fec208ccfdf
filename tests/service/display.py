"""A screen without a monitor: windows are found by their titles, clicked, typed into and seen."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from matplotlib import image

#: What runs on a machine that does much else as well.
PATIENCE_SECONDS = 60.0
_COMMANDS = ("Xvfb", "xdotool", "import")
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Window:
    """A window as it stands on the screen, in pixels."""

    number: str
    title: str
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Display:
    """A running X server that has this number."""

    name: str
    folder: Path

    def run(self, *command: str) -> str:
        """Run a command with this display."""
        environment = os.environ | {"DISPLAY": self.name}
        done = subprocess.run(  # noqa: S603 - our own commands
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout

    def until(self, ask: Callable[[], _Found | None], what: str) -> _Found:
        """Ask until there is an answer."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if found := ask():
                return found
            time.sleep(0.2)
        seen = self.picture("missing")
        pytest.fail(f"nothing after {PATIENCE_SECONDS:.0f} s: {what}; the screen: {seen}")

    def windows(self) -> list[Window]:
        """All windows that have a title and are to be seen."""
        numbers = self.run("xdotool", "search", "--onlyvisible", "--name", ".").split()
        found = (self._window(number) for number in numbers)
        return [window for window in found if window]

    def _window(self, number: str) -> Window | None:
        title = self.run("xdotool", "getwindowname", number).strip()
        told = self.run("xdotool", "getwindowgeometry", "--shell", number)
        place = dict(line.split("=") for line in told.split())
        if "X" not in place:
            return None  # closed in the meantime
        at = (int(place[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return Window(number, title, *at)

    def find(self, title: str) -> Window:
        """Wait for a window whose title matches."""

        def ask() -> Window | None:
            return next((one for one in self.windows() if re.fullmatch(title, one.title)), None)

        return self.until(ask, f"a window {title!r}")

    def place(
        self, title: str, left: int, top: int, *, size: tuple[int, int] | None = None
    ) -> Window:
        """Move a window where it covers none and none covers it."""
        number = self.find(title).number
        if size:
            self.run("xdotool", "windowsize", "--sync", number, *map(str, size))
        self.run("xdotool", "windowmove", "--sync", number, str(left), str(top))
        self.run("xdotool", "windowraise", number)
        return self.find(title)

    def click(self, window: Window, right: int, down: int) -> None:
        """Click on a point of a window, told from its upper left corner."""
        self.run("xdotool", "windowraise", window.number)
        place = (str(window.left + right), str(window.top + down))
        self.run("xdotool", "mousemove", "--sync", *place, "sleep", "0.2", "click", "1")

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.run("xdotool", "type", "--delay", "20", text)

    def picture(self, name: str) -> Path:
        """Take a picture of the whole screen, for people."""
        path = self.folder / f"{name}.png"
        self.run("import", "-window", "root", str(path))
        return path

    def pixels(self, window: Window) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Red, green and blue from 0 to 1 of what is seen of a window."""
        seen = image.imread(self.picture("seen"))[:, :, :3]
        rows = slice(max(window.top, 0), window.top + window.height)
        return np.asarray(seen[rows, max(window.left, 0) : window.left + window.width])


@contextmanager
def display(folder: Path) -> Iterator[Display]:
    """Start an X server on a free display, and stop it."""
    missing = [command for command in _COMMANDS if shutil.which(command) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    out, into = os.pipe()
    command = ["Xvfb", "-displayfd", str(into), "-screen", "0", "1700x1600x24", "-nolisten", "tcp"]
    with (folder / "xvfb.log").open("wb") as log:
        server = subprocess.Popen(command, pass_fds=[into], stderr=log)  # noqa: S603 - as above
    os.close(into)
    try:
        with os.fdopen(out) as told:
            number = told.readline().strip()
        assert number, (folder / "xvfb.log").read_text()
        yield Display(f":{number}", folder)
    finally:
        server.terminate()
        server.wait(timeout=30)
