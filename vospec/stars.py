"""Which spectra are of one star.

Two spectra are where their positions agree or their objects are called the same, and so
are all that such links join: a star that is taken for two would stand on both sides of
a validation, two that are taken for one do no harm.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord, search_around_sky
from numpy.typing import NDArray
from scipy import sparse

from vospec.pairs import plain


def groups(
    names: Sequence[str | None],
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    *,
    anchors: NDArray[np.bool_],
    radius_arcsec: float,
) -> NDArray[np.int_]:
    """Number the stars of spectra.

    Parameters
    ----------
    names : sequence of n texts
        Objects as the archives call them; None where they do not.
    ra, dec : (n,) float64
        Positions (ICRS, degrees); NaN where there is none.
    anchors : (n,) bool
        Spectra that are compared with all others. Others are not compared with each
        other: of millions, only those that share a star with an anchor are sought.
    radius_arcsec : float
        Largest separation from an anchor of its star.

    Returns
    -------
    (n,) int
        The same number for the same star. A spectrum that tells neither position nor
        object is a star of its own.
    """
    near = _near(ra, dec, anchors, radius_arcsec)
    called = np.array(list(_called_alike(names, anchors)), dtype=np.intp).reshape(-1, 2)
    first, second = np.concatenate([near, called]).T
    links = sparse.coo_array((np.ones(len(first)), (first, second)), shape=(len(names),) * 2)
    numbers: NDArray[np.int_] = sparse.csgraph.connected_components(links, directed=False)[1]
    return numbers


def _near(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    anchors: NDArray[np.bool_],
    radius_arcsec: float,
) -> NDArray[np.intp]:
    """Rows of an anchor and of what is near it, (n_links, 2)."""
    placed = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    ours = placed[anchors[placed]]
    if not ours.size:
        return np.empty((0, 2), dtype=np.intp)
    at = [SkyCoord(ra[rows], dec[rows], unit="deg") for rows in (ours, placed)]
    i, j, _, _ = search_around_sky(*at, radius_arcsec * units.arcsec)
    return np.column_stack([ours[i], placed[j]])


def _called_alike(
    names: Sequence[str | None], anchors: NDArray[np.bool_]
) -> Iterator[tuple[int, int]]:
    """Rows of the first anchor of a name and of every other spectrum of that name."""
    called = [plain(name or "") for name in names]
    first: dict[str, int] = {}
    for row in np.flatnonzero(anchors):
        if called[row]:
            first.setdefault(called[row], int(row))
    yield from ((first[name], row) for row, name in enumerate(called) if name in first)
