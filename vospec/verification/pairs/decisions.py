"""Which star of the survey is which star of the training archive.

A candidate is accepted where

- chance would hardly give one as near, as bright and as much alike (see
  :mod:`~vospec.verification.pairs.chance`), however many the survey has there;
- its spectrum is like the star's: few unrelated ones agree as well. In an empty field chance
  alone would let any star pass. Instead, SIMBAD may put the star's name where the candidate
  is, for stars change: a Be star may lose its disc between two spectra;
- SIMBAD does not put the name elsewhere: then either the position or the name is another
  star's;
- no other candidate of the star is as good; nor is it the candidate of another star, of another
  name in SIMBAD, with a smaller chance.

Brightness counts because an instrument of R = 13 000 at a telescope of 2 m sees bright stars
only, and the survey's are mostly faint. The magnitudes are compared with those of unrelated
survey stars; no limit is set.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vospec.columns import ACCEPTED, AMBIGUOUS, BY_NAME, BY_POSITION, CHANCE, UNLIKE
from vospec.config import PairsSettings
from vospec.pairs import SAME_PLACE, Spectrum
from vospec.progress import Progress
from vospec.spectra import kernel_fwhm
from vospec.spectra.agreement import Agreement, agreement
from vospec.spectra.lines import HALPHA
from vospec.verification.pairs.chance import chance, share
from vospec.verification.pairs.fields import Candidate, Target
from vospec.verification.pairs.partners import Partners, on_grid

Pixels = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Judged:
    """A candidate and what was found about it.

    Attributes
    ----------
    candidate, training, survey
        The candidate and the two of its spectra that were compared.
    misfit
        Of these spectra; None where they could not be compared.
    agreement, brightness
        Shares of unrelated spectra that are as good; 1 where it cannot be told.
    chance, chance_by_position
        With all places of the target, and with the archive's position alone.
    decision
        One of :data:`vospec.columns.verification.DECISIONS`.
    """

    candidate: Candidate
    training: Spectrum
    survey: Spectrum
    misfit: float | None
    agreement: float
    brightness: float
    chance: float
    chance_by_position: float
    decision: str

    @property
    def is_named(self) -> bool:
        """Whether SIMBAD puts the star's name at the candidate's place."""
        separation = self.candidate.name_separation
        return separation is not None and separation <= SAME_PLACE

    def is_elsewhere(self, radius_arcsec: float) -> bool:
        """Whether SIMBAD puts the star's name elsewhere."""
        separation = self.candidate.name_separation
        return separation is not None and separation > radius_arcsec

    def found_by(self, section: PairsSettings) -> str:
        """What joins the two, of :data:`vospec.columns.verification.FOUND_BY`."""
        is_like = self.agreement <= section.max_agreement
        by_position = is_like and self.chance_by_position <= section.max_chance
        return BY_POSITION if by_position else BY_NAME


def judge(  # noqa: PLR0913 - all but three by name
    candidates: Sequence[Candidate],
    pixels: Pixels,
    partners: Partners,
    *,
    grid: NDArray[np.float64],
    section: PairsSettings,
    named: Sequence[Target],
) -> list[Judged]:
    """Decide about candidates.

    Parameters
    ----------
    candidates
        Those of a target one after the other.
    pixels
        Pixels of the best spectra of each, where there are any.
    partners
        Unrelated spectra.
    grid
        Vacuum Å, shape (n_elements,).
    section
        What an accepted candidate must meet.
    named
        The targets that the candidates are of.

    Returns
    -------
    list of Judged
        One for each candidate, in their order.
    """
    judged: list[Judged] = []
    with Progress("comparing spectra", len(candidates)) as progress:
        for _, group in groupby(candidates, key=lambda one: one.target):
            told = list(_weighed(list(group), pixels, partners, grid))
            judged += _decided(told, section)
            progress.update(len(judged))
    return _one_name(judged, named)


