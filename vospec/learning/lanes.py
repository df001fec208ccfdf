"""Squared distances between several queries and several vectors at once.

Vectors stand in tiles of `LANES`, element by element, so that one instruction works on
eight of them; a tile is compared with four queries, or four tiles with one query, while
the sums stay in registers. The compiler does not find this by itself, so the loop is
written in the words of LLVM, whose vectors every processor has or imitates.

Every sum is single precision in the order of the elements, each term
fma(q - v, q - v, sum). Queries and vectors that stand beside each other do not enter: the
square of a pair is the same to the last bit in whatever company it is computed.
"""

from itertools import product
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

#: Vectors of a tile.
LANES = 16
#: Queries that are compared with one tile, and tiles that one query is compared with.
QUERIES, TILES = 4, 4

_WIDTH = 8
_inline: Any = intrinsic
_FLOAT, _INDEX = ir.FloatType(), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, _WIDTH)

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


def tiles(vectors: Vectors, starts: Rows) -> tuple[Vectors, Rows]:
    """Return vectors in tiles, those of each cell beginning with a tile of their own.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, d)
        Vectors, cell by cell.
    starts : ndarray of int64, shape (n_cells + 1,)
        Where each cell begins, and where the last one ends.

    Returns
    -------
    tiles : ndarray of float32, shape (n_tiles, d, LANES)
        NaN where a cell has no vector left; the last `TILES` - 1 hold nothing else.
    tile_starts : ndarray of int64, shape (n_cells + 1,)
        With which tile each cell begins, and the last one ends.
    """
    counts = np.diff(starts)
    tile_starts = np.concatenate([[0], np.cumsum(-(-counts // LANES))])
    result = np.full(
        (tile_starts[-1] + TILES - 1, vectors.shape[1], LANES), np.nan, dtype=np.float32
    )
    places = np.arange(len(vectors)) + np.repeat(LANES * tile_starts[:-1] - starts[:-1], counts)
    result[places // LANES, :, places % LANES] = vectors
    return result, tile_starts


def _squares(n_queries: int, n_tiles: int) -> Any:  # noqa: ANN401 -- no types there
    """Make the loop for some queries and consecutive tiles.

    The function made takes points (n, d), the rows of the queries, all tiles, the number of
    the first tile, a limit for each query and the result (n_queries, n_tiles * LANES), all
    contiguous, fills in the squares and returns the bits of those that do not exceed their limit.
    """
    parts = n_tiles * LANES // _WIDTH

    def codegen(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
        def array(which: int) -> Any:  # noqa: ANN401
            return context.make_array(signature.args[which])(context, builder, given[which])

        points, rows, tiles, limits, result = (array(which) for which in (0, 1, 2, 4, 5))
        size = builder.extract_value(points.shape, 1)
        queries = [
            builder.gep(points.data, [builder.mul(_element(builder, rows.data, _INDEX(k)), size)])
            for k in range(n_queries)
        ]
        tile = builder.mul(size, _INDEX(LANES))
        start = builder.gep(tiles.data, [builder.mul(given[3], tile)])
        vectors = []
        for part in range(parts):
            which, place = divmod(part * _WIDTH, LANES)
            offset = builder.add(builder.mul(tile, _INDEX(which)), _INDEX(place))
            vectors.append(builder.gep(start, [offset]))
        sums = _summed(builder, queries, vectors, size)
        bits = _INDEX(0)
        for i, one in enumerate(sums):
            target = builder.gep(result.data, [_INDEX(i * _WIDTH)])
            builder.store(one, _eight(builder, target), align=4)
            limit = _repeated(builder, _element(builder, limits.data, _INDEX(i // parts)))
            within = builder.bitcast(builder.fcmp_ordered("<=", one, limit), ir.IntType(_WIDTH))
            shifted = builder.shl(builder.zext(within, _INDEX), _INDEX(i * _WIDTH))
            bits = builder.or_(bits, shifted)
        return bits

    @_inline  # type: ignore[untyped-decorator] # no types there
    def squares(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
        typing: Any,  # noqa: ANN401, ARG001 -- numba's interface
        points: Any,  # noqa: ANN401
        rows: Any,  # noqa: ANN401
        tiles: Any,  # noqa: ANN401
        first: Any,  # noqa: ANN401
        limits: Any,  # noqa: ANN401
        result: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        return types.uint64(points, rows, tiles, first, limits, result), codegen

    return squares


def _summed(builder: Any, queries: list[Any], vectors: list[Any], size: Any) -> list[Any]:  # noqa: ANN401
    """Write the loop over the elements; return the sums, all parts of each query in turn."""
    insert: Any = cgutils.get_or_insert_function
    fma = insert(builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fma.v{_WIDTH}f32")
    before = builder.block
    loop, after = (builder.append_basic_block(name) for name in ("element", "done"))
    builder.branch(loop)
    builder.position_at_end(loop)
    place = builder.phi(_INDEX)
    sums = [builder.phi(_VECTOR) for _ in queries for _ in vectors]
    offset = builder.mul(place, _INDEX(LANES))
    eights = [builder.load(_eight(builder, builder.gep(one, [offset])), align=4) for one in vectors]
    values = [_repeated(builder, _element(builder, query, place)) for query in queries]
    terms = []
    for one, (value, eight) in zip(sums, product(values, eights), strict=True):
        gap = builder.fsub(value, eight)
        terms.append(builder.call(fma, [gap, gap, one]))
        one.add_incoming(ir.Constant(_VECTOR, [0.0] * _WIDTH), before)
        one.add_incoming(terms[-1], loop)
    following = builder.add(place, _INDEX(1))
    place.add_incoming(_INDEX(0), before)
    place.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, size), loop, after)
    builder.position_at_end(after)
    return terms


def _element(builder: Any, pointer: Any, place: Any) -> Any:  # noqa: ANN401
    return builder.load(builder.gep(pointer, [place]))


def _eight(builder: Any, pointer: Any) -> Any:  # noqa: ANN401
    return builder.bitcast(pointer, _VECTOR.as_pointer())


def _repeated(builder: Any, value: Any) -> Any:  # noqa: ANN401
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), _WIDTH), [0] * _WIDTH)
    return builder.shuffle_vector(one, undefined, zeros)


@_inline  # type: ignore[untyped-decorator] # no types there
def lowest(typing: Any, bits: Any) -> Any:  # noqa: ANN401, ARG001 -- numba's interface
    """Return the place of the lowest bit that is set."""

    def codegen(_: Any, builder: Any, __: Any, given: Any) -> Any:  # noqa: ANN401
        return builder.cttz(given[0], ir.IntType(1)(1))

    return types.int64(types.uint64), codegen


#: `QUERIES` queries and one tile; one query and `TILES` tiles.
queries_to_tile = _squares(QUERIES, 1)
query_to_tiles = _squares(1, TILES)
