"""The sections of the settings: every key once, with its default and its meaning."""

import math
from dataclasses import dataclass, field

from vospec.config.archives import (
    PairsSettings,
    SurveyArchiveSettings,
    TrainingArchiveSettings,
)
from vospec.config.keys import key as _key
from vospec.config.keys import one_of as _one_of
from vospec.config.keys import positive as _positive
from vospec.config.keys import some_of as _some_of

METHODS = ("label_propagation", "label_spreading")
KERNELS = ("resolving_power", "paper", "fitted")
WEIGHTS = ("local_scaling", "binary", "rbf")
#: The cross-match service of CDS takes no more.
MAX_MATCH = 180.0


@dataclass(frozen=True)
class StoreSettings:
    """Where the datasets stand."""

    folder: str = _key("var/store", "folder or URI (file:, hdfs:, s3a:) that holds all datasets")


@dataclass(frozen=True)
class SurveySettings:
    """The spectra among which candidates are sought."""

    folders: tuple[str, ...] = _key((), "folders of LAMOST FITS files, searched with subfolders")
    truth: str = _key("", "CSV (spectrum_id, class) of true classes, where they are known")


@dataclass(frozen=True)
class TrainingSettings:
    """The labelled spectra."""

    folders: tuple[str, ...] = _key((), "folders of CCD700 FITS files, searched with subfolders")
    labels: tuple[str, ...] = _key(
        (), "label lists (CSV: id, label); none: every *labels*.csv in the training folders"
    )


@dataclass(frozen=True)
class GridSettings:
    """The common wavelength grid; its pixels are LAMOST's own."""

    start_angstrom: float = _key(
        6310.0,
        "first wavelength (vacuum); below lie the sky's [O I] 6302 and telluric O2",
        _positive,
        "above 0",
    )
    stop_angstrom: float = _key(6725.0, "last wavelength (vacuum)", _positive, "above 0")


@dataclass(frozen=True)
class AdaptationSettings:
    """How training spectra are brought to the survey's resolution."""

    kernel: str = _key(
        "resolving_power",
        "resolving_power: FWHM from the two resolving powers; paper: 5 pixels of the training; "
        "fitted: fwhm_angstrom",
        *_one_of(KERNELS),
    )
    target_resolving_power: float = _key(1800.0, "that of the survey", _positive, "above 0")
    fwhm_angstrom: float = _key(
        0.0,
        "FWHM of the fitted kernel at Hα, growing with wavelength; written by vospec calibrate",
        lambda v: 0 <= v < math.inf,
        "0 or more",
    )

    def __post_init__(self) -> None:
        """Refuse a fitted kernel without width."""
        if self.kernel == "fitted" and self.fwhm_angstrom == 0:
            message = (
                "fwhm_angstrom = 0 with kernel = 'fitted', expected a number above 0; "
                "vospec calibrate finds and writes it"
            )
            raise ValueError(message)


@dataclass(frozen=True)
class LearningSettings:
    """The neighbour graph and the propagation of labels over it."""

    methods: tuple[str, ...] = _key(
        METHODS, "one run each; the first becomes the current one", *_some_of(METHODS)
    )
    n_components: int = _key(
        32, "principal components of the graph's space; 0: all", lambda v: v >= 0, "0 or more"
    )
    n_sample: int = _key(20000, "spectra on which the components are fitted", _positive, "above 0")
    n_neighbors: int = _key(10, "neighbours of a spectrum", _positive, "above 0")
    weights: str = _key("local_scaling", "weights of the graph's edges", *_one_of(WEIGHTS))
    alpha: float = _key(
        0.9,
        "share that Label Spreading takes from the neighbours",
        lambda v: 0 < v < 1,
        "between 0 and 1",
    )
    line_significance: float = _key(
        3.0,
        "a score counts half where Hα does not stand above the continuum by this many times "
        "its noise",
        lambda v: v >= 0,
        "0 or more",
    )
    max_iter: int = _key(1000, "bound on the iterations", _positive, "above 0")
    tol: float = _key(
        1e-4, "relative change at which the propagation has converged", _positive, "above 0"
    )


