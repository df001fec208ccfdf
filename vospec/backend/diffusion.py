"""Labels spread over a graph of which nothing is whole anywhere, distributions neither."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from vospec.backend import parts
from vospec.backend.exchange import Exchange
from vospec.backend.frames import lists
from vospec.blocks import Blocks
from vospec.columns import SHARES
from vospec.learning import steps
from vospec.learning.propagation import UNLABELLED, normalised
from vospec.progress import Progress
from vospec.store import Dataset, arrow_schema


class Propagated(NamedTuple):
    """How many products with the graph were made, and whether the tolerance was met."""

    n_iter: int
    converged: bool


def propagated(  # noqa: PLR0913 - named parameters of a method
    session: SparkSession,
    edges: Dataset,
    classes: NDArray[np.integer[Any]],
    *,
    method: steps.Method,
    alpha: float,
    tol: float,
    max_iter: int,
    shares: Dataset,
    progress: Progress,
) -> Propagated:
    """Spread labels over a graph and write the shares of the classes.

    Parameters
    ----------
    session : SparkSession
        The session.
    edges : Dataset
        Rows of :data:`vospec.columns.EDGES` in parts.
    classes : (n,) int
        Class of each vertex, -1 where unlabelled.
    method : {'label_propagation', 'label_spreading'}
        The estimator of :mod:`vospec.learning` that would find the same, but for the
        rounding of sums over the vertices.
    alpha : float
        Of Label Spreading: share that comes from the neighbours, above 0 and below 1.
    tol, max_iter
        Of the estimator.
    shares : Dataset
        Where to write rows of :data:`vospec.columns.SHARES`, a part a block, one share for
        each class that has a label. What an interrupted call has left there is cleared. It
        is not complete yet, that is the pipeline's to say.
    progress : Progress
        Told of the rows that are written.

    Returns
    -------
    Propagated
        As the estimator tells.

    Raises
    ------
    ValueError
        No vertex is labelled, or a parameter is not allowed.
    """
    if not (0 < alpha < 1 and tol > 0 and max_iter >= 1):
        found = f"{alpha}, {tol} and {max_iter}"
        message = f"expected 0 < alpha < 1, tol > 0 and max_iter >= 1, found {found}"
        raise ValueError(message)
    labels, blocks = _labels(classes), Blocks(len(classes))
    shares.clear()
    working = shares.store.dataset(f"{shares.path}/_working")
    with Exchange(session, edges, blocks, labels=labels, working=working) as exchange:
        exchange.advance(steps.Prepare(method, alpha))
        solved = steps.solve(exchange.advance, tol=tol, max_iter=max_iter)
        content = _content(exchange, method, blocks)
        tasks = session.range(0, blocks.number, 1, blocks.number)
        parts.write(tasks, shares, content, table=SHARES, progress=progress)
    return Propagated(*solved)


def _labels(classes: NDArray[np.integer[Any]]) -> steps.Labels:
    labelled = np.flatnonzero(classes != UNLABELLED)
    if not len(labelled):
        message = f"classes: expected at least one label, found only {UNLABELLED}"
        raise ValueError(message)
    known, places = np.unique(classes[labelled], return_inverse=True)
    return steps.Labels(labelled, places, len(known))


def _content(exchange: Exchange, method: steps.Method, blocks: Blocks) -> parts.Content:
    """The shares of a block; none where its rows have a sum of 0."""
    state = exchange.state(steps.SOLVED)

    def content(block: int, _: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found, sums = normalised(steps.masses(method, state(block)))
        rows, schema = blocks.rows(block), arrow_schema(SHARES)
        columns = [
            pa.array(np.arange(rows.start, rows.stop)),
            lists(found, sums > 0, schema.field("shares").type),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return content
