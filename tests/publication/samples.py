"""A small publication whose every value is known: what the tables must hold."""

import gzip
import io
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits

from vospec.columns import (
    CANDIDATES,
    CLASSES,
    FAILED,
    FEATURES,
    FOUND,
    GRID,
    LABEL,
    LABELS,
    NEIGHBOUR,
    NEIGHBOURS,
    NOTHING,
    OBJECT_TYPES,
    PAIRS,
    RELIABILITY,
    RUNS,
    SCORES,
    SIMBAD,
    SPECTRA,
    THRESHOLDS,
    VERDICT_RULES,
    LineFlag,
    Quality,
    Table,
    Verdict,
)
from vospec.config import GridSettings
from vospec.publication import Content
from vospec.spectra.grid import log_grid
from vospec.spectra.wavelengths import vacuum_to_air
from vospec.store import arrow_schema
from vospec.verification import verdicts

H_ALPHA = 6564.61
GRID_WAVELENGTHS = log_grid(GridSettings().start_angstrom, GridSettings().stop_angstrom)

#: A survey spectrum with a name that must be escaped in addresses.
ODD = "lamost/dr1/odd name+50%"
#: A file that could not be read.
UNREADABLE = "lamost/dr1/damaged"
#: A training spectrum, which has no inverse variance.
TRAINING = "ccd700/vo/ua280060"
#: A survey spectrum without a position and a time.
NOWHERE = "lamost/dr9/nowhere"
SURVEY = [f"lamost/dr1/spec-{number}" for number in range(12)]
USABLE = [*SURVEY, ODD, NOWHERE, TRAINING]
#: The one of which the file is packed.
PACKED = SURVEY[1]

#: Where the files would lie; tests that need them write them, see `write_originals`.
FOLDER = Path(tempfile.gettempdir(), f"vospec-originals-{os.getpid()}")

#: Where the survey's spectra lie: one every 0.1 degrees of right ascension.
RA, DEC = 119.0, 3.0