@dataclass(frozen=True)
class SelectionSettings:
    """Which scores make a candidate."""

    min_score: float = _key(
        0.5, "a candidate's score is above this", lambda v: 0 <= v <= 1, "0 to 1"
    )
    n_candidates: int = _key(10000, "most candidates of a run", _positive, "above 0")
    n_explained: int = _key(
        200,
        "best candidates for which the labels behind the score are told; for 200 of them it takes "
        "several times as long as spreading the labels",
        lambda v: v >= 0,
        "0 or more",
    )


@dataclass(frozen=True)
class VerificationSettings:
    """What SIMBAD knows of the candidates (vospec verify)."""

    services: tuple[str, ...] = _key(
        (
            "https://simbad.cds.unistra.fr/simbad/sim-tap",
            "https://simbad.harvard.edu/simbad/sim-tap",
        ),
        "SIMBAD's TAP service and its mirrors, which are asked where those before them fail",
        bool,
        "at least one address",
    )
    radius_arcsec: float = _key(
        3.0,
        "sources are sought around a spectrum's position",
        lambda v: 0 < v <= MAX_MATCH,
        f"above 0, at most {MAX_MATCH:.0f}",
    )
    max_age_days: float = _key(
        90.0, "an answer that is older is asked for again", _positive, "above 0"
    )
    block_positions: int = _key(5000, "positions of one question", _positive, "above 0")
    pause_seconds: float = _key(
        1.0,
        "between two requests; who asks more than five times a second is shut out",
        lambda v: v >= 0,
        "0 or more",
    )
    timeout_seconds: float = _key(120.0, "without an answer", _positive, "above 0")
    patience_seconds: float = _key(
        180.0,
        "for which one question is asked again, after 1, 2, 4 … 30 seconds, before the next "
        "service is asked",
        lambda v: v >= 0,
        "0 or more",
    )
    crossmatch: str = _key(
        "http://cdsxmatch.u-strasbg.fr/xmatch/api/v1/sync",
        "the cross-match service of CDS, for more positions than crossmatch_positions; empty: none",
    )
    crossmatch_positions: int = _key(
        200_000, "most positions that SIMBAD itself is asked about", _positive, "above 0"
    )
    crossmatch_block: int = _key(
        50_000, "positions of one question to the cross-match service", _positive, "above 0"
    )
    catalogues: str = _key(
        "https://tapvizier.cds.unistra.fr/TAPVizieR/tap",
        "TAP service of lists of known stars (vospec verify --catalogue)",
    )
    with_run: bool = _key(False, "vospec run asks, too, before it publishes")


@dataclass(frozen=True)
class SparkSettings:
    """The engine."""

    master: str = _key("local[*]", "local[*], spark://…, yarn or k8s://…")
    driver_memory: str = _key("2g", "memory of the driver, and of everything where master is local")
    driver_host: str = _key(
        "127.0.0.1", "address at which the executors of a cluster reach the driver"
    )
    executor_memory: str = _key(
        "1g", "memory of an executor of a cluster; Python's share comes on top"
    )
    environment: str = _key(
        "",
        "folder or URI with the archives of deploy/cluster/pack, of which one is sent to the "
        "executors of a cluster; none: this Python environment stands on every node",
    )
    properties: str = _key(
        "",
        "file of more properties of Spark, one a line: name, blank, value; what it holds is on no "
        "command line, and only its owner may read secrets",
    )
    min_spectra: int = _key(
        100_000,
        "fewer spectra are processed by this machine alone, without Spark's fixed costs",
        lambda v: v >= 0,
        "0 or more",
    )
    driver_spectra: int = _key(
        20_000_000,
        "largest graph that the driver holds (some 400 bytes a spectrum); beyond it Spark keeps "
        "the edges in blocks, and the class shares are sent to all tasks",
        lambda v: v >= 0,
        "0 or more",
    )
    broadcast_spectra: int = _key(
        30_000_000,
        "most spectra whose class shares are sent to all tasks; beyond it blocks exchange theirs "
        "through the store",
        lambda v: v >= 0,
        "0 or more",
    )


