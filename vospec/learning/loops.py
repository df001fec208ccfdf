"""Compiled loops over rows of several columns, shared by threads.

Rows are cut into blocks of a fixed size. What a loop sums, it sums within its block; the
sums are added in the order of the blocks, so that no number depends on how many threads
there are. Products sum each row in the order of its entries, as scipy does.

A loop takes the first and the last row of its block, then its arrays. Columns are
matrices of shape (n, c), contiguous.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Columns = NDArray[np.float64]
Vector = NDArray[np.float64]

#: Rows of a block.
BLOCK = 32768
#: From how many columns on a row of them is worth being streamed.
_MANY = 16

_compiled: Any = numba.njit(nogil=True, cache=True)


def over_rows(loop: Callable[..., Any], n_rows: int, *arrays: Any, n_jobs: int) -> list[Any]:  # noqa: ANN401 -- a compiled loop's own
    """Run a loop over all blocks of rows.

    Parameters
    ----------
    loop : callable
        Takes the first row of a block, the one behind its last, and the arrays.
    n_rows : int
        Number of rows.
    *arrays
        What the loop reads and fills in.
    n_jobs : int
        Threads.

    Returns
    -------
    list
        What the loop gives for each block, in their order.
    """
    bounds = [(start, min(start + BLOCK, n_rows)) for start in range(0, n_rows, BLOCK)]
    if n_jobs == 1 or len(bounds) == 1:
        return [loop(*bound, *arrays) for bound in bounds]
    with ThreadPoolExecutor(n_jobs) as threads:
        return list(threads.map(lambda bound: loop(*bound, *arrays), bounds))


@_compiled  # type: ignore[untyped-decorator] # no types there
def _multiply(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    begin: int,
    end: int,
    indices: NDArray[Any],
    weights: Vector,
    columns: Columns,
    result: Vector,
) -> None:
    """Fill in a row of W F: few columns in registers, many side by side."""
    n_columns = len(result)
    whole = n_columns - n_columns % 4
    if n_columns >= _MANY:
        result[:] = 0
        for entry in range(begin, end):
            # Without a sign, nobody looks whether it counts from the end.
            weight, values = weights[entry], columns[np.uint32(indices[entry])]
            for c in range(n_columns):
                result[c] += weight * values[c]
        return
    for c in range(0, whole, 4):
        s0 = s1 = s2 = s3 = 0.0
        for entry in range(begin, end):
            other, weight = np.uint32(indices[entry]), weights[entry]
            s0 += weight * columns[other, c]
            s1 += weight * columns[other, c + 1]
            s2 += weight * columns[other, c + 2]
            s3 += weight * columns[other, c + 3]
        result[c], result[c + 1], result[c + 2], result[c + 3] = s0, s1, s2, s3
    for c in range(whole, n_columns):
        s0 = 0.0
        for entry in range(begin, end):
            s0 += weights[entry] * columns[np.uint32(indices[entry]), c]
        result[c] = s0


@_compiled  # type: ignore[untyped-decorator] # no types there
def product(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    first: int,
    last: int,
    starts: NDArray[Any],
    indices: NDArray[Any],
    weights: Vector,
    scaling: Vector,
    columns: Columns,
    result: Columns,
) -> None:
    """Fill in rows of C W F, C the diagonal matrix ``scaling``."""
    for row in range(first, last):
        if scaling[row] == 0:
            result[row] = 0
            continue
        _multiply(starts[row], starts[row + 1], indices, weights, columns, result[row])
        for c in range(columns.shape[1]):
            result[row, c] *= scaling[row]


@_compiled  # type: ignore[untyped-decorator] # no types there
def defect(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    first: int,
    last: int,
    starts: NDArray[Any],
    indices: NDArray[Any],
    weights: Vector,
    diagonal: Vector,
    target: Columns,
    columns: Columns,
    result: Columns,
) -> None:
    """Fill in rows of B - D F + W F, D the diagonal matrix ``diagonal``."""
    for row in range(first, last):
        _multiply(starts[row], starts[row + 1], indices, weights, columns, result[row])
        for c in range(columns.shape[1]):
            result[row, c] += target[row, c] - diagonal[row] * columns[row, c]


@_compiled  # type: ignore[untyped-decorator] # no types there
def dots(first: int, last: int, left: Columns, right: Columns) -> Vector:
    """Return the scalar product of each pair of columns."""
    sums = np.zeros(left.shape[1])
    for row in range(first, last):
        for c in range(left.shape[1]):
            sums[c] += left[row, c] * right[row, c]
    return sums


@_compiled  # type: ignore[untyped-decorator] # no types there
def worth(first: int, last: int, weights: Vector, columns: Columns) -> Vector:
    """Return the sum of the absolute values of each column, times the rows' weights."""
    sums = np.zeros(columns.shape[1])
    for row in range(first, last):
        for c in range(columns.shape[1]):
            sums[c] += weights[row] * abs(columns[row, c])
    return sums


