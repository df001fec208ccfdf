"""Every column that vospec stores or publishes, once.

The Parquet datasets, the PostgreSQL tables, the resource descriptor and the
Python code use the same names; a test compares the descriptor with this
module. Types are written as in PostgreSQL. Units are VOUnits, UCDs are of the
UCD1+ list 1.4, utypes of the Spectral Data Model where it has one.

Wavelengths are vacuum Å. A missing value is NULL, never a number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Literal

Type = Literal[
    "text",
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "timestamp",
    "boolean[]",
    "integer[]",
    "real[]",
    "double precision[]",
]

#: Classes of Hα profiles, in the order in which they are numbered (0, 1, …).
CLASSES = ("absorption", "emission", "double_peak", "artefact")

#: The classes that the project looks for; ``score`` sums over them.
TARGET_CLASSES = ("emission", "double_peak")

#: The part that a collection plays: where candidates are sought, or what teaches.
ROLES = {"lamost": "survey", "ccd700": "training", "sdss": "survey"}


class Quality(IntFlag):
    """What is wrong with a spectrum; 0 is a spectrum without fault."""

    UNREADABLE = 1
    UNKNOWN_LAYOUT = 2
    DUPLICATE = 4
    NO_POSITION = 8
    NO_TIME = 16
    OUTSIDE_GRID = 32
    NO_SIGNAL = 64
    BAD_PIXELS = 128
    INTERPOLATED = 256
    NO_CONTINUUM = 512
    HEADER_INCOMPLETE = 1024


#: With any of these a spectrum has no feature vector.
UNUSABLE = (
    Quality.UNREADABLE
    | Quality.UNKNOWN_LAYOUT
    | Quality.DUPLICATE
    | Quality.OUTSIDE_GRID
    | Quality.NO_SIGNAL
    | Quality.BAD_PIXELS
    | Quality.NO_CONTINUUM
)

#: One sentence a flag, for people and for the published column description.
QUALITY_MEANING = {
    Quality.UNREADABLE: "the file cannot be opened or is damaged",
    Quality.UNKNOWN_LAYOUT: "the file is of none of the known archives' layouts",
    Quality.DUPLICATE: "another file of the same identity was taken",
    Quality.NO_POSITION: "the header gives no usable position",
    Quality.NO_TIME: "the header gives no usable time",
    Quality.OUTSIDE_GRID: "the spectrum does not cover the common grid",
    Quality.NO_SIGNAL: "flux is zero or negative over the grid",
    Quality.BAD_PIXELS: "too many bad pixels within the grid",
    Quality.INTERPOLATED: "a few bad grid elements were interpolated",
    Quality.NO_CONTINUUM: "no continuum could be fitted",
    Quality.HEADER_INCOMPLETE: "header cards that the archive promises are missing",
}


class LineFlag(IntFlag):
    """What the pixels around Hα tell of its origin; information, never a verdict."""

    NEBULAR = 1
    SKY_RESIDUAL = 2
    COSMIC_RAY = 4
    ARM_JUNCTION = 8


#: One sentence a flag, for people and for the published column description.
LINE_FLAG_MEANING = {
    LineFlag.NEBULAR: "forbidden lines [N II] or [S II] in the ratios of ionised gas",
    LineFlag.SKY_RESIDUAL: "residues of the night sky's OH lines on both sides of Hα",
    LineFlag.COSMIC_RAY: "a spike narrower than the instrument can draw a line",
    LineFlag.ARM_JUNCTION: "a step where the arms of the spectrograph meet, near 5800 Å",
}


@dataclass(frozen=True)
class Column:
    """One column: its name, PostgreSQL type, VOUnit, UCD1+, utype and meaning."""

    name: str
    type: Type
    unit: str
    ucd: str
    description: str
    utype: str = ""
    published: bool = True


@dataclass(frozen=True)
class Table:
    """A table or dataset: its columns in order and the names of its key."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def published(self) -> tuple[Column, ...]:
        """The columns that readers of the service see."""
        return tuple(column for column in self.columns if column.published)


