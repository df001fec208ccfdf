"""Spectra of either part of the archives are found by SSA, as delivered and rectified."""

import pytest
import pyvo
import requests

from tests.publication import samples
from tests.service.conftest import SERVICE

pytestmark = SERVICE

DELIVERED, RECTIFIED = "delivered", "rectified"
SURVEYED = [*samples.SURVEY, samples.ODD, samples.NOWHERE]

Key = tuple[str, str]
Found = dict[Key, pyvo.dal.ssa.SSARecord]


@pytest.fixture(scope="module")
def survey(url: str, session: requests.Session) -> pyvo.dal.SSAService:
    """The service of the survey."""
    return pyvo.dal.SSAService(f"{url}/vospec/q/ssa/ssap.xml?", session=session)


@pytest.fixture(scope="module")
def training(url: str, session: requests.Session) -> pyvo.dal.SSAService:
    """The service of the training archive."""
    return pyvo.dal.SSAService(f"{url}/vospec/q/training/ssap.xml?", session=session)


@pytest.fixture(scope="module")
def found(survey: pyvo.dal.SSAService, training: pyvo.dal.SSAService) -> Found:
    """Everything that both have."""
    return _asked(survey) | _asked(training)


def _asked(service: pyvo.dal.SSAService, **parameters: object) -> Found:
    records = service.search(**{"format": None} | parameters)
    return {(record["spectrum_id"], record["processing"]): record for record in records}


def _both(spectrum_ids: list[str]) -> set[Key]:
    return {(name, kind) for name in spectrum_ids for kind in (DELIVERED, RECTIFIED)}


def test_each_part_has_a_service(
    survey: pyvo.dal.SSAService, training: pyvo.dal.SSAService
) -> None:
    assert set(_asked(survey)) == _both(SURVEYED)
    assert set(_asked(training)) == _both([samples.TRAINING])


def test_parts_tell_what_they_are(found: Found) -> None:
    assert found[samples.SURVEY[0], DELIVERED]["ssa_datasource"] == "survey"
    assert found[samples.TRAINING, DELIVERED]["ssa_datasource"] == "pointed"
    assert found[samples.SURVEY[0], DELIVERED]["ssa_creationtype"] == "archival"
    assert found[samples.SURVEY[0], RECTIFIED]["ssa_creationtype"] == "filtered"


@pytest.mark.parametrize(
    ("service", "title", "source"),
    [("ssa", "survey spectra", "survey"), ("training", "training spectra", "pointed")],
)
def test_each_service_is_described_by_itself(
    url: str, session: requests.Session, service: str, title: str, source: str
) -> None:
    answer = session.get(f"{url}/vospec/q/{service}/capabilities", timeout=60).text
    assert f"<dataSource>{source}</dataSource>" in answer
    assert "<creationType>archival</creationType>" in answer
    assert "<complianceLevel>full</complianceLevel>" in answer
    about = session.get(f"{url}/vospec/q/{service}/info", timeout=60).text
    assert f"vospec SSA: {title}" in about


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[3], samples.TRAINING])
def test_delivered_spectrum_is_as_its_archive_has_it(found: Found, spectrum_id: str) -> None:
    record, axis = found[spectrum_id, DELIVERED], samples.axis(spectrum_id)
    assert record["ssa_specstart"] == pytest.approx(axis[0] * 1e-10)
    assert record["ssa_specend"] == pytest.approx(axis[-1] * 1e-10)
    assert record["ssa_specmid"] == pytest.approx((axis[0] + axis[-1]) / 2 * 1e-10)
    assert record["ssa_specext"] == pytest.approx((axis[-1] - axis[0]) * 1e-10)
    assert record["ssa_length"] == axis.size
    assert record["ssa_snr"] == 50.5 + samples.USABLE.index(spectrum_id)
    power = 13000 if spectrum_id == samples.TRAINING else 1800
    assert record["ssa_specres"] == pytest.approx(6564.6e-10 / power)
    assert record["ssa_fluxcalib"] == (
        "NORMALIZED" if spectrum_id == samples.TRAINING else "RELATIVE"
    )
    assert record["ssa_fluxunit"] == "ct"
    assert record["ssa_fluxucd"] == "phot.flux.density;em.wl"


