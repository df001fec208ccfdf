"""Columns of what other services and archives know of a star: SIMBAD, pairs of archives."""

from dataclasses import replace

from vospec.columns.column import Column, Table
from vospec.columns.flags import SIMBAD_STATES, VERDICT_MEANING
from vospec.columns.spectra import OBJECT, SPECTRUM_ID

VERDICT = Column(
    "verdict",
    "text",
    "",
    "meta.code.class",
    "What SIMBAD makes of the star: "
    + "; ".join(f"{verdict}, {meaning}" for verdict, meaning in VERDICT_MEANING.items()),
)

ASKED_AT = Column("asked_at", "timestamp", "", "time.processing", "When SIMBAD was asked (UTC)")

N_SOURCES = Column(
    "n_sources", "integer", "", "meta.number;src", "Number of SIMBAD's sources within the radius"
)

SEPARATION = Column(
    "separation",
    "real",
    "arcsec",
    "pos.angDistance",
    "Separation of the two positions; of SIMBAD's sources the nearest is taken",
)

MAIN_ID = Column("main_id", "text", "", "meta.id.cross", "Main identifier in SIMBAD")

OTYPE = Column("otype", "text", "", "src.class", "Main object type in SIMBAD, as its short code")

OTYPES = Column(
    "otypes", "text", "", "src.class", "All object types in SIMBAD, codes with | between them"
)

SP_TYPE = Column("sp_type", "text", "", "src.spType", "Spectral type in SIMBAD")

SIMBAD = Table(
    "simbad",
    "What SIMBAD answered, a row for each time that it was asked about a spectrum's position",
    (
        SPECTRUM_ID,
        ASKED_AT,
        Column(
            "state",
            "text",
            "",
            "meta.code.status",
            "Outcome of the question: " + ", ".join(SIMBAD_STATES),
        ),
        VERDICT,
        MAIN_ID,
        OTYPE,
        OTYPES,
        SP_TYPE,
        SEPARATION,
        N_SOURCES,
        Column(
            "radius",
            "real",
            "arcsec",
            "pos.angDistance;stat.max",
            "Radius around the spectrum's position within which sources were sought",
        ),
        Column(
            "radial_velocity",
            "double precision",
            "km/s",
            "spect.dopplerVeloc.opt",
            "Heliocentric radial velocity in SIMBAD",
        ),
        Column(
            "n_references",
            "integer",
            "",
            "meta.number",
            "Number of references in SIMBAD",
        ),
        Column(
            "updated", "timestamp", "", "time.creation", "When SIMBAD last changed the object (UTC)"
        ),
        Column("service", "text", "", "meta.ref.url", "Address of the service that was asked"),
        Column("reason", "text", "", "meta.note", "Why the question failed; NULL where it did not"),
    ),
    ("spectrum_id", "asked_at"),
)

#: What a candidate tells of the last answer about it.
JUDGEMENT = (VERDICT, MAIN_ID, OTYPE, OTYPES, SP_TYPE, SEPARATION, N_SOURCES, ASKED_AT)

PAIRS = Table(
    "pairs",
    "Spectra of the training archive and of the survey that are of one star",
    (
        Column(
            "training_id",
            "text",
            "",
            "meta.id;meta.main",
            "The spectrum_id of the training spectrum",
        ),
        Column("survey_id", "text", "", "meta.id.assoc", "The spectrum_id of the survey spectrum"),
        replace(OBJECT, description="Name of the star as given by the training archive"),
        SEPARATION,
        Column(
            "found_by",
            "text",
            "",
            "meta.code",
            "What joins the two: position, or name where positions fail",
        ),
        Column(
            "training_mjd",
            "double precision",
            "d",
            "time.epoch;obs.exposure",
            "Modified Julian Date (UTC) of the training spectrum",
        ),
        Column(
            "survey_mjd",
            "double precision",
            "d",
            "time.epoch;obs.exposure",
            "Modified Julian Date (UTC) of the survey spectrum",
        ),
        Column(
            "velocity",
            "real",
            "km/s",
            "spect.dopplerVeloc.opt;arith.diff",
            "Velocity by which the adapted training spectrum is moved to agree best",
        ),
        Column(
            "residual",
            "real",
            "",
            "stat.stdev;phot.flux.density;arith.diff",
            "RMS difference of the two rectified spectra over 6540–6590 Å after adaptation",
        ),
        Column(
            "residual_unadapted",
            "real",
            "",
            "stat.stdev;phot.flux.density;arith.diff",
            "The same without adaptation",
        ),
        Column(
            "noise",
            "real",
            "",
            "stat.stdev;phot.flux.density",
            "RMS difference that the noise of the two spectra lets expect",
        ),
    ),
    ("training_id", "survey_id"),
)
