"""Pictures show the spectrum, its lines and, where there is one, its rectified Hα."""

import importlib.util
import io
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib import image

from tests.publication import samples
from vospec.spectra import lines

# DaCHS loads it by its path, too.
_PATH = Path(__file__).parents[2] / "resdir" / "res" / "drawing.py"
_ROW = {
    "spectrum_id": samples.SURVEY[3],
    "ssa_dstitle": "lamost dr1 Star spec-3",
    "ssa_targname": "Star $3",
    "archive_subclass": "A2V",
    "ssa_snr": 50.0,
    "ssa_dateobs": 56003.5,
    "ssa_fluxcalib": "RELATIVE",
    "reason": None,
}
_HEIGHT, _WIDTH = 600, 720


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("drawing", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pixels(content: bytes) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(image.imread(io.BytesIO(content)), dtype=float)[..., :3]


def _drawn(
    drawing: ModuleType, row: dict[str, Any] | None = None, *, rectified: bool = True
) -> np.ndarray[Any, np.dtype[np.float64]]:
    axis = samples.axis(samples.SURVEY[3])
    whole = drawing.Curve(axis, samples.flux(samples.SURVEY[3]))
    flux = np.float32(samples.features()[0].column("flux")[3].as_py())
    curve = drawing.Curve(samples.GRID_WAVELENGTHS, flux) if rectified else None
    return _pixels(drawing.draw(_ROW | (row or {}), whole, curve))


def _is_marked(
    pixels: np.ndarray[Any, np.dtype[np.float64]],
    panel: tuple[float, ...],
    place: float,
) -> bool:
    """Whether a coloured line goes down the panel at a place of its width."""
    left, bottom, width, height = panel
    column = round((left + place * width) * _WIDTH)
    rows = slice(round((1 - bottom - height) * _HEIGHT) + 2, round((1 - bottom) * _HEIGHT) - 2)
    found = pixels[rows, column - 1 : column + 2]
    colour = found.max(axis=2) - found.min(axis=2)
    return bool((colour.max(axis=1) > 0.1).mean() > 0.3)


def test_lines_are_those_that_are_measured(drawing: ModuleType) -> None:
    known = dict(enumerate(wavelength for _, wavelength in drawing.LINES))
    assert drawing.HALPHA == lines.HALPHA
    assert {lines.HALPHA, lines.HELIUM, *lines.FORBIDDEN.values()} <= set(known.values())
    names = {name for name, _ in drawing.LINES}
    assert {"Hα", "Hβ", "He I", "[N II]", "[S II]"} <= names


def test_picture_has_its_size(drawing: ModuleType) -> None:
    assert _drawn(drawing).shape == (_HEIGHT, _WIDTH, 3)


def test_lines_are_marked_where_they_are(drawing: ModuleType) -> None:
    # Where the curve rises it would hide them.
    axis, grid = samples.axis(samples.SURVEY[3]), samples.GRID_WAVELENGTHS
    flat = [drawing.Curve(one, np.ones(one.size, np.float32)) for one in (axis, grid)]
    pixels = _pixels(drawing.draw(_ROW, *flat))
    for _, wavelength in drawing.LINES:
        place = (wavelength - axis[0]) / (axis[-1] - axis[0])
        assert _is_marked(pixels, drawing.WHOLE, place), wavelength
    assert not _is_marked(pixels, drawing.WHOLE, 0.9)
    for wavelength in (lines.HALPHA, 6549.86, 6585.27):
        place = 0.5 + (wavelength - lines.HALPHA) / (2 * drawing.HALF_WINDOW)
        assert _is_marked(pixels, drawing.ZOOM, place), wavelength
    assert not _is_marked(pixels, drawing.ZOOM, 0.2)


def _black(pixels: np.ndarray[Any, np.dtype[np.float64]], panel: tuple[float, ...]) -> int:
    """How many pixels inside a panel are black."""
    left, bottom, width, height = panel
    rows = slice(round((1 - bottom - height) * _HEIGHT) + 4, round((1 - bottom) * _HEIGHT) - 4)
    columns = slice(round(left * _WIDTH) + 4, round((left + width) * _WIDTH) - 4)
    return int((pixels[rows, columns].max(axis=2) < 0.3).sum())


def test_what_is_not_rectified_has_words_in_place_of_a_curve(drawing: ModuleType) -> None:
    told = _drawn(drawing, {"reason": "no continuum"}, rectified=False)
    bare = _drawn(drawing, rectified=False)
    assert 0 < _black(bare, drawing.ZOOM) < _black(told, drawing.ZOOM)
    assert _black(bare, drawing.WHOLE) == _black(_drawn(drawing), drawing.WHOLE) > 300


def test_bad_pixels_alone_have_words(drawing: ModuleType) -> None:
    axis = samples.axis(samples.SURVEY[3])
    nothing = drawing.Curve(axis, np.full(axis.size, np.nan, np.float32))
    pixels = _pixels(drawing.draw(_ROW, nothing, None))
    assert 0 < _black(pixels, drawing.WHOLE) < 1500


@pytest.mark.parametrize(
    "row",
    [
        {"ssa_targname": None, "archive_subclass": None, "ssa_snr": None, "ssa_dateobs": None},
        {"ssa_targname": "<b>$\\frac{1}{0}$ ☃"},
        {"ssa_fluxcalib": "NORMALIZED"},
    ],
)
def test_any_words_are_drawn(drawing: ModuleType, row: dict[str, Any]) -> None:
    assert _drawn(drawing, row).shape == (_HEIGHT, _WIDTH, 3)


def test_equal_spectra_have_equal_pictures(drawing: ModuleType) -> None:
    assert np.array_equal(_drawn(drawing), _drawn(drawing))
    assert not np.array_equal(_drawn(drawing), _drawn(drawing, {"ssa_snr": 51.0}))
