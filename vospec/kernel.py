"""The adapting kernel that the store's own pairs ask for, in numbers for people."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vospec import pairs
from vospec.errors import PairError
from vospec.plan import Plan
from vospec.spectra.calibration import FEWEST_PAIRS, Calibration, calibrate
from vospec.spectra.comparison import WINDOW


@dataclass(frozen=True)
class Fitted:
    """The pairs' stars, and what the calibration found on them."""

    stars: list[pairs.Star]
    calibration: Calibration


def fit(plan: Plan) -> Fitted:
    """Fit the kernel on all stars that both archives of a plan have observed.

    They are those of :func:`vospec.pairs.stars_of`.

    Parameters
    ----------
    plan : Plan
        Its spectra must have been read.

    Raises
    ------
    StoreError
        The spectra have not been read.
    PairError
        Fewer than three stars have been observed by both, or their spectra allow no fit.
    """
    spectra = pairs.spectra_of(plan)
    found = pairs.stars_of(plan)
    if len(found) < FEWEST_PAIRS:
        by_position = f" within {plan.settings.pairs.radius_arcsec:g} arcsec"
        how = " that are a pair" if plan.pairs.is_complete() else by_position
        message = (
            f"{plan.spectra.uri}: {len(found)} stars have a training and a survey spectrum{how}, "
            f"a fit needs {FEWEST_PAIRS}"
        )
        raise PairError(message)
    chosen = [star.best for star in found]
    pixels = pairs.pixels(spectra, {one.spectrum_id for both in chosen for one in both})
    made = [pairs.pair(*(pixels[one.spectrum_id] for one in both)) for both in chosen]
    try:
        return Fitted(found, calibrate(made, plan.grid))
    except ValueError as fault:
        message = f"{plan.spectra.uri}: the pairs allow no fit: {fault}"
        raise PairError(message) from fault


def lines(fitted: Fitted) -> Iterator[str]:
    """Tell the result: one line a pair, then the summary."""
    found = fitted.calibration
    yield f"RMS of survey minus training over {WINDOW[0]:.0f}-{WINDOW[1]:.0f} Å, over continuum:"
    yield "  before: not adapted; after: adapted by the width that the other pairs give;"
    yield "  alone: as after, each spectrum over its own continuum as in the feature vectors"
    yield (
        f"{'star':<18} {'sep':>5} {'years':>5} {'S/N':>5} {'velocity':>12} {'FWHM':>5} "
        f"{'before':>7} {'after':>7} {'noise':>7} {'share':>5} {'alone':>7}"
    )
    yield (
        f"{'':<18} {'arcs':>5} {'apart':>5} {'':>5} {'km/s':>12} {'Å':>5} "
        f"{'':>7} {'':>7} {'':>7} {'%':>5} {'':>7}"
    )
    for index, star in enumerate(fitted.stars):
        yield _line(star, found, index)
    for name, take in (("median", np.median), ("mean", np.mean)):
        figures = [take(v) for v in (found.before, found.after, found.noise)]
        share = take(found.noise_share)
        yield (
            f"{name:<18} {'':>5} {'':>5} {'':>5} {'':>12} {'':>5} "
            + " ".join(f"{v:7.4f}" for v in figures)
            + f" {100 * share:5.0f} {take(found.apart):7.4f}"
        )
    share = np.sum(found.noise**2) / np.sum(found.after**2)
    yield f"share of the squared residuals of all pairs that is noise: {100 * share:.0f} %"
    worse = [star.name for star, bad in zip(fitted.stars, found.worsened, strict=True) if bad]
    yield "made worse by more than the noise: " + (", ".join(worse) or "none")
    yield (
        f"FWHM of the kernel at Hα: {found.fwhm:.2f} ± {found.fwhm_error:.2f} Å "
        f"(jackknife over {len(fitted.stars)} pairs)"
    )


def _line(star: pairs.Star, found: Calibration, index: int) -> str:
    training, survey = star.best
    separation = pairs.separation_arcsec(training, survey)
    years = np.nan
    if training.mjd is not None and survey.mjd is not None:
        years = abs(training.mjd - survey.mjd) / 365.25
    velocity = f"{found.velocity[index]:.0f} ± {found.velocity_error[index]:.0f}"
    snr = np.nan if survey.snr is None else survey.snr
    return (
        f"{star.name[:18]:<18} {separation:5.1f} {years:5.1f} {snr:5.0f} {velocity:>12} "
        f"{found.fwhm_others[index]:5.2f} {found.before[index]:7.4f} {found.after[index]:7.4f} "
        f"{found.noise[index]:7.4f} {100 * found.noise_share[index]:5.0f} {found.apart[index]:7.4f}"
    )
