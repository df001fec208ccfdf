"""A spectrum as an archive's file tells it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vospec.columns import Quality


@dataclass(frozen=True, eq=False)
class ArchiveSpectrum:
    """What one file holds, under the names of ``columns.SPECTRA``.

    A value that the file does not give, or gives wrongly, is None; ``quality``
    and ``reason`` then tell what was expected and what was found.

    Attributes
    ----------
    spectrum_id
        ``collection/release/name of the file without .fits or .fits.gz``.
    collection, release
        Archive and data release (or export format).
    object
        Name of the target.
    ra, dec
        ICRS position in degrees; both None or both given.
    mjd
        Modified Julian Date (UTC) of mid exposure.
    exposure_seconds
        Length of the exposure in seconds.
    snr
        Signal to noise per pixel in the r band.
    resolving_power
        λ/Δλ near Hα.
    archive_class, archive_subclass, archive_id
        Class, spectral type and identifier that the archive gives.
    quality
        Sum of the flags of what is wrong.
    reason
        The same in words, or None where nothing is wrong.
    spectral_axis : (n_pixels,) float64
        Vacuum wavelengths in Å, ascending.
    flux : (n_pixels,) float32
        Relative flux.
    ivar : (n_pixels,) float32 or None
        Inverse variance of the flux, as the archive gives it.
    mask : (n_pixels,) bool
        True where a pixel is bad.
    """

    spectrum_id: str
    collection: str
    release: str
    object: str | None
    ra: float | None
    dec: float | None
    mjd: float | None
    exposure_seconds: float | None
    snr: float | None
    resolving_power: float
    archive_class: str | None
    archive_subclass: str | None
    archive_id: str | None
    quality: Quality
    reason: str | None
    spectral_axis: NDArray[np.float64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32] | None
    mask: NDArray[np.bool_]
