"""Every column that vospec stores or publishes, once.

The Parquet datasets, the PostgreSQL tables, the resource descriptor and the
Python code use the same names; a test compares the descriptor with this
module. Types are written as in PostgreSQL. Units are VOUnits, UCDs are of the
UCD1+ list 1.4, utypes of the Spectral Data Model where it has one.

Wavelengths are vacuum Å. A missing value is NULL, never a number.
"""

from vospec.columns.candidates import (
    CANDIDATES,
    LABEL,
    NEIGHBOUR,
    NEIGHBOURS,
    PUBLISHED_CANDIDATES,
    SCORE_CHANGES,
)
from vospec.columns.column import Column, Table, Type
from vospec.columns.features import FEATURES, GRID, LINE_MEASURES
from vospec.columns.flags import (
    CLASSES,
    FAILED,
    FOUND,
    LINE_FLAG_MEANING,
    NOTHING,
    QUALITY_MEANING,
    ROLES,
    TARGET_CLASSES,
    UNUSABLE,
    VERDICT_MEANING,
    LineFlag,
    Quality,
    Verdict,
)
from vospec.columns.graph import CELLS, COMPONENTS, EDGES, NEAREST, SHARES, VECTORS, VERTICES
from vospec.columns.runs import (
    LABELS,
    PROBABILITIES,
    PROBABILITY,
    RANK,
    RELIABILITY,
    RUNS,
    SCORE,
    SCORES,
    THRESHOLDS,
)
from vospec.columns.spectra import (
    ADAPTED,
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
    SPECTRA,
    SPECTRUM_ID,
)
from vospec.columns.verification import (
    ACCEPTED,
    AMBIGUOUS,
    ANSWERS,
    BY_NAME,
    BY_POSITION,
    CHANCE,
    JUDGEMENT,
    OBJECT_TYPES,
    PAIR_CANDIDATES,
    PAIRS,
    SIMBAD,
    UNLIKE,
    VERDICT_RULES,
)

#: All tables by name, in the order of the flow of data.
TABLES = {
    table.name: table
    for table in (
        *(SPECTRA, ADAPTED, FEATURES, GRID, LABELS, RUNS, RELIABILITY, THRESHOLDS, SCORES),
        *(PUBLISHED_CANDIDATES, NEIGHBOURS, SIMBAD, OBJECT_TYPES, VERDICT_RULES, SCORE_CHANGES),
        PAIRS,
    )
}

#: The tables that readers see.
PUBLISHED = tuple(table for table in TABLES.values() if table is not ADAPTED)

__all__ = [
    "ACCEPTED",
    "ADAPTED",
    "AMBIGUOUS",
    "ANSWERS",
    "ARCHIVE_CLASS",
    "ARCHIVE_SUBCLASS",
    "BY_NAME",
    "BY_POSITION",
    "CANDIDATES",
    "CELLS",
    "CHANCE",
    "CLASSES",
    "COLLECTION",
    "COMPONENTS",
    "DEC",
    "EDGES",
    "FAILED",
    "FEATURES",
    "FOUND",
    "GRID",
    "JUDGEMENT",
    "LABEL",
    "LABELS",
    "LINE_FLAG_MEANING",
    "LINE_MEASURES",
    "MJD",
    "NEAREST",
    "NEIGHBOUR",
    "NEIGHBOURS",
    "NOTHING",
    "OBJECT",
    "OBJECT_TYPES",
    "PAIRS",
    "PAIR_CANDIDATES",
    "PROBABILITIES",
    "PROBABILITY",
    "PUBLISHED",
    "PUBLISHED_CANDIDATES",
    "QUALITY",
    "QUALITY_MEANING",
    "RA",
    "RANK",
    "RELEASE",
    "RELIABILITY",
    "ROLES",
    "RUNS",
    "RUN_ID",
    "SCORE",
    "SCORES",
    "SCORE_CHANGES",
    "SHARES",
    "SIMBAD",
    "SNR",
    "SPECTRA",
    "SPECTRUM_ID",
    "TABLES",
    "TARGET_CLASSES",
    "THRESHOLDS",
    "UNLIKE",
    "UNUSABLE",
    "VECTORS",
    "VERDICT_MEANING",
    "VERDICT_RULES",
    "VERTICES",
    "Column",
    "LineFlag",
    "Quality",
    "Table",
    "Type",
    "Verdict",
]
