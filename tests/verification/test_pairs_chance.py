"""The chance of a counterpart, against its closed forms and against drawn fields of stars."""

import numpy as np
import pytest

from vospec.verification.pairs.chance import chance, share


def test_position_alone_is_the_poisson_probability() -> None:
    near = np.array([1e-6, 0.01, 0.1, 0.3])
    assert chance(near, 0.3) == pytest.approx(-np.expm1(-near))


def test_two_factors_are_the_formula_of_downes() -> None:
    near, bright, within = 0.02, 0.1, 0.5
    product = near * bright
    expected = product * (1 + np.log(within / product))
    assert chance(near, within, bright) == pytest.approx(-np.expm1(-expected))


def test_whatever_is_not_known_makes_the_chance_no_smaller() -> None:
    assert chance(0.01, 0.1, 1.0) > chance(0.01, 0.1)
    assert chance(0.1, 0.1, 1.0, 1.0) == pytest.approx(chance(0.1, 0.1))


@pytest.mark.parametrize("n_shares", [0, 1, 2])
@pytest.mark.parametrize("within", [0.05, 0.4, 3.0])
def test_of_unrelated_stars_a_share_p_has_a_chance_of_p(n_shares: int, within: float) -> None:
    rng = np.random.default_rng(7)
    n = 40_000
    best = np.ones(n)
    counts = rng.poisson(within, n)
    star = np.repeat(np.arange(n), counts)
    near = within * rng.random(star.size)
    shares = 1.0 - rng.random((n_shares, star.size))
    np.minimum.at(best, star, chance(near, within, *shares))
    for p in (0.003, 0.01, 0.03):
        # The smallest of a field's chances is below p in a share p of the fields.
        assert abs((best <= p).mean() - p) < 4.0 * np.sqrt(p / n)


def test_at_the_very_place_chance_has_no_part() -> None:
    assert chance(0.0, 0.1, 0.5) == 0.0
    assert chance(0.0, 0.0) == 0.0


def test_bad_shares_are_refused() -> None:
    for bad in (0.0, 1.5, -0.1, np.nan):
        with pytest.raises(ValueError, match="above 0 and at most 1"):
            chance(0.1, 0.2, bad)
    with pytest.raises(ValueError, match="must not be negative"):
        chance(-0.1, 0.2)


def test_a_share_is_never_nought() -> None:
    others = np.array([1.0, 2.0, 2.0, np.inf])
    assert share(0.5, others) == 1 / 5
    assert share(2.0, others) == 4 / 5
    assert share(3.0, np.empty(0)) == 1.0
