"""Steps of all blocks, whose distributions stand in files of the store and nowhere whole.

What a block has is a file for each array, written whole by the block's task under the
number of the step, so that a task may be run again. A step that multiplies by the graph
is one shuffle: each block sends the others the rows that they touch, packed into one value
for each of them. The driver sees only sums.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Self

import numpy as np
from pyarrow import fs
from pyspark.sql import SparkSession

from vospec.backend import parts, worker
from vospec.backend.rowblocks import kept
from vospec.blocks import Blocks
from vospec.learning.solvers import Distributions
from vospec.learning.steps import Labels, State, Step, Sums
from vospec.store import Dataset

#: For a block: from which other one, and the rows that it touches.
Sent = tuple[int, tuple[int, bytes]]
#: A block and its sums.
Taken = tuple[int, bytes]

#: What a block has before the first step.
GIVEN = "targets"


class Exchange:
    """Blocks that take steps together.

    Parameters
    ----------
    session : SparkSession
        The session.
    edges : Dataset
        Rows of :data:`vospec.columns.EDGES` in parts.
    blocks : Blocks
        The vertices in blocks.
    labels : Labels
        What is known.
    working : Dataset
        Where the files stand, until the context ends.
    """

    def __init__(
        self,
        session: SparkSession,
        edges: Dataset,
        blocks: Blocks,
        *,
        labels: Labels,
        working: Dataset,
    ) -> None:
        self._blocks = blocks
        self._spark = session.sparkContext
        self._edges, self._labels, self._working = edges, labels, working
        self._versions: dict[str, int] = {}
        self._step = 0

    def __enter__(self) -> Self:
        self._working.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._filesystem.delete_dir(self._working.location)

    def state(self, names: tuple[str, ...]) -> Callable[[int], State]:
        """How a task gets some arrays of a block as they stand now."""
        blocks, labels, working = self._blocks, self._labels, self._working
        versions = {name: self._versions[name] for name in names if name != GIVEN}

        def read(block: int) -> State:
            found = {name: _load(working, name, versions[name], block) for name in versions}
            if GIVEN in names:
                found[GIVEN] = labels.targets(blocks.rows(block))
            return found

        return read

    def advance(self, step: Step) -> Sums:
        """Take a step with all blocks.

        Parameters
        ----------
        step : Step
            Whose arrays earlier steps have left.

        Returns
        -------
        ndarray of float64, shape (number of sums, c)
            Added up in the order of the blocks.
        """
        self._step += 1
        for name in step.writes:
            self._filesystem.create_dir(_folder(self._working, name, self._step))
        blocks = self._spark.parallelize(range(self._blocks.number), self._blocks.number)
        if step.asks:
            sent = blocks.mapPartitions(self._sender(step))
            received = sent.partitionBy(self._blocks.number, int)
            taken = received.mapPartitionsWithIndex(self._multiplier(step))
        else:
            taken = blocks.mapPartitions(self._taker(step))
        sums = [content for _, content in sorted(taken.collect())]
        for name in step.writes:
            self._replace(name)
        shape = self._blocks.number, -1, self._labels.n_classes
        return np.asarray(np.frombuffer(b"".join(sums)).reshape(shape).sum(axis=0))

    def _replace(self, name: str) -> None:
        """From now on an array is the one that the last step has left."""
        if name in self._versions:
            self._filesystem.delete_dir(_folder(self._working, name, self._versions[name]))
        self._versions[name] = self._step

    @property
    def _filesystem(self) -> fs.FileSystem:
        return self._working.store.filesystem

    def _sender(self, step: Step) -> Callable[[Iterable[int]], Iterator[Sent]]:
        """What a block has for the others: the rows that they touch."""
        state, edges, blocks = self.state(step.reads), self._edges, self._blocks

        def send(numbers: Iterable[int]) -> Iterator[Sent]:
            for block in numbers:
                for target, rows in kept(edges, block, blocks).offered(step.asked(state(block))):
                    if target != block:
                        yield target, (block, rows.tobytes())

        return send

    def _multiplier(self, step: Step) -> Callable[[int, Iterable[Sent]], Iterator[Taken]]:
        """The step of a block, once it has been given what its rows touch."""
        state, edges, blocks = self.state(step.reads), self._edges, self._blocks
        taken = self._taken(step)

        def multiply(block: int, sent: Iterable[Sent]) -> Iterator[Taken]:
            rows, own = kept(edges, block, blocks), state(block)
            asked = step.asked(own)
            inside = ((block, some) for target, some in rows.offered(asked) if target == block)
            width = asked.shape[1]
            received = ((s, np.frombuffer(some).reshape(-1, width)) for _, (s, some) in sent)
            values = rows.gathered(blocks.size, chain(inside, received), width)
            yield taken(block, own, rows.graph @ values)

        return multiply

    def _taker(self, step: Step) -> Callable[[Iterable[int]], Iterator[Taken]]:
        """The step of a block, for which it needs no other."""
        state, taken = self.state(step.reads), self._taken(step)

        def take(numbers: Iterable[int]) -> Iterator[Taken]:
            for block in numbers:
                yield taken(block, state(block), np.empty(0))

        return take

    def _taken(self, step: Step) -> Callable[[int, State, Distributions], Taken]:
        """Take a step, leave what it changes, and tell the sums."""
        working, version = self._working, self._step

        def taken(block: int, state: State, product: Distributions) -> Taken:
            worker.settle()
            changed, sums = step.taken(state, product)
            for name in step.writes:
                _save(changed[name], working, name, version, block)
            return block, np.ascontiguousarray(sums).tobytes()

        return taken


def _folder(working: Dataset, name: str, version: int) -> str:
    return f"{working.location}/{name}-{version}"


def _file(working: Dataset, name: str, version: int, block: int) -> str:
    return f"{_folder(working, name, version)}/{block}.npy"


def _save(values: Distributions, working: Dataset, name: str, version: int, block: int) -> None:
    filesystem, target = working.store.filesystem, _file(working, name, version, block)
    incoming = f"{target}.{uuid.uuid4().hex}.incoming"
    with filesystem.open_output_stream(incoming) as stream:
        np.lib.format.write_array(stream, values, allow_pickle=False)
    parts.rename(filesystem, incoming, target)


def _load(working: Dataset, name: str, version: int, block: int) -> Distributions:
    file = working.store.filesystem.open_input_stream(_file(working, name, version, block))
    with file as stream:
        values: Distributions = np.lib.format.read_array(stream, allow_pickle=False)
    return values
