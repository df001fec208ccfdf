"""A survey of any size as it is published, made up a batch at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vospec.columns import (
    CANDIDATES,
    CLASSES,
    FEATURES,
    FOUND,
    GRID,
    NEIGHBOUR,
    NEIGHBOURS,
    NOTHING,
    RUNS,
    SCORES,
    SIMBAD,
    SPECTRA,
    Table,
    Verdict,
)
from vospec.config import GridSettings
from vospec.publication import Content
from vospec.spectra import log_grid, vacuum_to_air
from vospec.store import arrow_schema

#: Rows of one batch.
ROWS = 65_536
#: Every so manieth spectrum has no score: no label reaches it.
UNREACHED = 1000

WAVELENGTHS = log_grid(GridSettings().start_angstrom, GridSettings().stop_angstrom)

Columns = dict[str, Any]


def names(numbers: NDArray[np.int64]) -> pa.Array:
    """Identifiers as LAMOST's files have them."""
    parts = (
        f"lamost/dr{1 + n % 9}/spec-{55859 + n % 3000}-B{n % 9973:06d}_sp{n % 16:02d}-{n:07d}"
        for n in numbers.tolist()
    )
    return pa.array(parts, pa.string())


def positions(numbers: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ascension and declination in degrees, evenly over the sky that LAMOST sees."""
    ra = 360 * np.modf(numbers * 0.618033988749895)[0]
    dec = np.degrees(np.arcsin(np.modf(numbers * 0.7548776662466927)[0] * 1.03 - 0.17))
    return ra, dec


def _batch(table: Table, n_rows: int, columns: Columns) -> pa.RecordBatch:
    """Columns in the schema of a table; of the others real ones are noise, the rest is null."""
    rng = np.random.default_rng(n_rows)
    arrays = []
    for field in arrow_schema(table):
        if field.name in columns:
            values = columns[field.name]
            value = values if isinstance(values, pa.Array) else pa.array(values)
            arrays.append(value.cast(field.type))
        elif pa.types.is_floating(field.type):
            arrays.append(pa.array(rng.random(n_rows)).cast(field.type))
        else:
            arrays.append(pa.nulls(n_rows, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(table))


def _numbers(n_rows: int, step: int = ROWS) -> Iterator[NDArray[np.int64]]:
    for start in range(0, n_rows, step):
        yield np.arange(start, min(start + step, n_rows))


def scores(run_id: str, n_rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Scores of all spectra; emission is rare."""
    rng = np.random.default_rng(seed)
    for numbers in _numbers(n_rows):
        score = rng.random(len(numbers)) ** 8
        missing = numbers % UNREACHED == 0
        shares = {f"p_{name}": np.zeros(len(numbers)) for name in CLASSES}
        shares |= {"p_emission": score, "p_absorption": 1 - score}
        known = {name: pa.array(value, mask=missing) for name, value in shares.items()}
        yield _batch(
            SCORES,
            len(numbers),
            known
            | {
                "run_id": [run_id] * len(numbers),
                "spectrum_id": names(numbers),
                "score": pa.array(score, mask=missing),
                "rank": numbers + 1,
            },
        )


def candidates(run_id: str, n_spectra: int, n_rows: int, seed: int) -> pa.RecordBatch:
    """The best of a run: some spectra all over the survey."""
    numbers = np.linspace(seed, n_spectra - 1, n_rows).astype(np.int64)
    ra, dec = positions(numbers)
    known = {
        "run_id": [run_id] * n_rows,
        "spectrum_id": names(numbers),
        "rank": np.arange(1, n_rows + 1),
        "score": 1 - np.arange(n_rows) / (2 * n_rows),
        "class": ["emission"] * n_rows,
        "collection": ["lamost"] * n_rows,
        "release": ["dr5"] * n_rows,
        "ra": ra,
        "dec": dec,
        "n_peaks": np.ones(n_rows, np.int64),
        "line_flags": np.zeros(n_rows, np.int64),
        "quality": np.zeros(n_rows, np.int64),
    }
    return _batch(CANDIDATES, n_rows, known)


def neighbours(run_id: str, n_spectra: int, n_candidates: int, seed: int) -> pa.RecordBatch:
    """Ten neighbours of each candidate."""
    number = np.linspace(seed, n_spectra - 1, n_candidates).astype(np.int64).repeat(10)
    place = np.tile(np.arange(1, 11), n_candidates)
    known = {
        "run_id": [run_id] * len(number),
        "spectrum_id": names(number),
        "kind": [NEIGHBOUR] * len(number),
        "place": place,
        "neighbour_id": names((number * 7 + place) % n_spectra),
    }
    return _batch(NEIGHBOURS, len(number), known)


def record(run_id: str, n_spectra: int, n_candidates: int) -> pa.RecordBatch:
    """The record of a run."""
    now = datetime.now(UTC)
    known = {
        "run_id": [run_id],
        "method": ["label_propagation"],
        "n_spectra": [n_spectra],
        "n_candidates": [n_candidates],
        "started": [now - timedelta(minutes=5)],
        "ended": [now],
    }
    return _batch(RUNS, 1, known)


def run(run_id: str, *, n_spectra: int, n_candidates: int, seed: int = 0) -> dict[str, Content]:
    """All that is a run's own."""
    rows = {
        "runs": [record(run_id, n_spectra, n_candidates)],
        "scores": scores(run_id, n_spectra, seed),
        "candidates": [candidates(run_id, n_spectra, n_candidates, seed)],
        "neighbours": [neighbours(run_id, n_spectra, n_candidates, seed)],
    }
    fingerprint = f"{run_id} {n_spectra} {n_candidates} {seed}"
    return {name: Content(batches, fingerprint) for name, batches in rows.items()}


def spectra(n_rows: int, *, late: int = 0) -> Iterator[pa.RecordBatch]:
    """Rows of the spectra, without their pixels; `late` more of them come at the end."""
    for numbers in _numbers(n_rows + late, 8192):
        ra, dec = positions(numbers)
        known = {
            "spectrum_id": names(numbers),
            "observation": names(numbers),
            "collection": ["lamost"] * len(numbers),
            "release": [f"dr{1 + n % 9}" for n in numbers.tolist()],
            "layout": ["image"] * len(numbers),
            "role": ["survey"] * len(numbers),
            "object": [f"J{n:09d}" for n in numbers.tolist()],
            "ra": ra,
            "dec": dec,
            "mjd": 55859 + numbers % 3000,
            "quality": np.zeros(len(numbers), np.int64),
            "path": [f"/archive/{n // 1000}/{n}.fits.gz" for n in numbers.tolist()],
            "checksum": [f"{n:064x}" for n in numbers.tolist()],
            "size": numbers + 20_000,
        }
        yield _batch(SPECTRA, len(numbers), known)


def vectors(n_rows: int) -> Iterator[pa.RecordBatch]:
    """Feature vectors; each batch has the same noise, so that making it takes no time."""
    step = 2048
    rng = np.random.default_rng(3)
    noise = pa.array(rng.normal(1, 0.01, step * len(WAVELENGTHS)).astype(np.float32))
    for numbers in _numbers(n_rows, step):
        offsets = np.arange(len(numbers) + 1, dtype=np.int32) * len(WAVELENGTHS)
        flux = noise.slice(0, offsets[-1])
        known = {
            "spectrum_id": names(numbers),
            "flux": pa.ListArray.from_arrays(pa.array(offsets), flux),
        }
        known |= {
            name: np.zeros(len(numbers), np.int64)
            for name in ("n_interpolated", "quality", "n_peaks", "line_flags")
        }
        yield _batch(FEATURES, len(numbers), known)


def grid() -> pa.RecordBatch:
    """The grid."""
    known = {
        "element": np.arange(1, len(WAVELENGTHS) + 1),
        "wavelength": WAVELENGTHS,
        "wavelength_air": vacuum_to_air(WAVELENGTHS),
    }
    return _batch(GRID, len(WAVELENGTHS), known)


def simbad(n_spectra: int, n_candidates: int) -> pa.RecordBatch:
    """An answer about each candidate; every third star is known."""
    numbers = np.linspace(0, n_spectra - 1, n_candidates).astype(np.int64)
    found = (numbers % 3 == 0).tolist()
    known = {
        "spectrum_id": names(numbers),
        "asked_at": [datetime(2026, 1, 1, tzinfo=UTC)] * n_candidates,
        "state": [FOUND if f else NOTHING for f in found],
        "verdict": [Verdict.KNOWN_EMISSION_STAR if f else Verdict.NOT_IN_SIMBAD for f in found],
        "main_id": [f"HD {n}" if f else None for n, f in zip(numbers, found, strict=True)],
        "n_sources": list(map(int, found)),
    }
    return _batch(SIMBAD, n_candidates, known)
