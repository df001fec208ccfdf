"""Labels spread through Spark reach the shares that the estimators find on the driver."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from tests.backend.parted import edges_written
from vospec import learning
from vospec.backend import diffusion
from vospec.backend.rowblocks import RowBlocks
from vospec.backend.session import Engine
from vospec.blocks import Blocks
from vospec.learning import systems
from vospec.progress import Progress
from vospec.store import Dataset, Store

pytestmark = pytest.mark.spark

N = 2100
METHODS = ("label_propagation", "label_spreading")


@pytest.fixture(scope="module")
def graph() -> sparse.csr_array:
    """Two islands, the second of more than a block; no label stands on it."""
    vectors = np.random.default_rng(2).normal(size=(N, 4)).astype(np.float32)
    vectors[_island() :] += 100
    return learning.neighbour_graph(*learning.nearest(vectors, range(N), n_neighbors=6))


def _island() -> int:
    """Where the second island begins: within a block, so that one holds some of both."""
    blocks = Blocks(N)
    assert blocks.number == 3
    return blocks.rows(1).start + 300


@pytest.fixture(scope="module")
def classes() -> NDArray[np.int64]:
    rng = np.random.default_rng(3)
    drawn = rng.choice([0, 1, 3], N)
    # Of class 2 nothing is labelled, on the second island nothing at all.
    found = np.where(rng.random(N) < 0.03, drawn, -1)
    found[_island() :] = -1
    return found


@pytest.fixture
def edges(tmp_path: Path, graph: sparse.csr_array) -> Dataset:
    return edges_written(Store(str(tmp_path / "store")).dataset("edges/abc"), graph)


def _fitted(
    graph: Any,  # noqa: ANN401 - a graph, or what multiplies as one
    classes: NDArray[np.int64],
    method: str,
    **options: Any,  # noqa: ANN401 - of the estimators
) -> Any:  # noqa: ANN401 - one of the estimators
    alpha = options.pop("alpha")
    if method == "label_spreading":
        return learning.LabelSpreading(alpha=alpha, **options).fit(graph, classes)
    return learning.LabelPropagation(**options).fit(graph, classes)


def _shares(dataset: Dataset) -> NDArray[np.float64]:
    table = dataset.parts().to_table().sort_by("vertex")
    assert table.column("vertex").to_pylist() == list(range(N))
    none = [np.nan] * 3
    return np.array([row or none for row in table.column("shares").to_pylist()])


def _propagated(
    engine: Engine,
    edges: Dataset,
    classes: NDArray[np.int64],
    method: str,
    **options: Any,  # noqa: ANN401 - as above
) -> tuple[diffusion.Propagated, NDArray[np.float64]]:
    shares = edges.store.dataset("shares/xyz")
    found = diffusion.propagated(
        engine.session,
        edges,
        classes,
        method=method,
        shares=shares,
        progress=Progress("shares", N),
        **({"alpha": 0.9, "tol": 1e-2, "max_iter": 1000} | options),
    )
    assert not shares.is_complete()
    left = {path.name for path in Path(shares.location).iterdir()}
    assert left == {f"part-{block:05d}.parquet" for block in range(3)}
    return found, _shares(shares)


@pytest.mark.parametrize("method", METHODS)
def test_shares_in_blocks_are_those_of_the_estimator(
    engine: Engine,
    edges: Dataset,
    graph: sparse.csr_array,
    classes: NDArray[np.int64],
    method: str,
) -> None:
    found, shares = _propagated(engine, edges, classes, method, tol=1e-10)
    expected = _fitted(graph, classes, method, alpha=0.9, tol=1e-10)
    assert found == (expected.n_iter_, expected.converged_)
    np.testing.assert_array_equal(np.isnan(shares[:, 0]), np.arange(N) >= _island())
    np.testing.assert_allclose(shares, expected.label_distributions_, rtol=1e-9, atol=1e-14)
    if method == "label_propagation":
        labelled = np.flatnonzero(classes >= 0)
        held = classes[labelled, None] == expected.classes_
        np.testing.assert_array_equal(shares[labelled], held.astype(float))


def test_too_few_products_are_told(
    engine: Engine, edges: Dataset, graph: sparse.csr_array, classes: NDArray[np.int64]
) -> None:
    options = {"tol": 1e-12, "max_iter": 4, "alpha": 0.99}
    found, shares = _propagated(engine, edges, classes, "label_spreading", **options)
    with pytest.warns(learning.ConvergenceWarning):
        expected = _fitted(graph, classes, "label_spreading", **options)
    assert found == (4, False)
    assert expected.n_iter_ == 4
    np.testing.assert_allclose(shares, expected.label_distributions_, rtol=1e-9, atol=1e-14)


def test_what_a_killed_job_left_is_not_taken_for_a_result(
    engine: Engine, edges: Dataset, classes: NDArray[np.int64]
) -> None:
    _, before = _propagated(engine, edges, classes, "label_spreading")
    shares = edges.store.dataset("shares/xyz")
    part = Path(shares.part(1))
    right = part.read_bytes()
    # A part of another propagation, and half of the files of a step.
    Path(shares.part(0)).replace(part)
    working = Path(shares.location, "_working", "distributions-3")
    working.mkdir(parents=True)
    (working / "0.npy").write_bytes(b"half")
    _, after = _propagated(engine, edges, classes, "label_spreading")
    np.testing.assert_array_equal(after, before)
    assert part.read_bytes() == right


def test_a_fault_leaves_nothing_that_looks_like_work(
    engine: Engine, edges: Dataset, classes: NDArray[np.int64]
) -> None:
    Path(edges.part(2)).unlink()
    with pytest.raises(Exception, match="part-00002"):
        _propagated(engine, edges, classes, "label_spreading")
    assert not list(Path(edges.store.dataset("shares/xyz").location).iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"alpha": 1.0}, "0 < alpha < 1"), ({"tol": 0.0}, "tol > 0"), ({"max_iter": 0}, ">= 1")],
)
def test_parameters_that_mean_nothing_are_refused(
    engine: Engine,
    edges: Dataset,
    classes: NDArray[np.int64],
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        _propagated(engine, edges, classes, "label_spreading", **options)


def test_no_label_is_told(engine: Engine, edges: Dataset) -> None:
    with pytest.raises(ValueError, match="expected at least one label"):
        _propagated(engine, edges, np.full(N, -1), "label_spreading")


@pytest.fixture
def row_blocks(engine: Engine, edges: Dataset) -> RowBlocks:
    return RowBlocks(engine.session, edges, N)


def test_products_are_those_of_the_graph_bit_for_bit(
    row_blocks: RowBlocks, graph: sparse.csr_array
) -> None:
    values = np.random.default_rng(4).random((N, 5))
    assert row_blocks.shape == graph.shape
    for columns in (values, values[:, :1], values[:, ::2]):
        np.testing.assert_array_equal(row_blocks @ columns, graph @ columns)
    np.testing.assert_array_equal(row_blocks.sum(axis=1), graph.sum(axis=1))
    with pytest.raises(ValueError, match="axis: expected 1, found 0"):
        row_blocks.sum(axis=0)


def test_rows_are_those_of_the_graph(row_blocks: RowBlocks, graph: sparse.csr_array) -> None:
    vertices = np.array([2000, 17, 900, 16, 2000])
    found, expected = row_blocks.rows(vertices), graph[vertices]
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("method", METHODS)
def test_the_solvers_find_the_same_bits_by_the_executors_products(
    row_blocks: RowBlocks, graph: sparse.csr_array, classes: NDArray[np.int64], method: str
) -> None:
    targets = (classes[:, None] == [0, 1, 3]).astype(float)
    options: dict[str, Any] = {"solver": "conjugate_gradient", "tol": 1e-4, "max_iter": 100}
    if method == "label_spreading":
        options["alpha"] = 0.9
    solve = systems.spread if method == "label_spreading" else systems.propagate
    found, expected = (solve(one, targets, **options) for one in (row_blocks, graph))
    np.testing.assert_array_equal(found.distributions, expected.distributions)
    assert found[1:] == expected[1:]
    assert expected.converged
