"""The search for pairs: what both archives have, who is near whom, who is it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.dataset
from numpy.typing import NDArray

from vospec import pairs
from vospec.columns import ACCEPTED
from vospec.config import Settings
from vospec.pairs import Spectrum, plain
from vospec.spectra import log_grid
from vospec.verification.pairs import rows
from vospec.verification.pairs.decisions import Judged, judge
from vospec.verification.pairs.fields import Fields, Resolved, Target, targets
from vospec.verification.pairs.partners import Drawing, partners

#: Positions that names lead to, by the names as they are given; names that lead nowhere are
#: left out.
Resolve = Callable[[Sequence[str]], Mapping[str, Resolved]]


class Training(Protocol):
    """The archive whose stars are sought in the survey."""

    def spectra(self) -> list[Spectrum]:
        """Return all of its spectra that have a position."""

    def pixels(self, wanted: Iterable[Spectrum]) -> dict[str, dict[str, Any]]:
        """Return wavelengths, flux and mask by identifier; some may be missing."""


class Survey(Protocol):
    """The archive in which the stars are sought.

    Attributes
    ----------
    n_partners
        Unrelated spectra that each is compared with.
    """

    n_partners: int

    def look(self, fields: Fields, drawing: Drawing) -> None:
        """Let the fields take in what is around the targets, and a draw the unrelated."""

    def pixels(self, wanted: Iterable[Spectrum]) -> dict[str, dict[str, Any]]:
        """Return wavelengths, flux and mask by identifier; some may be missing."""


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes
    ----------
    targets
        The training archive's stars.
    judged
        The survey stars near them.
    by_radius, wrong
        Stars of the training archive for which one expects an unrelated survey star within the
        radius, and for which one expects it among the accepted.
    candidates, pairs
        The tables of :data:`vospec.columns.PAIR_CANDIDATES` and :data:`vospec.columns.PAIRS`.
    """

    targets: list[Target]
    judged: list[Judged]
    by_radius: float
    wrong: float
    candidates: pa.Table
    pairs: pa.Table


def search(
    training: Training, survey: Survey, settings: Settings, *, resolve: Resolve | None = None
) -> Found:
    """Find the stars that both archives have observed.

    Parameters
    ----------
    training, survey
        The archives.
    settings
        The sections pairs, grid and adaptation are used.
    resolve
        Asks where names stand; None: nobody is asked.
    """
    section = settings.pairs
    grid = log_grid(settings.grid.start_angstrom, settings.grid.stop_angstrom)
    observed = training.spectra()
    names = _resolved(observed, resolve)
    found = targets(observed, radius_arcsec=section.radius_arcsec, names=names)
    fields = Fields(found, radius_arcsec=section.radius_arcsec, field_arcmin=section.field_arcmin)
    drawing = Drawing(survey.n_partners)
    survey.look(fields, drawing)
    near = fields.candidates()
    best = [one.spectra.best for one in near]
    judged = judge(
        near,
        _pixels(training, survey, [([one], [other]) for one, other in best]),
        partners(drawing.spectra, survey.pixels(drawing.spectra), grid),
        grid=grid,
        section=section,
        named=found,
    )
    chosen = [one.candidate.spectra for one in judged if one.decision == ACCEPTED]
    table = rows.accepted(
        judged,
        found,
        _pixels(training, survey, [(star.training, star.survey) for star in chosen]),
        grid=grid,
        settings=settings,
    )
    paired = sorted({one.candidate.target for one in judged if one.decision == ACCEPTED})
    unrelated = -np.expm1(-fields.unrelated(paired))
    wrong = np.minimum(np.delete(unrelated, paired), section.max_chance)
    tables = rows.candidates(judged, found), table
    return Found(found, judged, float(unrelated.sum()), float(wrong.sum()), *tables)


def _resolved(observed: Sequence[Spectrum], resolve: Resolve | None) -> dict[str, Resolved]:
    """What the stars' names lead to, by the names as they are compared."""
    if resolve is None:
        return {}
    names = {plain(one.object): one.object for one in observed if one.object}
    return {plain(name): place for name, place in resolve(sorted(names.values())).items()}


def _pixels(
    training: Training,
    survey: Survey,
    both: Sequence[tuple[Sequence[Spectrum], Sequence[Spectrum]]],
) -> dict[str, dict[str, Any]]:
    """Pixels of some spectra; those that have none are left out."""
    found = {
        **training.pixels(one for ours, _ in both for one in ours),
        **survey.pixels(one for _, theirs in both for one in theirs),
    }
    return {name: pixels for name, pixels in found.items() if len(pixels["flux"])}


class Stored:
    """An archive whose spectra are in the store: that of one role.

    Parameters
    ----------
    spectra
        Rows of :data:`vospec.columns.SPECTRA`.
    role
        Training or survey.
    """

    #: Shares are told apart to 0.3 %.
    n_partners = 300

    def __init__(self, spectra: pyarrow.dataset.Dataset, role: str) -> None:
        self._spectra, self._role = spectra, role

    def spectra(self) -> list[Spectrum]:
        """Return all of its spectra that have a position."""
        batches = pairs.observed(self._spectra, self._role)
        return [one for batch in batches for one in pairs.rows(batch)]

    def look(self, fields: Fields, drawing: Drawing) -> None:
        """Let the fields take in what is around the targets, and a draw the unrelated."""
        for batch in pairs.observed(self._spectra, self._role):
            take = partial(_taken, batch)
            ra, dec = (batch.column(name).to_numpy() for name in ("ra", "dec"))
            fields.add(ra, dec, take)
            drawing.add(batch.column("spectrum_id").to_pylist(), take)

    def pixels(self, wanted: Iterable[Spectrum]) -> dict[str, dict[str, Any]]:
        """Return wavelengths, flux and mask by identifier."""
        return pairs.pixels(self._spectra, {one.spectrum_id for one in wanted})


def _taken(batch: pa.RecordBatch, rows: NDArray[np.intp]) -> list[Spectrum]:
    return pairs.rows(batch.take(pa.array(rows)))
