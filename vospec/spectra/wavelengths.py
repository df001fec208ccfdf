"""Wavelengths in vacuum and in air.

The refractive index of dry air (15 °C, 1 atm) is that of Birch & Downs (1994,
Metrologia 31, 315) as Morton (2000, ApJS 130, 403) gives it for spectroscopy,
with s = 10⁴ Å / λ_vacuum:

    n - 1 = 8.34254e-5 + 2.406147e-2 / (130 - s²) + 1.5998e-4 / (38.9 - s²)

and λ_air = λ_vacuum / n. VALD takes the same formula. The
older standard of the IAU (Edlén 1953, J. Opt. Soc. Am. 43, 339) differs by at most
0.2 mÅ between 3700 and 9100 Å and by 0.10 mÅ at Hα (5 m/s); Ciddor (1996, Appl. Opt.
35, 1566) by at most 0.03 mÅ and by 0.007 mÅ at Hα. The other direction has
no closed form; λ_vacuum = λ_air n(λ_vacuum) is iterated, which gains five
digits a step, so that the two functions are each other's inverse to rounding.

Cost: a few operations an element.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: km/s.
LIGHT_SPEED = 299_792.458

#: The formula holds above this (Å); below it all wavelengths are given in vacuum.
SHORTEST = 2000.0
_ITERATIONS = 4


def _refractive_index(vacuum: NDArray[np.float64]) -> NDArray[np.float64]:
    s2 = (1e4 / vacuum) ** 2
    return 1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - s2) + 1.5998e-4 / (38.9 - s2)


def _checked(wavelength: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(wavelength, dtype=np.float64)
    # 2000 Å in vacuum are 1999.35 Å in air, and must come back.
    if not np.all(values >= SHORTEST - 1.0):
        msg = f"wavelength must be {SHORTEST:.0f} Å or more, given {np.min(values)} Å"
        raise ValueError(msg)
    return values


def vacuum_to_air(wavelength: ArrayLike) -> NDArray[np.float64]:
    """Turn vacuum wavelengths into those in air.

    Parameters
    ----------
    wavelength
        Vacuum wavelengths in Å, any shape.

    Returns
    -------
    numpy.ndarray
        Air wavelengths in Å, same shape.

    Raises
    ------
    ValueError
        If a wavelength is below 2000 Å or not a number.
    """
    vacuum = _checked(wavelength)
    return vacuum / _refractive_index(vacuum)


def air_to_vacuum(wavelength: ArrayLike) -> NDArray[np.float64]:
    """Turn wavelengths in air into those in vacuum.

    Parameters
    ----------
    wavelength
        Air wavelengths in Å, any shape.

    Returns
    -------
    numpy.ndarray
        Vacuum wavelengths in Å, same shape.

    Raises
    ------
    ValueError
        If a wavelength is below 2000 Å or not a number.
    """
    air = _checked(wavelength)
    vacuum = air
    for _ in range(_ITERATIONS):
        vacuum = air * _refractive_index(vacuum)
    return vacuum
