"""Stars that both the training archive and the survey have observed.

Two spectra are of one star where their positions agree. Those of CCD700 are up to 24 arcsec
off, so the radius is wide; what is nearest is taken, and all survey spectra at that place.
The survey is read in batches and of its pixels only those of the pairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from astropy import units
from astropy.coordinates import SkyCoord, search_around_sky
from numpy.typing import ArrayLike

from vospec.columns import UNUSABLE, Quality
from vospec.config import AdaptationSettings
from vospec.errors import PairError, StoreError
from vospec.plan import Plan
from vospec.spectra import kernel_fwhm
from vospec.spectra.adaptation import PAPER_KERNEL_PIXELS
from vospec.spectra.comparison import Pair
from vospec.spectra.lines import HALPHA

#: Positions of one star in the survey agree to this, arcsec.
SAME_PLACE = 3.0
#: Survey spectra held in memory at once, without their pixels.
BATCH = 100_000

_TOLD = ("spectrum_id", "object", "ra", "dec", "mjd", "snr", "resolving_power")
_IDENTITY = ("observation", "release", "archive_id")
#: The first that is known is a star's magnitude.
_MAGNITUDES = ("mag_r", "mag_i", "mag_g")
PIXELS = ("spectral_axis", "flux", "mask")


class Telling(Protocol):
    """Whatever tells its resolving power."""

    @property
    def resolving_power(self) -> float:
        """λ/Δλ near Hα."""


@dataclass(frozen=True)
class Spectrum:
    """What is known of a spectrum beside its pixels; None where the archive does not tell."""

    spectrum_id: str
    object: str | None
    ra: float
    dec: float
    mjd: float | None
    snr: float | None
    resolving_power: float
    observation: str | None = None
    release: str | None = None
    archive_id: str | None = None
    magnitude: float | None = None

    @property
    def position(self) -> SkyCoord:
        """The position (ICRS)."""
        return SkyCoord(self.ra, self.dec, unit="deg")


@dataclass(frozen=True)
class Star:
    """The spectra of one star in both archives, each in the order of its identifiers."""

    training: tuple[Spectrum, ...]
    survey: tuple[Spectrum, ...]

    @property
    def best(self) -> tuple[Spectrum, Spectrum]:
        """The survey spectrum of the best S/N, and the training spectrum nearest to it in time.

        The star has changed least between these.
        """
        survey = max(self.survey, key=lambda one: one.snr or 0.0)
        training = min(self.training, key=lambda one: _apart(one.mjd, survey.mjd))
        return training, survey

    def only(self, spectrum_id: str) -> "Star | None":
        """The star with one spectrum alone of that spectrum's archive; None if it is not its."""
        training = tuple(one for one in self.training if one.spectrum_id == spectrum_id)
        survey = tuple(one for one in self.survey if one.spectrum_id == spectrum_id)
        if not training and not survey:
            return None
        return Star(training or self.training, survey or self.survey)

    @property
    def name(self) -> str:
        """The name that the training archive gives, else an identifier."""
        training, _ = self.best
        return training.object or training.spectrum_id


def _apart(one: float | None, other: float | None) -> float:
    return np.inf if one is None or other is None else abs(one - other)


def separation_arcsec(one: Spectrum, other: Spectrum) -> float:
    """Return the angle between two spectra's positions in arcsec."""
    return float(one.position.separation(other.position).arcsec)


def spectra_of(plan: Plan) -> pyarrow.dataset.Dataset:
    """Open the spectra of a plan.

    Raises
    ------
    StoreError
        They have not been read.
    """
    if not plan.spectra.is_complete():
        message = f"{plan.spectra.uri}: the spectra of these settings are not there: vospec ingest"
        raise StoreError(message)
    return plan.spectra.read()


