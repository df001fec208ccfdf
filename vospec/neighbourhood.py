"""The graph of a plan as the store holds it: its vertices, vectors and edges."""

from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vospec import learning, runs
from vospec.columns import CLASSES
from vospec.plan import Plan
from vospec.store import matrix


def vertices(plan: Plan) -> runs.Vertices:
    """The spectra of the graph in its order, with their roles and labels.

    Parameters
    ----------
    plan : Plan
        Its vectors and labels must be there.

    Raises
    ------
    StoreError
        One of these datasets is missing.
    """
    names = plan.vectors.table(["spectrum_id"]).column("spectrum_id").combine_chunks()
    roles = plan.spectra.table(["spectrum_id", "role"])
    survey = roles.filter(pc.field("role") == "survey").column("spectrum_id")
    labels = plan.labels.table(["spectrum_id", "class", "superseded_at"])
    valid = labels.filter(pc.field("superseded_at").is_null())
    numbers = {
        name: CLASSES.index(class_)
        for name, class_ in zip(*(valid.column(i).to_pylist() for i in (0, 1)), strict=True)
    }
    classes = np.array([numbers.get(name, runs.UNLABELLED) for name in names.to_pylist()])
    return runs.Vertices(names, pc.is_in(names, survey).to_numpy(zero_copy_only=False), classes)


def vectors(plan: Plan) -> NDArray[Any]:
    """The vectors among which neighbours are sought, (n, d) in the graph's order.

    Raises
    ------
    StoreError
        The vectors of the plan are missing.
    """
    column: pa.ChunkedArray = plan.vectors.table(["vector"]).column("vector")
    return matrix(column.combine_chunks())


def edges(plan: Plan) -> runs.Graph:
    """The graph's matrix, weighted as the settings say.

    Raises
    ------
    StoreError
        The neighbours of the plan are missing.
    """
    nearest = plan.neighbours.table().sort_by("row").combine_chunks()
    indices, distances = (
        matrix(nearest.column(name).chunk(0)) for name in ("neighbours", "distances")
    )
    weights = cast("learning.Weights", plan.settings.learning.weights)
    return learning.neighbour_graph(indices, distances, weights=weights)
