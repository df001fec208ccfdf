"""Candidates against lists of known stars: which were recovered, which missed, which are new.

A known star may have been observed several times, or never; it is missed only where a usable
spectrum of it was scored and none of them made a candidate. So the parts of a list are: stars
that the run *recovered*, those that it *missed*, those of which there are spectra but none that
can be used (*unusable*), and those that the survey *has not observed*.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.spatial import KDTree

from vospec import additions, stars
from vospec.errors import OutputError
from vospec.plan import Plan, Run
from vospec.store import Dataset
from vospec.verification.catalogues import KnownList
from vospec.verification.sources import Positions, separations

RECOVERED, MISSED, UNUSABLE, NOT_OBSERVED, NEW = (
    *("recovered", "missed", "unusable", "not observed"),
    "new",
)
#: Missed stars that are named; the file that is asked for has all.
_NAMED = 20
_COLUMNS = ("state", "star", "ra", "dec", "spectrum_id", "separation_arcsec", "score", "rank")
_ORIGIN = ["spectrum_id", "ra", "dec"]


@dataclass(frozen=True)
class Star:
    """A star of a list, or a candidate that is in none; its best spectrum, if there is one."""

    state: str
    star: str
    ra: float
    dec: float
    spectrum_id: str | None = None
    separation: float | None = None
    score: float | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Comparison:
    """A list and the candidates of a run.

    Attributes
    ----------
    known : KnownList
        The list.
    run_id : str
        The run.
    stars : tuple of Star
        Those of the list in its order, then candidates that are not in it by rank.
    n_candidates, n_new_stars : int
        Candidates of the run; stars that the new ones are of.
    """

    known: KnownList
    run_id: str
    stars: tuple[Star, ...]
    n_candidates: int
    n_new_stars: int

    def lines(self) -> Iterator[str]:
        """What was found, in words."""
        counts = Counter(star.state for star in self.stars)
        listed = len(self.known.stars)
        yield f"{self.known.name}: {listed} stars; {self.run_id}: {self.n_candidates} candidates"
        if self.known.n_skipped:
            yield f"{self.known.n_skipped} rows of the list have no position"
        told = (f"{counts[s]} {s}" for s in (RECOVERED, MISSED, UNUSABLE, NOT_OBSERVED))
        yield ", ".join(told)
        yield f"{counts[NEW]} new candidates, of {self.n_new_stars} stars"
        missed = [star for star in self.stars if star.state == MISSED]
        for star in missed[:_NAMED]:
            rank = "" if star.rank is None else f", rank {star.rank}"
            yield f"missed: {star.star}: {star.spectrum_id}, score {star.score:.3f}{rank}"
        if len(missed) > _NAMED:
            yield f"and {len(missed) - _NAMED} more missed stars (--output tells all)"


def compare(plan: Plan, run: Run, known: KnownList, *, radius_arcsec: float) -> Comparison:
    """Look for the stars of a list among the spectra of a run, and for its candidates in the list.

    Parameters
    ----------
    plan : Plan
        Its spectra are those of the run.
    run : Run
        Complete; what was added to it is looked at as well.
    known : KnownList
        The list.
    radius_arcsec : float
        Largest separation.
    """
    tree = KDTree(_directions(known.positions))
    origins = [(plan.spectra, run.scores, run.candidates)]
    origins += [(a.spectra, a.scores, a.candidates) for a in additions.all_of(plan.store, run)]
    found = [_near(tree, known, spectra, scores, radius_arcsec) for spectra, scores, _ in origins]
    candidates = pa.concat_tables(
        [c.table([*_ORIGIN, "score", "rank"]) for *_, c in origins]
    ).combine_chunks()
    near = pa.concat_tables(found)
    is_candidate = pc.is_in(near["spectrum_id"], candidates["spectrum_id"].combine_chunks())
    near = near.append_column("is_candidate", is_candidate)
    listed = _listed(known, near)
    new = _new(tree, candidates, radius_arcsec)
    return Comparison(
        known,
        run.run_id,
        (*listed, *_stars_of(new)),
        len(candidates),
        _n_stars(new, radius_arcsec),
    )


def write(comparisons: Sequence[Comparison], path: Path) -> None:
    """Write all stars of comparisons into a CSV file.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("list", *_COLUMNS))
            for one in comparisons:
                for star in one.stars:
                    told = (star.spectrum_id, star.separation, star.score, star.rank)
                    writer.writerow(
                        (one.known.name, star.state, star.star, star.ra, star.dec, *told)
                    )
    except OSError as fault:
        message = f"{path}: cannot be written ({fault.strerror})"
        raise OutputError(message) from fault


def _directions(at: Positions) -> NDArray[np.float64]:
    """Unit vectors, (n, 3)."""
    ra, dec = np.radians(at.ra), np.radians(at.dec)
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def _chord(radius_arcsec: float) -> float:
    """Distance of two unit vectors at an angle."""
    return float(2 * np.sin(np.radians(radius_arcsec / 3600) / 2))


