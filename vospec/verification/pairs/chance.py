"""The chance that an unrelated star of the survey looks as good a counterpart.

Counterparts by position are judged since Downes et al. (1986, MNRAS 218, 31) by the number
of unrelated sources that one expects within the separation r and at least as bright,

    P* = λ π r² · m

with λ the sources per area and m the share of them that is as bright. Here a third factor
joins: w, the share of unrelated spectra that agree at least as well with the star's. The
three are independent and, for unrelated sources, uniform: λ π r² from 0 to U = λ π R² within
the radius R that is searched, the shares from 0 to 1. Many combinations lead to the same
product, and the number of unrelated sources whose product of k factors is s or less is

    E = s Σ_(j<k) ln(U/s)^j / j!                    (s ≤ U)

(the distribution of a product of k uniform numbers; for k = 2 it is Downes' formula). The
chance that there is one at least is 1 - exp(-E).

Nothing is assumed of true counterparts: neither how far off positions are, nor how much stars
vary, nor how many of the stars the survey has observed. Of stars that the survey has not
observed, a share p gets a chance of p or less. A factor that is not known counts as 1, so that
the chance is rather too high than too low.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def chance(near: ArrayLike, within: ArrayLike, *shares: ArrayLike) -> NDArray[np.float64]:
    """Return the chance of a counterpart as good as this among unrelated sources.

    Parameters
    ----------
    near
        Unrelated sources expected within the separation, λ π r², shape (n,).
    within
        Those expected within the radius that was searched, λ π R², shape (n,).
    *shares
        Shares of unrelated sources that are as good in some other respect, above 0 and at
        most 1, each of shape (n,).

    Returns
    -------
    numpy.ndarray
        From 0 to 1, shape (n,).

    Raises
    ------
    ValueError
        If a share is not above 0 and at most 1, or an expectation is negative.
    """
    most = np.asarray(within, dtype=np.float64)
    product = np.minimum(np.asarray(near, dtype=np.float64), most)
    for share in map(np.asarray, shares):
        if not np.all((share > 0) & (share <= 1)):
            msg = f"shares must be above 0 and at most 1, given {share}"
            raise ValueError(msg)
        product = product * share
    if not np.all(product >= 0):
        msg = f"expectations must not be negative, given {near!r} within {within!r}"
        raise ValueError(msg)
    # At no distance at all, or without any unrelated source, chance has no part.
    possible = product > 0
    logarithm = np.log(np.where(possible, most, 1.0) / np.where(possible, product, 1.0))
    terms = [logarithm**power / math.factorial(power) for power in range(len(shares) + 1)]
    return np.asarray(-np.expm1(-product * np.sum(terms, axis=0)))


def share(value: float, others: NDArray[np.float64]) -> float:
    """Return the share of unrelated values that are as low; the value counts as one of them.

    Parameters
    ----------
    value
        What is judged.
    others
        What unrelated ones have, shape (n,).
    """
    return float((1 + np.count_nonzero(others <= value)) / (1 + len(others)))
