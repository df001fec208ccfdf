"""Every query that is documented runs, and tells what it promises."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import pyvo
from astropy.table import Table

from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = SERVICE

_RESDIR = Path(__file__).parents[2] / "resdir"


def _examples() -> dict[str, str]:
    """The examples of the TAP service, by title."""
    root = ET.parse(_RESDIR / "userconfig.rd").getroot()  # noqa: S314 - our own file
    return {
        meta.attrib["title"]: " ".join((meta.text or "").partition(".. tapquery::")[2].split())
        for meta in root.iter("meta")
    }


def _described() -> dict[str, str]:
    """The queries in the description of the resource, each by its first words."""
    root = ET.parse(_RESDIR / "q.rd").getroot()  # noqa: S314 - our own file
    text = root.findtext("meta[@name='_longdoc']") or ""
    found = re.findall(r"^ {6}(SELECT.*?)\n\n", text, flags=re.MULTILINE | re.DOTALL)
    return {" ".join(query.split())[:70]: " ".join(query.split()) for query in found}


QUERIES = _examples() | _described()


def _ask(tap: pyvo.dal.TAPService, query: str) -> pyvo.dal.TAPResults:
    stars = Table({"name": ["third", "none"], "ra": [samples.RA + 0.2, 10.0], "dec": [3.0, -80.0]})
    uploads = {"stars": stars} if "TAP_UPLOAD" in query else None
    return tap.search(query, uploads=uploads)


def test_enough_queries_are_documented() -> None:
    assert len(_examples()) == 20
    assert len(_described()) == 9
    assert all(query.startswith("SELECT") for query in QUERIES.values())


@pytest.mark.parametrize("name", QUERIES)
def test_documented_query_gives_rows(tap: pyvo.dal.TAPService, name: str) -> None:
    assert len(_ask(tap, QUERIES[name])) > 0


def test_the_service_offers_the_examples(tap: pyvo.dal.TAPService) -> None:
    offered = [" ".join(example["QUERY"].split()) for example in tap.examples]
    assert offered == list(_examples().values())


@pytest.mark.parametrize(
    ("title", "column", "expected"),
    [
        ("Best candidates that SIMBAD does not know", "rank", [2]),
        ("Double peaks wider than 200 km/s", "peak_separation", [211, 209, 207, 205, 203]),
        ("Candidates among your own stars", "spectrum_id", samples.SURVEY[2:3]),
        ("Candidates by SIMBAD's verdict", "n", [1, 8, 1, 2]),
        ("What changed since the run before", "previous_rank", range(1, 6)),
        ("Spectra like this one", "neighbour_id", [samples.SURVEY[-1], samples.SURVEY[1]]),
        ("One star in both archives", "days", [-10]),
        (
            "Stars of which SIMBAD has told different things",
            "verdict",
            ["not_in_simbad", "known_emission_star", "known_emission_star", "service_failed"],
        ),
        ("How a verdict came about", "rank", [1, 3]),
        ("Where two runs disagree", "other_score", [0.5, 0.25]),
        ("Strong emission near Hα, in all spectra", "peak_height", range(15, 0, -1)),
        ("How many spectra of which archive are usable", "n", [1, 13, 1, 1]),
    ],
)
def test_example_tells(
    tap: pyvo.dal.TAPService, title: str, column: str, expected: list[object]
) -> None:
    found = list(_ask(tap, _examples()[title])[column])
    if "ORDER BY" in _examples()[title]:
        assert found == list(expected)
    else:
        assert sorted(found) == sorted(expected)  # type: ignore[type-var]


def test_mean_profile_is_the_mean(tap: pyvo.dal.TAPService) -> None:
    (row,) = _ask(tap, _examples()["Mean profile of each class"])
    (features,) = samples.features()
    flux = {one["spectrum_id"]: one["flux"] for one in features.to_pylist()}
    assert (row["class"], row["n"]) == ("emission", 1)
    assert np.allclose(row["profile"], flux[samples.TRAINING], rtol=1e-6)


def test_profile_stands_beside_its_wavelengths(tap: pyvo.dal.TAPService) -> None:
    found = _ask(tap, _examples()["The line of one spectrum, to plot"])
    (features,) = samples.features()
    near = (samples.GRID_WAVELENGTHS >= 6540) & (samples.GRID_WAVELENGTHS <= 6590)
    (flux,) = [
        np.array(one["flux"])[near]
        for one in features.to_pylist()
        if one["spectrum_id"] == samples.SURVEY[0]
    ]
    assert np.allclose(found["wavelength"], samples.GRID_WAVELENGTHS[near], rtol=1e-12)
    assert np.allclose(found["flux"], flux, rtol=1e-6)
