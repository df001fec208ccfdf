"""Stars of the training archive, and what the survey has around them."""

import numpy as np
import pytest

from tests.verification.stars import ARCSEC, spectrum
from vospec.pairs import Spectrum
from vospec.verification.pairs.fields import Candidate, Fields, Resolved, Target, distinct, targets
from vospec.verification.pairs.partners import Drawing


def names(spectra: tuple[Spectrum, ...]) -> list[str]:
    return [one.spectrum_id for one in spectra]


def test_each_observation_comes_once_in_its_last_release() -> None:
    given = [
        spectrum("lamost/dr9/a", 1.0, 0.0, observation="lamost/a", release="dr9"),
        spectrum("lamost/dr13-q1/a", 1.0, 0.0, observation="lamost/a", release="dr13-q1"),
        spectrum("lamost/dr7/b", 1.0, 0.0, observation="lamost/b", release="dr7"),
        spectrum("ccd700/vo/c", 1.0, 0.0, archive_id="ivo://x/c", release="vo"),
        spectrum("ccd700/native/c", 1.0, 0.0, archive_id="ivo://x/c", release="native"),
        spectrum("lamost/dr1/d", 1.0, 0.0),
    ]
    expected = ["ccd700/vo/c", "lamost/dr1/d", "lamost/dr13-q1/a", "lamost/dr7/b"]
    assert names(distinct(given)) == expected
    assert distinct(given[::-1]) == distinct(given)


def test_one_name_at_one_place_is_one_star() -> None:
    found = targets(
        [
            spectrum("ccd700/1", 10.0, 60.0, object="HD 53416"),
            spectrum("ccd700/2", 10.0 + 20 * ARCSEC, 60.0, object="hd53416"),
            spectrum("ccd700/3", 10.0, 60.0, object="HD 53417"),
            spectrum("ccd700/4", 200.0, -60.0, object="HD 53416"),
            spectrum("ccd700/5", 50.0, 0.0),
            spectrum("ccd700/6", 50.0, 2 * ARCSEC),
            spectrum("ccd700/7", 50.0, 20 * ARCSEC),
        ],
        radius_arcsec=30.0,
        names={},
    )
    grouped = [[int(one.spectrum_id[-1]) for one in target.spectra] for target in found]
    assert grouped == [[1, 2], [3], [4], [5, 6], [7]]
    # The mean place, at a declination where an arcsec of arc is two of right ascension.
    assert found[0].ra == pytest.approx(10.0 + 10 * ARCSEC, abs=1e-9)
    assert found[0].dec == pytest.approx(60.0, abs=1e-7)


def test_a_mean_place_does_not_mind_where_right_ascension_begins() -> None:
    (found,) = targets(
        [spectrum(f"ccd700/{n}", ra, 0.0, object="x") for n, ra in enumerate((359.999, 0.001))],
        radius_arcsec=30.0,
        names={},
    )
    assert min(found.ra, 360.0 - found.ra) < 1e-9


def test_names_lead_to_places() -> None:
    place = Resolved("* bet Lyr", 282.5, 33.4)
    (found,) = targets(
        [spectrum("ccd700/1", 10.0, 0.0, object="Bet  Lyr")],
        radius_arcsec=30.0,
        names={"betlyr": place},
    )
    assert found.resolved == place
    assert found.places == [(found.ra, found.dec), (282.5, 33.4)]


def fields_of(survey: list[Spectrum], *found: Target, batch: int = 100) -> Fields:
    fields = Fields(found, radius_arcsec=30.0, field_arcmin=10.0)
    for first in range(0, len(survey), batch):
        part = survey[first : first + batch]
        fields.add(
            np.array([one.ra for one in part]),
            np.array([one.dec for one in part]),
            lambda rows, part=part: [part[row] for row in rows],
        )
    return fields


def around(ra: float, *offsets: float) -> list[Spectrum]:
    return [spectrum(f"lamost/{ra:g}/{n}", ra + x * ARCSEC, 0.0) for n, x in enumerate(offsets)]


TARGET = Target((spectrum("ccd700/a", 10.0, 0.0),), 10.0, 0.0)


