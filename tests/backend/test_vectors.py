from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vospec import spectra
from vospec.backend import parts, vectors
from vospec.backend.parts import Content
from vospec.backend.reading import batch
from vospec.columns import ADAPTED, FEATURES, LINE_MEASURES, SPECTRA, LineFlag, Quality, Table
from vospec.store import Dataset, Store, arrow_schema

GRID = spectra.log_grid(6290.0, 6725.0)
LAMOST = spectra.log_grid(6200.0, 6800.0)
CCD700 = np.linspace(6284.0, 6734.0, 1757)
NARROW = spectra.log_grid(6400.0, 6700.0)


def _profile(axis: np.ndarray, depth: float) -> np.ndarray:
    return 1000.0 * (1.0 - depth * np.exp(-0.5 * ((axis - 6564.6) / 6.0) ** 2))


def _rows(axis: np.ndarray, role: str, depths: list[float], power: float) -> list[dict]:
    return [
        dict.fromkeys(SPECTRA.names)
        | {
            "spectrum_id": f"{role}/{len(axis)}/{depth}",
            "role": role,
            "resolving_power": power,
            "quality": 0,
            "spectral_start": axis[0] if len(axis) else None,
            "spectral_stop": axis[-1] if len(axis) else None,
            "n_pixels": len(axis),
            "spectral_axis": axis,
            "flux": _profile(axis, depth),
            "ivar": np.full(len(axis), 0.04) if role == "survey" else None,
            "mask": np.zeros(len(axis), dtype=bool),
        }
        for depth in depths
    ]


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    unread = dict.fromkeys(SPECTRA.names) | {
        "spectrum_id": "unread/x",
        "quality": int(Quality.UNREADABLE),
    }
    dark = _rows(LAMOST, "survey", [0.9], 1800.0)[0] | {"spectrum_id": "dark"}
    return [
        *_rows(LAMOST, "survey", [0.1, -0.8, 0.3], 1800.0),
        *_rows(NARROW, "survey", [0.2], 1800.0),
        *_rows(CCD700, "training", [0.4, -1.5], 13000.0),
        dark | {"flux": np.zeros(len(LAMOST))},
        unread,
    ]


def _made(store: Store, name: str, table: Table, content: Content, n_parts: int = 1) -> Dataset:
    dataset = store.dataset(name)
    dataset.sweep(n_parts)
    for part in range(n_parts):
        parts._write_part(dataset, part, content(part, iter(())), arrow_schema(table))
    dataset.complete()
    return dataset


def _features(
    folder: Path, rows: list[dict], n_parts: int, **kernel: str | float
) -> dict[str, dict]:
    store = Store(str(folder))

    def spread(part: int, _: object) -> Iterator[pa.RecordBatch]:
        yield batch(rows[part::n_parts], arrow_schema(SPECTRA))

    settings = {"kernel": "resolving_power", "fwhm_angstrom": 0.0} | kernel
    origin = _made(store, "spectra", SPECTRA, spread, n_parts)
    adapt = vectors.adapted(origin, grid=GRID, target_resolving_power=1800.0, **settings)
    adapted = _made(store, "adapted", ADAPTED, adapt, n_parts)
    content = vectors.features(origin, adapted, grid=GRID, resolving_power=1800.0)
    made = _made(store, "features", FEATURES, content, n_parts)
    return {row["spectrum_id"]: row for row in made.table().to_pylist()}


