from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from vospec.learning import average_precision, entropy, precision_at, ranks


def test_average_precision_is_the_mean_precision_at_each_target() -> None:
    # Targets at places 1, 3 and 6 of the ranking.
    classes = ["emission", "absorption", "double_peak", "absorption", "absorption", "emission"]
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    expected = float((Fraction(1, 1) + Fraction(2, 3) + Fraction(3, 6)) / 3)
    found = average_precision(classes, scores, targets=["emission", "double_peak"])
    assert found == pytest.approx(expected, rel=1e-12)


def test_average_precision_of_equal_scores_is_the_share_of_targets() -> None:
    assert average_precision([1, 0, 0, 0], [0.5] * 4, targets=[1]) == pytest.approx(0.25)


def test_average_precision_knows_only_the_order() -> None:
    rng = np.random.default_rng(1)
    classes, scores = rng.integers(0, 3, 100), rng.random(100)
    found = average_precision(classes, scores, targets=[1, 2])
    assert average_precision(classes, np.exp(9 * scores), targets=[1, 2]) == found


def test_missing_scores_stand_behind_all_others() -> None:
    classes = [1, 0, 1]
    # Ranking: a target, another, the missing target.
    expected = float((Fraction(1, 1) + Fraction(2, 3)) / 2)
    found = average_precision(classes, [-5.0, -7.0, np.nan], targets=[1])
    assert found == pytest.approx(expected)
    assert ranks([np.nan, 0.2, np.nan, -np.inf, 0.7]).tolist() == [4, 2, 5, 3, 1]


def test_ranks_are_unique_and_equals_go_by_identifier() -> None:
    scores = [0.5, 0.9, 0.5, 0.5]
    assert ranks(scores).tolist() == [2, 1, 3, 4]
    assert ranks(scores, ["c", "x", "a", "b"]).tolist() == [4, 1, 2, 3]


def test_ranks_by_identifier_do_not_depend_on_the_order() -> None:
    rng = np.random.default_rng(2)
    scores = np.round(rng.random(200), 1)
    scores[:20] = np.nan
    names = np.array([f"lamost/dr1/{number:03d}" for number in range(200)])
    order = rng.permutation(200)
    np.testing.assert_array_equal(ranks(scores, names)[order], ranks(scores[order], names[order]))


@pytest.mark.parametrize(("successes", "k"), [(0, 5), (3, 10), (7, 7), (50, 90)])
@pytest.mark.parametrize("confidence", [0.68, 0.95])
def test_precision_has_the_interval_of_wilson(successes: int, k: int, confidence: float) -> None:
    classes = np.zeros(100, dtype=int)
    classes[:successes] = 1
    # Targets first, all within the best k.
    found = precision_at(k, classes, -np.arange(100.0), targets=[1], confidence=confidence)
    expected = binomtest(successes, k).proportion_ci(confidence, method="wilson")
    assert found == pytest.approx((successes / k, expected.low, expected.high), abs=1e-12)
    assert 0 <= found.lower <= found.value <= found.upper <= 1


def test_precision_looks_at_the_best() -> None:
    classes, scores = [0, 1, 1, 0], [0.1, np.nan, 0.8, 0.5]
    assert precision_at(1, classes, scores, targets=[1]).value == 1
    assert precision_at(2, classes, scores, targets=[1]).value == 0.5
    assert precision_at(4, classes, scores, targets=[1]).value == 0.5


def test_entropy_is_in_bits() -> None:
    distributions = np.array(
        [[1, 0, 0, 0], [0.25] * 4, [0.5, 0.25, 0.125, 0.125], [np.nan] * 4], dtype=np.float64
    )
    expected = np.array([0, 2, 1.75, np.nan])
    np.testing.assert_allclose(entropy(distributions), expected, rtol=1e-14)
    assert not np.signbit(entropy(distributions)[0])


@pytest.mark.parametrize(
    ("classes", "scores", "message"),
    [
        ([0, 0], [0.1, 0.2], r"classes: expected some of \[1\], found none"),
        ([0, 1, 1], [0.1, 0.2], r"scores: expected shape \(3,\), found \(2,\)"),
    ],
)
def test_average_precision_refuses(classes: ArrayLike, scores: ArrayLike, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        average_precision(classes, scores, targets=[1])


def test_others_refuse() -> None:
    with pytest.raises(ValueError, match="k: expected 1 to 2, found 3"):
        precision_at(3, [0, 1], [0.1, 0.2], targets=[1])
    with pytest.raises(ValueError, match="confidence: expected a number above 0"):
        precision_at(1, [0, 1], [0.1, 0.2], targets=[1], confidence=95)
    with pytest.raises(ValueError, match=r"identifiers: expected shape \(2,\), found \(1,\)"):
        ranks([0.1, 0.2], ["a"])
