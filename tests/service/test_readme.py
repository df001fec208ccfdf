"""What README tells people to type is what works."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = SERVICE

_README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
_ADDRESS = "http://127.0.0.1:8080"
#: Those that ask the service.
_PROGRAMS = [
    text for text in re.findall(r"```python\n(.*?)```", _README, re.DOTALL) if _ADDRESS in text
]


def _printed(program: str, url: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(program.replace(_ADDRESS, url), "README", "exec"), {})  # noqa: S102 - our own text
    return printed.getvalue()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_programs_run(url: str) -> None:
    first, second = _PROGRAMS
    table = _printed(first, url)
    assert "<DALResultsTable length=10>" in table or "spectrum_id" in table
    lines = _printed(second, url).splitlines()
    assert [line.split()[0] for line in lines] == samples.SURVEY[:3]
    for line in lines:
        wavelength = float(line.split()[1])
        assert abs(wavelength - samples.H_ALPHA) < 2
        assert "Angstrom" in line
