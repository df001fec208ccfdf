"""Probabilities against scikit-learn, Bayes' rule and populations of known shares."""

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from vospec.learning import (
    CalibrationMethod,
    Calibrator,
    carried,
    cross_calibrated,
    expected_precision,
    logistic,
    reliability,
    survey_share,
)

METHODS: tuple[CalibrationMethod, ...] = ("isotonic", "platt")
#: Scores of targets and of others: beta distributions, so that Bayes' rule is known.
TARGETS, OTHERS = beta(4, 2), beta(2, 4)


def population(
    n: int, share: float, *, seed: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Draw scores and truth with exactly this share of targets."""
    rng = np.random.default_rng(seed)
    wanted = rng.permutation(np.arange(n) < round(share * n))
    scores = np.where(wanted, TARGETS.rvs(n, random_state=rng), OTHERS.rvs(n, random_state=rng))
    return scores, wanted


def bayes(scores: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    of_targets, of_others = share * TARGETS.pdf(scores), (1 - share) * OTHERS.pdf(scores)
    return np.asarray(of_targets / (of_targets + of_others))


@pytest.mark.parametrize(("method", "tolerance"), [("isotonic", 0.02), ("platt", 0.01)])
@pytest.mark.parametrize("share", [0.5, 0.1])
def test_probability_is_that_of_bayes(
    method: CalibrationMethod, tolerance: float, share: float
) -> None:
    # With these beta distributions the logit of Bayes' probability is linear in that of the score.
    calibrator = Calibrator(method).fit(*population(50_000, 0.5))
    scores = np.linspace(0.1, 0.9, 200)
    found = calibrator.predict(scores, share=share)
    assert np.abs(found - bayes(scores, share)).mean() < tolerance
    assert np.all(np.diff(found) >= 0)


def test_isotonic_is_scikit_learn_s_with_one_more_of_each_kind() -> None:
    scores, wanted = population(300, 0.4)
    expected = IsotonicRegression(out_of_bounds="clip").fit(
        [*scores, scores.min(), scores.max()], [*wanted, 1, 0]
    )
    found = Calibrator("isotonic").fit(scores, wanted)
    np.testing.assert_array_equal(found.predict(scores), expected.predict(scores))
    assert found.share_ == 0.4


def test_platt_is_the_likeliest_logistic_curve() -> None:
    scores, wanted = population(300, 0.4)
    all_scores = np.array([*scores, scores.min(), scores.max()])
    truth = np.array([*wanted, True, False])
    logits = np.log(all_scores / (1 - all_scores))
    found = Calibrator("platt").fit(scores, wanted).predict(all_scores)
    # Where the likelihood is greatest, its slope in both parameters is 0.
    assert found.sum() == pytest.approx(truth.sum(), rel=1e-8)
    assert (found * logits).sum() == pytest.approx((truth * logits).sum(), rel=1e-6)
    slope = np.diff(np.log(found / (1 - found))) / np.diff(logits)
    np.testing.assert_allclose(slope, slope[0], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_no_finite_number_of_labels_makes_certain(method: CalibrationMethod) -> None:
    scores, wanted = np.repeat([0.01, 0.99], 50), np.repeat([False, True], 50)
    found = Calibrator(method).fit(scores, wanted)
    half = found.predict([0.0, 0.01, 0.99, 1.0])
    # Fifty of fifty: one of fifty-one was another.
    np.testing.assert_allclose(half[1:3], [1 / 51, 50 / 51], atol=1e-3)
    assert np.all((half > 0) & (half < 1))
    # Where targets are one in a thousand, fifty labels cannot tell more than this.
    rare = found.predict([0.99], share=0.001)
    np.testing.assert_allclose(rare, 50 / (50 + 999), rtol=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_missing_scores_have_no_probability(method: CalibrationMethod) -> None:
    scores, wanted = population(100, 0.5)
    found = Calibrator(method).fit([*scores, np.nan], [*wanted, True])
    np.testing.assert_array_equal(
        found.predict([np.nan, *scores])[1:], Calibrator(method).fit(scores, wanted).predict(scores)
    )
    assert np.isnan(found.predict([np.nan])).all()


def test_carried_is_bayes_rule() -> None:
    scores = np.linspace(0.05, 0.95, 50)
    np.testing.assert_allclose(carried(bayes(scores, 0.5), 0.5, 0.01), bayes(scores, 0.01))
    there_and_back = carried(carried(bayes(scores, 0.3), 0.3, 0.01), 0.01, 0.3)
    np.testing.assert_allclose(there_and_back, bayes(scores, 0.3))
    np.testing.assert_array_equal(carried([0, 1, np.nan], 0.5, 0.1), [0, 1, np.nan])


@pytest.mark.parametrize("share", [0.002, 0.01, 0.1, 0.5, 0.9])
def test_share_of_a_survey_is_found(share: float) -> None:
    scores, wanted = population(200_000, share, seed=3)
    found = survey_share(bayes(scores, 0.5), 0.5)
    # Three standard deviations: Fisher's information of the share in a mixture of known parts.
    ratio = TARGETS.pdf(scores) - OTHERS.pdf(scores)
    density = share * TARGETS.pdf(scores) + (1 - share) * OTHERS.pdf(scores)
    error = 1 / np.sqrt(np.square(ratio / density).sum())
    assert abs(found - wanted.mean()) < 3 * error
    # It is the mean of the probabilities that are carried to it, and of one more of each kind.
    mean = (carried(bayes(scores, 0.5), 0.5, found).sum() + 1) / (len(scores) + 2)
    assert mean == pytest.approx(found, rel=1e-8)


def test_share_is_where_expectation_and_maximisation_end() -> None:
    probabilities = bayes(population(500, 0.2, seed=4)[0], 0.4)
    share = 0.4
    for _ in range(5000):
        share = float(np.append(carried(probabilities, 0.4, share), [0, 1]).mean())
    assert survey_share(probabilities, 0.4) == pytest.approx(share, rel=1e-9)


def test_weights_of_the_share_are_numbers_of_spectra() -> None:
    probabilities, weights = np.array([0.1, 0.7, 0.4, np.nan]), np.array([3, 1, 0, 9])
    found = survey_share(probabilities, 0.3, weights=weights)
    assert found == pytest.approx(survey_share([0.1] * 3 + [0.7], 0.3), rel=1e-9)


def test_share_of_the_labels_is_found_among_the_labels() -> None:
    scores, wanted = population(20_000, 0.3)
    calibrator = Calibrator("isotonic").fit(scores, wanted)
    assert survey_share(calibrator.predict(scores), 0.3) == pytest.approx(0.3, abs=0.01)


def test_no_survey_has_certainly_none() -> None:
    # Laplace's rule of succession.
    assert survey_share([0] * 5, 0.5) == pytest.approx(1 / 7)
    assert survey_share([1] * 5, 0.5) == pytest.approx(6 / 7)
    assert survey_share([1e-12] * 100_000, 0.5) == pytest.approx(1 / 100_002, rel=1e-3)


def test_curve_of_a_calibrator_is_told_by_two_numbers() -> None:
    scores, wanted = population(300, 0.4)
    found = Calibrator("platt").fit(scores, wanted)
    odds = np.exp(found.intercept_) * (scores / (1 - scores)) ** found.slope_
    np.testing.assert_allclose(found.predict(scores), odds / (1 + odds))
    assert np.isnan(Calibrator("isotonic").fit(scores, wanted).slope_)
    np.testing.assert_allclose(logistic([0.0, 1.0, np.nan], 1.0, 0.0), [1e-6, 1 - 1e-6, np.nan])


@pytest.mark.parametrize("method", METHODS)
def test_no_label_judges_itself_or_its_star(method: CalibrationMethod) -> None:
    # Every star has two spectra of one score; truth is chance, so that only the star would tell.
    rng = np.random.default_rng(6)
    scores, wanted = np.repeat(rng.random(200), 2), np.repeat(rng.random(200) < 0.5, 2)
    stars = np.repeat(np.arange(200), 2)
    found = cross_calibrated(scores, wanted, stars, method=method)
    assert abs(np.corrcoef(found, wanted)[0, 1]) < 0.2
    # The same without the groups: at equal scores, the truth of the twin.
    own = Calibrator("isotonic").fit(scores, wanted).predict(scores)
    assert np.corrcoef(own, wanted)[0, 1] > np.corrcoef(found, wanted)[0, 1]


def test_reliability_is_scikit_learn_s() -> None:
    scores, wanted = population(5000, 0.3)
    found = reliability(scores, wanted, n_bins=7)
    observed, predicted = calibration_curve(wanted, scores, n_bins=7)
    full = found.n > 0
    np.testing.assert_allclose(found.observed[full], observed)
    np.testing.assert_allclose(found.predicted[full], predicted)
    assert found.brier == pytest.approx(brier_score_loss(wanted, scores))
    assert found.n.sum() == 5000


def test_calibration_error_is_the_mean_distance_of_the_bins() -> None:
    # Four at 0.1 of which one is true, two at 0.9 of which one is.
    found = reliability([0.1] * 4 + [0.9] * 2, [1, 0, 0, 0, 1, 0], n_bins=2)
    assert found.calibration_error == pytest.approx((4 * 0.15 + 2 * 0.4) / 6)
    np.testing.assert_array_equal(found.n, [4, 2])
    empty = reliability([0.1, np.nan], [False, True], n_bins=4)
    np.testing.assert_array_equal(empty.n, [1, 0, 0, 0])
    np.testing.assert_array_equal(empty.observed, [0, np.nan, np.nan, np.nan])
    edges = reliability([0.0, 0.5, 1.0], [False, True, True], n_bins=2)
    np.testing.assert_array_equal(edges.n, [1, 2])


def test_bayes_probabilities_are_reliable() -> None:
    scores, wanted = population(100_000, 0.1)
    assert reliability(bayes(scores, 0.1), wanted).calibration_error < 0.005
    assert reliability(bayes(scores, 0.5), wanted).calibration_error > 0.1


def test_expected_precision_is_the_mean_of_the_probabilities_above() -> None:
    probabilities = np.array([0.9, 0.8, 0.1, 0.5, np.nan])
    scores = np.array([0.95, 0.7, 0.2, 0.7, np.nan])
    found = expected_precision(probabilities, scores, [0, 0.7, 0.8, 0.99])
    np.testing.assert_array_equal(found.n, [4, 3, 1, 0])
    np.testing.assert_allclose(found.precision, [2.3 / 4, 2.2 / 3, 0.9, np.nan])
    variances = np.array([0.09 + 0.16 + 0.09 + 0.25, 0.09 + 0.16 + 0.25, 0.09])
    np.testing.assert_allclose(found.error[:3], np.sqrt(variances) / [4, 3, 1])
    np.testing.assert_allclose(found.recall, [1, 2.2 / 2.3, 0.9 / 2.3, 0])


def test_expected_precision_comes_true() -> None:
    labels, survey = population(20_000, 0.5), population(200_000, 0.01, seed=2)
    calibrator = Calibrator("platt").fit(*labels)
    share = survey_share(calibrator.predict(survey[0]), calibrator.share_)
    probabilities = calibrator.predict(survey[0], share=share)
    limits = [0.2, 0.5, 0.8, 0.9]
    found = expected_precision(probabilities, survey[0], limits)
    true = [survey[1][survey[0] >= limit].mean() for limit in limits]
    np.testing.assert_allclose(found.precision, true, rtol=0.1)


@pytest.mark.parametrize(
    ("scores", "wanted", "message"),
    [
        ([0.1, 0.2], [True], r"wanted: expected shape \(2,\), found \(1,\)"),
        ([0.1, 0.2], [True, True], "wanted: expected spectra of both kinds"),
        ([0.1, 1.2], [True, False], "expected numbers from 0 to 1, found others or none"),
        ([np.nan, np.nan], [True, False], "expected numbers from 0 to 1, found others or none"),
    ],
)
def test_calibrator_refuses(scores: ArrayLike, wanted: ArrayLike, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Calibrator().fit(scores, wanted)


def test_others_refuse() -> None:
    with pytest.raises(ValueError, match="method: expected one of isotonic, platt, found beta"):
        Calibrator("beta").fit([0.1, 0.2], [True, False])  # type: ignore[arg-type] # that is the test
    with pytest.raises(ValueError, match="new_share: expected a number above 0 and below 1"):
        carried([0.5], 0.5, 1.0)
    with pytest.raises(ValueError, match="probabilities: expected at least one number"):
        survey_share([np.nan], 0.5)
    with pytest.raises(ValueError, match=r"scores: expected shape \(1,\), found \(2,\)"):
        expected_precision([0.5], [0.1, 0.2], [0.5])
