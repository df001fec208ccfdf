"""Flux made fit for distances: emission of any height beside absorption.

Absorption lines reach from 1 down to 0.3, emission lines up to 10 and more: in a
Euclidean distance two emission lines of different height are farther from each
other than either is from an absorption line, and the first principal components
tell heights apart. The logarithm, cut at both ends, makes them alike. It leaves
the shape of weak lines as it is: log F = F - 1 + O((F - 1)^2).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Rectified flux is cut at these before its logarithm is taken.
LIMITS = (0.3, 2.0)


def compressed(flux: ArrayLike, *, limits: tuple[float, float] = LIMITS) -> NDArray[np.float32]:
    """Return the logarithm of flux that is cut at both ends.

    Parameters
    ----------
    flux : array_like, shape (n, d)
        Rectified flux; noise may have made it negative.
    limits : (float, float), optional
        The least and the greatest flux that is told apart, above 0.

    Returns
    -------
    ndarray of float32, shape (n, d)
        ln of the flux; NaN stays.

    Raises
    ------
    ValueError
        When the limits are not positive and rising.
    """
    lower, upper = limits
    if not 0 < lower < upper:
        message = f"limits: expected 0 < lower < upper, found {limits}"
        raise ValueError(message)
    return np.asarray(np.log(np.clip(flux, lower, upper)), dtype=np.float32)