def _near(
    tree: KDTree, known: KnownList, spectra: Dataset, scores: Dataset, radius_arcsec: float
) -> pa.Table:
    """Spectra of the survey near stars of a list, a row for each pair, with their scores."""
    columns = [*_ORIGIN, "role"]
    parts = [_EMPTY]
    for batch in spectra.read().to_batches(columns=columns, filter=pc.field("role") == "survey"):
        is_placed = pc.and_(pc.is_finite(batch["ra"]), pc.is_finite(batch["dec"]))
        rows = pa.Table.from_batches([batch]).filter(is_placed)
        at = Positions(rows["ra"].to_numpy(), rows["dec"].to_numpy())
        if len(rows) and len(known.positions):
            parts.append(_pairs(tree, known, rows["spectrum_id"], at, radius_arcsec))
    near = pa.concat_tables(parts).combine_chunks()
    wanted = pc.field("spectrum_id").isin(near["spectrum_id"].combine_chunks())
    scored = scores.table(["spectrum_id", "score", "rank"], where=wanted).combine_chunks()
    place = pc.index_in(near["spectrum_id"], scored["spectrum_id"].combine_chunks())
    told = scored.take(place.combine_chunks()).select(["score", "rank"])
    return pa.table({**dict(zip(near.column_names, near.columns, strict=True)), **_columns(told)})


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))


_EMPTY = pa.table(
    {
        "spectrum_id": pa.array([], pa.string()),
        "star": pa.array([], pa.int64()),
        "separation": pa.array([], pa.float64()),
    }
)


def _pairs(
    tree: KDTree, known: KnownList, names: pa.ChunkedArray, at: Positions, radius_arcsec: float
) -> pa.Table:
    balls = tree.query_ball_point(_directions(at), _chord(radius_arcsec))
    counts = np.fromiter(map(len, balls), dtype=np.int64, count=len(balls))
    spectrum = np.repeat(np.arange(len(balls)), counts)
    star = np.concatenate([*balls, []]).astype(np.int64)
    there = known.positions.some(star)
    separation = separations(at.some(spectrum), there.ra, there.dec)
    return pa.table({"spectrum_id": names.take(spectrum), "star": star, "separation": separation})


def _listed(known: KnownList, near: pa.Table) -> Iterator[Star]:
    """The stars of a list, each with its best spectrum: a candidate, else one with a score."""
    of_star: dict[int, list[dict[str, object]]] = {}
    for row in near.to_pylist():
        of_star.setdefault(row["star"], []).append(row)
    for number, name in enumerate(known.stars):
        place = float(known.positions.ra[number]), float(known.positions.dec[number])
        rows = of_star.get(number)
        if rows is None:
            yield Star(NOT_OBSERVED, name, *place)
            continue
        best = max(rows, key=_worth)
        state = RECOVERED if best["is_candidate"] else UNUSABLE
        state = MISSED if best["score"] is not None and state == UNUSABLE else state
        told = {key: best[key] for key in ("spectrum_id", "separation", "score", "rank")}
        yield Star(state, name, *place, **told)  # type: ignore[arg-type]


def _worth(row: dict[str, object]) -> tuple[bool, float]:
    score = row["score"]
    return bool(row["is_candidate"]), -1.0 if score is None else float(score)  # type: ignore[arg-type]


def _new(tree: KDTree, candidates: pa.Table, radius_arcsec: float) -> pa.Table:
    """Candidates that are in no place of a list; one without a position is in none."""
    at = [candidates[name].to_numpy() for name in ("ra", "dec")]
    is_placed = np.isfinite(at[0]) & np.isfinite(at[1])
    distance = np.full(len(candidates), np.inf)
    if is_placed.any() and tree.n:
        directions = _directions(Positions(*(values[is_placed] for values in at)))
        distance[is_placed] = tree.query(directions)[0]
    return candidates.filter(pa.array(distance > _chord(radius_arcsec)))


def _stars_of(new: pa.Table) -> Iterator[Star]:
    for row in new.sort_by([("rank", "ascending"), ("spectrum_id", "ascending")]).to_pylist():
        yield Star(
            NEW,
            "",
            row["ra"],
            row["dec"],
            row["spectrum_id"],
            score=row["score"],
            rank=row["rank"],
        )


def _n_stars(new: pa.Table, radius_arcsec: float) -> int:
    """How many stars candidates are of."""
    if not len(new):
        return 0
    at = [new[name].to_numpy() for name in ("ra", "dec")]
    everyone = np.ones(len(new), dtype=bool)
    names = [None] * len(new)
    numbers = stars.groups(names, *at, anchors=everyone, radius_arcsec=radius_arcsec)
    return len(np.unique(numbers))
