"""Lists of labels, right and wrong."""

from pathlib import Path

import pytest

from vospec.archives import read_labels
from vospec.columns import CLASSES
from vospec.errors import LabelListError


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_numbers_of_the_published_list(tmp_path: Path) -> None:
    path = written(tmp_path, "id,label\nivo://a/1,0\nivo://a/2,1\nivo://a/3,2\nivo://a/4,3\n")
    assert read_labels(path) == [
        ("ivo://a/1", "emission"),
        ("ivo://a/2", "absorption"),
        ("ivo://a/4", "double_peak"),
    ]


def test_words_of_the_classes(tmp_path: Path) -> None:
    lines = "".join(f"{name},x{number}\r\n" for number, name in enumerate(CLASSES))
    path = written(tmp_path, f"\ufefflabel,id\r\n{lines}")
    assert read_labels(path) == [(f"x{number}", name) for number, name in enumerate(CLASSES)]


def test_the_same_label_twice_is_no_contradiction(tmp_path: Path) -> None:
    path = written(tmp_path, "id,label\na,1\na,1\n")
    assert set(read_labels(path)) == {("a", "absorption")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: expected the columns id, label, found nothing"),
        ("id,class\na,1\n", "line 1: expected the columns id, label, found id, class"),
        ("id,label\na,1\nb,7\n", "line 3: expected an id and a label .* found 'b', '7'"),
        ("id,label\na,1\n\nb\n", "line 4: .* found 'b', ''"),
        ("id,label\n,1\n", "line 2: .* found '', '1'"),
        ("id,label\na,1\na,0\n", "line 3: a is labelled 0 here and 1 before"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LabelListError, match=rf"labels\.csv: {said}"):
        read_labels(written(tmp_path, text))


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabelListError, match="cannot be opened: No such file"):
        read_labels(tmp_path / "none.csv")


def test_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"id,label\n\xff\xfe,1\n")
    with pytest.raises(LabelListError, match="expected a label list as CSV in UTF-8"):
        read_labels(path)
