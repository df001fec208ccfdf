"""The regression tests of the descriptor hold, and fail where they should."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import psycopg
import pytest

from tests.conftest import Instance
from tests.service import dachs, real
from tests.service.conftest import RUN, SERVICE

pytestmark = SERVICE

_ROOT = ET.parse(Path(__file__).parents[2] / "resdir" / "q.rd").getroot()  # noqa: S314 - our own file
_TAG = "stars"


def _titles(*, tagged: bool) -> list[str]:
    return [
        test.attrib["title"]
        for test in _ROOT.iter("regTest")
        if (test.get("tags") is not None) == tagged
    ]


def _run(instance: Instance, *options: str) -> tuple[int, set[str], str]:
    """Of how many tests which have failed, and what was told."""
    done = dachs.run(instance, "dachs", "test", "-v", "-T", "120", *options, "vospec/q")
    counts = re.search(r"^(\d+) of (\d+) bad", done.stdout, flags=re.MULTILINE)
    assert counts is not None, done.stdout + done.stderr
    failed = re.findall(r"^\t(?:FAIL|ERROR) (.*)$", done.stdout, flags=re.MULTILINE)
    assert int(counts[1]) == len(failed), done.stdout
    return int(counts[2]), set(failed), done.stdout


@pytest.fixture
def stars(url: str, instance: Instance, tmp_path: Path) -> Iterator[None]:
    """The real stars, among what is published."""
    assert url
    if not (real.DATA / "lamost.csv").exists():
        pytest.skip(f"no real spectra in {real.DATA}")
    plan = real.score(tmp_path)
    with (
        psycopg.connect(instance.database, autocommit=True) as connection,
        real.added(connection, plan, RUN),
    ):
        yield


def test_every_door_has_a_test() -> None:
    titles = {title.partition(":")[0] for title in _titles(tagged=False)}
    doors = {"TAP", "SSA", "ObsCore", "DataLink", "SODA", "getproduct", "Cone search"}
    assert doors | {"Form", "Health", "Preview", "Product", "Rectified", "Registry"} <= titles
    assert len(_titles(tagged=True)) >= 10


@pytest.mark.usefixtures("url")
def test_they_hold_on_any_instance(instance: Instance) -> None:
    total, failed, told = _run(instance)
    assert total == len(_titles(tagged=False))
    assert not failed, told


@pytest.mark.usefixtures("url")
def test_they_fail_where_the_stars_are_missing(instance: Instance) -> None:
    total, failed, told = _run(instance, "-t", _TAG)
    assert total == len(_titles(tagged=False)) + len(_titles(tagged=True))
    assert failed == set(_titles(tagged=True)), told


@pytest.mark.usefixtures("stars")
def test_they_hold_on_real_stars(instance: Instance) -> None:
    _, failed, told = _run(instance, "-t", _TAG)
    assert not failed, told
