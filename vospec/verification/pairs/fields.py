"""What the survey has around the stars of the training archive.

A star of the training archive stands where the mean of its spectra's positions is, and where
SIMBAD puts its name, if that was asked. Survey stars within the radius of either place are its
candidates; those within the wider field tell how many unrelated ones to expect,

    n = n_field (r / field)²        within the separation r.

The count is over both places' fields together: where they are far apart, twice as many chances
are taken and twice as many stars counted. It holds the candidate, too, and is never 0.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord, search_around_sky
from numpy.typing import NDArray
from scipy import sparse

from vospec.pairs import SAME_PLACE, Spectrum, Star, plain

_ARCMIN = 60.0


@dataclass(frozen=True)
class Resolved:
    """What a star's name leads to: an identifier and a position (ICRS, degrees)."""

    main_id: str
    ra: float
    dec: float


@dataclass(frozen=True)
class Target:
    """A star of the training archive.

    Attributes
    ----------
    spectra
        Its spectra, each observation once, in the order of their identifiers.
    ra, dec
        Mean of the positions that its spectra give, ICRS degrees.
    resolved
        What its name leads to; None where it leads nowhere or nobody asked.
    """

    spectra: tuple[Spectrum, ...]
    ra: float
    dec: float
    resolved: Resolved | None = None

    @property
    def name(self) -> str | None:
        """The name that the archive gives."""
        return next((one.object for one in self.spectra if one.object), None)

    @property
    def places(self) -> list[tuple[float, float]]:
        """Where it may stand, degrees."""
        named = [] if self.resolved is None else [(self.resolved.ra, self.resolved.dec)]
        return [(self.ra, self.dec), *named]


@dataclass(frozen=True)
class Candidate:
    """A star of the survey near a star of the training archive.

    Attributes
    ----------
    target, star
        Which star of the archive, and which of the survey, numbered from 0.
    spectra
        Of both archives.
    separation, name_separation
        From the archive's position and from that of the name, arcsec; the latter None where
        there is none.
    separation_rank, n_stars
        Place by separation among the candidates of the target, and their number.
    n_field
        Stars of the survey in the field.
    near, near_by_position, within
        Unrelated ones expected as near as this to any place of the target, to the archive's
        position, and within the radius.
    """

    target: int
    star: int
    spectra: Star
    separation: float
    name_separation: float | None
    separation_rank: int
    n_stars: int
    n_field: int
    near: float
    near_by_position: float
    within: float


def distinct(spectra: Sequence[Spectrum]) -> tuple[Spectrum, ...]:
    """Return each observation once: of several releases or forms the last.

    One that the store has goes before one that a service lists, which tells no release.
    """
    best: dict[str, Spectrum] = {}
    for one in sorted(spectra, key=lambda one: (_release(one), one.spectrum_id)):
        best[_observation(one)] = one
    return tuple(sorted(best.values(), key=lambda one: one.spectrum_id))


def _observation(one: Spectrum) -> str:
    """What tells an observation from others: the publisher DID, where there is one."""
    if one.archive_id and one.archive_id.startswith("ivo:"):
        return one.archive_id
    return one.observation or one.spectrum_id


def _release(one: Spectrum) -> tuple[tuple[int, str], ...]:
    """``dr10`` comes after ``dr9``."""
    parts = re.findall(r"\d+|\D+", one.release or "")
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)


def targets(
    spectra: Sequence[Spectrum], *, radius_arcsec: float, names: Mapping[str, Resolved]
) -> list[Target]:
    """Tell the stars of the training archive apart.

    Parameters
    ----------
    spectra
        Its spectra. Those of one name are of one star where they are within the radius of
        each other, those without a name where they are at one place.
    radius_arcsec
        By how much positions of one star may differ.
    names
        What names (see :func:`vospec.pairs.plain`) lead to.

    Returns
    -------
    list of Target
        In the order of their first identifiers.
    """
    ordered = distinct(spectra)
    if not ordered:
        return []
    stars = _components(ordered, radius_arcsec)
    return [
        _target([ordered[row] for row in np.flatnonzero(stars == star)], names)
        for star in dict.fromkeys(stars.tolist())
    ]


def _target(spectra: list[Spectrum], names: Mapping[str, Resolved]) -> Target:
    mean = _sky(spectra).cartesian.mean()
    place = SkyCoord(mean).spherical
    target = Target(tuple(spectra), float(place.lon.deg), float(place.lat.deg))
    resolved = names.get(plain(target.name)) if target.name else None
    return Target(target.spectra, target.ra, target.dec, resolved)


def _sky(spectra: Sequence[Spectrum]) -> SkyCoord:
    return SkyCoord([one.ra for one in spectra], [one.dec for one in spectra], unit="deg")


def _components(spectra: Sequence[Spectrum], radius_arcsec: float) -> NDArray[np.int_]:
    """Numbers of the stars that spectra are of, (n,)."""
    sky = _sky(spectra)
    i, j, separation, _ = search_around_sky(sky, sky, radius_arcsec * units.arcsec)
    names = np.array([plain(one.object or "") for one in spectra])
    reach = np.where(names[i] == "", SAME_PLACE, radius_arcsec)
    linked = (names[i] == names[j]) & (separation.arcsec <= reach)
    return _connected(i[linked], j[linked], len(spectra))


