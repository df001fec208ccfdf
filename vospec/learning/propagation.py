"""Label Propagation and Label Spreading on a neighbour graph.

The two estimators follow scikit-learn's of the same names; what they solve stands
in `systems`, how it is solved in `solvers`. Cost: a sparse product an iteration,
N k c operations for c classes.

A row that no path joins to a label has no class: its distribution is NaN and its
class -1.
"""

import os
import warnings
from abc import abstractmethod
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from vospec.learning import compatibility, systems
from vospec.learning.cells import Search, prepared_search
from vospec.learning.graph import Weights, local_scales, mean_gamma, neighbour_graph
from vospec.learning.induction import induced
from vospec.learning.neighbours import Indices, NeighbourSearch, Vectors, checked_vectors
from vospec.learning.probing import CellSearch
from vospec.learning.solvers import Distributions, Solution
from vospec.learning.solvers import Solver as ExactSolver

Solver = ExactSolver | Literal["scikit-learn"]
SOLVER_NAMES = (*get_args(ExactSolver), "scikit-learn")

#: The class of rows without one, before and after.
UNLABELLED = -1


class _GraphClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # no types there
    """What the two methods share: the graph, the labels, and how a result is read."""

    X_: Vectors | None
    classes_: NDArray[Any]
    label_distributions_: Distributions
    transduction_: NDArray[Any]
    mass_: NDArray[np.float64]
    n_iter_: int
    converged_: bool

    n_neighbors: int
    weights: Weights
    solver: Solver
    max_iter: int
    tol: float
    search: Search
    n_jobs: int | None

    # What is sought stands in the order of the cells, where neighbours are close in memory.
    _search: NeighbourSearch | CellSearch
    _order: NDArray[np.int64] | slice

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: ANN401, N803 -- scikit-learn's name
        """Bring the labels to all rows.

        Parameters
        ----------
        X : sparse array or operator, shape (N, N), or array_like, shape (N, d)
            The graph, symmetric with positive weights and no self-loops (any
            non-negative one for solver ``scikit-learn``); an object that has nothing
            but ``shape``, ``@`` and ``sum(axis=1)`` of such a graph, which is taken as
            it is; or vectors, from which the graph is built.
        y : array_like of int, shape (N,)
            Classes; -1 is unlabelled.

        Returns
        -------
        self
            With the attributes that the class describes.

        Raises
        ------
        ValueError
            When a parameter is not allowed, the graph is not as asked, vectors are
            not finite, or ``y`` has not N integers with a label among them.

        Warns
        -----
        ConvergenceWarning
            When ``max_iter`` came before ``tol``; ``converged_`` is then false.
        """
        self._check_parameters()
        graph = self._given(X) if systems.is_graph(X) else self._built(X)
        self.classes_, targets = _one_hot(y, graph.shape[0])
        solution = self._solve(graph, targets[self._order])
        self._read(solution)
        if not self.converged_:
            name = type(self).__name__
            message = f"{name}: {self.max_iter} iterations did not reach tol = {self.tol}"
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
        return self

    def predict_proba(self, X: ArrayLike) -> Distributions:  # noqa: N803 -- scikit-learn's name
        """Give other vectors the weighted mean distribution of their nearest fitted ones.

        See `induction`: nothing is propagated again.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Vectors, finite.

        Returns
        -------
        ndarray of float64, shape (n, n_classes)
            NaN where none of the neighbours has a distribution.

        Raises
        ------
        NotFittedError
            When nothing was fitted, or a graph without vectors.
        ValueError
            As `nearest`.
        """
        if getattr(self, "X_", None) is None:
            message = f"{type(self).__name__}: fit it on vectors before asking for other vectors"
            raise NotFittedError(message)
        indices, distances = self._nearest(X, self.n_neighbors)
        return induced(
            indices,
            distances,
            self.label_distributions_[self._order],
            scales=self._scales,
            weights="binary" if self.solver == "scikit-learn" else self.weights,
            gamma=self._gamma,
        )

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803 -- scikit-learn's name
        """Return the class of the largest share of `predict_proba`, -1 where there is none.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Vectors, finite.

        Returns
        -------
        ndarray of int, shape (n,)
        """
        return _decided(self.classes_, self.predict_proba(X))

    @abstractmethod
    def _solve(self, graph: Any, targets: Distributions) -> Solution:  # noqa: ANN401 -- as above
        """Return F, with rows of sum 0 where no label reaches."""

    def _check_parameters(self) -> None:
        if self.solver not in SOLVER_NAMES:
            message = f"solver: expected one of {', '.join(SOLVER_NAMES)}, found {self.solver!r}"
            raise ValueError(message)
        if self.max_iter < 1 or not self.tol > 0:
            message = f"expected max_iter >= 1 and tol > 0, found {self.max_iter} and {self.tol}"
            raise ValueError(message)

    def _given(self, graph: Any) -> Any:  # noqa: ANN401 -- scipy ships no types
        self.X_, self._order = None, slice(None)
        return systems.checked_graph(graph, directed=self.solver == "scikit-learn")

    def _built(self, vectors: ArrayLike) -> Any:  # noqa: ANN401 -- scipy ships no types
        self.X_ = checked_vectors(vectors, "X")
        # scikit-learn's graph is exact.
        exact = self.search == "auto" and self.solver == "scikit-learn"
        search: Search = "exact" if exact else self.search
        self._search, self._order = prepared_search(
            self.X_, search=search, n_jobs=_threads(self.n_jobs)
        )
        # scikit-learn counts a vector among its own neighbours.
        n_neighbors = self.n_neighbors - (self.solver == "scikit-learn")
        indices, distances = self._nearest(range(len(self.X_)), n_neighbors)
        self._scales, self._gamma = local_scales(distances), mean_gamma(distances)
        if self.solver == "scikit-learn":
            return compatibility.directed_graph(indices)
        return neighbour_graph(indices, distances, weights=self.weights, gamma=self._gamma)

    def _nearest(self, queries: range | ArrayLike, n_neighbors: int) -> tuple[Indices, Vectors]:
        if isinstance(self._search, CellSearch):
            n_jobs = _threads(self.n_jobs)
            return self._search.nearest(queries, n_neighbors=n_neighbors, n_jobs=n_jobs)
        return self._search.nearest(queries, n_neighbors=n_neighbors)

    def _read(self, solution: Solution) -> None:
        masses = solution.distributions
        if self.X_ is not None:
            masses = np.empty_like(masses)
            masses[self._order] = solution.distributions
        self.label_distributions_, self.mass_ = normalised(masses)
        self.transduction_ = _decided(self.classes_, self.label_distributions_)
        self.n_iter_, self.converged_ = solution.n_iter, solution.converged