def batch(table: Table, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows in the schema of a table; what a row leaves out is null."""
    return pa.RecordBatch.from_pylist(rows, schema=arrow_schema(table))


def axis(spectrum_id: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Vacuum wavelengths of a sample's pixels in Å."""
    if spectrum_id == TRAINING:
        return np.linspace(6284.0, 6734.0, 1757)
    return np.asarray(10 ** (3.5682 + 1e-4 * np.arange(3901)), dtype=np.float64)


def flux(spectrum_id: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A sloping continuum with an emission line, another one for each spectrum."""
    wavelength, height = axis(spectrum_id), 1 + USABLE.index(spectrum_id)
    line = height * np.exp(-0.5 * ((wavelength - H_ALPHA) / 3) ** 2)
    return np.asarray((2 - wavelength / 1e4) * (1 + line), dtype=np.float32)


def mask(spectrum_id: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Pixels 10 to 19 are bad."""
    place = np.arange(axis(spectrum_id).size)
    return (place >= 10) & (place < 20)


def spectrum(spectrum_id: str) -> dict[str, Any]:
    """The row of a usable spectrum."""
    collection, release, name = spectrum_id.split("/")
    wavelength = axis(spectrum_id)
    number = USABLE.index(spectrum_id)
    known = spectrum_id != NOWHERE
    return {
        "spectrum_id": spectrum_id,
        "observation": f"{collection}/{name}",
        "collection": collection,
        "release": release,
        "layout": "vo" if collection == "ccd700" else "image",
        "role": "training" if collection == "ccd700" else "survey",
        "object": f"Star {name}",
        "ra": RA + 0.1 * number if known else None,
        "dec": DEC if known else None,
        "mjd": 56000.5 + number if known else None,
        "exposure_seconds": 1728.0 if known else None,
        "snr": 50.5 + number,
        "snr_u": 5.5 + number,
        "snr_g": 30.5 + number,
        "snr_i": 60.5 + number,
        "snr_z": None,
        "mag_g": 14.5,
        "mag_r": 14.0,
        "mag_i": None,
        "resolving_power": 13000.0 if collection == "ccd700" else 1800.0,
        "spectral_start": wavelength[0],
        "spectral_stop": wavelength[-1],
        "n_pixels": wavelength.size,
        "archive_class": "STAR",
        "archive_subclass": "A2V",
        "archive_id": f"ivo://asu.cas.cz/stel/ccd700/{name}" if collection == "ccd700" else "123",
        "redshift": -1e-4,
        "plan": "GAC121N02V2",
        "spectrograph": 14,
        "fibre": number + 1 if known else None,
        "quality": 0 if known else int(Quality.NO_POSITION | Quality.NO_TIME),
        "reason": None if known else "no RA",
        "path": str(original_path(spectrum_id)),
        "checksum": f"{number:064x}",
        "size": 1000 + number,
        "spectral_axis": wavelength,
        "flux": flux(spectrum_id),
        "ivar": None if collection == "ccd700" else np.full(wavelength.size, 4.0, np.float32),
        "mask": mask(spectrum_id),
    }


def original_path(spectrum_id: str) -> Path:
    """Where the file of a spectrum lies."""
    name = spectrum_id.rpartition("/")[2]
    return FOLDER / f"{name}.fits{'.gz' if spectrum_id == PACKED else ''}"


def original(spectrum_id: str) -> bytes:
    """The file that a spectrum was read from, in a layout of its own."""
    stream = io.BytesIO()
    fits.PrimaryHDU(flux(spectrum_id)).writeto(stream)
    content = stream.getvalue()
    return gzip.compress(content, mtime=0) if spectrum_id == PACKED else content


def write_originals() -> None:
    """Write the files of all spectra, readable for everybody."""
    FOLDER.mkdir(mode=0o755, exist_ok=True)
    for spectrum_id in USABLE:
        original_path(spectrum_id).write_bytes(original(spectrum_id))


def damaged() -> dict[str, Any]:
    """The row of a file that could not be read."""
    return {
        "spectrum_id": UNREADABLE,
        "collection": "lamost",
        "release": "dr1",
        "role": "survey",
        "quality": int(Quality.UNREADABLE),
        "reason": "damaged.fits: the file ends after 100 bytes",
    }


def spectra() -> list[pa.RecordBatch]:
    """Two batches, the damaged file in the second."""
    rows = [spectrum(spectrum_id) for spectrum_id in USABLE]
    return [batch(SPECTRA, rows[:5]), batch(SPECTRA, [*rows[5:], damaged()])]


def measures(number: int) -> dict[str, Any]:
    """Measures of lines that grow with a number; an odd one has two peaks, an even one has one."""
    double = number % 2 == 1
    return {
        "equivalent_width": -float(number),
        "equivalent_width_error": 0.25,
        "peak_height": float(number),
        "fwhm": 7.0,
        "n_peaks": 2 if double else 1,
        "peak_separation": 200.0 + number if double else None,
        "violet_to_red": 1.25 if double else None,
        "central_depth": 0.125 if double else None,
        "helium_6678": 0.5,
        "nitrogen_6548": -0.125,
        "nitrogen_6583": -0.375,
        "sulphur_6716": -0.25,
        # Beyond the end of the grid.
        "sulphur_6731": None,
        "line_flags": int(LineFlag.NEBULAR | LineFlag.COSMIC_RAY) if number == 1 else 0,
    }


def features() -> list[pa.RecordBatch]:
    """Flux over continuum on the grid."""
    rows = [
        {
            "spectrum_id": spectrum_id,
            "flux": (np.interp(GRID_WAVELENGTHS, axis(spectrum_id), flux(spectrum_id))),
            "continuum_noise": 0.01,
            "n_interpolated": 0,
            "quality": 0,
        }
        | measures(number)
        for number, spectrum_id in enumerate(USABLE, start=1)
    ]
    return [batch(FEATURES, rows)]


def grid() -> list[pa.RecordBatch]:
    """The grid with vacuum and air wavelengths."""
    pairs = zip(GRID_WAVELENGTHS, vacuum_to_air(GRID_WAVELENGTHS), strict=True)
    rows = [
        {"element": element, "wavelength": vacuum, "wavelength_air": air}
        for element, (vacuum, air) in enumerate(pairs, start=1)
    ]
    return [batch(GRID, rows)]


def labels() -> list[pa.RecordBatch]:
    """The training spectrum's label, and an older one that it replaced."""
    known = {"spectrum_id": TRAINING, "source": "archive", "author": "Ondřejov"}
    early, late = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)
    rows = [
        known | {"class": "absorption", "labelled_at": early, "superseded_at": late},
        known | {"class": "emission", "labelled_at": late},
    ]
    return [batch(LABELS, rows)]


def runs(run_id: str) -> list[pa.RecordBatch]:
    """The record of a run."""
    record = {
        "run_id": run_id,
        "method": "label_spreading",
        "parameters": '{"alpha": 0.9}',
        "versions": "{}",
        "n_spectra": len(USABLE) + 1,
        "n_usable": len(USABLE),
        "n_labelled": 1,
        "n_candidates": len(SURVEY),
        "n_iter": 20,
        "converged": True,
        "target_share": 0.01,
        "calibration_slope": 1.5,
        "calibration_intercept": -4.0,
        "brier": 0.125,
        "calibration_error": 0.0625,
        "candidate_precision": 0.75,
        "candidate_precision_error": 0.03125,
        "started": datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "ended": datetime(2024, 1, 2, 4, 0, 0, tzinfo=UTC),
        "state": "kept",
    }
    return [batch(RUNS, [record])]


def reliability(run_id: str) -> list[pa.RecordBatch]:
    """Two bins, one without spectra."""
    rows = [
        {"bin_start": 0.0, "bin_stop": 0.5, "n": 16, "predicted": 0.25, "observed": 0.1875},
        {"bin_start": 0.5, "bin_stop": 1.0, "n": 0},
    ]
    return [batch(RELIABILITY, [{"run_id": run_id} | row for row in rows])]


def thresholds(run_id: str) -> list[pa.RecordBatch]:
    """Half of the survey above one threshold, nothing above the other."""
    half = {"expected_precision": 0.75, "expected_precision_error": 0.03125}
    rows = [
        {"threshold": 0.5, "n": len(SURVEY) // 2, "expected_recall": 0.625} | half,
        {"threshold": 0.99, "n": 0, "expected_recall": 0.0},
    ]
    return [batch(THRESHOLDS, [{"run_id": run_id} | row for row in rows])]


def _score(run_id: str, spectrum_id: str, rank: int, scale: float) -> dict[str, Any]:
    score = scale / rank
    shares = dict.fromkeys((f"p_{name}" for name in CLASSES), 0.0)
    shares |= {"p_emission": score, "p_absorption": 1 - score}
    known = {"run_id": run_id, "spectrum_id": spectrum_id, "rank": rank, "score": score}
    return known | {"probability": score / 2} | shares


def scores(run_id: str, *, scale: float = 1.0) -> list[pa.RecordBatch]:
    """Scores that fall as 1/rank, the best ones first."""
    rows = [
        _score(run_id, spectrum_id, rank, scale) | {"entropy": 0.5}
        for rank, spectrum_id in enumerate(SURVEY, start=1)
    ]
    return [batch(SCORES, rows)]


def candidates(run_id: str, *, scale: float = 1.0) -> list[pa.RecordBatch]:
    """Every spectrum of the survey, with its score and the archive's words."""
    copied = set(CANDIDATES.names) & set(SPECTRA.names)
    rows = []
    for rank, spectrum_id in enumerate(SURVEY, start=1):
        told = {name: value for name, value in spectrum(spectrum_id).items() if name in copied}
        measured = {"class": "emission", "continuum_noise": 0.01} | measures(rank)
        rows.append(_score(run_id, spectrum_id, rank, scale) | told | measured)
    return [batch(CANDIDATES, rows)]


def neighbours(run_id: str) -> list[pa.RecordBatch]:
    """The two survey spectra beside each candidate, and the label of the one that has one."""
    rows = []
    for number, spectrum_id in enumerate(SURVEY):
        beside = [SURVEY[number - 1], SURVEY[(number + 1) % len(SURVEY)]]
        told = [(NEIGHBOUR, beside[0], None, 0.75), (NEIGHBOUR, beside[1], None, 0.25)]
        told.append((LABEL, TRAINING, "emission", 1.0))
        rows += [
            {
                "run_id": run_id,
                "spectrum_id": spectrum_id,
                "kind": kind,
                "place": 2 if share < 0.5 else 1,
                "neighbour_id": other,
                "class": class_,
                "share": share,
            }
            for kind, other, class_, share in told
        ]
    return [batch(NEIGHBOURS, rows)]


def simbad() -> list[pa.RecordBatch]:
    """Answers about four spectra: known, none, known first and failed then, failed."""
    early, late = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
    asked = {"radius": 3.0, "service": "http://simbad.example/tap"}
    known = {
        "state": FOUND,
        "verdict": Verdict.KNOWN_EMISSION_STAR,
        "rule": "emission_main",
        "main_id": "V* BT CMi",
        "otype": "Be*",
        "otypes": "*|Be*|V*",
        "sp_type": "B2e",
        "separation": 0.5,
        "n_sources": 2,
        "radial_velocity": 12.5,
        "n_references": 40,
        "updated": early,
    }
    nothing = {"state": NOTHING, "verdict": Verdict.NOT_IN_SIMBAD, "n_sources": 0}
    failed = {"state": FAILED, "verdict": Verdict.SERVICE_FAILED, "reason": "HTTP 503"}
    told = [
        (SURVEY[0], early, nothing),
        (SURVEY[0], late, known),
        (SURVEY[1], late, nothing),
        (SURVEY[2], early, known | {"main_id": "HD 53416"}),
        (SURVEY[2], late, failed),
        (SURVEY[3], late, failed),
    ]
    rows = [{"spectrum_id": name, "asked_at": at} | asked | answer for name, at, answer in told]
    return [batch(SIMBAD, rows)]


def object_types() -> list[pa.RecordBatch]:
    """A type and that of its candidates."""
    known = {
        "description": "A star",
        "path": "* > Be*",
        "taken_at": datetime(2024, 5, 1, tzinfo=UTC),
    }
    rows = [
        {"otype": "Be*", "label": "Be*", "is_candidate": False},
        {"otype": "Be?", "label": "Be*_Candidate", "is_candidate": True},
    ]
    return [batch(OBJECT_TYPES, [known | row for row in rows])]


def verdict_rules() -> list[pa.RecordBatch]:
    """The rules themselves."""
    return [batch(VERDICT_RULES, list(verdicts.rows()))]


def pairs() -> list[pa.RecordBatch]:
    """The training spectrum and a survey spectrum of the same star."""
    row = {
        "training_id": TRAINING,
        "survey_id": SURVEY[0],
        "training_did": f"ivo://asu.cas.cz/stel/ccd700/{TRAINING.rpartition('/')[2]}",
        "object": "BT CMi",
        "separation": 12.5,
        "found_by": "position",
        "n_stars": 2,
        "separation_rank": 1,
        "agreement": 0.0078125,
        "brightness": 0.0625,
        "chance": 0.0009765625,
        "training_mjd": 56010.5,
        "survey_mjd": 56000.5,
        "velocity": -10.0,
        "residual": 0.03125,
        "residual_unadapted": 0.0625,
        "noise": 0.015625,
    }
    return [batch(PAIRS, [row])]


def contents(run_id: str, *, scale: float = 1.0) -> dict[str, Content]:
    """Everything that one run publishes."""
    batches = {
        "spectra": spectra(),
        "pixels": spectra(),
        "features": features(),
        "grid": grid(),
        "labels": labels(),
        "simbad": simbad(),
        "object_types": object_types(),
        "verdict_rules": verdict_rules(),
        "pairs": pairs(),
        "runs": runs(run_id),
        "reliability": reliability(run_id),
        "thresholds": thresholds(run_id),
        "scores": scores(run_id, scale=scale),
        "candidates": candidates(run_id, scale=scale),
        "neighbours": neighbours(run_id),
    }
    return {name: Content(rows, f"{name}-{scale}") for name, rows in batches.items()}
