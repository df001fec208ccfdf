"""The stages from spectra to feature vectors: adapt the training, rectify all.

Part k of what is made holds the spectra of part k of what was read. Spectra that
share a wavelength axis go through the kernels together. Of a long spectrum only the
window that the kernels look at is taken: there all LAMOST spectra have the same
pixels, however far each of them reaches.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from vospec import spectra
from vospec.backend import parts
from vospec.backend.frames import Ragged, lists
from vospec.backend.parts import Content, RowGroup
from vospec.columns import ADAPTED, FEATURES, LINE_MEASURES, UNUSABLE, LineFlag, Quality
from vospec.spectra.features import covers
from vospec.spectra.lines import HALPHA
from vospec.store import Dataset, arrow_schema, matrix

#: What is asked of a spectrum before its pixels, and these.
HEAD = ("spectrum_id", "resolving_power", "quality", "spectral_start", "spectral_stop", "n_pixels")
PIXELS = ("flux", "ivar", "mask")

#: Å; the arms of LAMOST meet between 5700 and 5900 Å.
FIRST_WAVELENGTH = 5600.0
#: Å beyond the grid, more than half a pixel of any archive and the wings of any kernel.
MARGIN = 20.0
#: Axes remembered; a survey has some dozens, and every spectrum of CCD700 its own.
AXES = 512

#: Ends and length of an axis, and what else spectra must share.
Key = tuple[float, ...]
#: Pixels before those that the kernels look at, and the wavelengths of these.
Window = tuple[int, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Batch:
    """Spectra as they were read, one row each.

    Attributes
    ----------
    axes : list of tuple
        First and last wavelength and number of pixels, by which axes are told apart.
    """

    spectrum_id: pa.ChunkedArray
    quality: NDArray[np.int32]
    resolving_power: list[float]
    axes: list[Key]
    flux: Ragged
    ivar: Ragged
    mask: Ragged

    @property
    def has_pixels(self) -> NDArray[np.bool_]:
        """Whether a spectrum can be used, and has pixels; shape (rows,)."""
        found: NDArray[np.bool_] = ((self.quality & UNUSABLE) == 0) & (self.flux.lengths > 0)
        return found


@dataclass(frozen=True, eq=False)
class Group:
    """Spectra that share a wavelength axis and a resolving power.

    Attributes
    ----------
    rows : (n,) int
        Their places among the spectra at hand.
    spectral_axis : (n_pixels,) float
        Vacuum Å, within the window.
    resolving_power : float
        λ/Δλ.
    flux, mask : (n, n_pixels) arrays
        Flux and True where a pixel is bad.
    variance : (n, n_pixels) float or None
        Of the flux, NaN where it is not known; None where the archive gives none.
    """

    rows: NDArray[np.intp]
    spectral_axis: NDArray[np.float64]
    resolving_power: float
    flux: NDArray[np.float32]
    mask: NDArray[np.bool_]
    variance: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class OnGrid:
    """Spectra on the common grid: arrays of shape (rows, elements), flags of shape (rows,)."""

    flux: NDArray[np.float64]
    mask: NDArray[np.bool_]
    variance: NDArray[np.float64]
    quality: NDArray[np.int32]
    line_flags: NDArray[np.int32]


OntoGrid = Callable[[Group], spectra.Resampled]


def adapted(
    origin: Dataset,
    *,
    grid: NDArray[np.float64],
    target_resolving_power: float,
    kernel: str,
    fwhm_angstrom: float,
) -> Content:
    """What the parts of the adapted training spectra hold.

    Parameters
    ----------
    origin : Dataset
        Rows of :data:`vospec.columns.SPECTRA`.
    grid : (n_elements,) array
        Vacuum wavelengths in Å.
    target_resolving_power : float
        That of the survey.
    kernel : {'resolving_power', 'paper', 'fitted'}
        The Gaussian that follows from the resolving powers, the paper's, or
        that of `fwhm_angstrom`.
    fwhm_angstrom : float
        FWHM at Hα of the fitted kernel; it grows with the wavelength.

    Returns
    -------
    callable
        Gives rows of :data:`vospec.columns.ADAPTED`, one a training spectrum.
    """

    def onto_grid(group: Group) -> spectra.Resampled:
        widths: dict[str, ArrayLike | Literal["paper"]] = {
            "paper": "paper",
            "fitted": fwhm_angstrom * group.spectral_axis / HALPHA,
        }
        return spectra.adapt(
            group.flux,
            group.spectral_axis,
            grid,
            resolving_power=group.resolving_power,
            target_resolving_power=min(target_resolving_power, group.resolving_power),
            mask=group.mask,
            fwhm=widths.get(kernel),
        )

    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        windows, schema = Windows(grid), arrow_schema(ADAPTED)
        for rows in parts.read_role(origin, part, "training"):
            batch = _batch(rows)
            placed = _place(batch, windows.of(rows, batch), grid, onto_grid)
            usable = (placed.quality & UNUSABLE) == 0
            columns = [
                batch.spectrum_id.combine_chunks(),
                lists(placed.flux, usable, schema.field("flux").type),
                lists(placed.mask, usable, schema.field("mask").type),
                pa.array(placed.quality, pa.int32()),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return content


def features(
    origin: Dataset,
    training: Dataset,
    *,
    grid: NDArray[np.float64],
    resolving_power: float,
) -> Content:
    """What the parts of the feature vectors hold.

    Parameters
    ----------
    origin : Dataset
        Rows of :data:`vospec.columns.SPECTRA`.
    training : Dataset
        Rows of :data:`vospec.columns.ADAPTED`.
    grid : (n_elements,) array
        Vacuum wavelengths in Å.
    resolving_power : float
        λ/Δλ of all that is on the grid.

    Returns
    -------
    callable
        Gives rows of :data:`vospec.columns.FEATURES`, one a spectrum; without a
        vector where the quality says why.
    """

    def onto_grid(group: Group) -> spectra.Resampled:
        return spectra.resample(
            group.flux, group.spectral_axis, grid, mask=group.mask, variance=group.variance
        )

    def content(part: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        windows = Windows(grid)
        for group in parts.read_role(origin, part, "survey"):
            batch = _batch(group)
            placed = _place(batch, windows.of(group, batch), grid, onto_grid)
            yield _vectors(batch.spectrum_id, placed, grid, resolving_power)
        for rows in parts.read(training, part, ADAPTED.names):
            placed = _adapted(rows, grid)
            yield _vectors(rows.column("spectrum_id"), placed, grid, resolving_power)

    return content


class Windows:
    """The pixels that the kernels look at, axis by axis.

    Wavelengths are half of a spectrum's bytes, and thousands of spectra share one axis:
    they are read only where an axis is met for the first time.
    """

    def __init__(self, grid: NDArray[np.float64]) -> None:
        self._reach = min(FIRST_WAVELENGTH, grid[0] - MARGIN), grid[-1] + MARGIN
        self._known: dict[Key, Window] = {}

    def of(self, rows: RowGroup, batch: Batch) -> dict[Key, Window]:
        """How many pixels come before the window, and its wavelengths, for every axis."""
        wanted = {batch.axes[row]: row for row in np.flatnonzero(batch.has_pixels).tolist()}
        if new := wanted.keys() - self._known.keys():
            axes = Ragged(rows.read("spectral_axis").column(0), rows.chosen)
            if len(self._known) > AXES:
                self._known = {key: self._known[key] for key in wanted.keys() - new}
            self._known |= {key: self._window(axes.row(wanted[key])) for key in new}
        return self._known

    def _window(self, axis: NDArray[np.float64]) -> Window:
        # All of it where no pixel lies within reach: it is told to be outside of the grid.
        start, stop = np.searchsorted(axis, self._reach).tolist()
        return (start, axis[start:stop].copy()) if start < stop else (0, axis.copy())


def _batch(rows: RowGroup) -> Batch:
    """The rows asked for; their pixels stay where they are."""
    head, pixels = rows.read(*HEAD).take(pa.array(rows.chosen)), rows.read(*PIXELS)
    ends = (head.column(name).to_pylist() for name in HEAD[3:])
    return Batch(
        spectrum_id=head.column("spectrum_id"),
        quality=head.column("quality").to_numpy(),
        resolving_power=head.column("resolving_power").to_pylist(),
        axes=list(zip(*ends, strict=True)),
        **{name: Ragged(pixels.column(name), rows.chosen) for name in PIXELS},
    )


def _place(
    batch: Batch, windows: dict[Key, Window], grid: NDArray[np.float64], onto_grid: OntoGrid
) -> OnGrid:
    """Bring spectra onto the grid, axis by axis."""
    placed = _nothing(batch.quality, grid)
    for group in _groups(batch, windows):
        if not _covers(group.spectral_axis, grid):
            placed.quality[group.rows] |= Quality.OUTSIDE_GRID
            continue
        moved = onto_grid(group)
        placed.flux[group.rows], placed.mask[group.rows] = moved.flux, moved.mask
        if moved.variance is not None:
            placed.variance[group.rows] = moved.variance
        placed.line_flags[group.rows] = _arm_junction(group)
    return placed


def _nothing(quality: NDArray[np.int32], grid: NDArray[np.float64]) -> OnGrid:
    shape = (len(quality), len(grid))
    return OnGrid(
        flux=np.full(shape, np.nan),
        mask=np.ones(shape, dtype=bool),
        variance=np.full(shape, np.nan),
        quality=quality.copy(),
        line_flags=np.zeros(len(quality), dtype=np.int32),
    )


def _adapted(rows: pa.Table, grid: NDArray[np.float64]) -> OnGrid:
    """Read back adapted spectra."""
    placed = _nothing(rows.column("quality").to_numpy(), grid)
    there = (placed.quality & UNUSABLE) == 0
    if there.any():
        chosen = rows.filter(pa.array(there))
        placed.flux[there], placed.mask[there] = (
            matrix(chosen.column(name).combine_chunks()) for name in ("flux", "mask")
        )
    return placed


def _covers(axis: NDArray[np.float64], grid: NDArray[np.float64]) -> bool:
    # What no archive promises a reader may still find: an axis of two pixels, or none that rises.
    return len(axis) > 2 and bool(np.all(np.diff(axis) > 0)) and covers(axis, grid)  # noqa: PLR2004


def _groups(batch: Batch, windows: dict[Key, Window]) -> Iterator[Group]:
    """The usable spectra by the axes of their windows; ends and length tell an axis."""
    power, ivar = batch.resolving_power, batch.ivar
    groups: dict[Key, list[int]] = {}
    skipped = np.zeros(len(power), dtype=np.intp)
    for row in np.flatnonzero(batch.has_pixels).tolist():
        skipped[row], axis = windows[batch.axes[row]]
        key = (axis[0], axis[-1], len(axis), power[row], ivar.lengths[row] > 0)
        groups.setdefault(key, []).append(row)
    for members in groups.values():
        places = np.array(members)
        axis = windows[batch.axes[members[0]]][1]
        window = skipped[places], len(axis)
        yield Group(
            rows=places,
            spectral_axis=axis,
            resolving_power=power[members[0]],
            flux=batch.flux.rows(places, *window),
            mask=batch.mask.rows(places, *window),
            variance=_variance(ivar.rows(places, *window)) if ivar.lengths[members[0]] else None,
        )


def _variance(ivar: NDArray[np.float32]) -> NDArray[np.float32]:
    # An inverse variance of 0 says that the archive does not know it, nothing against the flux.
    known = ivar > 0
    return np.where(known, 1.0 / np.where(known, ivar, 1.0), np.nan).astype(np.float32)


def _arm_junction(group: Group) -> NDArray[np.int32]:
    found = spectra.arm_junction(group.flux, group.spectral_axis, mask=group.mask)
    return np.where(found, LineFlag.ARM_JUNCTION, 0).astype(np.int32)


def _vectors(
    names: pa.ChunkedArray, placed: OnGrid, grid: NDArray[np.float64], resolving_power: float
) -> pa.RecordBatch:
    """Rectify and measure what is on the grid: rows of the table of features."""
    vectors = spectra.feature_vectors(placed.flux, grid, mask=placed.mask, variance=placed.variance)
    # Why a spectrum never reached the grid says more than that it has no signal there.
    placed_there = (placed.quality & UNUSABLE) == 0
    quality = placed.quality | np.where(placed_there, vectors.quality, 0).astype(np.int32)
    usable = (quality & UNUSABLE) == 0
    measures = spectra.measure_lines(
        vectors.flux,
        grid,
        noise=vectors.continuum_noise,
        variance=vectors.variance,
        resolving_power=resolving_power,
    )
    values = {column.name: getattr(measures, column.name) for column in LINE_MEASURES}
    values |= {
        "continuum_noise": vectors.continuum_noise,
        "n_interpolated": vectors.n_interpolated,
        "line_flags": measures.line_flags | placed.line_flags,
    }
    schema = arrow_schema(FEATURES)
    columns = {
        "spectrum_id": names.combine_chunks(),
        "flux": lists(vectors.flux, usable, schema.field("flux").type),
        "quality": pa.array(quality, pa.int32()),
    }
    for name, numbers in values.items():
        unknown = ~usable | np.isnan(numbers)
        columns[name] = pa.array(numbers, schema.field(name).type, mask=unknown)
    return pa.RecordBatch.from_arrays([columns[name] for name in FEATURES.names], schema=schema)
