"""The command that fits the kernel on the pairs of a store, over synthetic stars."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.spectra.test_calibration import VELOCITIES
from tests.spectra.test_calibration import pairs as synthetic
from vospec import config, kernel
from vospec.__main__ import main
from vospec.columns import SPECTRA
from vospec.plan import Plan
from vospec.store import arrow_schema

KERNEL = 3.0
SETTINGS = """\
# kept: what the owner says
[store]
folder = "{0}/store"  # kept: where

[training]
folders = ["{0}/files"]

[adaptation]
# kept: why
kernel = "paper"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one.fits").touch()
    path = tmp_path / "vospec.toml"
    path.write_text(SETTINGS.format(tmp_path))
    return path


def ingest(settings: Path, count: int) -> None:
    rows = []
    made = synthetic(count, kernel=KERNEL, noise=0.01, velocities=VELOCITIES)
    for number, pair in enumerate(made):
        common = {"ra": 10.0 * number, "quality": 0, "mjd": 56000.0, "object": f"HD {number}"}
        for role, prefix, dec in (("training", "", 0.0), ("survey", "survey_", 0.004)):
            axis = pair.spectral_axis if role == "training" else pair.survey_axis
            pixels = {"spectral_axis": np.asarray(axis)}
            pixels |= {k: np.asarray(getattr(pair, prefix + k)) for k in ("flux", "mask")}
            power = 13000.0 if role == "training" else 1800.0
            identity = {"spectrum_id": f"{role}/{number}", "role": role, "dec": dec}
            identity |= {"collection": role, "resolving_power": power}
            rows.append({**common, **identity, **{k: v.tolist() for k, v in pixels.items()}})
    table = pa.Table.from_pylist(rows, schema=arrow_schema(SPECTRA))
    Plan(config.load(settings)).spectra.write(table)


def test_kernel_is_found_told_and_written(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(settings, 4)
    before = settings.read_text()
    assert main(["calibrate", "--config", str(settings)]) == 0
    told = capsys.readouterr().out
    assert settings.read_text() == before
    assert main(["calibrate", "--config", str(settings), "--write"]) == 0
    section = config.load(settings).adaptation
    assert section.kernel == "fitted"
    fitted = kernel.fit(Plan(config.load(settings))).calibration
    assert abs(section.fwhm_angstrom - KERNEL) < 3.0 * fitted.fwhm_error
    assert f"{section.fwhm_angstrom:.2f} ± {fitted.fwhm_error:.2f} Å" in told
    assert [line.split()[:3] for line in told.splitlines() if line.startswith("HD")] == [
        ["HD", str(number), "14.4"] for number in range(4)
    ]
    assert settings.read_text().count("kept") == 3


def test_too_few_pairs_are_told(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(settings, 2)
    before = settings.read_text()
    assert main(["calibrate", "--config", str(settings), "--write"]) == 1
    assert "2 stars have a training and a survey spectrum within 30 arcsec, a fit needs 3" in (
        capsys.readouterr().err
    )
    assert settings.read_text() == before


def test_without_spectra_the_step_before_is_named(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--config", str(settings)]) == 1
    assert "the spectra of these settings are not there: vospec ingest" in capsys.readouterr().err


def test_a_star_of_the_store_is_drawn_by_name(settings: Path, tmp_path: Path) -> None:
    ingest(settings, 2)
    for name in ("hd1", "training/1", "survey/1"):
        figure = tmp_path / f"{name.replace('/', '-')}.png"
        given = ["--config", str(settings), "--output", str(figure)]
        assert main(["plot", "pair", name, *given]) == 0
        assert figure.read_bytes().startswith(b"\x89PNG")
    contents = {path.read_bytes() for path in tmp_path.glob("*.png")}
    assert len(contents) == 1


def test_a_spectrum_of_the_store_is_drawn(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(settings, 2)
    figure = tmp_path / "one.png"
    given = ["--config", str(settings), "--output", str(figure)]
    assert main(["plot", "spectrum", "survey/1", *given]) == 0
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert main(["plot", "spectrum", "survey/9", *given]) == 1
    assert "survey/9: no spectrum of this name in file:" in capsys.readouterr().err
