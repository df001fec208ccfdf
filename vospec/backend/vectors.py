"""The stages from spectra to feature vectors: adapt the training, rectify all.

Spectra of one batch that share a wavelength axis go through the kernels
together; the wavelengths and the grid are plain arrays in the stage's closure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Accumulator
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from vospec import spectra
from vospec.backend.frames import lists, matrix, spark_schema
from vospec.columns import ADAPTED, FEATURES, UNUSABLE, Quality
from vospec.spectra.features import covers, feature_vectors
from vospec.store import arrow_schema

#: What the kernels need of a spectrum.
PIXELS = ("spectrum_id", "resolving_power", "quality", "spectral_axis", "flux", "mask")


@dataclass(frozen=True)
class Group:
    """Spectra of one batch that share a wavelength axis and a resolving power."""

    rows: NDArray[np.intp]
    spectral_axis: NDArray[np.float64]
    resolving_power: float
    flux: NDArray[np.float32]
    mask: NDArray[np.bool_]


OntoGrid = Callable[[Group], spectra.Resampled]


@dataclass(frozen=True)
class OnGrid:
    """A batch on the common grid: flux and mask of shape (rows, elements)."""

    flux: NDArray[np.float64]
    mask: NDArray[np.bool_]
    quality: NDArray[np.int32]


def adapt(
    training: DataFrame,
    *,
    grid: NDArray[np.float64],
    target_resolving_power: float,
    kernel: str,
    done: Accumulator[int],
) -> DataFrame:
    """Bring training spectra to the survey's resolution and pixels.

    Parameters
    ----------
    training : DataFrame
        Rows of :data:`vospec.columns.SPECTRA`.
    grid : (n_elements,) array
        Vacuum wavelengths in Å.
    target_resolving_power : float
        That of the survey.
    kernel : {'resolving_power', 'paper'}
        The Gaussian that follows from the resolving powers, or the paper's.
    done : Accumulator
        Counts the spectra.

    Returns
    -------
    DataFrame
        Rows of :data:`vospec.columns.ADAPTED`, one a training spectrum.
    """

    def onto_grid(group: Group) -> spectra.Resampled:
        return spectra.adapt(
            group.flux,
            group.spectral_axis,
            grid,
            resolving_power=group.resolving_power,
            target_resolving_power=min(target_resolving_power, group.resolving_power),
            mask=group.mask,
            fwhm="paper" if kernel == "paper" else None,
        )

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            placed = _place(batch, grid, onto_grid)
            usable = (placed.quality & UNUSABLE) == 0
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column("spectrum_id"),
                    lists(placed.flux, usable, pa.list_(pa.float32())),
                    lists(placed.mask, usable, pa.list_(pa.bool_())),
                    pa.array(placed.quality, pa.int32()),
                ],
                schema=arrow_schema(ADAPTED),
            )
            done.add(len(batch))

    return training.select(*PIXELS).mapInArrow(rows, spark_schema(ADAPTED))


def rectify(
    survey: DataFrame,
    adapted: DataFrame,
    *,
    grid: NDArray[np.float64],
    done: Accumulator[int],
) -> DataFrame:
    """Make the feature vectors of the survey's and the adapted training spectra.

    Parameters
    ----------
    survey : DataFrame
        Rows of :data:`vospec.columns.SPECTRA`.
    adapted : DataFrame
        Rows of :data:`vospec.columns.ADAPTED`.
    grid : (n_elements,) array
        Vacuum wavelengths in Å.
    done : Accumulator
        Counts the spectra.

    Returns
    -------
    DataFrame
        Rows of :data:`vospec.columns.FEATURES`, one a spectrum; without a
        vector where the quality says why.
    """

    def onto_grid(group: Group) -> spectra.Resampled:
        return spectra.resample(group.flux, group.spectral_axis, grid, mask=group.mask)

    def survey_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _vectors(batch, _place(batch, grid, onto_grid), grid)
            done.add(len(batch))

    def adapted_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _vectors(batch, _adapted(batch, grid), grid)
            done.add(len(batch))

    schema = spark_schema(FEATURES)
    from_survey = survey.select(*PIXELS).mapInArrow(survey_rows, schema)
    return from_survey.unionByName(adapted.mapInArrow(adapted_rows, schema))


def of_role(frame: DataFrame, role: str) -> DataFrame:
    """The spectra of one role; rows that were never read count with the survey."""
    return frame.where(sql.coalesce(sql.col("role"), sql.lit("survey")) == role)


def _place(batch: pa.RecordBatch, grid: NDArray[np.float64], onto_grid: OntoGrid) -> OnGrid:
    """Bring a batch of spectra onto the grid, axis by axis."""
    shape = (len(batch), len(grid))
    flux, mask = np.full(shape, np.nan), np.ones(shape, dtype=bool)
    quality = batch.column("quality").to_numpy(zero_copy_only=False).copy()
    for group in _groups(batch, (quality & UNUSABLE) == 0):
        if covers(group.spectral_axis, grid):
            flux[group.rows], mask[group.rows], _ = onto_grid(group)
        else:
            quality[group.rows] |= Quality.OUTSIDE_GRID
    return OnGrid(flux, mask, quality)


def _groups(batch: pa.RecordBatch, usable: NDArray[np.bool_]) -> Iterator[Group]:
    """The usable spectra of a batch by their axes; an axis is known by start, stop and length."""
    axes = batch.column("spectral_axis")
    powers = batch.column("resolving_power").to_pylist()
    keys: dict[tuple[float, ...], list[int]] = {}
    for index in np.flatnonzero(usable).tolist():
        axis = axes[index].values
        key = (axis[0].as_py(), axis[-1].as_py(), len(axis), powers[index])
        keys.setdefault(key, []).append(index)
    for (_, _, _, power), rows in keys.items():
        yield Group(
            rows=np.array(rows),
            spectral_axis=axes[rows[0]].values.to_numpy(),
            resolving_power=power,
            flux=_rows(batch, "flux", rows),
            mask=_rows(batch, "mask", rows),
        )


def _rows(batch: pa.RecordBatch, name: str, rows: list[int]) -> NDArray[Any]:
    return matrix(batch.column(name).take(pa.array(rows)))


def _adapted(batch: pa.RecordBatch, grid: NDArray[np.float64]) -> OnGrid:
    """Read back a batch of adapted spectra."""
    quality = batch.column("quality").to_numpy(zero_copy_only=False).copy()
    shape = (len(batch), len(grid))
    flux, mask = np.full(shape, np.nan), np.ones(shape, dtype=bool)
    rows = np.flatnonzero((quality & UNUSABLE) == 0).tolist()
    if rows:
        flux[rows], mask[rows] = _rows(batch, "flux", rows), _rows(batch, "mask", rows)
    return OnGrid(flux, mask, quality)


def _vectors(batch: pa.RecordBatch, placed: OnGrid, grid: NDArray[np.float64]) -> pa.RecordBatch:
    """Rectify what is on the grid into rows of the table of features."""
    vectors = feature_vectors(placed.flux, grid, mask=placed.mask)
    # Why a spectrum never reached the grid says more than that it has no signal there.
    placed_there = (placed.quality & UNUSABLE) == 0
    quality = placed.quality | np.where(placed_there, vectors.quality, 0).astype(np.int32)
    usable = (quality & UNUSABLE) == 0
    return pa.RecordBatch.from_arrays(
        [
            batch.column("spectrum_id"),
            lists(vectors.flux, usable, pa.list_(pa.float32())),
            pa.array(vectors.continuum_noise, pa.float32(), mask=~usable),
            pa.array(vectors.n_interpolated, pa.int16(), mask=~usable),
            pa.array(quality, pa.int32()),
        ],
        schema=arrow_schema(FEATURES),
    )