def _at_one_place(positions: NDArray[np.float64]) -> NDArray[np.int_]:
    """Numbers of the survey's stars, (n,), by positions in degrees, (n, 2)."""
    if not len(positions):
        return np.empty(0, np.int_)
    sky = SkyCoord(*positions.T, unit="deg")
    i, j, _, _ = search_around_sky(sky, sky, SAME_PLACE * units.arcsec)
    return _connected(i, j, len(positions))


def _connected(i: NDArray[np.intp], j: NDArray[np.intp], size: int) -> NDArray[np.int_]:
    links = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(size, size))
    numbers: NDArray[np.int_] = sparse.csgraph.connected_components(links, directed=False)[1]
    return numbers


class Fields:
    """The survey around the targets, taken in batch by batch.

    Parameters
    ----------
    found
        The targets.
    radius_arcsec
        Radius of the candidates.
    field_arcmin
        Radius of the field in which stars are counted; not below that of the candidates.
    """

    def __init__(
        self, found: Sequence[Target], *, radius_arcsec: float, field_arcmin: float
    ) -> None:
        self.targets = found
        self.radius = radius_arcsec
        self.field = max(field_arcmin * _ARCMIN, radius_arcsec)
        self._owner = np.array([n for n, one in enumerate(found) for _ in one.places], np.intp)
        self._places = np.array([place for one in found for place in one.places]).reshape(-1, 2)
        #: Target, number, position of what is in a field.
        self._seen: list[NDArray[np.float64]] = []
        self._near: list[tuple[int, int, Spectrum]] = []
        self._taken = 0

    def add(
        self,
        ra: NDArray[np.float64],
        dec: NDArray[np.float64],
        take: Callable[[NDArray[np.intp]], Sequence[Spectrum]],
    ) -> None:
        """Take in spectra of the survey.

        Parameters
        ----------
        ra, dec
            Positions (ICRS, degrees), shape (n,).
        take
            Gives the spectra of some rows.
        """
        first, self._taken = self._taken, self._taken + len(ra)
        if not len(ra) or not len(self._owner):
            return
        ours = SkyCoord(*self._places.T, unit="deg")
        theirs = SkyCoord(ra, dec, unit="deg")
        i, j, separation, _ = search_around_sky(ours, theirs, self.field * units.arcsec)
        self._seen.append(np.column_stack([self._owner[i], first + j, ra[j], dec[j]]))
        close = separation.arcsec <= self.radius
        pairs = np.unique(np.column_stack([self._owner[i], j])[close], axis=0)
        rows, index = np.unique(pairs[:, 1], return_inverse=True)
        spectra = take(rows)
        for (owner, row), at in zip(pairs, index, strict=True):
            self._near.append((int(owner), first + int(row), spectra[at]))

    def candidates(self) -> list[Candidate]:
        """Return the candidates of all targets, each target's by separation."""
        star_of, n_field = self._stars()
        groups: dict[tuple[int, int], list[Spectrum]] = {}
        for owner, number, spectrum in self._near:
            groups.setdefault((owner, star_of[number]), []).append(spectrum)
        by_target: dict[int, list[tuple[int, Star]]] = {}
        for (owner, star), spectra in sorted(groups.items(), key=lambda item: item[0]):
            both = Star(self.targets[owner].spectra, distinct(spectra))
            by_target.setdefault(owner, []).append((star, both))
        return [
            one
            for owner, stars in by_target.items()
            for one in self._candidates(owner, stars, int(n_field[owner]))
        ]

    def unrelated(self, paired: Sequence[int]) -> NDArray[np.float64]:
        """Return how many unrelated stars to expect within the radius of each target.

        Parameters
        ----------
        paired
            Targets whose own star is in the field; it is not counted.
        """
        _, n_field = self._stars()
        n_field[list(paired)] -= 1
        return np.asarray(n_field * (self.radius / self.field) ** 2)

    def _stars(self) -> tuple[dict[int, int], NDArray[np.int_]]:
        """The star that each number is of, and the stars in the field of each target."""
        seen = np.concatenate([np.empty((0, 4)), *self._seen])
        owner, numbers = seen[:, 0].astype(np.intp), seen[:, 1].astype(np.intp)
        unique, first, back = np.unique(numbers, return_index=True, return_inverse=True)
        star = _at_one_place(seen[first, 2:])
        in_field = np.unique(np.column_stack([owner, star[back]]), axis=0)[:, 0]
        counts = np.bincount(in_field, minlength=len(self.targets))
        return dict(zip(unique.tolist(), star.tolist(), strict=True)), counts

    def _candidates(
        self, owner: int, stars: list[tuple[int, Star]], n_field: int
    ) -> list[Candidate]:
        target = self.targets[owner]
        sky = _sky([both.best[1] for _, both in stars])
        apart = np.array(
            [SkyCoord(*place, unit="deg").separation(sky).arcsec for place in target.places]
        )
        order = np.argsort(apart[0], kind="stable")
        expected = n_field / self.field**2
        return [
            Candidate(
                target=owner,
                star=stars[row][0],
                spectra=stars[row][1],
                separation=float(apart[0, row]),
                name_separation=float(apart[1, row]) if len(apart) > 1 else None,
                separation_rank=rank,
                n_stars=len(stars),
                n_field=n_field,
                near=float(expected * apart[:, row].min() ** 2),
                near_by_position=float(expected * apart[0, row] ** 2),
                within=expected * self.radius**2,
            )
            for rank, row in enumerate(order, start=1)
        ]
