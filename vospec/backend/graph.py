"""The stages from feature vectors to the neighbour graph.

The vectors, projected to few components, are small (128 bytes a spectrum at 32
components): every task holds them all, sorted into cells where they are many, and owns
a range of queries, so that neither a shuffle nor a merge is needed and the result does
not depend on the number of tasks.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Accumulator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from vospec import learning
from vospec.backend.frames import lists
from vospec.store import matrix

VECTORS = "`spectrum_id` string, `vector` array<float>"
NEIGHBOURS = "`row` bigint, `neighbours` array<int>, `distances` array<float>"

#: Rows of one Arrow batch of neighbours.
BATCH = 1024


def project(
    features: DataFrame, *, n_components: int, n_sample: int, done: Accumulator[int]
) -> DataFrame:
    """Bring feature vectors, compressed, into the space in which neighbours are sought.

    Parameters
    ----------
    features : DataFrame
        Rows of :data:`vospec.columns.FEATURES`; those without a vector are left out.
    n_components : int
        Principal components to keep; 0 keeps all elements.
    n_sample : int
        Vectors on which the components are fitted, those first by the hash
        of their identifiers, so that the choice does not depend on partitions.
    done : Accumulator
        Counts the vectors.

    Returns
    -------
    DataFrame
        ``spectrum_id`` and ``vector``, in the order of the identifiers.
    """
    usable = features.where("flux IS NOT NULL").select("spectrum_id", "flux")
    components = None
    if n_components:
        order = sql.xxhash64("spectrum_id"), sql.col("spectrum_id")
        sample = usable.orderBy(*order).limit(n_sample).select("flux").toArrow()
        components = learning.PrincipalComponents(n_components=n_components)
        components.fit(learning.compressed(matrix(sample.column("flux").combine_chunks())))

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            values = learning.compressed(matrix(batch.column("flux")))
            projected = values if components is None else components.transform(values)
            yield pa.RecordBatch.from_arrays(
                [batch.column("spectrum_id"), _lists(projected.astype(np.float32))],
                names=["spectrum_id", "vector"],
            )
            done.add(len(batch))

    # Sorting looks at its input twice: first for where to cut it.
    return usable.mapInArrow(rows, VECTORS).persist().orderBy("spectrum_id")


def search(
    session: SparkSession,
    vectors: NDArray[np.float32],
    *,
    n_neighbors: int,
    partitions: int,
    done: Accumulator[int],
) -> DataFrame:
    """Find the nearest neighbours of every vector, near-exact ones where they are many.

    Parameters
    ----------
    session : SparkSession
        The session.
    vectors : (n, n_components) array
        All vectors; broadcast to the tasks.
    n_neighbors : int
        Neighbours of a vector, itself left out.
    partitions : int
        Number of tasks.
    done : Accumulator
        Counts the queries.

    Returns
    -------
    DataFrame
        ``row`` of the query, rows of its ``neighbours`` and their ``distances``.
    """
    spark, total = session.sparkContext, len(vectors)
    made_ready, order = learning.prepared_search(vectors, n_jobs=spark.defaultParallelism)
    shared = spark.broadcast((made_ready, order.astype(np.int32)))
    starts = session.range(0, total, BATCH, partitions)

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        all_vectors, rows_as_given = shared.value
        for batch in batches:
            for start in batch.column("id").to_pylist():
                queries = range(start, min(start + BATCH, total))
                indices, distances = all_vectors.nearest(queries, n_neighbors=n_neighbors)
                own = rows_as_given[queries.start : queries.stop].astype(np.int64)
                yield pa.RecordBatch.from_arrays(
                    [pa.array(own), _lists(rows_as_given[indices]), _lists(distances)],
                    names=["row", "neighbours", "distances"],
                )
                done.add(len(queries))

    return starts.mapInArrow(rows, NEIGHBOURS)


def _lists(values: NDArray[Any]) -> pa.Array:
    kind = pa.list_(pa.from_numpy_dtype(values.dtype))
    return lists(values, np.ones(len(values), dtype=bool), kind)
