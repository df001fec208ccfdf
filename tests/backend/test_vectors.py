import numpy as np
import pyarrow as pa
import pytest

from vospec import spectra
from vospec.backend import vectors
from vospec.backend.session import Engine
from vospec.columns import SPECTRA, Quality
from vospec.spectra.features import feature_vectors
from vospec.store import arrow_schema

pytestmark = pytest.mark.spark

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
            "spectral_axis": axis,
            "flux": _profile(axis, depth),
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


def _features(engine: Engine, rows: list[dict], partitions: int) -> dict[str, dict]:
    done = engine.session.sparkContext.accumulator(0)
    table = pa.Table.from_pylist(rows, schema=arrow_schema(SPECTRA))
    frame = engine.session.createDataFrame(table).repartition(partitions)
    adapted = vectors.adapt(
        vectors.of_role(frame, "training"),
        grid=GRID,
        target_resolving_power=1800.0,
        kernel="resolving_power",
        done=done,
    )
    made = vectors.rectify(vectors.of_role(frame, "survey"), adapted, grid=GRID, done=done)
    return {row["spectrum_id"]: row for row in made.toArrow().to_pylist()}


@pytest.fixture(scope="module")
def made(engine: Engine, rows: list[dict]) -> dict[str, dict]:
    return _features(engine, rows, 3)


def test_every_spectrum_keeps_its_row(made: dict[str, dict], rows: list[dict]) -> None:
    assert sorted(made) == sorted(row["spectrum_id"] for row in rows)


def test_survey_vectors_are_those_of_the_kernels(made: dict[str, dict]) -> None:
    flux, mask, _ = spectra.resample(_profile(LAMOST, -0.8), LAMOST, GRID)
    expected = feature_vectors(flux, GRID, mask=mask)
    row = made[f"survey/{len(LAMOST)}/-0.8"]
    np.testing.assert_allclose(row["flux"], expected.flux[0], rtol=1e-6)
    assert row["quality"] == 0


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


def test_vectors_do_not_depend_on_the_partitions(
    engine: Engine, rows: list[dict], made: dict[str, dict]
) -> None:
    alone = _features(engine, rows, 1)
    assert alone.keys() == made.keys()
    for name, row in made.items():
        assert alone[name]["quality"] == row["quality"]
        # A matrix product rounds differently with the number of its rows.
        np.testing.assert_allclose(alone[name]["flux"] or 0, row["flux"] or 0, rtol=1e-6)
