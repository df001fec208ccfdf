"""Which candidate is taken: near, bright and in agreement beyond chance, and the only one."""

from dataclasses import replace

import numpy as np
import pytest

from tests.spectra.test_calibration import GRID
from tests.verification.stars import ARCSEC, pixels, spectrum
from vospec.columns import ACCEPTED, AMBIGUOUS, BY_NAME, BY_POSITION, CHANCE, UNLIKE
from vospec.config import PairsSettings
from vospec.pairs import Spectrum
from vospec.verification.pairs.chance import chance
from vospec.verification.pairs.decisions import Judged, judge
from vospec.verification.pairs.fields import Fields, Resolved, Target
from vospec.verification.pairs.partners import Partners, on_grid, partners

SECTION = PairsSettings()
EMISSION, SHALLOW = (-1.5, 6.0), (0.1, 5.0)
#: Absorption of many depths: what the survey is full of.
COMMON = [(depth, width) for depth in np.linspace(0.0, 0.4, 10) for width in np.linspace(3, 9, 10)]


@pytest.fixture(scope="module")
def unrelated() -> Partners:
    spectra = [
        spectrum(f"lamost/other{n}", 0.0, 0.0, magnitude=14.0 + n / 20.0)
        for n in range(len(COMMON))
    ]
    made: dict[str, dict[str, np.ndarray]] = {}
    for one, profile in zip(spectra, COMMON, strict=True):
        made |= pixels(one.spectrum_id, profile)
    return partners(spectra, made, GRID)


def survey_at(name: str, separation: float, magnitude: float | None = None) -> Spectrum:
    return spectrum(f"lamost/{name}", 10.0 + separation * ARCSEC, 0.0, magnitude=magnitude)


def field_stars(n: int) -> list[Spectrum]:
    """Stars that are not near, so many that chance counts."""
    angles = np.linspace(0.0, 2 * np.pi, n, endpoint=False)
    places = zip(10.0 + np.cos(angles) / 8.0, np.sin(angles) / 8.0, strict=True)
    return [spectrum(f"lamost/field{k}", ra, dec) for k, (ra, dec) in enumerate(places)]


def judged(
    targets: list[Target],
    survey: list[Spectrum],
    profiles: dict[str, tuple[float, float]],
    unrelated: Partners,
    section: PairsSettings = SECTION,
) -> list[Judged]:
    fields = Fields(targets, radius_arcsec=30.0, field_arcmin=10.0)
    ra, dec = (np.array([getattr(one, name) for one in survey]) for name in ("ra", "dec"))
    fields.add(ra, dec, lambda rows: [survey[row] for row in rows])
    made: dict[str, dict[str, np.ndarray]] = {}
    for name, profile in profiles.items():
        made |= pixels(name, profile)
    return judge(fields.candidates(), made, unrelated, grid=GRID, section=section, named=targets)


TARGET = Target((spectrum("ccd700/a", 10.0, 0.0),), 10.0, 0.0)
CROWDED = field_stars(200)


def test_what_agrees_is_taken_though_another_is_nearer(unrelated: Partners) -> None:
    survey = [survey_at("wrong", 12.0, 15.0), survey_at("own", 22.0, 12.0), *CROWDED]
    profiles = {"ccd700/a": EMISSION, "lamost/wrong": SHALLOW, "lamost/own": EMISSION}
    wrong, own = judged([TARGET], survey, profiles, unrelated)
    assert (wrong.decision, own.decision) == (CHANCE, ACCEPTED)
    assert own.candidate.separation_rank == 2
    assert own.agreement == 1 / 101
    assert own.brightness == 1 / 101
    assert own.misfit is not None
    assert own.misfit < 2.0
    assert own.chance == pytest.approx(
        float(chance(own.candidate.near, own.candidate.within, 1 / 101, 1 / 101))
    )
    assert wrong.agreement > 0.05


def test_an_unrelated_star_of_a_crowded_field_is_not_taken(unrelated: Partners) -> None:
    # It agrees as the others do: absorption is what the survey is full of.
    survey = [survey_at("near", 9.0, 16.0), *CROWDED]
    profiles = {"ccd700/a": (0.2, 6.0), "lamost/near": (0.27, 6.5)}
    (one,) = judged([TARGET], survey, profiles, unrelated)
    assert one.decision == CHANCE
    assert one.agreement > 0.1


def test_in_an_empty_field_the_spectrum_decides(unrelated: Partners) -> None:
    survey = [survey_at("near", 9.0, 12.0)]
    other = {"ccd700/a": EMISSION, "lamost/near": SHALLOW}
    (unlike,) = judged([TARGET], survey, other, unrelated)
    assert unlike.decision == UNLIKE
    assert unlike.chance < 0.005
    (own,) = judged([TARGET], survey, {**other, "lamost/near": EMISSION}, unrelated)
    assert own.decision == ACCEPTED
    # Without pixels nobody knows.
    (unseen,) = judged([TARGET], survey, {}, unrelated)
    assert (unseen.decision, unseen.misfit, unseen.agreement) == (UNLIKE, None, 1.0)


