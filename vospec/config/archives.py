"""The sections about two archives: when stars are the same, and services that list spectra."""

from dataclasses import dataclass

from vospec.config.keys import key, one_of, positive

PROTOCOLS = ("tap", "ssa")
#: Beyond a degree neighbours are no longer the same star.
MAX_RADIUS = 3600.0
#: Beyond some degrees a survey's density is another.
MAX_FIELD = 300.0


@dataclass(frozen=True)
class PairsSettings:
    """Pairs of a training and a survey spectrum of one star: which stars both have observed."""

    radius_arcsec: float = key(
        30.0,
        "largest separation; positions of CCD700 are up to 24 arcsec off",
        lambda v: 0 < v <= MAX_RADIUS,
        f"above 0, at most {MAX_RADIUS:.0f}",
    )
    field_arcmin: float = key(
        10.0,
        "radius around a star in which the survey's stars are counted, to tell how many "
        "unrelated ones to expect near it",
        lambda v: 0 < v <= MAX_FIELD,
        f"above 0, at most {MAX_FIELD:.0f}",
    )
    max_chance: float = key(
        0.005,
        "a survey star makes a pair where the chance of one as near, as bright and as much alike "
        "among unrelated stars is not above this; of stars that the survey does not have, "
        "this share gets a wrong one",
        lambda v: 0 < v < 1,
        "between 0 and 1",
    )
    max_agreement: float = key(
        0.1,
        "and of unrelated survey spectra no larger share agrees as well with the training "
        "spectrum, unless SIMBAD puts its name there; of 15 known pairs all are below 0.08",
        lambda v: 0 < v <= 1,
        "above 0, at most 1",
    )
    names: bool = key(
        False,
        "ask SIMBAD ([verification] services) where the names of the training archive's stars "
        "stand: survey stars are sought there, too",
    )
    folder: str = key(
        "var/pairs", "where answers of the archives' services and spectra fetched there are kept"
    )


@dataclass(frozen=True)
class ArchiveSettings:
    """A service that is asked for spectra, by TAP or by Simple Spectral Access."""

    url: str = key("", "base address; empty: only spectra in the store take part")
    protocol: str = key("tap", "tap, or ssa where there is no TAP", *one_of(PROTOCOLS))
    resolving_power: float = key(1800.0, "that of its spectra near Hα", positive, "above 0")
    table: str = key("ivoa.obscore", "by TAP: table that lists the spectra")
    columns: tuple[str, ...] = key(
        (
            *("obs_publisher_did", "target_name", "s_ra", "s_dec", "t_min", "t_max"),
            *("em_min", "em_max", "access_url", "access_format"),
        ),
        "by TAP: columns of identifier, name, ra, dec (degrees), begin, end (MJD), first, last "
        "wavelength (in the unit that the service tells, else m), address, media type; empty "
        "where the table has none",
    )
    only: tuple[str, ...] = key(
        ("dataproduct_type=spectrum",), "by TAP: conditions column=text, all of which are met"
    )
    block: int = key(100, "by TAP: most places of a question", positive, "above 0")
    pause_seconds: float = key(0.5, "between two requests", lambda v: v >= 0, "0 or more")
    timeout_seconds: float = key(120.0, "without an answer", positive, "above 0")


@dataclass(frozen=True)
class TrainingArchiveSettings(ArchiveSettings):
    """The service of the training archive, for pairs with spectra that are not in the store."""

    resolving_power: float = key(13000.0, "that of its spectra near Hα", positive, "above 0")


@dataclass(frozen=True)
class SurveyArchiveSettings(ArchiveSettings):
    """The service of the survey, for pairs with spectra that are not in the store."""
