"""Labels that are hidden do not count: against fits without them, and against flipped ones."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from vospec.learning import LabelPropagation, LabelSpreading, hidden_shares, star_folds
from vospec.learning.folds import Part

METHODS = (None, 0.9, 0.2)
TARGETS = (1, 2)
N = 300


@pytest.fixture(scope="module")
def graph() -> Any:  # noqa: ANN401 - scipy ships no types
    """A connected graph of random weights."""
    rng = np.random.default_rng(1)
    rows = np.concatenate([np.arange(N), rng.integers(0, N, 4 * N)])
    columns = np.concatenate([(np.arange(N) + 1) % N, rng.integers(0, N, 4 * N)])
    directed = sparse.csr_array((rng.random(5 * N) + 0.1, (rows, columns)), shape=(N, N))
    directed.setdiag(0)
    directed.eliminate_zeros()
    return directed.maximum(directed.T).tocsr()


@pytest.fixture(scope="module")
def classes() -> NDArray[np.int_]:
    """Four classes on every third row."""
    found = np.random.default_rng(2).integers(0, 4, N)
    return np.where(np.arange(N) % 3 == 0, found, -1)


@pytest.fixture(scope="module")
def parts(classes: NDArray[np.int_]) -> list[Part]:
    """Three parts; two neighbouring labelled rows are one star."""
    rows = np.flatnonzero(classes >= 0)
    folds = star_folds(classes[rows], rows // 6, n_splits=3, seed=0)
    return [(rows[others], rows[part]) for others, part in folds]


def _fitted(
    graph: Any,  # noqa: ANN401 - as above
    classes: NDArray[np.int_],
    alpha: float | None,
) -> NDArray[np.float64]:
    """Sum of the shares of the targets after a fit on what is not hidden."""
    model = LabelPropagation(tol=1e-11) if alpha is None else LabelSpreading(alpha=alpha, tol=1e-11)
    model.fit(graph, classes)
    return np.asarray(model.label_distributions_[:, np.isin(model.classes_, TARGETS)].sum(axis=1))


@pytest.mark.parametrize("alpha", METHODS)
def test_shares_are_those_of_a_fit_without_the_part(
    graph: Any,  # noqa: ANN401 - as above
    classes: NDArray[np.int_],
    parts: list[Part],
    alpha: float | None,
) -> None:
    found = hidden_shares(graph, np.isin(classes, TARGETS), parts, alpha=alpha, tol=1e-11)
    assert found.converged
    for teaching, judged in parts:
        hidden = np.full(N, -1)
        hidden[teaching] = classes[teaching]
        expected = _fitted(graph, hidden, alpha)[judged]
        np.testing.assert_allclose(found.shares[judged], expected, rtol=1e-8, atol=1e-10)
    assert np.isnan(found.shares[classes == -1]).all()


@pytest.mark.parametrize("alpha", METHODS)
def test_a_label_does_not_reach_its_own_part(
    graph: Any,  # noqa: ANN401 - as above
    classes: NDArray[np.int_],
    parts: list[Part],
    alpha: float | None,
) -> None:
    wanted = np.isin(classes, TARGETS)
    before = hidden_shares(graph, wanted, parts, alpha=alpha, tol=1e-11).shares
    judged = parts[0][1]
    flipped = wanted.copy()
    flipped[judged] = ~flipped[judged]
    after = hidden_shares(graph, flipped, parts, alpha=alpha, tol=1e-11).shares
    np.testing.assert_allclose(after[judged], before[judged], rtol=1e-8)
    others = parts[0][0]
    assert np.abs(after[others] - before[others]).max() > 1e-3


@pytest.mark.parametrize("alpha", METHODS)
def test_where_no_other_label_reaches_there_is_no_share(alpha: float | None) -> None:
    # Two pairs: the labels of the second are both in one part.
    pairs = sparse.block_diag([np.array([[0.0, 1.0], [1.0, 0.0]])] * 2, format="csr")
    rows = [np.array(each) for each in ([0, 2, 3], [1])]
    parts = [(rows[1], rows[0]), (rows[0], rows[1])]
    found = hidden_shares(
        sparse.csr_array(pairs), [True, False, True, True], parts, alpha=alpha, tol=1e-9
    )
    np.testing.assert_allclose(found.shares, [0, 1, np.nan, np.nan], atol=1e-9)
