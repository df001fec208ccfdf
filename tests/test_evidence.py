"""What a candidate's shares come from, against closed forms and the shares themselves."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import sparse

from vospec import config, evidence, runs
from vospec.columns import CLASSES, NEIGHBOURS
from vospec.store import arrow_schema

SETTINGS = config.LearningSettings(tol=1e-10)


def vertices(classes: NDArray[np.int_]) -> runs.Vertices:
    names = pa.array([f"v{number}" for number in range(len(classes))])
    nothing = np.zeros(len(classes))
    return runs.Vertices(names, classes < 0, classes, nothing, nothing)


def named(*numbers: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([f"v{number}" for number in numbers], pa.string())])


def told(table: pa.Table, kind: str, spectrum_id: str) -> list[tuple[Any, ...]]:
    names = ("place", "neighbour_id", "class", "share")
    return [
        tuple(row[name] for name in names)
        for row in table.to_pylist()
        if (row["kind"], row["spectrum_id"]) == (kind, spectrum_id)
    ]


def chain() -> tuple[runs.Graph, runs.Vertices]:
    """Eleven vertices in a row, the ends labelled; the edge from 3 to 4 weighs three times."""
    weights = np.ones(10)
    weights[3] = 3
    classes = np.full(11, runs.UNLABELLED)
    classes[[0, 10]] = CLASSES.index("absorption"), CLASSES.index("emission")
    graph = sparse.diags_array([weights, weights], offsets=[1, -1]).tocsr()
    return graph, vertices(classes)


def test_a_chain_is_a_row_of_resistors() -> None:
    graph, points = chain()
    method = "label_propagation"
    table = evidence.neighbour_table(
        "run", named(3, 1), points, graph, method=method, settings=SETTINGS, n_explained=2
    )
    assert table.schema.equals(arrow_schema(NEIGHBOURS))
    assert set(table.column("run_id").to_pylist()) == {"run"}
    assert told(table, "neighbour", "v3") == [(1, "v4", None, 0.75), (2, "v2", None, 0.25)]
    assert told(table, "neighbour", "v1") == [(1, "v0", "absorption", 0.5), (2, "v2", None, 0.5)]
    # Resistances: nine of 1 and one of 1/3; the voltage falls along them.
    near, far = told(table, "label", "v3")
    assert near[:3] == (1, "v0", "absorption")
    assert far[:3] == (2, "v10", "emission")
    assert near[3] == pytest.approx(1 - 3 / (9 + 1 / 3), rel=1e-6)
    assert far[3] == pytest.approx(3 / (9 + 1 / 3), rel=1e-6)


@pytest.mark.parametrize("method", config.METHODS)
def test_shares_of_the_labels_are_the_candidate_s(method: str) -> None:
    rng = np.random.default_rng(3)
    upper = sparse.triu(sparse.random_array((60, 60), density=0.2, rng=rng), k=1)
    graph = sparse.csr_array(upper + upper.T)
    classes = np.where(np.arange(60) < 9, np.arange(60) % len(CLASSES), runs.UNLABELLED)
    points, candidates = vertices(classes), range(20, 60)
    table = evidence.neighbour_table(
        "run",
        named(*candidates),
        points,
        graph,
        method=method,
        settings=SETTINGS,
        n_explained=len(candidates),
    )
    expected = runs.propagate(graph, classes, method, SETTINGS).shares
    for number in candidates:
        found = told(table, "label", f"v{number}")
        # All nine labels are told.
        sums = [sum(row[3] for row in found if row[2] == name) for name in CLASSES]
        np.testing.assert_allclose(sums, expected[number], atol=1e-5)
        weights = graph[[number]].toarray().ravel()
        beside = told(table, "neighbour", f"v{number}")
        best = np.sort(weights / weights.sum())[::-1][: len(beside)]
        np.testing.assert_allclose([row[3] for row in beside], best, rtol=1e-6)
        assert len(beside) == min(evidence.N_TOLD, np.count_nonzero(weights))


def test_only_the_best_are_traced_to_labels() -> None:
    graph, points = chain()
    done: list[int] = []
    table = evidence.neighbour_table(
        "run",
        named(7, 3, 1),
        points,
        graph,
        method="label_propagation",
        settings=SETTINGS,
        n_explained=2,
        progress=done.append,
    )
    traced = [name for name in ("v7", "v3", "v1") if told(table, "label", name)]
    assert traced == ["v7", "v3"]
    assert all(told(table, "neighbour", name) for name in ("v7", "v3", "v1"))
    assert done == [2]


@pytest.mark.parametrize(("candidates", "n_explained"), [((), 0), ((), 200), ((3,), 0)])
def test_nothing_to_tell_is_an_empty_table(candidates: tuple[int, ...], n_explained: int) -> None:
    graph, points = chain()
    table = evidence.neighbour_table(
        "run",
        named(*candidates),
        points,
        graph,
        method="label_spreading",
        settings=SETTINGS,
        n_explained=n_explained,
    )
    assert table.schema.equals(arrow_schema(NEIGHBOURS))
    assert table.num_rows == 2 * len(candidates)


def test_what_no_label_reaches_has_neighbours_only() -> None:
    graph, points = chain()
    apart = sparse.csr_array(sparse.block_diag([graph, [[0, 2], [2, 0]]]))
    points = vertices(np.append(points.classes, [runs.UNLABELLED] * 2))
    table = evidence.neighbour_table(
        "run",
        named(11),
        points,
        apart,
        method="label_propagation",
        settings=SETTINGS,
        n_explained=1,
    )
    assert told(table, "label", "v11") == []
    assert told(table, "neighbour", "v11") == [(1, "v12", None, 1.0)]
