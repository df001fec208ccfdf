"""The common grid of feature elements: LAMOST's own pixels.

LAMOST's low-resolution spectra are binned to λ_i = 10**(3.5682 + 1e-4 i) Å
(FITS cards COEFF0 and COEFF1), in vacuum. A grid made of the same pixels leaves
nearly every survey spectrum as it is: no re-binning, no correlated noise.
"""

import numpy as np
from numpy.typing import NDArray

#: log10 of the wavelength (Å) of LAMOST's first pixel.
ORIGIN = 3.5682
#: Step of LAMOST's pixels in log10 of the wavelength.
STEP = 1e-4


def log_grid(
    start: float, stop: float, *, origin: float = ORIGIN, step: float = STEP
) -> NDArray[np.float64]:
    """Return the wavelengths 10**(origin + step i) that lie in [start, stop].

    Parameters
    ----------
    start, stop
        First and last wavelength in Å; both may themselves be elements.
    origin
        log10 of the wavelength (Å) of element 0.
    step
        Step in log10 of the wavelength.

    Returns
    -------
    numpy.ndarray
        Vacuum wavelengths in Å, shape (n,), rising.

    Raises
    ------
    ValueError
        If the limits or the step leave no element.
    """
    if not (0 < start < stop and step > 0):
        msg = f"a grid needs 0 < start < stop and step > 0, given {start}, {stop}, {step}"
        raise ValueError(msg)
    first = int(np.floor((np.log10(start) - origin) / step)) - 1
    last = int(np.ceil((np.log10(stop) - origin) / step)) + 1
    # The product, not a running sum, gives the bits that LAMOST's cards give.
    exponents = origin + step * np.arange(first, last + 1)
    wavelengths = np.asarray(np.power(10.0, exponents), dtype=np.float64)
    grid = wavelengths[(wavelengths >= start) & (wavelengths <= stop)]
    if grid.size == 0:
        msg = f"no element of the grid lies between {start} and {stop} Å"
        raise ValueError(msg)
    return grid
