"""Unrelated spectra of the survey, with which a star's spectrum is compared beside its own.

They are drawn by a hash of their identifiers: whatever the order of the survey's files, the
same spectra are drawn, and any others are as likely.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vospec.pairs import Spectrum
from vospec.spectra import resample


class Drawing:
    """A draw of some spectra from batches of them.

    Parameters
    ----------
    size
        How many are drawn.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._drawn: dict[bytes, Spectrum] = {}

    def add(
        self, names: Sequence[str], take: Callable[[NDArray[np.intp]], Sequence[Spectrum]]
    ) -> None:
        """Let the spectra of a batch take part.

        Parameters
        ----------
        names
            Their identifiers.
        take
            Gives the spectra of some rows.
        """
        lots = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
        last = max(self._drawn) if len(self._drawn) >= self._size else None
        rows = [row for row, lot in enumerate(lots) if last is None or lot < last]
        rows = sorted(rows, key=lots.__getitem__)[: self._size]
        for row, spectrum in zip(rows, take(np.array(rows, np.intp)), strict=True):
            self._drawn[lots[row]] = spectrum
        self._drawn = dict(sorted(self._drawn.items())[: self._size])

    @property
    def spectra(self) -> list[Spectrum]:
        """What was drawn."""
        return list(self._drawn.values())


@dataclass(frozen=True, eq=False)
class Partners:
    """Unrelated spectra on the common grid.

    Attributes
    ----------
    names : (n,) text
        Identifiers.
    flux : (n, n_elements) float64
        Flux on the grid, NaN where bad.
    magnitude : (n,) float64
        NaN where it is not known.
    """

    names: NDArray[np.str_]
    flux: NDArray[np.float64]
    magnitude: NDArray[np.float64]

    def without(self, names: set[str]) -> "Partners":
        """Leave some out."""
        kept = ~np.isin(self.names, sorted(names))
        return Partners(self.names[kept], self.flux[kept], self.magnitude[kept])


def partners(
    spectra: Sequence[Spectrum], pixels: Mapping[str, Mapping[str, Any]], grid: NDArray[np.float64]
) -> Partners:
    """Put spectra on the grid; those that have no pixels there are left out."""
    rows = [
        (one, on_grid(pixels[one.spectrum_id], grid))
        for one in spectra
        if one.spectrum_id in pixels
    ]
    rows = [(one, flux) for one, flux in rows if np.isfinite(flux).any()]
    magnitude = [np.nan if one.magnitude is None else one.magnitude for one, _ in rows]
    return Partners(
        np.array([one.spectrum_id for one, _ in rows], dtype=np.str_),
        np.array([flux for _, flux in rows]).reshape(-1, len(grid)),
        np.array(magnitude, dtype=np.float64),
    )


def on_grid(pixels: Mapping[str, Any], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a survey spectrum's flux on the grid, NaN where bad, shape (n_elements,)."""
    flux, axis, mask = (np.asarray(pixels[name]) for name in ("flux", "spectral_axis", "mask"))
    if not flux.size:
        return np.full(grid.shape, np.nan)
    made = resample(flux, axis, grid, mask=mask)
    return np.asarray(np.where(made.mask, np.nan, made.flux)[0])
