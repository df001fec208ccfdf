"""Expected precisions move with the labelled stars by as much as is told."""

import numpy as np

from tests.learning.test_probability import population
from vospec.learning import (
    Calibrator,
    expected_precision,
    precision_spread,
    survey_share,
)

LIMITS = [0.3, 0.6, 0.8]


def _expected(scores: np.ndarray, wanted: np.ndarray, survey: np.ndarray) -> np.ndarray:
    calibrator = Calibrator("platt").fit(scores, wanted)
    share = survey_share(calibrator.predict(survey), calibrator.share_)
    values = calibrator.predict(survey, share=share)
    return expected_precision(values, survey, LIMITS).precision


def test_spread_is_that_of_other_labels() -> None:
    survey = population(5000, 0.05, seed=1)[0]
    fresh = [population(200, 0.5, seed=seed) for seed in range(100, 160)]
    true = np.std([_expected(*labels, survey) for labels in fresh], axis=0, ddof=1)
    told = np.mean(
        [
            precision_spread(
                (*labels, np.arange(200)), survey, LIMITS, telling=np.full(len(survey), True)
            )
            for labels in fresh[:10]
        ],
        axis=0,
    )
    # Sixty draws tell a standard deviation to a tenth, and that of one sample is another's.
    np.testing.assert_allclose(told, true, rtol=0.4)


def test_spectra_of_one_star_are_drawn_together() -> None:
    # Ten spectra a star tell of ten times as many labels, and are worth no more.
    survey, telling = population(5000, 0.05, seed=1)[0], np.full(5000, True)
    scores, wanted = population(60, 0.5, seed=2)
    one = precision_spread((scores, wanted, np.arange(60)), survey, LIMITS, telling=telling)
    many = (np.repeat(scores, 10), np.repeat(wanted, 10))
    together = precision_spread(
        (*many, np.repeat(np.arange(60), 10)), survey, LIMITS, telling=telling
    )
    apart = precision_spread((*many, np.arange(600)), survey, LIMITS, telling=telling)
    np.testing.assert_allclose(together, one, rtol=0.5)
    assert (apart < 0.6 * together).all()


def test_bins_change_nothing() -> None:
    # All draws of one star each are the labels themselves: no spread, whatever the bins.
    survey = population(300, 0.3, seed=1)[0]
    labelled = ([0.2, 0.9], [False, True], [0, 1])
    found = precision_spread(labelled, survey, [*LIMITS, 1.5], telling=np.full(300, True))
    np.testing.assert_allclose(found[:3], 0, atol=1e-12)
    assert np.isnan(found[3])


def test_what_does_not_tell_of_the_share_counts_above_thresholds_only() -> None:
    labelled = (*population(200, 0.5, seed=3), np.arange(200))
    found = []
    for n in (1, 50):
        survey = np.append(np.full(100, 0.2), np.full(n, 0.9))
        found.append(precision_spread(labelled, survey, [0.5], telling=survey < 0.5, n_draws=9))
    np.testing.assert_allclose(*found)
