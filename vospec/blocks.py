"""The vertices of a graph in blocks: contiguous ranges, each of which one task works on.

The blocks follow from the number of vertices alone, so that nothing depends on who works,
and a part of one dataset holds the same vertices as that part of another.
"""

from dataclasses import dataclass

#: Vertices of a block: their edges take 9 MB.
VERTICES_OF_A_BLOCK = 65_536
#: Fewer vertices are still cut into so many blocks, for the cores' sake ...
LEAST_BLOCKS = 16
#: ... unless a block had fewer than so many.
LEAST_VERTICES = 1024


@dataclass(frozen=True)
class Blocks:
    """Blocks of some vertices.

    Parameters
    ----------
    n_vertices : int
        Vertices, at least one.
    """

    n_vertices: int

    @property
    def number(self) -> int:
        """How many blocks there are."""
        few = min(LEAST_BLOCKS, -(-self.n_vertices // LEAST_VERTICES))
        return max(few, -(-self.n_vertices // VERTICES_OF_A_BLOCK))

    @property
    def size(self) -> int:
        """Vertices of a block; the last ones may have fewer, or none."""
        return -(-self.n_vertices // self.number)

    def rows(self, block: int) -> range:
        """The vertices of a block."""
        start = min(block * self.size, self.n_vertices)
        return range(start, min(start + self.size, self.n_vertices))