SPECTRUM_ID = Column(
    "spectrum_id",
    "text",
    "",
    "meta.id;meta.main",
    "Identifier of the spectrum: collection/release/name of the file",
)
RUN_ID = Column("run_id", "text", "", "meta.id", "Identifier of the run that gave this row")
RA = Column(
    "ra",
    "double precision",
    "deg",
    "pos.eq.ra;meta.main",
    "Right ascension (ICRS) of the target as given by the archive",
)
DEC = Column(
    "dec",
    "double precision",
    "deg",
    "pos.eq.dec;meta.main",
    "Declination (ICRS) of the target as given by the archive",
)
COLLECTION = Column("collection", "text", "", "meta.id", "Archive: lamost, sdss or ccd700")
RELEASE = Column("release", "text", "", "meta.id;meta.dataset", "Data release or export format")
OBJECT = Column("object", "text", "", "meta.id;src", "Name of the target as given by the archive")
MJD = Column(
    "mjd",
    "double precision",
    "d",
    "time.epoch;obs.exposure",
    "Modified Julian Date (UTC) of mid exposure, or of its start where no length is known",
    "spec:Spectrum.Char.TimeAxis.Coverage.Location.Value",
)
SNR = Column(
    "snr",
    "real",
    "",
    "stat.snr",
    "Signal to noise per pixel in the r band as given by the archive",
    "spec:Spectrum.Derived.SNR",
)


def _snr(band: str, range_of_light: str) -> Column:
    return Column(
        f"snr_{band}",
        "real",
        "",
        f"stat.snr;{range_of_light}",
        f"Signal to noise per pixel in the {band} band as given by the archive",
    )


def _magnitude(band: str, range_of_light: str) -> Column:
    return Column(
        f"mag_{band}",
        "real",
        "mag",
        f"phot.mag;{range_of_light}",
        f"Magnitude in {band} that the target was chosen by, of the archive's input catalogue",
    )


ARCHIVE_CLASS = Column("archive_class", "text", "", "src.class", "Class given by the archive")
ARCHIVE_SUBCLASS = Column(
    "archive_subclass", "text", "", "src.spType", "Subclass (spectral type) given by the archive"
)
QUALITY = Column(
    "quality",
    "integer",
    "",
    "meta.code.qual",
    "Sum of quality flags; 0 is without fault: "
    + "; ".join(f"{flag.value} {meaning}" for flag, meaning in QUALITY_MEANING.items()),
)

