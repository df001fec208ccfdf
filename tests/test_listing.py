import os
from pathlib import Path

import pytest

from vospec import listing
from vospec.errors import FileSystemError, NoSpectraError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/two.fits.gz", "a/one.fits", "a/note.txt", "three.FIT", "a/deep/four.fit.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_every_fits_file_is_listed_once(folder: Path) -> None:
    folders = (str(folder), str(folder / "a"), str(folder))
    found = list(listing.files(folders))
    assert sorted(file.stem for file in found) == ["four", "one", "three", "two"]
    assert [file.size for file in found if file.stem == "one"] == [len("a/one.fits")]


def test_the_order_does_not_depend_on_the_folders_order(folder: Path) -> None:
    a, b = str(folder / "a"), str(folder / "b")
    assert list(listing.files((a, b))) == list(listing.files((b, a)))


def test_uris_name_the_same_files(folder: Path) -> None:
    plain = [file.path for file in listing.files((str(folder),))]
    assert [file.path for file in listing.files((folder.as_uri(),))] == [
        Path(path).as_uri() for path in plain
    ]


def test_the_digest_changes_with_a_file(folder: Path) -> None:
    before = listing.digest(listing.files((str(folder),)))
    assert before == listing.digest(listing.files((str(folder),)))
    assert before[1] == 4
    os.utime(folder / "a/one.fits", (1, 1))
    assert listing.digest(listing.files((str(folder),)))[0] != before[0]


def test_a_folder_without_spectra_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSpectraError, match=f"{tmp_path}: no FITS file"):
        listing.digest(listing.files((str(tmp_path),)))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoSpectraError, match="nowhere: the folder cannot be listed"):
        listing.digest(listing.files((str(tmp_path / "nowhere"),)))


def test_names_with_odd_characters_are_found_again(tmp_path: Path) -> None:
    (tmp_path / "a sky").mkdir()
    for name in ("50% + #1?.fits", "ä.fits"):
        (tmp_path / "a sky" / name).write_bytes(name.encode())
    for folder in (str(tmp_path / "a sky"), f"file://{tmp_path}/a sky"):
        for file in listing.files((folder,)):
            filesystem, location = listing.locate(file.path)
            with filesystem.open_input_file(location) as stream:
                assert stream.read().decode() == f"{file.stem}.fits"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.fits", ("file", "", "a/b.fits")),
        ("a/b:c.fits", ("file", "", "a/b:c.fits")),
        ("file:/a/b%20c.fits", ("file", "", "/a/b c.fits")),
        ("file:///a/b.fits", ("file", "", "/a/b.fits")),
        ("hdfs://node:8020/a/b.fits", ("hdfs", "node:8020", "/a/b.fits")),
        ("s3a://bucket/a/b.fits", ("s3a", "bucket", "bucket/a/b.fits")),
    ],
)
def test_paths_are_split(path: str, expected: tuple[str, str, str]) -> None:
    assert listing.split(path) == expected


@pytest.mark.parametrize("address", ["gopher://node/", "hdfs://127.0.0.1:1/"])
def test_a_file_system_that_cannot_be_opened_is_named(address: str) -> None:
    with pytest.raises(FileSystemError, match=f"{address}: this file system cannot be opened"):
        listing.digest(listing.files((f"{address}x",)))
