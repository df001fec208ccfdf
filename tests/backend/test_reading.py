from pathlib import Path

import pytest

from vospec.backend.reading import Identities, row
from vospec.columns import SPECTRA, Quality


def test_a_file_that_is_no_fits_keeps_its_row(tmp_path: Path) -> None:
    path = tmp_path / "note.fits"
    path.write_bytes(b"not FITS at all")
    found = row(str(path))
    assert set(found) == set(SPECTRA.names)
    assert found["quality"] == Quality.UNREADABLE
    assert "expected a FITS file" in found["reason"]
    assert (found["size"], found["flux"]) == (15, None)


def test_a_file_that_is_gone_keeps_its_row(tmp_path: Path) -> None:
    found = row(str(tmp_path / "gone.fits"))
    assert found["quality"] == Quality.UNREADABLE
    assert "cannot be opened" in found["reason"]
    assert found["checksum"] is None


def _row(path: str, spectrum_id: str) -> dict[str, object]:
    return {"path": path, "spectrum_id": spectrum_id, "quality": 0, "reason": None}


def test_files_of_one_identity_are_told_apart() -> None:
    identities = Identities()
    settled = [
        identities.settle(_row("a/x.fits", "lamost/dr1/x")),
        identities.settle(_row("b/x.fits", "lamost/dr2/x")),
        identities.settle(_row("c/x.fits", "lamost/dr1/x")),
        identities.settle(_row("d/y.fits", "lamost/dr1/y")),
    ]
    assert [r["quality"] for r in settled] == [0, 0, Quality.DUPLICATE, 0]
    assert settled[2]["spectrum_id"] == "lamost/dr1/x~2"
    assert settled[2]["reason"] == "the same identity as a/x.fits"


@pytest.mark.parametrize("copies", [3])
def test_every_copy_gets_an_identifier_of_its_own(copies: int) -> None:
    identities = Identities()
    rows = [identities.settle(_row(f"{i}/x.fits", "lamost/dr1/x")) for i in range(copies)]
    assert len({r["spectrum_id"] for r in rows}) == copies