SPECTRA = Table(
    "spectra",
    "Every file that was met, one row each, unusable ones with the reason",
    (
        SPECTRUM_ID,
        Column(
            "observation",
            "text",
            "",
            "meta.id;obs",
            "Identifier of the observation: the same in all releases of it",
        ),
        COLLECTION,
        RELEASE,
        Column("layout", "text", "", "meta.code", "Layout of the file, of those of its archive"),
        Column(
            "role",
            "text",
            "",
            "meta.code",
            "Part of the archive: survey (candidates are sought there) or training",
        ),
        OBJECT,
        RA,
        DEC,
        MJD,
        Column(
            "exposure_seconds",
            "real",
            "s",
            "time.duration;obs.exposure",
            "Length of the exposure",
            "spec:Spectrum.Char.TimeAxis.Coverage.Bounds.Extent",
        ),
        SNR,
        _snr("u", "em.opt.U"),
        _snr("g", "em.opt.B"),
        _snr("i", "em.opt.I"),
        _snr("z", "em.opt.I"),
        _magnitude("g", "em.opt.B"),
        _magnitude("r", "em.opt.R"),
        _magnitude("i", "em.opt.I"),
        Column(
            "resolving_power",
            "real",
            "",
            "spect.resolution",
            "Resolving power near Hα",
            "spec:Spectrum.Char.SpectralAxis.ResPower",
        ),
        Column(
            "spectral_start",
            "double precision",
            "Angstrom",
            "em.wl;stat.min",
            "Vacuum wavelength of the first pixel",
        ),
        Column(
            "spectral_stop",
            "double precision",
            "Angstrom",
            "em.wl;stat.max",
            "Vacuum wavelength of the last pixel",
        ),
        Column("n_pixels", "integer", "", "meta.number", "Number of pixels of the spectrum"),
        ARCHIVE_CLASS,
        ARCHIVE_SUBCLASS,
        Column(
            "archive_id",
            "text",
            "",
            "meta.id",
            "Identifier in the archive: publisher DID of CCD700, OBSID of LAMOST, SPEC_ID of SDSS",
        ),
        Column("redshift", "real", "", "src.redshift", "Redshift as given by the archive"),
        Column(
            "plan",
            "text",
            "",
            "meta.id;obs.field",
            "Plan (LAMOST) or plate (SDSS) of the observation",
        ),
        Column(
            "spectrograph", "smallint", "", "meta.id;instr", "Spectrograph that took the spectrum"
        ),
        Column("fibre", "smallint", "", "meta.id;instr", "Fibre that took the spectrum"),
        QUALITY,
        Column("reason", "text", "", "meta.note", "Why the spectrum is flagged, in words"),
        Column("path", "text", "", "meta.ref.url", "Where the original file lies", published=False),
        Column("checksum", "text", "", "meta.code", "SHA-256 of the original file"),
        # SIZE is a reserved word of ADQL: readers would have to quote it.
        Column(
            "size",
            "bigint",
            "byte",
            "phys.size;meta.file",
            "Length of the original file",
            published=False,
        ),
        Column(
            "spectral_axis",
            "double precision[]",
            "Angstrom",
            "em.wl",
            "Vacuum wavelengths of the pixels",
            "spec:Spectrum.Data.SpectralAxis.Value",
            published=False,
        ),
        Column(
            "flux",
            "real[]",
            "",
            "phot.flux.density;em.wl",
            "Flux of the pixels, relative",
            "spec:Spectrum.Data.FluxAxis.Value",
            published=False,
        ),
        Column(
            "ivar",
            "real[]",
            "",
            "stat.error;phot.flux.density;em.wl",
            "Inverse variance of the flux; NULL where the archive gives none",
            published=False,
        ),
        Column(
            "mask",
            "boolean[]",
            "",
            "meta.code.qual",
            "True where a pixel is bad",
            published=False,
        ),
    ),
    ("spectrum_id",),
)

ADAPTED = Table(
    "adapted",
    "Training spectra brought to the resolution and pixels of the survey",
    (
        SPECTRUM_ID,
        Column("flux", "real[]", "", "phot.flux.density;em.wl", "Flux on the common grid"),
        Column("mask", "boolean[]", "", "meta.code.qual", "True where a grid element is bad"),
        QUALITY,
    ),
    ("spectrum_id",),
)


def _forbidden(name: str, line: str, wavelength: float) -> Column:
    return Column(
        name,
        "real",
        "Angstrom",
        "spect.line.eqWidth",
        f"Equivalent width of {line} ({wavelength} Å in vacuum) as an unresolved line over the "
        "flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags "
        "tells of it; NULL where the grid does not hold it",
    )


#: Measures of Hα and its neighbours; :class:`vospec.spectra.LineMeasures` has the same names.
LINE_MEASURES = (
    Column(
        "equivalent_width",
        "real",
        "Angstrom",
        "spect.line.eqWidth",
        "Equivalent width of Hα over 6544.6–6584.6 Å, emission negative",
    ),
    Column(
        "equivalent_width_error",
        "real",
        "Angstrom",
        "stat.error;spect.line.eqWidth",
        "Standard error of equivalent_width from noise, in the line and in the continuum under it",
    ),
    Column(
        "peak_height",
        "real",
        "",
        "spect.line.intensity",
        "Largest rectified flux within 10 Å of Hα, minus 1",
    ),
    Column(
        "fwhm",
        "real",
        "Angstrom",
        "spect.line.width",
        "Full width of the emission at half of peak_height, outermost flanks, instrument's "
        "width included; NULL without a peak",
    ),
    Column(
        "n_peaks",
        "smallint",
        "",
        "meta.number;spect.line",
        "Number of peaks within 10 Å of Hα, 4 standard deviations above the continuum and 3 "
        "above what lies between them",
    ),
    Column(
        "peak_separation",
        "real",
        "km/s",
        "phys.veloc;arith.diff",
        "Separation of the two highest peaks, as the instrument shows them; NULL without two peaks",
    ),
    Column(
        "violet_to_red",
        "real",
        "",
        "spect.line.intensity;arith.ratio",
        "V/R: height above the continuum of the violet over that of the red one of the two "
        "highest peaks, (F_V − 1) / (F_R − 1); NULL without two peaks",
    ),
    Column(
        "central_depth",
        "real",
        "",
        "spect.line.intensity;arith.ratio",
        "Depth of the lowest flux between the two highest peaks under their mean, over their "
        "mean: 1 − 2 F / (F_V + F_R); NULL without two peaks",
    ),
    Column(
        "helium_6678",
        "real",
        "Angstrom",
        "spect.line.eqWidth",
        "Equivalent width of He I 6678 (6679.99 Å in vacuum) over 6673–6687 Å, emission negative",
    ),
    _forbidden("nitrogen_6548", "[N II] 6548", 6549.86),
    _forbidden("nitrogen_6583", "[N II] 6583", 6585.27),
    _forbidden("sulphur_6716", "[S II] 6716", 6718.29),
    _forbidden("sulphur_6731", "[S II] 6731", 6732.67),
    Column(
        "line_flags",
        "integer",
        "",
        "meta.code",
        "Sum of flags of what mimics a star's emission; 0 where nothing does: "
        + "; ".join(f"{flag.value} {meaning}" for flag, meaning in LINE_FLAG_MEANING.items()),
    ),
)

