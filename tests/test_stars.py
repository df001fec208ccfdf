"""Spectra of one star: by place, by name, and by what such links join."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vospec.stars import groups

ARCSEC = 1 / 3600


def together(
    names: list[str | None], dec: list[float], anchors: list[bool] | None = None
) -> set[frozenset[int]]:
    """The groups as sets of rows, over spectra of one right ascension."""
    chosen = np.ones(len(names), dtype=bool) if anchors is None else np.array(anchors)
    numbers = groups(
        names, np.full(len(names), 10.0), np.array(dec), anchors=chosen, radius_arcsec=30.0
    )
    return {frozenset(np.flatnonzero(numbers == number).tolist()) for number in numbers}


def test_a_place_or_a_name_is_a_star() -> None:
    # The second is 29 arcsec beside the first, the third 31; names and places join.
    dec = [0.0, 29 * ARCSEC, -31 * ARCSEC, 40.0, 50.0, np.nan, np.nan]
    names = ["HD 1", None, "HD 3", "hd1", " H D 3 ", None, ""]
    expected = {frozenset({0, 1, 3}), frozenset({2, 4}), frozenset({5}), frozenset({6})}
    assert together(names, dec) == expected


def test_what_links_join_is_one_star() -> None:
    dec = [0.0, 20 * ARCSEC, 40 * ARCSEC, 60 * ARCSEC]
    assert together([None] * 4, dec) == {frozenset(range(4))}


def test_others_are_joined_by_anchors_alone() -> None:
    dec = [0.0, 20 * ARCSEC, 9.0, 9.0]
    names = ["A", None, "B", "B"]
    anchors = [True, False, False, False]
    assert together(names, dec, anchors) == {frozenset({0, 1}), frozenset({2}), frozenset({3})}


def test_without_positions_or_spectra() -> None:
    assert together(["A", "a", "B"], [np.nan] * 3) == {frozenset({0, 1}), frozenset({2})}
    assert together([], []) == set()


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30))
def test_on_a_line_a_gap_parts_the_stars(places: list[int]) -> None:
    # In one dimension stars are the runs without a gap of more than the radius.
    ordered = sorted(places)
    gaps = sum(after - before > 30 for before, after in pairwise(ordered))
    dec = [place * ARCSEC * (1 - 1e-9) for place in places]
    assert len(together([None] * len(places), dec)) == gaps + 1
