"""Division of labelled spectra into parts of like classes, no star in two of them."""

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold

Part = tuple[NDArray[np.intp], NDArray[np.intp]]


def star_folds(classes: ArrayLike, stars: ArrayLike, *, n_splits: int, seed: int) -> list[Part]:
    """Divide spectra by star.

    Parameters
    ----------
    classes : array_like, shape (n,)
        What every part should hold in like shares.
    stars : array_like, shape (n,)
        Star of each spectrum.
    n_splits : int
        Number of parts, at most that of stars.
    seed : int
        Of the division.

    Returns
    -------
    list of (ndarray of intp, ndarray of intp)
        For each part the rows of all others, and its own.
    """
    folds = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    classes = np.asarray(classes)
    with warnings.catch_warnings():
        # A class with fewer spectra than parts is missing in some: so rare classes are.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(folds.split(classes, classes, np.asarray(stars)))