@pytest.mark.parametrize("spectrum_id", [samples.SURVEY[3], samples.TRAINING])
def test_rectified_spectrum_is_as_the_learning_sees_it(found: Found, spectrum_id: str) -> None:
    record, axis = found[spectrum_id, RECTIFIED], samples.GRID_WAVELENGTHS
    assert record["ssa_specstart"] == pytest.approx(axis[0] * 1e-10)
    assert record["ssa_specend"] == pytest.approx(axis[-1] * 1e-10)
    assert record["ssa_length"] == axis.size
    # One over the noise of the continuum.
    assert record["ssa_snr"] == pytest.approx(100)
    assert record["ssa_fluxStatError"] == pytest.approx(0.01)
    # Training spectra are brought to the survey's resolution.
    assert record["ssa_specres"] == pytest.approx(6564.6e-10 / 1800)
    assert record["resolving_power"] == 1800
    assert record["ssa_fluxcalib"] == "NORMALIZED"
    assert record["ssa_fluxunit"] == ""
    assert record["ssa_fluxucd"] == "phot.flux.density;em.wl;arith.ratio"


@pytest.mark.parametrize("kind", [DELIVERED, RECTIFIED])
def test_both_are_of_one_observation(found: Found, kind: str) -> None:
    record = found[samples.SURVEY[3], kind]
    assert record["location_ra"] == pytest.approx(samples.RA + 0.3, abs=1e-9)
    assert record["location_dec"] == pytest.approx(samples.DEC, abs=1e-9)
    assert record["ssa_dateObs"] == 56003.5
    assert record["ssa_timeExt"] == 1728
    assert record["ssa_targname"] == "Star spec-3"
    assert record["ssa_targclass"] == "STAR"
    assert record["ssa_redshift"] == pytest.approx(-1e-4)
    assert record["ssa_collection"] == "lamost"
    assert record["ssa_cversion"] == "dr1"
    # A fibre of 3.3 arcsec.
    assert record["ssa_aperture"] == pytest.approx(3.3 / 3600)
    assert record["ssa_spectralucd"] == "em.wl"
    assert record["ssa_spectralunit"] == "Angstrom"
    assert record["ssa_speccalib"] == "ABSOLUTE"


def test_the_frame_is_declared(survey: pyvo.dal.SSAService) -> None:
    parameters = {
        parameter.name: parameter.value
        for parameter in survey.search(format=None).votable.iter_fields_and_params()
        if hasattr(parameter, "value")
    }
    assert parameters["ssa_refpos"] == "HELIOCENTER"


def test_every_dataset_has_an_identifier(found: Found) -> None:
    assert found[samples.TRAINING, DELIVERED]["ssa_creatorDID"] == (
        "ivo://asu.cas.cz/stel/ccd700/ua280060"
    )
    assert found[samples.TRAINING, RECTIFIED]["ssa_creatorDID"] == ""
    assert found[samples.SURVEY[0], DELIVERED]["ssa_creatorDID"] == ""
    identifiers = {record["ssa_pubDID"] for record in found.values()}
    assert len(identifiers) == 2 * len(samples.USABLE)
    prefix = "ivo://x-vospec/~?vospec/q/"
    assert found[samples.SURVEY[0], DELIVERED]["ssa_pubDID"] == f"{prefix}{samples.SURVEY[0]}"
    assert found[samples.SURVEY[0], RECTIFIED]["ssa_pubDID"] == (
        f"{prefix}rectified/{samples.SURVEY[0]}"
    )


def test_positions_are_searched(survey: pyvo.dal.SSAService) -> None:
    place = (samples.RA, samples.DEC)
    assert set(_asked(survey, pos=place, diameter=0.3)) == _both(samples.SURVEY[:2])
    # Without a size, or with none, what a fibre there sees.
    assert set(_asked(survey, pos=place)) == _both(samples.SURVEY[:1])
    assert set(_asked(survey, pos=place, diameter=0)) == _both(samples.SURVEY[:1])
    assert set(_asked(survey, POS=f"{samples.RA},{samples.DEC};ICRS")) == _both(samples.SURVEY[:1])


def test_bands_are_searched(survey: pyvo.dal.SSAService) -> None:
    blue = _asked(survey, band=(4e-7, 4.1e-7))
    assert set(blue) == {(name, DELIVERED) for name in SURVEYED}
    assert set(_asked(survey, BAND="6.5646e-7")) == _both(SURVEYED)
    assert _asked(survey, BAND="/3e-7") == {}