@dataclass(frozen=True)
class PublicationSettings:
    """The database under the service."""

    host: str = _key("var/run", "folder of PostgreSQL's socket, or a host name")
    port: int = _key(5433, "port of PostgreSQL", lambda v: 0 < v < 65536, "1 to 65535")  # noqa: PLR2004 - ports end there
    database: str = _key("gavo", "database of DaCHS")
    user: str = _key("gavoadmin", "role that owns the tables; passwords belong in ~/.pgpass")
    service_url: str = _key("http://127.0.0.1:8080", "address at which DaCHS serves")
    keep_runs: int = _key(
        6,
        "runs that stay in the database, those that were loaded last; the current one and the "
        "one before stay in any case",
        _positive,
        "above 0",
    )


@dataclass(frozen=True)
class GateSettings:
    """How much worse than the published run a new one may be; else it is kept aside."""

    max_usable_loss: float = _key(
        0.02, "share of usable spectra that may be missing", lambda v: 0 <= v <= 1, "0 to 1"
    )
    max_candidates_factor: float = _key(
        2.0,
        "the share of candidates may grow or shrink by this factor",
        lambda v: v >= 1,
        "1 or more",
    )
    max_precision_loss: float = _key(
        0.05,
        "by so much the expected precision of the candidates may fall",
        lambda v: 0 <= v <= 1,
        "0 to 1",
    )
    min_known_share: float = _key(
        0.9,
        "share of the published candidates known as emission-line stars that must be found again",
        lambda v: 0 <= v <= 1,
        "0 to 1",
    )


@dataclass(frozen=True)
class RescoreSettings:
    """Scoring again by itself, when spectra or labels have come in (vospec rescore)."""

    max_added_share: float = _key(
        0.1,
        "new spectra up to this share of a run's are added to it; more make a new run",
        lambda v: 0 <= v <= 1,
        "0 to 1",
    )
    min_free_gigabytes: float = _key(
        10.0, "with less free space under the store nothing starts", lambda v: v >= 0, "0 or more"
    )
    keep_runs: int = _key(
        3, "latest runs of each method that stay in the store", _positive, "above 0"
    )
    keep_days: float = _key(
        30.0,
        "what no run needs stays in the store for so long",
        lambda v: v >= 0,
        "0 or more",
    )
    n_pictures: int = _key(
        20, "best new candidates that a report shows", lambda v: v >= 0, "0 or more"
    )


@dataclass(frozen=True)
class Settings:
    """All settings, by the sections of the TOML file."""

    store: StoreSettings = field(default_factory=StoreSettings)
    survey: SurveySettings = field(default_factory=SurveySettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    grid: GridSettings = field(default_factory=GridSettings)
    adaptation: AdaptationSettings = field(default_factory=AdaptationSettings)
    pairs: PairsSettings = field(default_factory=PairsSettings)
    training_archive: TrainingArchiveSettings = field(default_factory=TrainingArchiveSettings)
    survey_archive: SurveyArchiveSettings = field(default_factory=SurveyArchiveSettings)
    learning: LearningSettings = field(default_factory=LearningSettings)
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    verification: VerificationSettings = field(default_factory=VerificationSettings)
    spark: SparkSettings = field(default_factory=SparkSettings)
    publication: PublicationSettings = field(default_factory=PublicationSettings)
    rescore: RescoreSettings = field(default_factory=RescoreSettings)
    gate: GateSettings = field(default_factory=GateSettings)
