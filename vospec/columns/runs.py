"""Columns of labels, runs and scores, and of what tells how good they are."""

from vospec.columns.column import Column, Table
from vospec.columns.flags import CLASSES, TARGET_CLASSES
from vospec.columns.spectra import RUN_ID, SPECTRUM_ID

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

_OF_THIS_ERROR = (
    " from the numbers of labelled and of found spectra; what the survey's spectra have that no "
    "label resembles is not in it"
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
        Column(
            "candidate_precision",
            "double precision",
            "",
            "stat.probability;arith.ratio",
            "Expected share of the target classes among the candidates of the run",
        ),
        Column(
            "candidate_precision_error",
            "double precision",
            "",
            "stat.stdev;stat.probability",
            "Standard deviation of candidate_precision" + _OF_THIS_ERROR,
        ),
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
    "first; NULL for training spectra and for those that came after the run",
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
        Column(
            "expected_precision",
            "double precision",
            "",
            "stat.probability;arith.ratio",
            "Expected share of the target classes among the spectra; NULL where there are none",
        ),
        Column(
            "expected_precision_error",
            "double precision",
            "",
            "stat.stdev;stat.probability",
            "Standard deviation of expected_precision" + _OF_THIS_ERROR,
        ),
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