def test_calibrations_are_searched(
    survey: pyvo.dal.SSAService, training: pyvo.dal.SSAService
) -> None:
    assert {kind for _, kind in _asked(survey, FLUXCALIB="NORMALIZED")} == {RECTIFIED}
    assert {kind for _, kind in _asked(survey, FLUXCALIB="relative")} == {DELIVERED}
    assert len(_asked(survey, FLUXCALIB="any")) == 2 * len(SURVEYED)
    assert _asked(survey, FLUXCALIB="ABSOLUTE") == {}
    assert set(_asked(training, FLUXCALIB="NORMALIZED")) == _both([samples.TRAINING])


def test_times_and_names_are_searched(survey: pyvo.dal.SSAService) -> None:
    # MJD 56003 is 2012-03-17.
    assert set(_asked(survey, TIME="2012-03-17/2012-03-18")) == _both([samples.SURVEY[3]])
    assert set(_asked(survey, TARGETNAME="star SPEC-3")) == _both([samples.SURVEY[3]])
    assert _asked(survey, TARGETNAME="Star") == {}


def test_collections_and_identifiers_are_searched(survey: pyvo.dal.SSAService) -> None:
    assert len(_asked(survey, COLLECTION="lamost")) == 2 * len(SURVEYED)
    assert _asked(survey, COLLECTION="ccd700") == {}
    did = f"ivo://x-vospec/~?vospec/q/rectified/{samples.SURVEY[5]}"
    assert set(_asked(survey, PUBDID=did)) == {(samples.SURVEY[5], RECTIFIED)}


def test_numbers_are_searched(survey: pyvo.dal.SSAService) -> None:
    # The rectified have 100.
    assert set(_asked(survey, SNR="62.5/99")) == {
        (name, DELIVERED) for name in [samples.ODD, samples.NOWHERE]
    }
    assert len(_asked(survey, SPECRP="1000")) == 2 * len(SURVEYED)
    assert _asked(survey, APERTURE="0.1/") == {}


@pytest.mark.parametrize("format_", ["all", "", "compliant", "fits", "native", "application/fits"])
def test_files_are_of_this_format(survey: pyvo.dal.SSAService, format_: str) -> None:
    place = (samples.RA, samples.DEC)
    records = _asked(survey, pos=place, format=format_)
    assert set(records) == _both(samples.SURVEY[:1])
    assert {record["mime"] for record in records.values()} == {"application/fits"}


@pytest.mark.parametrize("format_", ["votable", "graphic", "xml", "image/png"])
def test_files_are_of_no_other_format(survey: pyvo.dal.SSAService, format_: str) -> None:
    assert _asked(survey, format=format_) == {}


def test_metadata_are_told_without_rows(url: str, session: requests.Session) -> None:
    address = f"{url}/vospec/q/ssa/ssap.xml?REQUEST=queryData&FORMAT=METADATA"
    answer = session.get(address, timeout=60).text
    assert "<TR>" not in answer
    for name in ("POS", "SIZE", "BAND", "TIME", "FORMAT", "FLUXCALIB", "COLLECTION"):
        assert f'name="INPUT:{name}"' in answer


def test_a_cut_answer_tells_it(survey: pyvo.dal.SSAService) -> None:
    whole, cut = survey.search(format=None), None
    with pytest.warns(pyvo.dal.exceptions.DALOverflowWarning):
        cut = survey.search(format=None, maxrec=5)
    assert whole.status[0] == "OK"
    assert cut.status[0] == "OVERFLOW"
    assert len(cut) == 5


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"POS": "here,there"}, "POS"),
        ({"POS": "119,3;GALACTIC"}, "GALACTIC"),
        ({"POS": "119,3", "SIZE": "-1"}, "SIZE"),
        ({"TIME": "yesterday"}, "TIME"),
        ({"MAXREC": "many"}, "maxrec"),
        ({"REQUEST": "getDate"}, "REQUEST"),
    ],
)
def test_a_wrong_question_is_told(
    survey: pyvo.dal.SSAService, parameters: dict[str, str], told: str
) -> None:
    with pytest.raises(pyvo.dal.DALQueryError, match=told):
        survey.search(**{"format": None} | parameters)