@pytest.fixture(scope="module")
def made(rows: list[dict], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    return _features(tmp_path_factory.mktemp("store"), rows, 3)


def test_every_spectrum_keeps_its_row(made: dict[str, dict], rows: list[dict]) -> None:
    assert sorted(made) == sorted(row["spectrum_id"] for row in rows)


def test_survey_vectors_are_those_of_the_kernels(made: dict[str, dict]) -> None:
    given = {"variance": np.full((1, len(LAMOST)), 25.0)}
    moved = spectra.resample(_profile(LAMOST, -0.8), LAMOST, GRID, **given)
    expected = spectra.feature_vectors(moved.flux, GRID, mask=moved.mask, variance=moved.variance)
    measures = spectra.measure_lines(
        expected.flux, GRID, noise=expected.continuum_noise, variance=expected.variance
    )
    row = made[f"survey/{len(LAMOST)}/-0.8"]
    np.testing.assert_allclose(row["flux"], expected.flux[0], rtol=1e-6)
    for column in LINE_MEASURES:
        value = getattr(measures, column.name)[0]
        assert row[column.name] == (None if np.isnan(value) else pytest.approx(value, rel=1e-5))
    assert row["quality"] == 0


def test_spectra_of_any_reach_have_the_vectors_of_their_window(
    tmp_path: Path, made: dict[str, dict]
) -> None:
    # The same pixels, more of them at both ends.
    wide = spectra.log_grid(5000.0, 7400.0)
    assert set(LAMOST) < set(wide)
    row = _features(tmp_path, _rows(wide, "survey", [0.3], 1800.0), 1)[f"survey/{len(wide)}/0.3"]
    np.testing.assert_allclose(row["flux"], made[f"survey/{len(LAMOST)}/0.3"]["flux"], rtol=1e-6)


def test_a_step_between_the_arms_is_flagged(tmp_path: Path) -> None:
    axis = spectra.log_grid(5000.0, 7400.0)
    stepped = _rows(axis, "survey", [0.3], 1800.0)[0]
    stepped["flux"] = np.where(axis < 5800.0, 1.5, 1.0) * stepped["flux"]
    (row,) = _features(tmp_path, [stepped], 1).values()
    assert LineFlag(row["line_flags"]) == LineFlag.ARM_JUNCTION


def test_an_unknown_variance_removes_nothing(tmp_path: Path, made: dict[str, dict]) -> None:
    over_the_line = _rows(LAMOST, "survey", [-0.8], 1800.0)[0]
    over_the_line["ivar"] = np.where(abs(LAMOST - 6564.6) < 8.0, 0.0, 0.04)
    (row,) = _features(tmp_path, [over_the_line], 1).values()
    assert row["flux"] == made[f"survey/{len(LAMOST)}/-0.8"]["flux"]


def test_training_vectors_have_the_resolution_of_the_survey(made: dict[str, dict]) -> None:
    row = made[f"training/{len(CCD700)}/-1.5"]
    sigma = 6564.6 * np.sqrt(1800.0**-2 - 13000.0**-2) / np.sqrt(8 * np.log(2))
    # The peak of a Gaussian of width 6 Å falls as its width grows in quadrature.
    expected = 1 + 1.5 * 6.0 / np.hypot(6.0, sigma)
    assert max(row["flux"]) == pytest.approx(expected, rel=0.005)


def test_what_cannot_be_used_says_why(made: dict[str, dict]) -> None:
    found = {name: Quality(row["quality"]) for name, row in made.items() if row["flux"] is None}
    assert found == {
        f"survey/{len(NARROW)}/0.2": Quality.OUTSIDE_GRID,
        "dark": Quality.NO_SIGNAL,
        "unread/x": Quality.UNREADABLE,
    }


def test_a_fitted_kernel_is_as_wide_as_it_says(tmp_path: Path) -> None:
    rows = _rows(CCD700, "training", [-1.5], 13000.0)
    (row,) = _features(tmp_path, rows, 1, kernel="fitted", fwhm_angstrom=8.0).values()
    expected = 1 + 1.5 * 6.0 / np.hypot(6.0, 8.0 / np.sqrt(8 * np.log(2)))
    assert max(row["flux"]) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("axis", [np.empty(0), np.array([6500.0, 6600.0]), CCD700[::-1]])
def test_an_axis_that_is_none_is_no_end(tmp_path: Path, axis: np.ndarray) -> None:
    (row,) = _features(tmp_path, _rows(axis, "survey", [0.3], 1800.0), 1).values()
    assert row["quality"] == (Quality.OUTSIDE_GRID if len(axis) else Quality.NO_SIGNAL)
    assert row["flux"] is None


def test_vectors_do_not_depend_on_the_parts(
    tmp_path: Path, rows: list[dict], made: dict[str, dict]
) -> None:
    alone = _features(tmp_path, rows, 1)
    assert alone.keys() == made.keys()
    for name, row in made.items():
        assert alone[name]["quality"] == row["quality"]
        # A matrix product rounds differently with the number of its rows.
        np.testing.assert_allclose(alone[name]["flux"] or 0, row["flux"] or 0, rtol=1e-6)