FEATURES = Table(
    "features",
    "Rectified spectra on the common grid: the vectors that the learning sees",
    (
        SPECTRUM_ID,
        Column(
            "flux",
            "real[]",
            "",
            "phot.flux.density;em.wl;arith.ratio",
            "Flux over continuum at the wavelengths of the table grid",
            "spec:Spectrum.Data.FluxAxis.Value",
        ),
        Column(
            "continuum_noise",
            "real",
            "",
            "stat.stdev;phot.flux.density",
            "Robust scatter of the rectified flux outside the lines",
        ),
        Column(
            "n_interpolated",
            "smallint",
            "",
            "meta.number",
            "Number of grid elements interpolated over bad pixels",
        ),
        QUALITY,
        *LINE_MEASURES,
    ),
    ("spectrum_id",),
)

GRID = Table(
    "grid",
    "Wavelengths of the feature elements",
    (
        Column("element", "smallint", "", "meta.id;meta.main", "Index of the element, from 1"),
        Column(
            "wavelength",
            "double precision",
            "Angstrom",
            "em.wl",
            "Vacuum wavelength of the centre of the element",
        ),
        Column(
            "wavelength_air",
            "double precision",
            "Angstrom",
            "em.wl;obs.atmos",
            "Air wavelength of the centre of the element",
        ),
    ),
    ("element",),
)

_VERTEX = Column("vertex", "bigint", "", "meta.id", "Place in the graph, from 0")
_VECTOR = (
    SPECTRUM_ID,
    Column("survey", "boolean", "", "meta.code", "Whether candidates are sought here"),
    Column("peak", "double precision", "", "phot.flux.density", "Height of Hα over the continuum"),
    Column(
        *("continuum_noise", "real", "", "stat.stdev"),
        "Scatter of the rectified flux, or height of the sky's residues where they are seen",
    ),
    Column("vector", "real[]", "", "", "Place in the space in which neighbours are sought"),
)
_NEIGHBOURS = Column("neighbours", "integer[]", "", "meta.id", "Vertices that an edge leads to")

COMPONENTS = Table(
    "components",
    "Directions of the space in which neighbours are sought; none where it is that of the features",
    (
        Column("component", "smallint", "", "meta.id", "0 is the mean, then the components"),
        Column("vector", "double precision[]", "", "", "Along the compressed features"),
    ),
    ("component",),
)

VECTORS = Table("vectors", "Usable spectra in the space of the graph", _VECTOR, ("spectrum_id",))

CELLS = Table(
    "cells",
    "Cells of that space, in the order in which the graph goes through them",
    (
        Column("cell", "integer", "", "meta.id", "Number of the cell, from 0"),
        Column("n", "bigint", "", "meta.number", "Vertices within"),
        Column("centroid", "real[]", "", "", "The cell is what lies nearest to this"),
    ),
    ("cell",),
)