def _weighed(
    group: list[Candidate], pixels: Pixels, partners: Partners, grid: NDArray[np.float64]
) -> Iterator[Judged]:
    """The candidates of one target, not yet decided about."""
    own = {one.spectrum_id for candidate in group for one in candidate.spectra.survey}
    others = partners.without(own)
    for candidate in group:
        training, survey = candidate.spectra.best
        misfit, agreeing = _agreeing(training, survey, pixels, others, grid)
        bright = _brighter(survey.magnitude, others.magnitude)
        shares = [agreeing, *([] if bright is None else [bright])]
        near = np.array([candidate.near, candidate.near_by_position])
        by_any, by_position = chance(near, candidate.within, *shares)
        yield Judged(
            candidate=candidate,
            training=training,
            survey=survey,
            misfit=misfit,
            agreement=agreeing,
            brightness=1.0 if bright is None else bright,
            chance=float(by_any),
            chance_by_position=float(by_position),
            decision=CHANCE,
        )


def _agreeing(
    training: Spectrum,
    survey: Spectrum,
    pixels: Pixels,
    others: Partners,
    grid: NDArray[np.float64],
) -> tuple[float | None, float]:
    """Misfit, and the share of unrelated spectra that agree as well."""
    if not {training.spectrum_id, survey.spectrum_id} <= pixels.keys():
        return None, 1.0
    own = on_grid(pixels[survey.spectrum_id], grid)
    found = compared(training, pixels, np.vstack([own, others.flux]), grid, survey)
    if not np.isfinite(found.misfit[0]):
        return None, 1.0
    return float(found.misfit[0]), share(found.misfit[0], found.misfit[1:])


def compared(
    training: Spectrum,
    pixels: Pixels,
    flux: NDArray[np.float64],
    grid: NDArray[np.float64],
    survey: Spectrum,
) -> Agreement:
    """Compare a training spectrum with spectra of the resolving power that one of them has."""
    fine = pixels[training.spectrum_id]
    width = kernel_fwhm(
        HALPHA,
        resolving_power=training.resolving_power,
        target_resolving_power=survey.resolving_power,
    )
    return agreement(
        fine["flux"], fine["spectral_axis"], flux, mask=fine["mask"], grid=grid, fwhm=float(width)
    )


def _brighter(magnitude: float | None, others: NDArray[np.float64]) -> float | None:
    """The share of unrelated stars that are as bright; None where no magnitudes are known."""
    known = others[np.isfinite(others)]
    if not known.size:
        return None
    return 1.0 if magnitude is None else share(magnitude, known)


def _decided(group: list[Judged], section: PairsSettings) -> list[Judged]:
    """Decide about the candidates of one target."""
    decisions = [_decision(one, section) for one in group]
    if decisions.count(ACCEPTED) > 1:
        decisions = [AMBIGUOUS if one == ACCEPTED else one for one in decisions]
    return [replace(one, decision=made) for one, made in zip(group, decisions, strict=True)]


def _decision(one: Judged, section: PairsSettings) -> str:
    if one.chance > section.max_chance:
        return CHANCE
    if one.is_elsewhere(section.radius_arcsec):
        return UNLIKE
    return ACCEPTED if one.agreement <= section.max_agreement or one.is_named else UNLIKE


def _one_name(judged: list[Judged], targets: Sequence[Target]) -> list[Judged]:
    """Of stars with different names in SIMBAD only one is a star of the survey."""
    best: dict[int, Judged] = {}
    for one in judged:
        known = best.get(one.candidate.star)
        if one.decision == ACCEPTED and (known is None or one.chance < known.chance):
            best[one.candidate.star] = one

    def loses(one: Judged) -> bool:
        winner = best.get(one.candidate.star)
        if winner is None or one.decision != ACCEPTED:
            return False
        names = {_main_id(targets, judged) for judged in (one, winner)} - {None}
        return len(names) > 1

    return [replace(one, decision=AMBIGUOUS) if loses(one) else one for one in judged]


def _main_id(targets: Sequence[Target], one: Judged) -> str | None:
    resolved = targets[one.candidate.target].resolved
    return None if resolved is None else resolved.main_id