def stars(spectra: pyarrow.dataset.Dataset, *, radius_arcsec: float) -> list[Star]:
    """Find the stars that both archives have observed.

    Parameters
    ----------
    spectra : pyarrow.dataset.Dataset
        Rows of :data:`vospec.columns.SPECTRA`. Unusable ones and those without a position
        take no part.
    radius_arcsec : float
        Largest separation of a training spectrum from its star in the survey.

    Returns
    -------
    list of Star
        In the order of their names; each spectrum belongs to one star at most.
    """
    training = [one for batch in observed(spectra, "training") for one in rows(batch)]
    if not training:
        return []
    near = _near(training, observed(spectra, "survey"), radius_arcsec)
    places: list[_Place] = []
    for one, found in zip(training, near, strict=True):
        if found:
            _put(places, one, found)
    return sorted((place.star for place in places), key=lambda star: star.name)


def stars_of(plan: Plan) -> list[Star]:
    """Return the stars that both archives of a plan have observed.

    Those that were found by ``vospec pairs``, where it was called; else by position alone.

    Raises
    ------
    StoreError
        The spectra have not been read.
    """
    spectra = spectra_of(plan)
    if not plan.pairs.is_complete():
        return stars(spectra, radius_arcsec=plan.settings.pairs.radius_arcsec)
    found = plan.pairs.table(["training_id", "survey_id"])
    ids = {name: found.column(name).to_pylist() for name in found.column_names}
    known = _known(spectra, {*ids["training_id"], *ids["survey_id"]})
    joined: dict[str, _Joined] = {}
    for training, survey in zip(ids["training_id"], ids["survey_id"], strict=True):
        # Pairs with spectra of other services are no pairs of the store.
        if {training, survey} <= known.keys():
            _join(joined, training, survey)
    made = {id(one): one for one in joined.values()}.values()
    found_stars = [
        Star(*(tuple(known[name] for name in sorted(side)) for side in (one.training, one.survey)))
        for one in made
    ]
    return sorted(found_stars, key=lambda star: star.name)


@dataclass(frozen=True)
class _Joined:
    """Identifiers of spectra that pairs join."""

    training: set[str]
    survey: set[str]


def _join(joined: dict[str, _Joined], training: str, survey: str) -> None:
    one = joined.get(training, _Joined({training}, set()))
    other = joined.get(survey, _Joined(set(), {survey}))
    both = _Joined(one.training | other.training, one.survey | other.survey)
    joined.update(dict.fromkeys((*both.training, *both.survey), both))


def _known(spectra: pyarrow.dataset.Dataset, names: set[str]) -> dict[str, Spectrum]:
    batches = (batch for role in ("training", "survey") for batch in observed(spectra, role))
    wanted = pa.array(sorted(names), pa.string())
    return {
        one.spectrum_id: one
        for batch in batches
        for one in rows(batch.filter(pc.is_in(batch.column("spectrum_id"), wanted)))
    }


@dataclass(frozen=True)
class _Place:
    """A place in the survey, and what was observed there."""

    position: SkyCoord
    training: list[Spectrum]
    survey: dict[str, Spectrum]

    def holds(self, position: SkyCoord) -> bool:
        return bool(self.position.separation(position).arcsec <= SAME_PLACE)

    @property
    def star(self) -> Star:
        by_name = sorted(self.training, key=lambda one: one.spectrum_id)
        return Star(tuple(by_name), tuple(self.survey[name] for name in sorted(self.survey)))


def _put(places: list[_Place], one: Spectrum, found: list[Spectrum]) -> None:
    """Put a training spectrum and what is nearest to it where they belong."""
    separations = [separation_arcsec(one, other) for other in found]
    nearest = found[int(np.argmin(separations))].position
    place = next((place for place in places if place.holds(nearest)), None)
    if place is None:
        place = _Place(nearest, [], {})
        places.append(place)
    place.training.append(one)
    place.survey.update({s.spectrum_id: s for s in found if place.holds(s.position)})


def observed(spectra: pyarrow.dataset.Dataset, role: str) -> Iterator[pa.RecordBatch]:
    """Read the usable spectra of one role that have a position, without their pixels."""
    field = pc.field
    unusable = int(UNUSABLE | Quality.NO_POSITION)
    chosen = (field("role") == role) & field("ra").is_valid() & field("dec").is_valid()
    chosen &= pc.bit_wise_and(field("quality"), unusable) == 0
    columns = [*_TOLD, *_IDENTITY, *_MAGNITUDES]
    yield from spectra.to_batches(columns, filter=chosen, batch_size=BATCH)