def told(found: list[Candidate]) -> list[tuple[list[str], int, int]]:
    return [(names(one.spectra.survey), one.separation_rank, one.n_stars) for one in found]


@pytest.mark.parametrize("batch", [1, 100])
def test_candidates_are_stars_by_separation(batch: int) -> None:
    # The second and the fourth are one star, seen twice; the last but one is beyond the radius.
    survey = around(10.0, 20.0, -8.0, 60.0, -9.0, 31.0, 599.0, 601.0)
    found = fields_of(survey, TARGET, batch=batch).candidates()
    assert told(found) == [
        (["lamost/10/1", "lamost/10/3"], 1, 2),
        (["lamost/10/0"], 2, 2),
    ]
    assert [one.separation for one in found] == pytest.approx([8.0, 20.0], abs=1e-6)
    # Five stars in the field of ten arcmin, one of them twice; the seventh is outside.
    assert {one.n_field for one in found} == {5}
    assert found[1].near == pytest.approx(5 * (20.0 / 600.0) ** 2)
    assert found[1].within == pytest.approx(5 * (30.0 / 600.0) ** 2)


def test_the_place_of_the_name_counts_as_well() -> None:
    target = Target(TARGET.spectra, 10.0, 0.0, Resolved("x", 10.0 + 25 * ARCSEC, 0.0))
    survey = around(10.0, 26.0, 50.0)
    found = fields_of(survey, target).candidates()
    assert told(found) == [(["lamost/10/0"], 1, 2), (["lamost/10/1"], 2, 2)]
    assert [one.name_separation for one in found] == pytest.approx([1.0, 25.0], abs=1e-6)
    assert found[0].near == pytest.approx(2 * (1.0 / 600.0) ** 2)
    assert found[0].near_by_position == pytest.approx(2 * (26.0 / 600.0) ** 2)
    # Two places far apart: the chances of both, from the stars of both fields.
    far = Target(TARGET.spectra, 10.0, 0.0, Resolved("x", 50.0, 0.0))
    (one,) = fields_of([*survey[:1], *around(50.0, 300.0, 400.0)], far).candidates()
    assert one.n_field == 3


def test_a_survey_star_may_be_near_two_stars() -> None:
    other = Target((spectrum("ccd700/b", 10.0, 0.0),), 10.0 + 20 * ARCSEC, 0.0)
    found = fields_of(around(10.0, 10.0), TARGET, other).candidates()
    assert [one.target for one in found] == [0, 1]
    assert found[0].star == found[1].star


def test_expected_unrelated_stars_leave_out_the_own_one() -> None:
    fields = fields_of(around(10.0, 5.0, 100.0, 200.0), TARGET)
    share = (30.0 / 600.0) ** 2
    assert fields.unrelated([]) == pytest.approx([3 * share])
    assert fields.unrelated([0]) == pytest.approx([2 * share])


def test_nothing_near_is_nothing() -> None:
    assert fields_of([], TARGET).candidates() == []
    assert fields_of(around(10.0, 5.0)).candidates() == []
    assert fields_of(around(50.0, 5.0), TARGET).unrelated([]).tolist() == [0.0]
    assert targets([], radius_arcsec=30.0, names={}) == []


@pytest.mark.parametrize("batch", [7, 1000])
def test_a_draw_is_the_same_in_any_order(batch: int) -> None:
    survey = [spectrum(f"lamost/{n}", 0.0, 0.0) for n in range(500)]
    drawn = []
    for order in (survey, survey[::-1]):
        drawing = Drawing(50)
        for first in range(0, 500, batch):
            part = order[first : first + batch]
            take = lambda rows, part=part: [part[row] for row in rows]  # noqa: E731 - as above
            drawing.add([one.spectrum_id for one in part], take)
        drawn.append(drawing.spectra)
    assert drawn[0] == drawn[1]
    assert len({one.spectrum_id for one in drawn[0]}) == 50
    # The mean number of a fair draw of 50 among 500 scatters by 19 around 249.5.
    assert abs(np.mean([int(one.spectrum_id[7:]) for one in drawn[0]]) - 249.5) < 60
