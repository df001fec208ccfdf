"""The files of a simulated set: the same whenever and however often they are written."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from vospec.archives import read, read_labels, simulated
from vospec.archives.simulated import mixture, observations
from vospec.columns import CLASSES, Quality
from vospec.errors import SimulationError

N_SURVEY, N_TRAINING = 64, 40
TOTAL = N_SURVEY + N_TRAINING


def simulate(folder: Path, **given: int) -> None:
    simulated.simulate(
        folder, **{"n_survey": N_SURVEY, "n_training": N_TRAINING, "seed": 5, **given}
    )


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "set"
    simulate(folder)
    return folder


@pytest.fixture(scope="module")
def truth(made: Path) -> list[dict[str, str]]:
    with (made / "truth.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def spectra(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if ".fits" in path.name)


def test_same_seed_same_bytes(made: Path, tmp_path: Path) -> None:
    simulate(tmp_path)
    assert contents(tmp_path) == contents(made)


def test_other_seed_other_bytes(made: Path, tmp_path: Path) -> None:
    simulate(tmp_path, seed=6)
    one, other = contents(tmp_path / "training"), contents(made / "training")
    assert all(one[name] != other[name] for name in one if name.endswith(".fits"))


class Killed(BaseException):
    """As a signal would come."""


def test_killed_half_way_it_is_carried_on(made: Path, tmp_path: Path) -> None:
    def kill(done: int, total: int) -> None:
        assert total == TOTAL
        if done == TOTAL // 2:
            raise Killed

    with pytest.raises(Killed):
        simulated.simulate(
            tmp_path, n_survey=N_SURVEY, n_training=N_TRAINING, seed=5, progress=kill
        )
    assert not json.loads((tmp_path / simulated.MANIFEST).read_text())["complete"]
    before = {path: path.stat().st_mtime_ns for path in spectra(tmp_path)}
    assert len(before) == TOTAL // 2
    simulate(tmp_path)
    assert contents(tmp_path) == contents(made)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_killed_while_writing_a_file_leaves_no_half_of_it(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def write_half(path: Path, content: bytes) -> int:
        if "SIM000009" in path.name:
            write(path, content[: len(content) // 2])
            raise Killed
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_half)
        with pytest.raises(Killed):
            simulate(tmp_path)
    simulate(tmp_path)
    assert contents(tmp_path) == contents(made)


def test_complete_set_is_left_alone(made: Path) -> None:
    def never(done: int, total: int) -> None:
        pytest.fail(f"wrote {done} of {total}")

    simulated.simulate(made, n_survey=N_SURVEY, n_training=N_TRAINING, seed=5, progress=never)
    assert json.loads((made / simulated.MANIFEST).read_text())["complete"]


@pytest.mark.parametrize("given", [{"seed": 7}, {"n_survey": 65}, {"n_training": 0}])
def test_other_parameters_are_refused(made: Path, given: dict[str, int]) -> None:
    with pytest.raises(SimulationError, match=r"set: holds a simulation with .*'seed': 5"):
        simulate(made, **given)


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("do not touch")
    with pytest.raises(SimulationError, match="expected an empty folder"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_negative_numbers_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        simulate(tmp_path, n_survey=-1)


def test_progress_counts_every_file(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    simulated.simulate(
        tmp_path,
        n_survey=3,
        n_training=2,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(number, 5) for number in range(1, 6)]


def test_files_are_valid_fits(made: Path) -> None:
    for path in spectra(made):
        with fits.open(path) as hdus:
            for hdu in hdus:
                # Only the stray NAXIS1 and NAXIS2 of the tables' primary are against the
                # standard, as in the real files.
                if not (path.name.endswith(".gz") and hdu is hdus[0]):
                    hdu.verify("exception")


def test_every_file_is_read_and_has_a_truth(made: Path, truth: list[dict[str, str]]) -> None:
    kinds = {row["spectrum_id"]: row["kind"] for row in truth}
    read_all = {spectrum.spectrum_id: spectrum for spectrum in map(read, spectra(made))}
    assert read_all.keys() == kinds.keys()
    assert len(truth) == TOTAL
    for name, spectrum in read_all.items():
        expected = Quality.NO_SIGNAL if kinds[name] == "no_signal" else Quality(0)
        assert spectrum.quality == expected, name
        assert np.isfinite(spectrum.flux).all(), name


def test_survey_has_every_layout(made: Path) -> None:
    releases = Counter(read(path).release for path in spectra(made / "survey"))
    assert releases.keys() == {"dr1", "dr3", "dr7", "dr9"}
    magic = {path.name: path.read_bytes()[:2] for path in spectra(made / "survey")}
    packed = {name for name, start in magic.items() if start == b"\x1f\x8b"}
    assert any(name.endswith(".fits") for name in packed)
    assert all(name in packed for name in magic if name.endswith(".gz"))


def test_layouts_hold_what_the_real_ones_hold(made: Path) -> None:
    for path in spectra(made / "survey"):
        with fits.open(path) as hdus:
            release, header = path.parent.name, hdus[0].header
            assert ("DATA_V" in header) == ("OBSID" in header) == (release != "dr1")
            assert ("SN_R" in header) == (release == "dr1")
            if release == "dr9":
                assert header["NAXIS"] == 0
                assert hdus["COADD"].columns.names[2] == "WAVELENGTH"
                third = hdus["COADD"].data["WAVELENGTH"][0]
            else:
                third = hdus[0].data[2]
            wavelength = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(third.size))
            assert np.allclose(third, wavelength) == (release != "dr1")


def test_headers_agree_with_the_truth(made: Path, truth: list[dict[str, str]]) -> None:
    snr = {row["spectrum_id"]: float(row["snr"]) for row in truth}
    for path in spectra(made / "survey"):
        spectrum = read(path)
        assert spectrum.snr == pytest.approx(snr[spectrum.spectrum_id], abs=0.06)
        assert spectrum.mjd is not None
        assert 0.3 < spectrum.mjd - (int(path.name.split("-")[1]) - 1) < 1.1


def test_every_spectrum_is_observed_on_its_own() -> None:
    planned = [observations.lamost(index, 3) for index in range(2000)]
    planned += [observations.ccd700(index, 3) for index in range(200)]
    assert len({one.spectrum_id for one in planned}) == 2200
    assert len({(one.ra, one.dec) for one in planned}) == 2200
    assert all(0.0 <= one.ra < 360.0 and -90.0 <= one.dec <= 90.0 for one in planned)
    # Quantiles of the public files (6, 27, 55, 83, 210 at 0.02, 0.25, 0.5, 0.75, 0.98).
    quartiles = np.quantile([one.snr for one in planned[:2000]], [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quartiles, [26.6, 55.0, 83.0], rtol=0.1)


def test_labels_are_the_truth(made: Path, truth: list[dict[str, str]]) -> None:
    classes = {row["spectrum_id"]: row["class"] for row in truth}
    labels = dict(read_labels(made / "training" / "labels.csv"))
    training = [read(path) for path in spectra(made / "training")]
    assert len(training) == len(labels) == N_TRAINING
    assert {spectrum.release for spectrum in training} == {"vo", "native"}
    for spectrum in training:
        assert spectrum.archive_id is not None
        assert labels[spectrum.archive_id] == classes[spectrum.spectrum_id]


def test_training_covers_the_common_grid(made: Path) -> None:
    for path in spectra(made / "training"):
        axis = read(path).spectral_axis
        assert axis[0] < 6290.0 - 2.0
        assert axis[-1] > 6725.0 + 2.0


@pytest.mark.parametrize("kinds", [mixture.SURVEY, mixture.TRAINING])
def test_shares_make_a_whole(kinds: tuple[mixture.Kind, ...]) -> None:
    assert sum(kind.share for kind in kinds) == pytest.approx(1.0, abs=1e-9)
    assert {kind.class_ for kind in kinds} <= set(CLASSES)


@pytest.mark.parametrize("n", [0, 1, 100, 5000])
def test_kinds_are_allotted_exactly(n: int) -> None:
    order = mixture.allot(mixture.SURVEY, n, np.random.SeedSequence(1))
    counts = np.bincount(order, minlength=len(mixture.SURVEY))
    assert counts.sum() == n
    shares = np.array([kind.share for kind in mixture.SURVEY])
    assert np.all(np.abs(counts - n * shares) < 1.0)


def test_training_has_the_proportions_of_the_published_list() -> None:
    published = {"emission": 5301, "absorption": 6102, "double_peak": 1533}
    shares: Counter[str] = Counter()
    for kind in mixture.TRAINING:
        shares[kind.class_] += kind.share
    for name, count in published.items():
        assert shares[name] == pytest.approx(count / sum(published.values()), abs=0.001)