@_compiled  # type: ignore[untyped-decorator] # no types there
def look(first: int, last: int, direction: Columns, image: Columns) -> Vector:
    """Turn A d into d - A d, and return the scalar products of it and d."""
    sums = np.zeros(direction.shape[1])
    for row in range(first, last):
        for c in range(direction.shape[1]):
            image[row, c] = direction[row, c] - image[row, c]
            sums[c] += direction[row, c] * image[row, c]
    return sums


@_compiled  # type: ignore[untyped-decorator] # no types there
def move(  # noqa: PLR0913, PLR0917 -- compiled: arrays by position
    first: int,
    last: int,
    length: Vector,
    direction: Columns,
    image: Columns,
    solution: Columns,
    residual: Columns,
) -> Vector:
    """Go along a direction, and return the squares of the residual."""
    sums = np.zeros(len(length))
    for row in range(first, last):
        for c in range(len(length)):
            solution[row, c] += length[c] * direction[row, c]
            residual[row, c] -= length[c] * image[row, c]
            sums[c] += residual[row, c] * residual[row, c]
    return sums


@_compiled  # type: ignore[untyped-decorator] # no types there
def turn(first: int, last: int, ratio: Vector, towards: Columns, direction: Columns) -> None:
    """Turn a direction towards another one."""
    for row in range(first, last):
        for c in range(len(ratio)):
            direction[row, c] = towards[row, c] + ratio[c] * direction[row, c]


@_compiled  # type: ignore[untyped-decorator] # no types there
def settled(  # noqa: PLR0913, PLR0917 -- as above
    first: int, last: int, width: int, change: Columns, columns: Columns, tol: float
) -> bool:
    """Return whether no row of a set of columns changes by more than a share of its sum."""
    for row in range(first, last):
        for begin in range(0, columns.shape[1], width):
            total = largest = 0.0
            for c in range(begin, begin + width):
                total += columns[row, c]
                largest = max(largest, abs(change[row, c]))
            # Written so that NaN is not settled.
            if not largest <= tol * total:
                return False
    return True


@_compiled  # type: ignore[untyped-decorator] # no types there
def step(first: int, last: int, constant: Columns, previous: Columns, found: Columns) -> None:
    """Turn A F into A F + B, and the F before it into the change."""
    for row in range(first, last):
        for c in range(constant.shape[1]):
            found[row, c] += constant[row, c]
            previous[row, c] = found[row, c] - previous[row, c]


@_compiled  # type: ignore[untyped-decorator] # no types there
def is_mirrored(starts: NDArray[Any], indices: NDArray[Any], weights: Vector) -> bool:
    """Return whether the entries of a square matrix, ascending in each row, are symmetric."""
    # Rows before this one have been met by the entries of each row in their order.
    met = starts[:-1].copy()
    for row in range(len(met)):
        for entry in range(starts[row], starts[row + 1]):
            other = indices[entry]
            place = met[other]
            if (
                place == starts[other + 1]
                or indices[place] != row
                or weights[place] != weights[entry]
            ):
                return False
            met[other] = place + 1
    return True