VERTICES = Table(
    "vertices", "The vectors in the order of the graph", (_VERTEX, *_VECTOR), ("vertex",)
)

NEAREST = Table(
    "nearest",
    "The nearest neighbours of every vertex",
    (_VERTEX, _NEIGHBOURS, Column("distances", "real[]", "", "", "How far they are, ascending")),
    ("vertex",),
)

EDGES = Table(
    "edges",
    "Rows of the symmetric matrix of the graph, neighbours ascending",
    (_VERTEX, _NEIGHBOURS, Column("weights", "double precision[]", "", "", "Weights of the edges")),
    ("vertex",),
)

SHARES = Table(
    "shares",
    "Shares of the classes that have labels, where no process holds them all",
    (
        _VERTEX,
        Column("shares", "double precision[]", "", "", "One a class; none where no label reaches"),
    ),
    ("vertex",),
)

LABELS = Table(
    "labels",
    "Classes given to spectra by an archive or a person; superseded labels stay",
    (
        SPECTRUM_ID,
        Column("class", "text", "", "src.class", "Class: " + ", ".join(CLASSES)),
        Column("source", "text", "", "meta.code", "Kind of source: archive or person"),
        Column("author", "text", "", "meta.bib.author", "Who gave the label"),
        Column("labelled_at", "timestamp", "", "time.creation", "When the label was given (UTC)"),
        Column(
            "superseded_at",
            "timestamp",
            "",
            "time.end",
            "When another label took its place (UTC); NULL where it holds",
        ),
    ),
    ("spectrum_id", "source", "author", "labelled_at"),
)

EXPECTED_PRECISION = Column(
    "expected_precision",
    "double precision",
    "",
    "stat.probability;arith.ratio",
    "Expected share of the target classes among the candidates of the run",
)
EXPECTED_PRECISION_ERROR = Column(
    "expected_precision_error",
    "double precision",
    "",
    "stat.stdev;stat.probability",
    "Standard deviation of expected_precision from the numbers of labelled and of found "
    "spectra; what the survey's spectra have that no label resembles is not in it",
)

RUNS = Table(
    "runs",
    "Passes from features to scores",
    (
        Column("run_id", "text", "", "meta.id;meta.main", "Identifier of the run"),
        Column(
            "method", "text", "", "meta.code.class", "Method: label_propagation or label_spreading"
        ),
        Column("parameters", "text", "", "meta.note", "Parameters of the method (JSON)"),
        Column("versions", "text", "", "meta.version", "Versions of the software (JSON)"),
        Column("n_spectra", "bigint", "", "meta.number", "Number of spectra met"),
        Column("n_usable", "bigint", "", "meta.number", "Number of spectra with features"),
        Column("n_labelled", "bigint", "", "meta.number", "Number of labelled spectra"),
        Column("n_candidates", "bigint", "", "meta.number", "Number of candidates"),
        Column("n_iter", "integer", "", "meta.number", "Iterations of the propagation"),
        Column("converged", "boolean", "", "meta.code", "Whether the propagation converged"),
        Column(
            "average_precision",
            "real",
            "",
            "stat.value",
            "Average precision of the score where the true classes are known (simulations)",
        ),
        Column(
            "target_share",
            "double precision",
            "",
            "stat.probability",
            "Share of the target classes in the survey, estimated from the scores, that the "
            "column probability is for; NULL where calibration_note says why",
        ),
        Column(
            "calibration_slope",
            "double precision",
            "",
            "stat.fit.param",
            "Slope a of probability = 1 / (1 + exp(-a x - b)), x = ln(score / (1 - score)), score "
            "within 1e-6 of 0 and 1 taken as that far from them",
        ),
        Column(
            "calibration_intercept",
            "double precision",
            "",
            "stat.fit.param",
            "Intercept b of the same, for the target_share",
        ),
        Column(
            "brier",
            "double precision",
            "",
            "stat.value",
            "Mean squared difference of probability and truth of the labelled spectra in the "
            "table reliability, 0 at best",
        ),
        Column(
            "calibration_error",
            "double precision",
            "",
            "stat.value",
            "Mean difference of predicted and observed in the table reliability, 0 at best",
        ),
        EXPECTED_PRECISION,
        EXPECTED_PRECISION_ERROR,
        Column(
            "calibration_note",
            "text",
            "",
            "meta.note",
            "Why the run has no probabilities; NULL where it has them",
        ),
        Column("started", "timestamp", "", "time.start", "Start of the run (UTC)"),
        Column("ended", "timestamp", "", "time.end", "End of the run (UTC)"),
        Column("state", "text", "", "meta.code.status", "State of the run: current or kept"),
    ),
    ("run_id",),
)


