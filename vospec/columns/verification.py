"""Columns of what other services and archives know of a star: SIMBAD, pairs of archives."""

from dataclasses import replace

from vospec.columns.column import Column, Table
from vospec.columns.flags import SIMBAD_STATES, VERDICT_MEANING
from vospec.columns.spectra import DEC, OBJECT, RA, SPECTRUM_ID

VERDICT = Column(
    "verdict",
    "text",
    "",
    "meta.code.class",
    "What SIMBAD makes of the star: "
    + "; ".join(f"{verdict}, {meaning}" for verdict, meaning in VERDICT_MEANING.items()),
)

RULE = Column(
    "rule",
    "text",
    "",
    "meta.code",
    "The rule of verdict_rules by which the verdict was found; NULL where there was no source",
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
        RULE,
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

#: What is stored of an answer; what to make of it is found when it is published.
ANSWERS = Table(
    "answers",
    "What SIMBAD answered, with the position that it was asked about",
    (*(column for column in SIMBAD if column not in {VERDICT, RULE}), RA, DEC),
    SIMBAD.key,
)

OBJECT_TYPES = Table(
    "object_types",
    "SIMBAD's object types and their hierarchy, as its table otypedef told them last",
    (
        replace(OTYPE, description="Code of the type"),
        Column("label", "text", "", "meta.title", "Name of the type"),
        Column("description", "text", "", "meta.note", "Meaning of the type"),
        Column(
            "is_candidate",
            "boolean",
            "",
            "meta.code",
            "Whether it is for candidates of another type, the last of the path",
        ),
        Column(
            "path",
            "text",
            "",
            "src.class",
            "Codes of the types to which it belongs, the most general first, itself last, with > "
            "between them",
        ),
        Column("taken_at", "timestamp", "", "time.processing", "When SIMBAD told it (UTC)"),
    ),
    ("otype",),
)

VERDICT_RULES = Table(
    "verdict_rules",
    "What is made of a source in SIMBAD: the verdict of the first of these rules that holds",
    (
        Column("place", "smallint", "", "stat.rank", "Place of the rule, the first is 1"),
        replace(RULE, ucd="meta.id;meta.main", description="Name of the rule"),
        VERDICT,
        Column(
            "looks_at",
            "text",
            "",
            "meta.code",
            "What of the source the rule looks at: otype, its main type; otypes, any of its types; "
            "sp_type, its spectral type",
        ),
        Column(
            "types",
            "text",
            "",
            "src.class",
            "Object types for which, and for all below them in the hierarchy, the rule holds, "
            "codes with | between them; NULL: for any",
        ),
        Column(
            "of_candidates",
            "text",
            "",
            "meta.code",
            "Whether it holds for candidates of these types: only for them, never for them; NULL: "
            "for them as for what is known to be of these types",
        ),
        Column(
            "pattern",
            "text",
            "",
            "meta.note",
            "Regular expression of what a spectral type must contain",
        ),
        Column("meaning", "text", "", "meta.note", "The rule in words"),
    ),
    ("rule",),
)

#: What a candidate tells of the last answer about it.
JUDGEMENT = (VERDICT, MAIN_ID, OTYPE, OTYPES, SP_TYPE, SEPARATION, N_SOURCES, ASKED_AT)

#: What becomes of a star of the survey near a star of the training archive.
DECISIONS = ACCEPTED, AMBIGUOUS, UNLIKE, CHANCE = ("accepted", "ambiguous", "unlike", "chance")
#: What joins a pair.
FOUND_BY = BY_POSITION, BY_NAME = ("position", "name")

_TRAINING_ID = Column(
    "training_id",
    "text",
    "",
    "meta.id;meta.main",
    "The spectrum_id of the training spectrum; its publisher DID where it is not in spectra",
)

_SURVEY_ID = Column(
    "survey_id",
    "text",
    "",
    "meta.id.assoc",
    "The spectrum_id of the survey spectrum; its publisher DID where it is not in spectra",
)

_STAR = replace(OBJECT, description="Name of the star as given by the training archive")

_PAIR_SEPARATION = replace(
    SEPARATION, description="Separation of the positions that the two archives give"
)

_NAMED = replace(
    MAIN_ID,
    description="Main identifier in SIMBAD of the star's name; NULL where it has none or "
    "nobody asked",
)

_NAME_SEPARATION = Column(
    "name_separation",
    "real",
    "arcsec",
    "pos.angDistance",
    "Separation of the survey's position from that which SIMBAD gives for the star's name",
)

_SEPARATION_RANK = Column(
    "separation_rank",
    "integer",
    "",
    "meta.id;stat.value",
    "Place of the survey star by separation among those within the radius, 1 is the nearest",
)

_N_STARS = Column(
    "n_stars",
    "integer",
    "",
    "meta.number;src",
    "Number of the survey's stars within the radius around the training archive's star",
)

_AGREEMENT = Column(
    "agreement",
    "real",
    "",
    "stat.probability;phot.flux.density",
    "Share of unrelated survey spectra that agree with the training spectrum at least as "
    "well as that of the pair; 1 where they could not be compared",
)

_BRIGHTNESS = Column(
    "brightness",
    "real",
    "",
    "stat.probability;phot.mag",
    "Share of unrelated survey stars that are at least as bright; 1 where no magnitude is known",
)

_CHANCE = Column(
    "chance",
    "real",
    "",
    "stat.probability",
    "Chance that an unrelated survey star is as good a match by separation, brightness and "
    "agreement taken together",
)

PAIRS = Table(
    "pairs",
    "Spectra of the training archive and of the survey that are of one star",
    (
        _TRAINING_ID,
        _SURVEY_ID,
        Column(
            "training_did",
            "text",
            "",
            "meta.ref.ivoid",
            "Publisher DID of the training spectrum in its archive",
        ),
        Column(
            "survey_did",
            "text",
            "",
            "meta.ref.ivoid",
            "Publisher DID of the survey spectrum in its archive; NULL where its files give none",
        ),
        _STAR,
        _PAIR_SEPARATION,
        Column(
            "found_by",
            "text",
            "",
            "meta.code",
            "What joins the two: position, where the archives' positions suffice; name, where "
            "that which SIMBAD gives for the name was needed",
        ),
        _NAMED,
        _NAME_SEPARATION,
        _N_STARS,
        _SEPARATION_RANK,
        _AGREEMENT,
        _BRIGHTNESS,
        _CHANCE,
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

PAIR_CANDIDATES = Table(
    "pair_candidates",
    "Stars of the survey near stars of the training archive, and what was decided about each",
    (
        _TRAINING_ID,
        _SURVEY_ID,
        _STAR,
        _NAMED,
        _PAIR_SEPARATION,
        _NAME_SEPARATION,
        _N_STARS,
        _SEPARATION_RANK,
        Column(
            "n_field",
            "integer",
            "",
            "meta.number;src",
            "Number of the survey's stars in the wider field, which tells how many to expect",
        ),
        Column(
            "misfit",
            "real",
            "",
            "stat.fit.residual",
            "RMS difference of the spectra after adaptation, in units of noise and of what "
            "spectra of one star differ by beyond it",
        ),
        _AGREEMENT,
        _BRIGHTNESS,
        _CHANCE,
        Column(
            "decision",
            "text",
            "",
            "meta.code",
            "What was decided: accepted, a pair; ambiguous, as likely one as another star near "
            "it; unlike, not there by chance, but the spectra do not agree or could not be "
            "compared, or SIMBAD puts the name elsewhere; chance, may well be an unrelated star",
        ),
    ),
    ("training_id", "survey_id"),
)
