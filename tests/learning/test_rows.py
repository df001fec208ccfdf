"""Rows made and multiplied block by block are those of the whole graph."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from vospec import learning
from vospec.learning import rows, steps

N, SIZE = 700, 128
BLOCKS = [range(start, min(start + SIZE, N)) for start in range(0, N, SIZE)]


@pytest.fixture(scope="module")
def lists() -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    vectors = np.random.default_rng(5).normal(size=(N, 4)).astype(np.float32)
    # Two islands; the second is a block's worth and more, so that one block touches no other.
    vectors[384:] += 100
    indices, distances = learning.nearest(vectors, range(N), n_neighbors=5)
    return indices, np.exp(-distances.astype(np.float64))


@pytest.fixture(scope="module")
def graph(lists: tuple[NDArray[Any], ...]) -> sparse.csr_array:
    indices, weights = lists
    starts = np.arange(0, indices.size + 1, indices.shape[1])
    directed = sparse.csr_array((weights.ravel(), indices.ravel(), starts), (N, N), copy=True)
    directed.sort_indices()
    return directed.maximum(directed.T).tocsr()


def test_rows_of_blocks_are_those_of_the_graph(
    lists: tuple[NDArray[Any], ...], graph: sparse.csr_array
) -> None:
    arriving = defaultdict(list)
    for block in BLOCKS:
        arcs = rows.arcs(block, *(values[block.start : block.stop] for values in lists))
        for target, some in rows.by_head(arcs, SIZE):
            arriving[target].append(some)
    for number, block in enumerate(BLOCKS):
        # In whatever order they come.
        came = zip(*reversed(arriving[number]), strict=True)
        joined = rows.Arcs(*map(np.concatenate, came))
        own = (values[block.start : block.stop] for values in lists)
        made = rows.symmetric_rows(block, *own, joined)
        expected = graph[block.start : block.stop]
        for one, other in zip(made, ("indptr", "indices", "data"), strict=True):
            np.testing.assert_array_equal(one, getattr(expected, other))


def test_self_loops_are_no_arcs() -> None:
    arcs = rows.arcs(range(3, 5), np.array([[3, 1], [0, 4]]), np.array([[1.0, 0.5], [0.25, 1.0]]))
    assert [values.tolist() for values in arcs] == [[3, 4], [1, 0], [0.5, 0.25]]


def _row_blocks(graph: sparse.csr_array) -> list[rows.RowBlock]:
    return [rows.row_block(graph[block.start : block.stop], SIZE) for block in BLOCKS]


def _exchanged(
    blocks: list[rows.RowBlock], values: list[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """The products of all blocks, each with what the blocks have offered to it alone."""
    offers = defaultdict(list)
    for number, block in enumerate(blocks):
        for target, some in block.offered(values[number]):
            offers[target].append((number, some))
    return [
        block.graph @ block.gathered(SIZE, reversed(offers[number]), values[number].shape[1])
        for number, block in enumerate(blocks)
    ]


def test_products_are_those_of_the_graph_bit_for_bit(graph: sparse.csr_array) -> None:
    values = np.random.default_rng(6).random((N, 3))
    blocks = _row_blocks(graph)
    made = _exchanged(blocks, [values[block.start : block.stop] for block in BLOCKS])
    np.testing.assert_array_equal(np.concatenate(made), graph @ values)
    degrees = [block.graph.sum(axis=1) for block in blocks]
    np.testing.assert_array_equal(np.concatenate(degrees), graph.sum(axis=1))


def test_what_is_missing_is_told(graph: sparse.csr_array) -> None:
    block = _row_blocks(graph)[0]
    with pytest.raises(ValueError, match=f"the rows of {len(block.touched)} touched vertices"):
        block.gathered(SIZE, [], 3)


class _Together:
    """All blocks, in one process."""

    def __init__(self, graph: sparse.csr_array, labels: steps.Labels) -> None:
        self.blocks = _row_blocks(graph)
        self.states = [{"targets": labels.targets(block)} for block in BLOCKS]

    def advance(self, step: steps.Step) -> steps.Sums:
        given = [{name: state[name] for name in step.reads} for state in self.states]
        products = [np.empty(0)] * len(BLOCKS)
        if step.asks:
            products = _exchanged(self.blocks, [step.asked(state) for state in given])
        taken = [step.taken(*both) for both in zip(given, products, strict=True)]
        for state, (changed, _) in zip(self.states, taken, strict=True):
            state.update(changed)
        return np.sum([sums for _, sums in taken], axis=0)


def _labels(y: NDArray[np.int64]) -> steps.Labels:
    labelled = np.flatnonzero(y >= 0)
    classes, places = np.unique(y[labelled], return_inverse=True)
    return steps.Labels(labelled, places, len(classes))


@pytest.mark.parametrize("tol", [1e-4, 1e-12])
@pytest.mark.parametrize("alpha", [0.2, 0.99])
@pytest.mark.parametrize("method", ["label_propagation", "label_spreading"])
def test_steps_of_blocks_lead_where_the_solvers_do(
    graph: sparse.csr_array, method: steps.Method, alpha: float, tol: float
) -> None:
    rng = np.random.default_rng(8)
    y = np.where(rng.random(N) < 0.05, rng.integers(0, 3, N), -1)
    y[384:] = -1
    together = _Together(graph, _labels(y))
    together.advance(steps.Prepare(method, alpha))
    n_iter, converged = steps.solve(together.advance, tol=tol, max_iter=1000)
    estimator = (
        learning.LabelPropagation(tol=tol)
        if method == "label_propagation"
        else learning.LabelSpreading(tol=tol, alpha=alpha)
    ).fit(graph, y)
    made = np.concatenate([steps.masses(method, state) for state in together.states])
    assert (n_iter, converged) == (estimator.n_iter_, True)
    assert not made[384:].any()
    expected = np.nan_to_num(estimator.label_distributions_) * estimator.mass_[:, None]
    np.testing.assert_allclose(made, expected, rtol=1e-8, atol=1e-13)


def test_too_few_steps_are_told(graph: sparse.csr_array) -> None:
    y = np.full(N, -1)
    y[[0, 5]] = 0, 1
    for max_iter in (1, 2, 5):
        together = _Together(graph, _labels(y))
        together.advance(steps.Prepare("label_spreading", 0.99))
        with pytest.warns(learning.ConvergenceWarning):
            fitted = learning.LabelSpreading(alpha=0.99, tol=1e-9, max_iter=max_iter).fit(graph, y)
        made = steps.solve(together.advance, tol=1e-9, max_iter=max_iter)
        assert made == (fitted.n_iter_, fitted.converged_)


def test_targets_of_blocks_are_those_of_all() -> None:
    y = np.random.default_rng(1).integers(-1, 4, 100)
    y[y == 2] = -1
    labels = _labels(y)
    whole = (y[:, None] == np.array([0, 1, 3])).astype(float)
    assert labels.n_classes == 3
    for block in (range(30), range(30, 77), range(77, 77), range(77, 100)):
        np.testing.assert_array_equal(labels.targets(block), whole[block.start : block.stop])
