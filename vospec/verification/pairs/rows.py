"""The tables of pairs: every candidate with its decision, and every pair of spectra."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vospec import pairs
from vospec.columns import ACCEPTED, PAIR_CANDIDATES, PAIRS
from vospec.config import AdaptationSettings, Settings
from vospec.pairs import Spectrum
from vospec.progress import Progress
from vospec.spectra.comparison import compare
from vospec.store import arrow_schema
from vospec.verification.pairs.decisions import Judged, Pixels
from vospec.verification.pairs.fields import Target

logger = logging.getLogger(__name__)

_IVOID = "ivo:"


def candidates(judged: Sequence[Judged], targets: Sequence[Target]) -> pa.Table:
    """Every candidate, in the columns of :data:`vospec.columns.PAIR_CANDIDATES`."""
    rows = [
        {
            "training_id": one.training.spectrum_id,
            "survey_id": one.survey.spectrum_id,
            "n_field": one.candidate.n_field,
            "misfit": one.misfit,
            "decision": one.decision,
            **_shared(one, targets),
        }
        for one in judged
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(PAIR_CANDIDATES))


def accepted(
    judged: Sequence[Judged],
    targets: Sequence[Target],
    pixels: Pixels,
    *,
    grid: NDArray[np.float64],
    settings: Settings,
) -> pa.Table:
    """Every spectrum of an accepted star with every one of its survey star.

    Parameters
    ----------
    judged
        All candidates.
    targets
        The stars that they are of.
    pixels
        Pixels of the accepted ones' spectra, where there are any.
    grid
        Vacuum Å, shape (n_elements,).
    settings
        How training spectra are adapted, and what an accepted candidate has met.

    Returns
    -------
    pyarrow.Table
        In the columns of :data:`vospec.columns.PAIRS`.
    """
    chosen = [
        (one, training, survey)
        for one in judged
        if one.decision == ACCEPTED
        for training in one.candidate.spectra.training
        for survey in one.candidate.spectra.survey
    ]
    rows = []
    with Progress("comparing pairs", len(chosen)) as progress:
        for one, training, survey in chosen:
            rows.append(
                {
                    "training_id": training.spectrum_id,
                    "survey_id": survey.spectrum_id,
                    "training_did": _did(training),
                    "survey_did": _did(survey),
                    "found_by": one.found_by(settings.pairs),
                    "training_mjd": training.mjd,
                    "survey_mjd": survey.mjd,
                    **_shared(one, targets),
                    "separation": pairs.separation_arcsec(training, survey),
                    **_residuals(training, survey, pixels, grid, settings.adaptation),
                }
            )
            progress.update(len(rows))
    return pa.Table.from_pylist(list(_once(rows)), schema=arrow_schema(PAIRS))


def _shared(one: Judged, targets: Sequence[Target]) -> dict[str, Any]:
    """What both tables tell."""
    candidate, target = one.candidate, targets[one.candidate.target]
    return {
        "object": target.name,
        "main_id": None if target.resolved is None else target.resolved.main_id,
        "separation": candidate.separation,
        "name_separation": candidate.name_separation,
        "n_stars": candidate.n_stars,
        "separation_rank": candidate.separation_rank,
        "agreement": one.agreement,
        "brightness": one.brightness,
        "chance": one.chance,
    }


def _did(spectrum: Spectrum) -> str | None:
    given = spectrum.archive_id or ""
    return given if given.startswith(_IVOID) else None


def _residuals(
    training: Spectrum,
    survey: Spectrum,
    pixels: Pixels,
    grid: NDArray[np.float64],
    adaptation: AdaptationSettings,
) -> dict[str, float | None]:
    """How the two compare; nothing where one of them has no pixels or no continuum."""
    if not {training.spectrum_id, survey.spectrum_id} <= pixels.keys():
        return {}
    both = [dict(pixels[one.spectrum_id]) for one in (training, survey)]
    width = pairs.kernel_width(adaptation, training, survey, both[0]["spectral_axis"])
    try:
        found = compare(pairs.pair(*both), grid, fwhm=width)
    except ValueError as fault:
        logger.warning("%s, %s: %s", training.spectrum_id, survey.spectrum_id, fault)
        return {}
    return {
        "velocity": found.velocity,
        "residual": found.after,
        "residual_unadapted": found.before,
        "noise": found.noise,
    }


def _once(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A pair of spectra that two names lead to comes once: the less likely chance stays."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["chance"]):
        best.setdefault((row["training_id"], row["survey_id"]), row)
    yield from (best[key] for key in sorted(best))