def rows(batch: pa.RecordBatch) -> list[Spectrum]:
    """The spectra of a batch that :func:`observed` has read."""
    return [
        Spectrum(
            **{name: row[name] for name in (*_TOLD, *_IDENTITY)},
            magnitude=next((row[name] for name in _MAGNITUDES if row[name] is not None), None),
        )
        for row in batch.to_pylist()
    ]


def _near(
    training: list[Spectrum], survey: Iterator[pa.RecordBatch], radius_arcsec: float
) -> list[list[Spectrum]]:
    """The survey spectra within the radius of each training spectrum."""
    near: list[list[Spectrum]] = [[] for _ in training]
    ours = SkyCoord([one.ra for one in training], [one.dec for one in training], unit="deg")
    for batch in survey:
        if not len(batch):
            continue
        theirs = SkyCoord(*(batch.column(name).to_numpy() for name in ("ra", "dec")), unit="deg")
        i, j, _, _ = search_around_sky(ours, theirs, radius_arcsec * units.arcsec)
        for index, spectrum in zip(i, rows(batch.take(pa.array(j))), strict=True):
            near[index].append(spectrum)
    return near


def named(found: Sequence[Star], name: str) -> Star:
    """Return the star of a name or of an identifier of one of its spectra.

    Parameters
    ----------
    found
        The stars.
    name
        A name as the training archive gives it, however spaced and in capitals or not
        (``HD53416``), or a ``spectrum_id``.

    Returns
    -------
    Star
        With that spectrum alone of its archive, where an identifier is given.

    Raises
    ------
    PairError
        No star has it; the message tells those that there are.
    """
    for star in found:
        identified = star.only(name)
        if identified is not None:
            return identified
        if any(one.object and plain(one.object) == plain(name) for one in star.training):
            return star
    known = ", ".join(star.name for star in found[:20]) or "none"
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""  # noqa: PLR2004 - as above
    message = f"{name}: no pair of this name; stars in both archives: {known}{more}"
    raise PairError(message)


def plain(name: str) -> str:
    """Return a name as it is compared: without spaces, in small letters."""
    return "".join(name.split()).casefold()


def pixels(spectra: pyarrow.dataset.Dataset, names: set[str]) -> dict[str, dict[str, Any]]:
    """Read wavelengths, flux and mask of some spectra by their identifiers.

    Only the row groups that hold one of them are read with their pixels.
    """
    found: dict[str, dict[str, Any]] = {}
    wanted = pc.field("spectrum_id").isin(pa.array(sorted(names), pa.string()))
    for fragment in spectra.get_fragments():
        for group in fragment.split_by_row_group():
            if group.count_rows(filter=wanted) == 0:
                continue
            table = group.to_table(columns=["spectrum_id", *PIXELS], filter=wanted)
            for row in table.to_pylist():
                found[row["spectrum_id"]] = {name: np.array(row[name]) for name in PIXELS}
    return found


def pair(training: dict[str, Any], survey: dict[str, Any]) -> Pair:
    """Two spectra's pixels as the calibration takes them."""
    return Pair(
        *(training[name] for name in ("flux", "spectral_axis", "mask")),
        *(survey[name] for name in ("flux", "spectral_axis", "mask")),
    )


def kernel_width(
    section: AdaptationSettings, training: Telling, survey: Telling, spectral_axis: ArrayLike
) -> float:
    """Return the FWHM (Å at Hα) of the kernel that settings ask for between two spectra.

    Parameters
    ----------
    section
        The settings.
    training, survey
        What tells the two resolving powers.
    spectral_axis
        Wavelengths of the training spectrum, Å.
    """
    if section.kernel == "fitted":
        return section.fwhm_angstrom
    if section.kernel == "paper":
        return PAPER_KERNEL_PIXELS * float(np.diff(spectral_axis).mean())
    return float(
        kernel_fwhm(
            HALPHA,
            resolving_power=training.resolving_power,
            target_resolving_power=survey.resolving_power,
        )
    )
