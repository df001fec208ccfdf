"""The graph's rows through Spark are those of the graph that one process makes."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import sparse

from tests.backend.parted import written
from vospec import learning
from vospec.backend import edges
from vospec.backend.session import Engine
from vospec.blocks import Blocks
from vospec.columns import EDGES, NEAREST
from vospec.errors import StoreError
from vospec.learning.graph import mean_gamma
from vospec.progress import Progress
from vospec.store import Dataset, Store

pytestmark = pytest.mark.spark

#: Three blocks, the last of them shorter.
N, K = 2900, 6


@pytest.fixture(scope="module")
def lists() -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    rng = np.random.default_rng(11)
    vectors = rng.normal(size=(N, 3)).astype(np.float32)
    # Many equal vectors: scales of 0, and lists in which some are missing.
    vectors[:40] = vectors[0]
    return learning.nearest(vectors, range(N), n_neighbors=K)


@pytest.fixture
def nearest(tmp_path: Path, lists: tuple[NDArray[Any], ...]) -> Dataset:
    return written(Store(str(tmp_path)).dataset("nearest"), NEAREST, *lists)


def _made(engine: Engine, nearest: Dataset, **options: Any) -> sparse.csr_array:  # noqa: ANN401 - as edges.write
    made = nearest.store.dataset("edges")
    counts = edges.write(engine.session, nearest, made, N, progress=Progress("edges", N), **options)
    assert (counts.parts, counts.rows) == (3, N)
    blocks = [edges.read(made, block, N) for block in range(counts.parts)]
    assert [block.shape[0] for block in blocks] == [len(Blocks(N).rows(b)) for b in range(3)]
    return sparse.vstack(blocks, format="csr")


@pytest.mark.parametrize(
    "options",
    [{"weights": "local_scaling"}, {"weights": "rbf", "gamma": 0.7}, {"weights": "binary"}],
    ids=lambda options: options["weights"],
)
def test_rows_are_those_of_the_graph_bit_for_bit(
    engine: Engine, nearest: Dataset, lists: tuple[NDArray[Any], ...], options: dict[str, Any]
) -> None:
    made = _made(engine, nearest, **options)
    expected = learning.neighbour_graph(*lists, **options)
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(made, name), getattr(expected, name))
    table = nearest.store.dataset("edges").parts().to_table()
    assert table.column_names == list(EDGES.names)
    assert table.column("vertex").to_pylist() == list(range(N))


def test_the_scale_of_rbf_is_the_mean_squared_distance(
    engine: Engine, nearest: Dataset, lists: tuple[NDArray[Any], ...]
) -> None:
    made = _made(engine, nearest, weights="rbf")
    expected = learning.neighbour_graph(*lists, weights="rbf", gamma=mean_gamma(lists[1]))
    np.testing.assert_array_equal(made.indices, expected.indices)
    np.testing.assert_allclose(made.data, expected.data, rtol=1e-13)


def test_parts_that_are_there_stay(engine: Engine, nearest: Dataset) -> None:
    made = nearest.store.dataset("edges")
    _made(engine, nearest, weights="binary")
    before = {p: Path(made.part(p)).stat().st_mtime_ns for p in (0, 2)}
    content = Path(made.part(1)).read_bytes()
    Path(made.part(1)).unlink()
    _made(engine, nearest, weights="binary")
    assert {p: Path(made.part(p)).stat().st_mtime_ns for p in (0, 2)} == before
    assert Path(made.part(1)).read_bytes() == content


def test_a_part_of_other_vertices_is_named(engine: Engine, nearest: Dataset) -> None:
    made = nearest.store.dataset("edges")
    _made(engine, nearest, weights="binary")
    with pytest.raises(StoreError, match="part 1 does not hold the vertices from 1001 to 2001"):
        edges.read(made, 1, 3003)
    assert pa.types.is_list(made.parts().schema.field("weights").type)
