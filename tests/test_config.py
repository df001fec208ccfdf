import tomllib
from pathlib import Path

import pytest

from vospec import config
from vospec.errors import ConfigurationError


def test_documented_defaults_are_the_defaults() -> None:
    assert config.parse(tomllib.loads(config.document()), "document") == config.Settings()


def test_values_are_read(tmp_path: Path) -> None:
    path = tmp_path / "vospec.toml"
    path.write_text('[survey]\nfolders = ["a", "b"]\n[learning]\nalpha = 0.5\ntol = 1\n')
    settings = config.load(path)
    assert settings.survey.folders == ("a", "b")
    assert settings.learning.alpha == 0.5
    assert settings.learning.tol == 1.0
    assert settings.store == config.StoreSettings()


def test_a_fitted_kernel_has_its_width(tmp_path: Path) -> None:
    path = tmp_path / "vospec.toml"
    path.write_text('[adaptation]\nkernel = "fitted"\nfwhm_angstrom = 3.4\n')
    adaptation = config.load(path).adaptation
    assert (adaptation.kernel, adaptation.fwhm_angstrom) == ("fitted", 3.4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[learning]\nn_neighbours = 3",
            "[learning]: unknown key n_neighbours; did you mean n_neighbors?",
        ),
        ("[surveys]", "unknown key surveys; did you mean survey?"),
        ("[learning]\nalpha = 1.0", "alpha = 1.0, expected a number, between 0 and 1"),
        ('[learning]\nn_neighbors = "ten"', "n_neighbors = 'ten', expected an integer, above 0"),
        ("[learning]\nn_neighbors = true", "n_neighbors = True, expected an integer"),
        ('[learning]\nmethods = ["kmeans"]', "expected a list of texts, at least one of"),
        ('[adaptation]\nkernel = "fitted"', "fwhm_angstrom = 0 with kernel = 'fitted', expected a"),
        ("[adaptation]\nfwhm_angstrom = -1", "fwhm_angstrom = -1.0, expected a number, 0 or more"),
        ("[adaptation]\nfwhm_angstrom = inf", "fwhm_angstrom = inf, expected a number, 0 or more"),
        ("[pairs]\nradius_arcsec = 0", "radius_arcsec = 0.0, expected a number, above 0, at most"),
        (
            "[verification]\nradius_arcsec = 200",
            "radius_arcsec = 200.0, expected a number, above 0, at most 180",
        ),
        ("[verification]\nservices = []", "expected a list of texts, at least one address"),
        ("[verification]\nwith_run = 1", "with_run = 1, expected true or false"),
        ('[survey]\nfolders = "a"', "folders = 'a', expected a list of texts"),
        ("survey = 3", "[survey] must be a table, not 3"),
        ("[survey", "this is not TOML"),
    ],
)
def test_wrong_settings_are_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "vospec.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        config.load(path)
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_a_written_key_leaves_all_else_alone(tmp_path: Path) -> None:
    path, link = tmp_path / "vospec.toml", tmp_path / "link.toml"
    path.write_text("# mine\n[grid]\nstop_angstrom = 6700.0  # why\n")
    path.chmod(0o640)
    link.symlink_to(path)
    config.write(link, "adaptation", kernel="fitted", fwhm_angstrom=3.4)
    assert path.read_text().startswith("# mine\n[grid]\nstop_angstrom = 6700.0  # why\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    settings = config.load(path)
    assert settings.adaptation == config.AdaptationSettings("fitted", fwhm_angstrom=3.4)
    assert settings.grid.stop_angstrom == 6700.0


def test_unsound_settings_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "vospec.toml"
    path.write_text("[grid]\n")
    with pytest.raises(ConfigurationError, match="kernel = 'gauss', expected text, one of"):
        config.write(path, "adaptation", kernel="gauss")
    assert path.read_text() == "[grid]\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"nowhere\.toml: the configuration cannot be read"
    ):
        config.load(tmp_path / "nowhere.toml")
