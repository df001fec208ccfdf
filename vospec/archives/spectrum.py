"""A spectrum as an archive's file tells it, and the scale that surveys share."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vospec.columns import Quality
from vospec.errors import UnreadableFileError

#: Far more pixels than any spectrum has; what is remembered stays small.
_MOST_PIXELS = 100_000
#: log10 of 2 µm: no spectrograph of these archives sees beyond.
_REDDEST = 4.3


@dataclass(frozen=True, eq=False, kw_only=True)
class ArchiveSpectrum:
    """What one file holds, under the names of ``columns.SPECTRA``.

    A value that the file does not give, or gives wrongly, is None; ``quality``
    and ``reason`` then tell what was expected and what was found. Values with a
    default are those that an archive need not give; nothing is said of them.

    Attributes
    ----------
    spectrum_id
        ``collection/release/name of the file without .fits or .fits.gz``.
    observation
        Identity of what was observed: the same in every release of it.
    collection, release
        Archive and data release (or export format).
    layout
        Which of the archive's layouts the file has.
    object
        Name of the target.
    ra, dec
        ICRS position in degrees; both None or both given.
    mjd
        Modified Julian Date (UTC) of mid exposure.
    exposure_seconds
        Length of the exposure in seconds.
    snr, snr_u, snr_g, snr_i, snr_z
        Signal to noise per pixel in the bands r, u, g, i, z.
    mag_g, mag_r, mag_i
        Magnitudes that the target was chosen by.
    redshift
        Redshift that the archive's pipeline found.
    plan, spectrograph, fibre
        Plan (or plate) of the observation, and where the spectrum was taken in it.
    resolving_power
        λ/Δλ near Hα.
    archive_class, archive_subclass, archive_id
        Class, spectral type and identifier that the archive gives.
    quality
        Sum of the flags of what is wrong.
    reason
        The same in words, or None where nothing is wrong.
    spectral_axis : (n_pixels,) float64
        Vacuum wavelengths in Å, ascending; read-only, for spectra of the same scale
        share it.
    flux : (n_pixels,) float32
        Relative flux.
    ivar : (n_pixels,) float32 or None
        Inverse variance of the flux, as the archive gives it; 0 is unknown.
    mask : (n_pixels,) bool
        True where a pixel is bad.
    """

    spectrum_id: str
    observation: str
    collection: str
    release: str
    layout: str
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
    snr_u: float | None = None
    snr_g: float | None = None
    snr_i: float | None = None
    snr_z: float | None = None
    mag_g: float | None = None
    mag_r: float | None = None
    mag_i: float | None = None
    redshift: float | None = None
    plan: str | None = None
    spectrograph: int | None = None
    fibre: int | None = None


@lru_cache(maxsize=64)
def log_linear(zero: float, step: float, size: int) -> NDArray[np.float64]:
    """Wavelengths ``10**(zero + step*i)``, i from 0, in Å.

    Thousands of spectra have the same few scales: equal ones are one array, which
    nobody may write into.

    Parameters
    ----------
    zero, step
        Common logarithm of the first wavelength, and from pixel to pixel.
    size
        Number of pixels.

    Raises
    ------
    UnreadableFileError
        No pixels, more than a spectrum has, or wavelengths beyond the optical.
    """
    if not 0 < size <= _MOST_PIXELS:
        message = f"expected 1 … {_MOST_PIXELS} pixels, found {size}"
        raise UnreadableFileError(message)
    exponents = zero + step * np.arange(size)
    if exponents[-1] > _REDDEST:
        message = f"expected wavelengths below {10**_REDDEST:g} Å, found COEFF1 {step:g}"
        raise UnreadableFileError(message)
    axis = np.asarray(10.0**exponents, np.float64)
    axis.flags.writeable = False
    return axis
