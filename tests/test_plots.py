"""Figures: what they hold, where their spectra come from, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from tests.spectra.test_calibration import GRID, VELOCITIES
from tests.spectra.test_calibration import pairs as synthetic
from vospec import config, drawn, plots
from vospec.__main__ import main
from vospec.drawn import Drawn
from vospec.errors import OutputError, PairError
from vospec.spectra import kernel_fwhm
from vospec.spectra.comparison import Pair
from vospec.spectra.lines import HALPHA

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
TRAINING = DATA / "ccd700" / "ud210022.fits"
SURVEY = DATA / "lamost" / "dr1" / "spec-56351-GAC108N13V4_sp14-219.fits"


@pytest.fixture
def pair() -> Pair:
    return synthetic(1, kernel=3.6, noise=0.01, velocities=VELOCITIES)[0]


def both(pair: Pair) -> tuple[Drawn, Drawn]:
    return (
        Drawn("ccd700", "HD 1", 56000.0, 13000.0, None, pair.spectral_axis, pair.flux, pair.mask),
        Drawn(
            *("lamost", None, None, 1800.0, 25.4),
            *(pair.survey_axis, pair.survey_flux, pair.survey_mask),
        ),
    )


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """The figures that were saved."""
    saved: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *given: object, **named: object) -> None:
        saved.append(self)
        save(self, *given, **named)

    monkeypatch.setattr(Figure, "savefig", keep)
    return saved


def test_figure_of_a_pair_shows_what_was_compared(
    pair: Pair, tmp_path: Path, figures: list[Figure]
) -> None:
    found = plots.pair(tmp_path / "pair.png", *both(pair), fwhm=3.6, grid=GRID)
    above, beneath = figures[0].axes
    fine, survey, adapted = (line.get_ydata() for line in above.lines[:3])
    np.testing.assert_array_equal(fine, found.fine)
    np.testing.assert_array_equal(survey, found.survey)
    np.testing.assert_array_equal(adapted, found.adapted)
    difference = beneath.lines[1].get_ydata()
    near = np.abs(GRID - 6565.0) <= 25.0
    np.testing.assert_allclose(np.sqrt(np.mean(difference[near] ** 2)), found.after, rtol=0.02)
    assert found.velocity == pytest.approx(VELOCITIES[0], abs=10.0)
    assert found.after < 1.5 * found.noise < found.before
    texts = [text.get_text() for text in above.get_legend().get_texts()]
    assert texts[0].startswith("CCD700 2012-03-14, R = 13000, shifted by −1")
    assert texts[1] == "LAMOST of unknown date, R = 1800, S/N 25"
    assert f"RMS of the difference {found.after:.3f}, not adapted {found.before:.3f}" in texts[2]
    assert {text.get_text() for text in above.texts} == {"Hα 6564.6", "He I 6680.0"}
    assert beneath.get_xlabel() == "Wavelength in vacuum (Å)"
    assert above.get_title() == "HD 1"
    assert image.imread(tmp_path / "pair.png").shape == (1080, 1420, 4)


def test_masked_pixels_are_not_drawn(pair: Pair, tmp_path: Path, figures: list[Figure]) -> None:
    training, _ = both(pair)
    mask = np.abs(np.asarray(pair.spectral_axis) - HALPHA) < 2.0
    spoilt = Drawn("ccd700", None, None, 13000.0, None, pair.spectral_axis, pair.flux, mask)
    plots.spectrum(tmp_path / "one.svg", spoilt, title="HD 1")
    whole, zoom = figures[0].axes
    np.testing.assert_array_equal(np.isnan(whole.lines[0].get_ydata()), mask)
    assert zoom.get_xlim() == plots.ZOOM
    assert training.object == whole.get_title()


def test_what_cannot_be_drawn_is_told(pair: Pair, tmp_path: Path) -> None:
    training, survey = both(pair)
    with pytest.raises(OutputError, match=r"nowhere.pair\.png: the figure cannot be written"):
        plots.pair(tmp_path / "nowhere" / "pair.png", training, survey, fwhm=3.6, grid=GRID)
    with pytest.raises(OutputError, match=r"pair\.xyz: the figure cannot be written"):
        plots.pair(tmp_path / "pair.xyz", training, survey, fwhm=3.6, grid=GRID)
    hidden = Drawn(
        *("lamost", None, None, 1800.0, None),
        *(pair.survey_axis, pair.survey_flux, np.ones_like(np.asarray(pair.survey_mask))),
    )
    with pytest.raises(PairError, match="HD 1: the spectra cannot be compared: no good element"):
        plots.pair(tmp_path / "pair.png", training, hidden, fwhm=3.6, grid=GRID)


def test_kernel_is_that_of_the_settings(pair: Pair) -> None:
    settings = config.AdaptationSettings
    widths = [
        drawn.kernel_width(section, *both(pair))
        for section in (settings("fitted", fwhm_angstrom=3.1), settings("paper"), settings())
    ]
    by_power = kernel_fwhm(HALPHA, resolving_power=13000.0, target_resolving_power=1800.0)
    assert widths == pytest.approx([3.1, 5 * 0.2568, float(by_power)], rel=1e-3)


def test_what_scores_are_worth_is_drawn_where_there_are_spectra(
    tmp_path: Path, figures: list[Figure]
) -> None:
    bins = [
        {"n": 4, "predicted": 0.2, "observed": 0.25},
        {"n": 0, "predicted": None, "observed": None},
        {"n": 6, "predicted": 0.8, "observed": 1.0},
    ]
    known = {"expected_precision": 0.5, "expected_precision_error": 0.125, "expected_recall": 0.75}
    none = dict.fromkeys(known)
    thresholds = [{"threshold": 0.5, "n": 3} | known, {"threshold": 0.9, "n": 0} | none]
    plots.worth(tmp_path / "worth.png", {"label_spreading": (bins, thresholds)})
    left, right = figures[0].axes
    held = left.containers[0]
    np.testing.assert_array_equal(held[0].get_xydata(), [[0.2, 0.25], [0.8, 1.0]])
    assert held.get_label() == "label spreading, 10 spectra"
    precision, recall = (line.get_xydata().tolist() for line in right.lines)
    assert (precision, recall) == ([[0.5, 0.5]], [[0.5, 0.75]])
    band = right.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.375, 0.625)


@pytest.fixture
def files() -> tuple[str, str]:
    if not TRAINING.is_file():
        pytest.skip("spectra of the archives are not at hand")
    return str(TRAINING), str(SURVEY)


def test_two_files_make_a_figure_in_either_order(
    files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: list[Figure]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plot", "pair", *files]) == 0
    assert main(["plot", "pair", *files[::-1], "--output", "turned.png"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pair-HD53416.png", "turned.png"]
    one, other = (figure.axes[0].lines[2].get_ydata() for figure in figures)
    np.testing.assert_array_equal(one, other)
    # The emission is there, smeared, and no more the two peaks of 2.2.
    assert 1.8 < np.nanmax(one) < 2.0


def test_files_of_one_resolving_power_are_no_pair(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", "pair", files[1], files[1]]) == 1
    assert "expected two resolving powers, found 1800 in both" in capsys.readouterr().err


def test_a_file_is_drawn_without_settings(
    files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plot", "spectrum", files[0]]) == 0
    assert image.imread(tmp_path / "spectrum-ud210022.png").shape == (1080, 1420, 4)
