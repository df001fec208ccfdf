"""Stars of both archives, found by position in a store's table of spectra."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest
from pyarrow import parquet

from vospec import pairs
from vospec.columns import SPECTRA, Quality
from vospec.errors import PairError
from vospec.store import arrow_schema

ARCSEC = 1.0 / 3600.0


def row(name: str, role: str, ra: float | None, dec: float | None, **more: object) -> dict:
    rest = {
        "object": None,
        "mjd": 56000.0,
        "snr": None,
        "resolving_power": 1800.0,
        "quality": 0,
        "spectral_axis": [6500.0 + len(name), 6501.0, 6502.0],
        "flux": [1.0, 2.0, float(len(name))],
        "mask": [False, True, False],
    }
    return {"spectrum_id": name, "role": role, "ra": ra, "dec": dec, **rest, **more}


@pytest.fixture
def spectra(tmp_path: Path) -> pyarrow.dataset.Dataset:
    dec = 60.0
    # At this declination an arcsec of arc is two of right ascension.
    rows = [
        row("ccd700/a1", "training", 10.0, dec, object="HD 53416", mjd=55000.0),
        row("ccd700/a2", "training", 10.0 + 8 * ARCSEC, dec, object="HD 53416", mjd=56000.0),
        row("ccd700/b", "training", 359.9999, 0.0, object="BT  CMi"),
        row("ccd700/alone", "training", 100.0, -40.0, object="Vega"),
        row("ccd700/nowhere", "training", None, None, object="Lost"),
        row("lamost/near", "survey", 10.0 + 20 * ARCSEC, dec, snr=20.0, mjd=56100.0),
        row("lamost/again", "survey", 10.0 + 22 * ARCSEC, dec, snr=90.0, mjd=56200.0),
        row("lamost/farther", "survey", 10.0 - 40 * ARCSEC, dec, snr=200.0),
        row("lamost/across", "survey", 0.0001, 0.0, snr=5.0),
        row("lamost/bad", "survey", 0.0, 0.0, quality=int(Quality.NO_SIGNAL)),
        row("lamost/elsewhere", "survey", 100.0, 40.0),
    ]
    schema = arrow_schema(SPECTRA)
    for number, part in enumerate((rows[:6], rows[6:])):
        table = pa.Table.from_pylist(part, schema=schema)
        parquet.write_table(table, tmp_path / f"{number}.parquet", row_group_size=2)
    return pyarrow.dataset.dataset(tmp_path)


def identifiers(star: pairs.Star) -> tuple[list[str], list[str]]:
    return [s.spectrum_id for s in star.training], [s.spectrum_id for s in star.survey]


def test_nearest_place_and_all_that_was_observed_there(spectra: pyarrow.dataset.Dataset) -> None:
    found = pairs.stars(spectra, radius_arcsec=30.0)
    assert [identifiers(star) for star in found] == [
        (["ccd700/b"], ["lamost/across"]),
        (["ccd700/a1", "ccd700/a2"], ["lamost/again", "lamost/near"]),
    ]


def test_batches_do_not_matter(
    spectra: pyarrow.dataset.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pairs.stars(spectra, radius_arcsec=30.0)
    monkeypatch.setattr(pairs, "BATCH", 1)
    assert pairs.stars(spectra, radius_arcsec=30.0) == whole


def test_radius_is_an_angle_on_the_sky(spectra: pyarrow.dataset.Dataset) -> None:
    # a1 is 20 arcsec in right ascension, 10 on the sky, from its star; a2 six.
    assert len(pairs.stars(spectra, radius_arcsec=9.9)[-1].training) == 1
    assert len(pairs.stars(spectra, radius_arcsec=10.1)[-1].training) == 2
    assert pairs.stars(spectra, radius_arcsec=0.1) == []


def test_best_signal_and_nearest_time_make_the_pair(spectra: pyarrow.dataset.Dataset) -> None:
    training, survey = pairs.stars(spectra, radius_arcsec=30.0)[-1].best
    assert (training.spectrum_id, survey.spectrum_id) == ("ccd700/a2", "lamost/again")
    assert pairs.separation_arcsec(training, survey) == pytest.approx(7.0, abs=0.01)


@pytest.mark.parametrize("name", ["HD53416", "hd  53416", "HD 53416", "ccd700/a1", "lamost/near"])
def test_names_are_found_however_written(spectra: pyarrow.dataset.Dataset, name: str) -> None:
    star = pairs.named(pairs.stars(spectra, radius_arcsec=30.0), name)
    assert star.name == "HD 53416"


def test_an_identifier_asks_for_that_spectrum(spectra: pyarrow.dataset.Dataset) -> None:
    found = pairs.stars(spectra, radius_arcsec=30.0)
    for name, of in (("ccd700/a1", 0), ("lamost/near", 1)):
        assert pairs.named(found, name).best[of].spectrum_id == name


def test_an_unknown_name_is_told_with_the_known_ones(spectra: pyarrow.dataset.Dataset) -> None:
    found = pairs.stars(spectra, radius_arcsec=30.0)
    with pytest.raises(PairError, match=r"Vega: no pair of this name; .*: BT  CMi, HD 53416"):
        pairs.named(found, "Vega")
    with pytest.raises(PairError, match=r"stars in both archives: none"):
        pairs.named([], "Vega")


def test_pixels_are_those_of_the_spectrum(spectra: pyarrow.dataset.Dataset) -> None:
    names = {"ccd700/b", "lamost/again", "lamost/bad"}
    found = pairs.pixels(spectra, names)
    assert set(found) == names
    for name, pixels in found.items():
        np.testing.assert_array_equal(pixels["flux"], [1.0, 2.0, len(name)])
        np.testing.assert_array_equal(pixels["mask"], [False, True, False])
        assert pixels["spectral_axis"][0] == 6500.0 + len(name)