def test_a_star_that_has_changed_is_known_by_its_name(unrelated: Partners) -> None:
    profiles = {"ccd700/a": EMISSION, "lamost/own": SHALLOW}
    survey = [survey_at("own", 9.0, 12.0)]
    for offset, expected in ((9.5, ACCEPTED), (5.0, UNLIKE)):
        named = replace(TARGET, resolved=Resolved("x", 10.0 + offset * ARCSEC, 0.0))
        (one,) = judged([named], survey, profiles, unrelated)
        assert one.decision == expected
        assert one.found_by(SECTION) == BY_NAME


def test_two_that_pass_are_not_told_apart(unrelated: Partners) -> None:
    survey = [survey_at("one", 5.0, 12.0), survey_at("two", -7.0, 12.0)]
    profiles = {"ccd700/a": EMISSION, "lamost/one": EMISSION, "lamost/two": EMISSION}
    found = judged([TARGET], survey, profiles, unrelated)
    assert [one.decision for one in found] == [AMBIGUOUS, AMBIGUOUS]


def test_unknown_magnitudes_make_chance_no_smaller(unrelated: Partners) -> None:
    profiles = {"ccd700/a": EMISSION, "lamost/own": EMISSION}
    survey = [survey_at("own", 10.0, None), *CROWDED]
    (unknown,) = judged([TARGET], survey, profiles, unrelated)
    assert unknown.brightness == 1.0
    nothing = replace(unrelated, magnitude=np.full(len(COMMON), np.nan))
    (untold,) = judged([TARGET], survey, profiles, nothing)
    assert untold.brightness == 1.0
    # Where no magnitudes are known at all, one combination less is possible.
    assert untold.chance < unknown.chance
    near = untold.candidate
    assert untold.chance == pytest.approx(float(chance(near.near, near.within, untold.agreement)))


def test_the_own_spectrum_is_no_unrelated_one(unrelated: Partners) -> None:
    own = survey_at("own", 4.0)
    drawn = partners([own], pixels("lamost/own", EMISSION), GRID)
    both = Partners(
        np.append(unrelated.names, drawn.names),
        np.vstack([unrelated.flux, drawn.flux]),
        np.append(unrelated.magnitude, np.nan),
    )
    profiles = {"ccd700/a": EMISSION, "lamost/own": EMISSION}
    found = [judged([TARGET], [own, *CROWDED], profiles, given)[0] for given in (unrelated, both)]
    assert found[0].agreement == found[1].agreement


def test_a_name_leads_where_positions_fail(unrelated: Partners) -> None:
    named = replace(TARGET, resolved=Resolved("x", 10.0 + 21.0 * ARCSEC, 0.0))
    profiles = {"ccd700/a": (0.2, 6.0), "lamost/own": (0.2, 6.0)}
    survey = [survey_at("own", 22.0, 15.0), *CROWDED]
    (without,) = judged([TARGET], survey, profiles, unrelated)
    (one,) = judged([named], survey, profiles, unrelated)
    assert (without.decision, one.decision) == (CHANCE, ACCEPTED)
    assert one.found_by(SECTION) == BY_NAME
    assert one.found_by(PairsSettings(max_chance=0.9)) == BY_POSITION


def test_a_name_that_stands_elsewhere_is_against_it(unrelated: Partners) -> None:
    profiles = {"ccd700/a": EMISSION, "lamost/own": EMISSION}
    survey = [survey_at("own", 5.0, 12.0)]
    for arcsec, expected in ((30.0, ACCEPTED), (40.0, UNLIKE), (7200.0, UNLIKE)):
        named = replace(TARGET, resolved=Resolved("x", 10.0 + arcsec * ARCSEC, 0.0))
        (one,) = judged([named], survey, profiles, unrelated)
        assert one.decision == expected


def test_two_names_cannot_both_be_one_star(unrelated: Partners) -> None:
    survey = [survey_at("own", 5.0, 12.0)]
    profiles = {"ccd700/a": EMISSION, "ccd700/b": EMISSION, "lamost/own": EMISSION}
    other = Target((spectrum("ccd700/b", 10.0, 9 * ARCSEC),), 10.0, 9 * ARCSEC)

    def decisions(*main_ids: str | None) -> list[str]:
        targets = [
            replace(target, resolved=Resolved(name, target.ra, target.dec) if name else None)
            for target, name in zip((TARGET, other), main_ids, strict=True)
        ]
        return [one.decision for one in judged(targets, survey, profiles, unrelated)]

    assert decisions("HD 1", "HD 2") == [ACCEPTED, AMBIGUOUS]
    # Two names of one star, or names of which nothing is known, are no contradiction.
    assert decisions("HD 1", "HD 1") == [ACCEPTED, ACCEPTED]
    assert decisions("HD 1", None) == [ACCEPTED, ACCEPTED]


def test_a_spectrum_of_no_pixels_is_nowhere_on_the_grid() -> None:
    empty = {"spectral_axis": [], "flux": [], "mask": []}
    assert np.isnan(on_grid(empty, GRID)).all()
    assert partners([spectrum("lamost/x", 0.0, 0.0)], {"lamost/x": empty}, GRID).flux.shape == (
        0,
        GRID.size,
    )
