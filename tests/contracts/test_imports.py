"""Imports go one way, and heavy or privileged packages stay in their rooms."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import vospec

PACKAGE = Path(vospec.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each room may import from the rooms before it and from those of its own line.
ORDER = [
    {"columns", "errors", "config", "progress", "blocks"},
    {"spectra", "learning", "store", "listing"},
    {
        "archives",
        "verification",
        "publication",
        "inventory",
        "lock",
        "plan",
        "runs",
        "pairs",
        "stars",
        "evidence",
        "probability",
    },
    {
        "status",
        "export",
        "loaders",
        "kernel",
        "drawn",
        "plots",
        "neighbourhood",
        "additions",
        "verify",
        "increment",
        "gate",
        "retention",
        "report",
        "known",
        "evaluate",
        "assessment",
    },
    {"publishing"},
    {"backend"},
    {"job"},
    {"construction"},
    {"scoring"},
    {"pipeline"},
    {"interim"},
    {"rescoring"},
    {"commands"},
    {"__main__"},
]

ALLOWED = {
    "pyspark": {"backend"},
    "astropy.io.fits": {"archives", "publication"},
    "psycopg": {"publication"},
    "requests": {"archives.ssa", "verification"},
    "urllib.request": {"archives.ssa", "verification"},
    "pyvo": {"archives.ssa", "verification"},
    "astroquery": {"verification"},
}


def _name(path: Path) -> str:
    relative = path.relative_to(PACKAGE).with_suffix("")
    return ".".join(part for part in relative.parts if part != "__init__")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _line(room: str) -> int:
    lines = [number for number, rooms in enumerate(ORDER) if room in rooms]
    assert lines, f"{room} has no place in the order of imports"
    return lines[0]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_go_one_way(path: Path) -> None:
    room = _name(path).split(".")[0]
    if not room:
        return
    for imported in _imports(path):
        if not imported.startswith("vospec."):
            continue
        target = imported.split(".")[1]
        if target in {room, "__version__"}:
            continue
        assert _line(target) <= _line(room), f"{_name(path)} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_packages_stay_in_their_rooms(path: Path) -> None:
    name = _name(path)
    for imported in _imports(path):
        for package, rooms in ALLOWED.items():
            if imported == package or imported.startswith(f"{package}."):
                assert any(name == room or name.startswith(f"{room}.") for room in rooms), (
                    f"{name} imports {imported}"
                )


def test_kernels_load_neither_spark_nor_a_database() -> None:
    program = (
        "import sys, vospec.spectra, vospec.learning; "
        "print([m for m in ('pyspark', 'psycopg', 'pyvo') if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_modules_stay_short() -> None:
    long = {_name(p): n for p in MODULES if (n := len(p.read_text().splitlines())) > 400}
    assert not long
