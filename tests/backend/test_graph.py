import numpy as np
import pyarrow as pa
import pytest

from vospec import learning
from vospec.backend import graph
from vospec.backend.session import Engine
from vospec.columns import FEATURES
from vospec.learning import cells
from vospec.store import arrow_schema

pytestmark = pytest.mark.spark

N, D = 300, 12


@pytest.fixture(scope="module")
def flux() -> np.ndarray:
    rng = np.random.default_rng(7)
    # Nowhere cut by the compression, whose logarithm it undoes.
    logarithm = 0.05 * rng.normal(size=(N, 4)) @ rng.normal(size=(4, D))
    return np.exp(logarithm).astype(np.float32)


def _projected(engine: Engine, flux: np.ndarray, partitions: int, n_components: int) -> pa.Table:
    rows = [
        {"spectrum_id": f"s{i:04d}", "flux": values, "quality": 0} for i, values in enumerate(flux)
    ]
    rows.append({"spectrum_id": "a bad one", "flux": None, "quality": 32})
    table = pa.Table.from_pylist(rows, schema=arrow_schema(FEATURES))
    frame = engine.session.createDataFrame(table).repartition(partitions)
    done = engine.session.sparkContext.accumulator(0)
    made = graph.project(frame, n_components=n_components, n_sample=N, done=done).toArrow()
    assert done.value == N
    return made


def test_projection_is_ordered_and_keeps_distances(engine: Engine, flux: np.ndarray) -> None:
    made = _projected(engine, flux, 3, n_components=4)
    assert made.column("spectrum_id").to_pylist() == [f"s{i:04d}" for i in range(N)]
    vectors = np.array(made.column("vector").to_pylist())
    # Vectors of rank 4 lose nothing in 4 components.
    logarithm = np.log(flux)
    before = np.linalg.norm(logarithm[:, None] - logarithm[None], axis=2)
    after = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_projection_does_not_depend_on_the_partitions(engine: Engine, flux: np.ndarray) -> None:
    one, five = (_projected(engine, flux, n, n_components=3) for n in (1, 5))
    assert one.equals(five)


def test_without_components_vectors_are_compressed_only(engine: Engine, flux: np.ndarray) -> None:
    made = _projected(engine, flux, 2, n_components=0)
    vectors = np.array(made.column("vector").to_pylist(), np.float32)
    np.testing.assert_array_equal(vectors, learning.compressed(flux))


@pytest.mark.parametrize("partitions", [1, 4])
def test_many_vectors_are_sought_in_cells(
    engine: Engine, flux: np.ndarray, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "BATCH", 64)
    monkeypatch.setattr(cells, "MANY", N)
    done = engine.session.sparkContext.accumulator(0)
    found = graph.search(engine.session, flux, n_neighbors=5, partitions=partitions, done=done)
    table = found.toArrow().sort_by("row")
    search, order = learning.cell_search(flux)
    indices, distances = search.nearest(range(N), n_neighbors=5)
    assert table.column("row").to_pylist() == list(range(N))
    neighbours = np.array(table.column("neighbours").to_pylist())
    np.testing.assert_array_equal(neighbours[order], order[indices])
    found_distances = np.array(table.column("distances").to_pylist(), np.float32)
    np.testing.assert_array_equal(found_distances[order], distances)


@pytest.mark.parametrize("partitions", [1, 4])
def test_neighbours_are_those_of_the_kernel(
    engine: Engine, flux: np.ndarray, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "BATCH", 64)
    done = engine.session.sparkContext.accumulator(0)
    found = graph.search(engine.session, flux, n_neighbors=5, partitions=partitions, done=done)
    table = found.toArrow().sort_by("row")
    indices, distances = learning.nearest(flux, range(N), n_neighbors=5)
    assert table.column("row").to_pylist() == list(range(N))
    np.testing.assert_array_equal(np.array(table.column("neighbours").to_pylist()), indices)
    np.testing.assert_array_equal(
        np.array(table.column("distances").to_pylist(), np.float32), distances
    )
    assert done.value == N
