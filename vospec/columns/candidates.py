"""Columns of candidates, of what made them candidates, and of what a run changed among them."""

from dataclasses import replace

from vospec.columns.column import Column, Table
from vospec.columns.features import LINE_MEASURES
from vospec.columns.runs import PROBABILITIES, PROBABILITY, RANK, SCORE
from vospec.columns.spectra import (
    ARCHIVE_CLASS,
    ARCHIVE_SUBCLASS,
    COLLECTION,
    DEC,
    MJD,
    OBJECT,
    QUALITY,
    RA,
    RELEASE,
    RUN_ID,
    SNR,
    SPECTRUM_ID,
)
from vospec.columns.verification import JUDGEMENT, OTYPE, VERDICT

CANDIDATES = Table(
    "candidates",
    "The best scores of the current run, with all that is needed to judge them",
    (
        RUN_ID,
        SPECTRUM_ID,
        RANK,
        SCORE,
        PROBABILITY,
        *PROBABILITIES,
        Column("class", "text", "", "src.class", "Class of the largest share"),
        COLLECTION,
        RELEASE,
        OBJECT,
        RA,
        DEC,
        MJD,
        SNR,
        ARCHIVE_CLASS,
        ARCHIVE_SUBCLASS,
        *LINE_MEASURES,
        Column(
            "continuum_noise",
            "real",
            "",
            "stat.stdev;phot.flux.density",
            "Robust scatter of the rectified flux outside the lines",
        ),
        QUALITY,
    ),
    ("run_id", "spectrum_id"),
)

#: What readers see: the stored columns, what SIMBAD knows of the star, and where to look.
PUBLISHED_CANDIDATES = Table(
    "candidates",
    CANDIDATES.description,
    (
        *CANDIDATES.columns,
        *JUDGEMENT,
        Column(
            "preview",
            "text",
            "",
            "meta.ref.url;meta.preview",
            "Address of a picture of the spectrum (PNG)",
        ),
        Column(
            "datalink",
            "text",
            "",
            "meta.ref.url",
            "Address of all that belongs to the spectrum (DataLink)",
        ),
    ),
    CANDIDATES.key,
)

_CHANGES = ("entered", "left", "moved", "judged")


def _previous(column: Column) -> Column:
    told = (
        f"{column.name} as it was with the run that was current before; NULL where there was none"
    )
    return replace(column, name=f"previous_{column.name}", description=told[0].upper() + told[1:])


SCORE_CHANGES = Table(
    "score_changes",
    "What the current run changed among the candidates, against the run that was current before",
    (
        SPECTRUM_ID,
        Column(
            "change",
            "text",
            "",
            "meta.code",
            f"What happened to the spectrum: {_CHANGES[0]}, a candidate now and not before; "
            f"{_CHANGES[1]}, the reverse; {_CHANGES[2]}, a candidate of both runs with another "
            f"score or rank; {_CHANGES[3]}, with the same of both, but SIMBAD tells another thing",
        ),
        RUN_ID,
        Column("previous_run_id", "text", "", "meta.id", "The run that was current before"),
        SCORE,
        _previous(SCORE),
        RANK,
        _previous(RANK),
        VERDICT,
        _previous(VERDICT),
        OTYPE,
        _previous(OTYPE),
    ),
    ("spectrum_id",),
)

#: Ways in which a spectrum takes part in a candidate's score; the values of ``kind``.
NEIGHBOUR, LABEL = "neighbour", "label"

NEIGHBOURS = Table(
    "neighbours",
    "Why candidates are candidates: their neighbours in the graph, and the labelled spectra from "
    "which their class shares come",
    (
        RUN_ID,
        replace(SPECTRUM_ID, description="Identifier of the candidate's spectrum"),
        Column(
            "kind",
            "text",
            "",
            "meta.code",
            f"Kind of evidence: {NEIGHBOUR}, a spectrum joined with the candidate's by an edge of "
            f"the graph; {LABEL}, a labelled spectrum, near or far, from which the candidate's p_ "
            "columns come, told for the best candidates of a run only",
        ),
        Column(
            "place",
            "smallint",
            "",
            "stat.rank",
            "Place among the candidate's rows of this kind by share, largest is 1",
        ),
        Column(
            "neighbour_id",
            "text",
            "",
            "meta.id.assoc",
            "The spectrum_id of the neighbour or labelled spectrum",
        ),
        Column(
            "class",
            "text",
            "",
            "src.class",
            "Class of its label; NULL where it has none",
        ),
        Column(
            "share",
            "real",
            "",
            "stat.weight;arith.ratio",
            f"Part of the whole, 1 if no row of the kind was left out: {NEIGHBOUR}, weight of the "
            f"edge over that of all the candidate's edges; {LABEL}, what flowed from it over what "
            "flowed from all labels",
        ),
    ),
    ("run_id", "spectrum_id", "kind", "place"),
)
