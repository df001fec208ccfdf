"""Principal components: the directions in which spectra differ most.

The neighbour search costs as many operations a pair as a vector has elements.
Rectified spectra differ in few directions, and the noise is in all of them: a
projection on the first components makes the search cheaper and, for ranking, no
worse. It is not the same graph, so that every step also takes whole vectors.

The components are eigenvectors of the covariance matrix (Jolliffe 2002,
*Principal Component Analysis*, section 1.1) of a sample, in double precision.
Cost: n d^2 + d^3 to fit, d m operations a vector to project.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin


class PrincipalComponents(TransformerMixin, BaseEstimator):  # type: ignore[misc] # no types there
    """A projection on principal components, fitted on a sample.

    Parameters
    ----------
    n_components : int, optional
        Number of components that are kept.

    Attributes
    ----------
    mean_ : ndarray of float64, shape (d,)
        Mean of the sample.
    components_ : ndarray of float64, shape (n_components, d)
        Orthonormal rows; the element of largest modulus of each is positive.
    explained_variance_ : ndarray of float64, shape (n_components,)
        Variance of the sample along each, descending.
    explained_variance_ratio_ : ndarray of float64, shape (n_components,)
        The same over the whole variance.
    """

    mean_: NDArray[np.float64]
    components_: NDArray[np.float64]
    explained_variance_: NDArray[np.float64]
    explained_variance_ratio_: NDArray[np.float64]

    def __init__(self, n_components: int = 32) -> None:
        self.n_components = n_components

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002, N803 -- scikit-learn's
        """Find the components of a sample.

        Parameters
        ----------
        X : array_like, shape (n, d)
            The sample, finite, at least two vectors.
        y : object, optional
            Not looked at; for scikit-learn's pipelines.

        Returns
        -------
        PrincipalComponents
            The object itself.

        Raises
        ------
        ValueError
            When ``n_components`` is not in 1..min(n - 1, d) or ``X`` is not a finite matrix.
        """
        sample = _matrix(X)
        allowed = min(len(sample) - 1, sample.shape[1])
        if not 1 <= self.n_components <= allowed:
            message = f"n_components: expected 1 to {allowed}, found {self.n_components}"
            raise ValueError(message)
        self.mean_ = sample.mean(axis=0)
        centred = sample - self.mean_
        variances, vectors = np.linalg.eigh(centred.T @ centred / (len(sample) - 1))
        # eigh sorts ascending; the smallest may be negative by rounding.
        variances, rows = np.maximum(variances[::-1], 0), vectors.T[::-1]
        self.components_ = _with_sign(rows[: self.n_components])
        self.explained_variance_ = variances[: self.n_components]
        total = variances.sum()
        self.explained_variance_ratio_ = self.explained_variance_ / (total if total > 0 else 1)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803 -- scikit-learn's name
        """Project vectors.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Vectors, finite.

        Returns
        -------
        ndarray of float32, shape (n, n_components)

        Raises
        ------
        ValueError
            When ``X`` is not a finite matrix of as many columns as the sample.
        """
        vectors = _matrix(X)
        if vectors.shape[1] != len(self.mean_):
            message = f"X: expected {len(self.mean_)} columns, found {vectors.shape[1]}"
            raise ValueError(message)
        return np.asarray((vectors - self.mean_) @ self.components_.T, dtype=np.float32)


def _matrix(values: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():  # noqa: PLR2004 -- rows and columns
        message = f"X: expected a finite matrix, found shape {matrix.shape} or values not finite"
        raise ValueError(message)
    return matrix


def _with_sign(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fix the sign that an eigenvector leaves open."""
    largest = np.abs(rows).argmax(axis=1)
    signs = np.sign(rows[np.arange(len(rows)), largest])
    return np.ascontiguousarray(rows * signs[:, None])
