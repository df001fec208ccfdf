"""Lists of positions."""

from pathlib import Path

import pytest

from vospec.archives.ssa import Region, read_positions
from vospec.errors import PositionListError


def test_positions_are_read_once_each(tmp_path: Path) -> None:
    path = tmp_path / "positions.csv"
    path.write_text("name,ra,dec,size\nA,10.5,-3,\nB,0,90,0.5\nA again,10.5,-3,\n")
    assert read_positions(path, size=0.02) == [Region(10.5, -3, 0.02), Region(0, 90, 0.5)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: expected the columns ra, dec, found nothing"),
        ("x,y\n1,2\n", "line 1: expected the columns ra, dec, found x, y"),
        ("ra,dec\n361,0\n", "line 2: ra: expected degrees from 0 to 360, found '361'"),
        ("ra,dec\n1,2\n10:20,0\n", "line 3: ra: expected degrees from 0 to 360, found '10:20'"),
        ("ra,dec\n1\n", "line 2: dec: expected degrees from -90 to 90, found None"),
        ("ra,dec\n1,nan\n", "line 2: dec: expected degrees from -90 to 90, found 'nan'"),
        ("ra,dec,size\n1,2,-1\n", "line 2: size: expected degrees from 0 to 180"),
    ],
)
def test_what_is_no_position_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "positions.csv"
    path.write_text(text)
    with pytest.raises(PositionListError, match=told) as fault:
        read_positions(path, size=0.02)
    assert str(path) in str(fault.value)


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(PositionListError, match=r"none\.csv: the list of positions cannot be"):
        read_positions(tmp_path / "none.csv", size=0.02)
