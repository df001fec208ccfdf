"""Why a candidate is one: its neighbours in the graph, and the labels behind its shares."""

import os
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vospec import learning
from vospec.columns import CLASSES, LABEL, NEIGHBOUR, NEIGHBOURS
from vospec.config import LearningSettings
from vospec.runs import UNLABELLED, Graph, Vertices
from vospec.store import arrow_schema

#: Rows of each kind for one candidate; what comes behind them has small shares.
N_TOLD = 10

#: The tolerance of these shares over that of the propagation: they are rounded for people,
#: and all errors together are far below their bound (at 0.03 a share is off by 0.001 of itself).
_COARSENESS = 100


def neighbour_table(  # noqa: PLR0913 - named parameters of one method
    run_id: str,
    candidates: pa.ChunkedArray,
    vertices: Vertices,
    graph: Graph,
    *,
    method: str,
    settings: LearningSettings,
    n_explained: int,
    progress: Callable[[int], None] | None = None,
) -> pa.Table:
    """Tell the strongest neighbours of all candidates, and the labels behind the best of them.

    Parameters
    ----------
    run_id : str
        The run.
    candidates : ChunkedArray of text
        Identifiers of the candidates, best first; all are vertices.
    vertices : Vertices
        The spectra of the graph.
    graph : sparse array, (n, n)
        Weights of the edges.
    method : {'label_propagation', 'label_spreading'}
        How the labels were spread.
    settings : LearningSettings
        With which parameters.
    n_explained : int
        How many of the best candidates are traced back to labels.
    progress : callable, optional
        Called with the number of candidates traced so far.

    Returns
    -------
    Table
        Rows of :data:`vospec.columns.NEIGHBOURS`, at most :data:`N_TOLD` of each
        kind for a candidate.
    """
    # Combined, names keep their type also where there are none.
    names = candidates.combine_chunks()
    rows = pc.index_in(names, vertices.spectrum_id).to_numpy()
    edges = learning.strongest_edges(graph, rows, n_neighbors=N_TOLD)
    degrees = np.asarray(graph.sum(axis=1), dtype=np.float64)[rows, None]
    labels = learning.contributions(
        graph,
        vertices.classes,
        rows[:n_explained],
        alpha=settings.alpha if method == "label_spreading" else None,
        n_labels=N_TOLD,
        tol=_COARSENESS * settings.tol,
        max_iter=settings.max_iter,
        n_jobs=len(os.sched_getaffinity(0)),
        progress=progress,
    )
    shares = edges._replace(values=edges.values / degrees)
    return pa.concat_tables(
        [
            partner_table(run_id, NEIGHBOUR, names, vertices, shares),
            partner_table(run_id, LABEL, names, vertices, labels),
        ]
    )


def partner_table(
    run_id: str, kind: str, names: pa.Array, vertices: Vertices, partners: learning.Partners
) -> pa.Table:
    """One row for each partner of each candidate.

    Parameters
    ----------
    run_id : str
        The run.
    kind : {'neighbour', 'label'}
        In which way they take part in the candidates' scores.
    names : Array of n texts
        Identifiers of the candidates.
    vertices : Vertices
        The spectra of the graph.
    partners : Partners
        Vertices of it, and their shares in the whole.

    Returns
    -------
    Table
        Rows of :data:`vospec.columns.NEIGHBOURS`.
    """
    candidate, place = np.nonzero(partners.indices >= 0)
    found = partners.indices[candidate, place]
    classes = vertices.classes[found]
    return pa.table(
        {
            "run_id": pa.repeat(run_id, len(found)),
            "spectrum_id": names.take(pa.array(candidate)),
            "kind": pa.repeat(kind, len(found)),
            "place": place + 1,
            "neighbour_id": vertices.spectrum_id.take(pa.array(found)),
            "class": pa.array(CLASSES).take(pa.array(classes, mask=classes == UNLABELLED)),
            "share": partners.values[candidate, place],
        }
    ).cast(arrow_schema(NEIGHBOURS))
