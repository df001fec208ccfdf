import numpy as np
import pytest
from astropy import units
from specutils.utils.wcs_utils import refraction_index

from vospec.spectra import air_to_vacuum, vacuum_to_air

# Na I D2, D1 and Ca II K, H as listed in vacuum and in air by Morton (2003, ApJS 149, 205).
MORTON = {
    5891.5833: 5889.9510,
    5897.5581: 5895.9242,
    3934.7750: 3933.6614,
    3969.5901: 3968.4673,
}
# Hα and [N II] as the SDSS gives them ("Vacuum wavelengths", DR7), by an older formula.
SDSS = {6564.614: 6562.801, 6585.27: 6583.45}
OPTICAL = np.linspace(3000.0, 10000.0, 701)


@pytest.mark.parametrize(("vacuum", "air"), MORTON.items())
def test_published_lines_of_morton(vacuum: float, air: float) -> None:
    assert vacuum_to_air(vacuum) == pytest.approx(air, abs=1.5e-4)
    assert air_to_vacuum(air) == pytest.approx(vacuum, abs=1.5e-4)


@pytest.mark.parametrize(("vacuum", "air"), SDSS.items())
def test_published_lines_of_sdss(vacuum: float, air: float) -> None:
    assert vacuum_to_air(vacuum) == pytest.approx(air, abs=2e-3)


def test_equals_specutils_with_the_same_formula() -> None:
    expected = OPTICAL / refraction_index(OPTICAL * units.AA, method="Morton2000")
    np.testing.assert_allclose(vacuum_to_air(OPTICAL), expected, rtol=1e-14)


# Fits of other measurements: what they differ by is told in the module, in Å.
@pytest.mark.parametrize(
    ("method", "most", "at_halpha"),
    [("Ciddor1996", 3e-5, 0.7e-5), ("Edlen1953", 2e-4, 1.0e-4), ("PeckReeder1972", 2e-4, 1.0e-4)],
)
def test_is_near_independent_formulae(method: str, most: float, at_halpha: float) -> None:
    axis = np.append(np.linspace(3700.0, 9100.0, 541), 6564.614)
    difference = axis / refraction_index(axis * units.AA, method=method) - vacuum_to_air(axis)
    assert np.abs(difference).max() < most
    assert difference[-1] == pytest.approx(at_halpha, abs=0.05 * most)


def test_inverse_is_that_of_vald() -> None:
    # N. Piskunov's fit of the inverse, as the VALD wiki gives it.
    s2 = (1e4 / OPTICAL) ** 2
    refraction = (
        1.0
        + 8.336624212083e-5
        + 2.408926869968e-2 / (130.1065924522 - s2)
        + 1.599740894897e-4 / (38.92568793293 - s2)
    )
    np.testing.assert_allclose(air_to_vacuum(OPTICAL), OPTICAL * refraction, atol=1e-6, rtol=0)


def test_are_inverse_to_each_other() -> None:
    wavelengths = np.geomspace(2000.0, 100_000.0, 1000).reshape(10, 100)
    np.testing.assert_allclose(
        air_to_vacuum(vacuum_to_air(wavelengths)), wavelengths, atol=1e-9, rtol=0
    )
    np.testing.assert_allclose(
        vacuum_to_air(air_to_vacuum(wavelengths)), wavelengths, atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("wavelength", [656.3, -1.0, np.nan])
def test_other_units_are_refused(wavelength: float) -> None:
    with pytest.raises(ValueError, match="2000 Å"):
        vacuum_to_air([6564.6, wavelength])