def _probability(name: str) -> Column:
    return Column(
        f"p_{name}",
        "real",
        "",
        "stat.probability",
        f"Share of class {name} in the label distribution; NULL where no label reaches",
    )


PROBABILITIES = tuple(_probability(name) for name in CLASSES)
SCORE = Column(
    "score",
    "real",
    "",
    "stat.probability;src.class",
    f"Sum of the shares of the target classes ({', '.join(TARGET_CLASSES)}), halved where "
    "no line stands above the continuum at Hα",
)
PROBABILITY = Column(
    "probability",
    "real",
    "",
    "stat.probability",
    f"Probability of being of a target class ({', '.join(TARGET_CLASSES)}): the score calibrated "
    "on labelled spectra that were scored without the labels of their star, for the share of such "
    "spectra in the survey; of a labelled spectrum, from its score without these labels; NULL "
    "where there is no score or labels are too few",
)
RANK = Column(
    "rank",
    "integer",
    "",
    "meta.id;stat.value",
    "Rank by score among the survey's spectra, best is 1, of equal scores the clearer line at Hα "
    "first; NULL for training spectra",
)

SCORES = Table(
    "scores",
    "Scores of every usable spectrum for every class, by run",
    (
        RUN_ID,
        SPECTRUM_ID,
        *PROBABILITIES,
        SCORE,
        PROBABILITY,
        RANK,
        Column("entropy", "real", "bit", "stat.value", "Entropy of the label distribution"),
    ),
    ("run_id", "spectrum_id"),
)

RELIABILITY = Table(
    "reliability",
    "Whether probabilities hold: labelled spectra that were scored without the labels of their "
    "star, by run and bin of probability; probabilities here are for the labels' own share of "
    "targets",
    (
        RUN_ID,
        Column(
            "bin_start",
            "double precision",
            "",
            "stat.probability;stat.min",
            "Least probability of the bin",
        ),
        Column(
            "bin_stop",
            "double precision",
            "",
            "stat.probability;stat.max",
            "Probability at which the next bin begins",
        ),
        Column("n", "bigint", "", "meta.number", "Number of spectra"),
        Column(
            "predicted",
            "double precision",
            "",
            "stat.probability;stat.mean",
            "Mean probability of the spectra; NULL where there are none",
        ),
        Column(
            "observed",
            "double precision",
            "",
            "stat.probability;arith.ratio",
            "Share of the spectra whose label is a target class; NULL where there are none",
        ),
    ),
    ("run_id", "bin_start"),
)

THRESHOLDS = Table(
    "thresholds",
    "What thresholds of the score are worth, by run: expected, from the probabilities of the "
    "survey's spectra",
    (
        RUN_ID,
        Column("threshold", "double precision", "", "stat.probability;stat.min", "Least score"),
        Column("n", "bigint", "", "meta.number", "Number of spectra"),
        replace(
            EXPECTED_PRECISION,
            description="Expected share of the target classes among the spectra; NULL where "
            "there are none",
        ),
        EXPECTED_PRECISION_ERROR,
        Column(
            "expected_recall",
            "double precision",
            "",
            "stat.probability;arith.ratio",
            "Expected part of all spectra of the target classes that is among these",
        ),
    ),
    ("run_id", "threshold"),
)

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

#: All tables by name, in the order of the flow of data.
TABLES = {
    table.name: table
    for table in (
        *(SPECTRA, ADAPTED, FEATURES, GRID, LABELS, RUNS, RELIABILITY, THRESHOLDS, SCORES),
        *(CANDIDATES, NEIGHBOURS),
    )
}

#: The tables that readers see.
PUBLISHED = tuple(table for table in TABLES.values() if table is not ADAPTED)
