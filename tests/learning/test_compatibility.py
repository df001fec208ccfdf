"""The solver ``scikit-learn`` against scikit-learn."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import semi_supervised

from tests.learning.profiles import profiles
from vospec.learning import LabelPropagation, LabelSpreading, nearest, neighbour_graph


def problem() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    vectors, classes = profiles(400, 30)
    classes[np.arange(400) % 7 == 1] = 2
    return vectors.astype(np.float64), np.where(np.arange(400) % 9 == 0, classes, -1)


def assert_equal(
    found: LabelPropagation | LabelSpreading, expected: semi_supervised.LabelSpreading
) -> None:
    """Compare a fitted estimator with scikit-learn's, which leaves 0 where we say NaN."""
    np.testing.assert_array_equal(found.classes_, expected.classes_)
    assert found.n_iter_ == expected.n_iter_
    distributions = np.nan_to_num(found.label_distributions_)
    np.testing.assert_allclose(distributions, expected.label_distributions_, rtol=0, atol=1e-10)
    reached = expected.label_distributions_.any(axis=1)
    assert (found.transduction_[~reached] == -1).all()
    # Between equal shares the last bit decides.
    highest = np.sort(distributions, axis=1)[:, -2:]
    clear = highest[:, 1] - highest[:, 0] > 1e-9
    np.testing.assert_array_equal(found.transduction_[clear], expected.transduction_[clear])
    assert clear.sum() > 0.9 * reached.sum()


@pytest.mark.parametrize("n_neighbors", [3, 7, 15])
@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9, 0.99])
def test_spreading_equals(n_neighbors: int, alpha: float) -> None:
    vectors, y = problem()
    parameters = {"n_neighbors": n_neighbors, "alpha": alpha, "tol": 1e-6, "max_iter": 5000}
    found = LabelSpreading(solver="scikit-learn", **parameters).fit(vectors, y)  # type: ignore[arg-type] # mixed values
    expected = semi_supervised.LabelSpreading(kernel="knn", **parameters).fit(vectors, y)
    assert_equal(found, expected)


@pytest.mark.parametrize("tol", [1e-3, 1e-9])
@pytest.mark.parametrize("n_neighbors", [3, 7, 15])
def test_propagation_equals(n_neighbors: int, tol: float) -> None:
    vectors, y = problem()
    parameters = {"n_neighbors": n_neighbors, "tol": tol, "max_iter": 20_000}
    found = LabelPropagation(solver="scikit-learn", **parameters).fit(vectors, y)  # type: ignore[arg-type] # mixed values
    expected = semi_supervised.LabelPropagation(kernel="knn", **parameters).fit(vectors, y)
    assert_equal(found, expected)


def test_prediction_equals() -> None:
    vectors, y = problem()
    others = profiles(50, 30, seed=4)[0].astype(np.float64)
    parameters = {"n_neighbors": 7, "alpha": 0.5, "tol": 1e-6, "max_iter": 1000}
    found = LabelSpreading(solver="scikit-learn", **parameters).fit(vectors, y)  # type: ignore[arg-type] # mixed values
    expected = semi_supervised.LabelSpreading(kernel="knn", **parameters).fit(vectors, y)
    np.testing.assert_allclose(
        found.predict_proba(others), expected.predict_proba(others), atol=1e-10
    )
    np.testing.assert_array_equal(found.predict(others), expected.predict(others))


@pytest.mark.parametrize("alpha", [0.2, 0.9])
def test_spreading_equals_on_our_graph(alpha: float) -> None:
    vectors, y = problem()
    graph = neighbour_graph(*nearest(vectors, range(400), n_neighbors=8))
    parameters = {"alpha": alpha, "tol": 1e-6, "max_iter": 1000}
    found = LabelSpreading(solver="scikit-learn", **parameters).fit(graph, y)  # type: ignore[arg-type] # mixed values
    expected = semi_supervised.LabelSpreading(kernel=lambda _, __: graph.copy(), **parameters)
    assert_equal(found, expected.fit(vectors, y))


def test_exact_solvers_find_where_scikit_learn_tends_to() -> None:
    # On a symmetric graph without loops both are the same fixed point.
    vectors, y = problem()
    graph = neighbour_graph(*nearest(vectors, range(400), n_neighbors=8))
    exact = LabelSpreading(alpha=0.9, tol=1e-12).fit(graph, y)
    copied = LabelSpreading(alpha=0.9, tol=1e-12, solver="scikit-learn").fit(graph, y)
    np.testing.assert_allclose(exact.label_distributions_, copied.label_distributions_, atol=1e-10)