class LabelPropagation(_GraphClassifier):
    """Label Propagation: given labels hold, all other rows are means of their neighbours.

    Parameters
    ----------
    n_neighbors : int, optional
        Neighbours of a vector in the graph (itself among them for solver ``scikit-learn``).
    weights : {'local_scaling', 'rbf', 'binary'}, optional
        Weights of the edges, see `graph`; ``scikit-learn`` takes none.
    solver : {'conjugate_gradient', 'power', 'scikit-learn'}, optional
        How the system is solved; ``scikit-learn`` also builds the graph and updates
        as ``sklearn.semi_supervised`` does, see `compatibility`.
    max_iter : int, optional
        Largest number of products with the graph.
    tol : float, optional
        Change of a row in one step over the sum of the row; for ``scikit-learn``
        the sum of all changes.
    search : {'auto', 'exact', 'cells'}, optional
        How the neighbours of vectors are found: exactly; or in the cells near to them,
        see `probing`, where some are missed; ``auto`` takes cells from 2000 vectors
        on, unless the solver is ``scikit-learn``.
    n_jobs : int, optional
        Threads; as many as the process has processors where it is not given. Does not
        change the answer.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The classes among the labels, ascending.
    label_distributions_ : ndarray of float64, shape (N, n_classes)
        Shares of the classes, of sum 1; NaN where no label reaches.
    transduction_ : ndarray, shape (N,)
        The class of the largest share, the lower one of equals; -1 where no label reaches.
    mass_ : ndarray of float64, shape (N,)
        Sum of each row before it was divided by it: 1, or 0 where no label reaches.
    n_iter_ : int
        Products with the graph.
    converged_ : bool
        Whether ``tol`` was met.
    """

    def __init__(  # noqa: PLR0913 -- named parameters of an estimator
        self,
        *,
        n_neighbors: int = 10,
        weights: Weights = "local_scaling",
        solver: Solver = "conjugate_gradient",
        max_iter: int = 1000,
        tol: float = 1e-6,
        search: Search = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.search = search
        self.n_jobs = n_jobs

    def _solve(self, graph: Any, targets: Distributions) -> Solution:  # noqa: ANN401 -- as above
        if self.solver == "scikit-learn":
            return compatibility.propagate(graph, targets, tol=self.tol, max_iter=self.max_iter)
        return systems.propagate(
            graph,
            targets,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            n_jobs=_threads(self.n_jobs),
        )


class LabelSpreading(_GraphClassifier):
    """Label Spreading: rows are a share ``alpha`` of their neighbours, the rest of their label.

    Parameters
    ----------
    n_neighbors, weights, solver, max_iter, tol, search, n_jobs
        As for `LabelPropagation`.
    alpha : float, optional
        Share that comes from the neighbours, above 0 and below 1.

    Attributes
    ----------
    classes_, label_distributions_, transduction_, n_iter_, converged_
        As for `LabelPropagation`; labelled rows may change their class.
    mass_ : ndarray of float64, shape (N,)
        Sum of each row before it was divided by it: how much of all labels arrived.
        Shares times mass are Zhou's F.
    """

    def __init__(  # noqa: PLR0913 -- named parameters of an estimator
        self,
        *,
        n_neighbors: int = 10,
        weights: Weights = "local_scaling",
        alpha: float = 0.9,
        solver: Solver = "conjugate_gradient",
        max_iter: int = 1000,
        tol: float = 1e-6,
        search: Search = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.alpha = alpha
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.search = search
        self.n_jobs = n_jobs

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not 0 < self.alpha < 1:
            message = f"alpha: expected a number above 0 and below 1, found {self.alpha}"
            raise ValueError(message)

    def _solve(self, graph: Any, targets: Distributions) -> Solution:  # noqa: ANN401 -- as above
        if self.solver == "scikit-learn":
            return compatibility.spread(
                graph, targets, alpha=self.alpha, tol=self.tol, max_iter=self.max_iter
            )
        return systems.spread(
            graph,
            targets,
            alpha=self.alpha,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            n_jobs=_threads(self.n_jobs),
        )


def _threads(n_jobs: int | None) -> int:
    return len(os.sched_getaffinity(0)) if n_jobs is None else n_jobs


def _one_hot(y: ArrayLike, n_vertices: int) -> tuple[NDArray[Any], Distributions]:
    labels = np.asarray(y)
    if labels.shape != (n_vertices,) or labels.dtype.kind not in "iu":
        message = f"y: expected {n_vertices} integers, found {labels.dtype} of {labels.shape}"
        raise ValueError(message)
    classes = np.unique(labels[labels != UNLABELLED])
    if classes.size == 0:
        message = "y: expected at least one label, found only -1"
        raise ValueError(message)
    return classes, (labels[:, None] == classes).astype(np.float64)


def normalised(masses: Distributions) -> tuple[Distributions, NDArray[np.float64]]:
    """Divide rows by their sums, and give these too; a row of sum 0 becomes NaN."""
    sums = masses.sum(axis=1)
    distributions = np.full_like(masses, np.nan)
    np.divide(masses, sums[:, None], out=distributions, where=sums[:, None] > 0)
    return distributions, sums


def _decided(classes: NDArray[Any], distributions: Distributions) -> NDArray[Any]:
    largest = np.nan_to_num(distributions, nan=-1.0).argmax(axis=1)
    return np.where(np.isnan(distributions[:, 0]), UNLABELLED, classes[largest])
