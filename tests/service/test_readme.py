"""What the README shows is run as it stands there, against the service of the tests."""

import re
from pathlib import Path

import numpy as np
import pytest
import pyvo

from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = [
    *SERVICE,
    # pyvo leaves its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
_SECTION = _README.partition("\n## Ask it\n")[2].partition("\n## ")[0]
_PYTHON = re.findall(r"```python\n(.*?)```", _SECTION, flags=re.DOTALL)
_QUERIES = re.findall(r"```\n(SELECT.*?)(?:\n\n.*?)?\n?```", _SECTION, flags=re.DOTALL)


def _run(block: str, url: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert "http://127.0.0.1:8080/" in block
    exec(block.replace("http://127.0.0.1:8080", url), {})  # noqa: S102 - our own text
    return capsys.readouterr().out


def test_blocks_are_found() -> None:
    assert len(_PYTHON) == 2
    assert len(_QUERIES) == 5


def test_candidates_are_printed(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = _run(_PYTHON[0], url, capsys)
    assert "length=10" in told
    assert told.count("label_spreading-test") == 10


def test_line_of_the_best_is_measured(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = _run(_PYTHON[1], url, capsys).splitlines()
    name, peak, where = re.fullmatch(r"(\S+): peak (\S+) at (\S+) Angstrom", first).groups()  # type: ignore[union-attr]
    (features,) = samples.features()
    flux = np.array(features.column("flux")[0].as_py(), dtype=np.float32)
    assert name == samples.SURVEY[0]
    assert float(peak) == pytest.approx(flux.max(), abs=0.01)
    assert float(where) == pytest.approx(samples.H_ALPHA, abs=1)
    wavelength = samples.GRID_WAVELENGTHS
    inside = (wavelength >= 6544.6) & (wavelength <= 6584.6)
    expected = np.trapezoid(1 - flux[inside], wavelength[inside])
    assert float(second.split()[0]) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("query", _QUERIES)
def test_query_is_answered(tap: pyvo.dal.TAPService, query: str) -> None:
    # The samples have other thresholds than the README's survey.
    rows = len(tap.search(query))
    assert rows > 0
