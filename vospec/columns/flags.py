"""Classes of profiles, roles of archives, flags of spectra and lines, verdicts."""

from enum import IntFlag, StrEnum

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


class Verdict(StrEnum):
    """What is known of a candidate's star elsewhere."""

    KNOWN_EMISSION_STAR = "known_emission_star"
    KNOWN_OTHER_STAR = "known_other_star"
    CONTAMINANT = "contaminant"
    UNCLEAR = "unclear"
    NOT_IN_SIMBAD = "not_in_simbad"
    NOT_ASKED = "not_asked"
    SERVICE_FAILED = "service_failed"


#: One phrase a verdict, for people and for the published column description.
VERDICT_MEANING = {
    Verdict.KNOWN_EMISSION_STAR: "a star with emission lines, or of a kind that has them",
    Verdict.KNOWN_OTHER_STAR: "another star",
    Verdict.CONTAMINANT: "no star or not one alone: planetary nebula, H II region, galaxy, quasar",
    Verdict.UNCLEAR: "a source whose nature SIMBAD does not tell",
    Verdict.NOT_IN_SIMBAD: "no source within the radius",
    Verdict.NOT_ASKED: "nobody has asked yet",
    Verdict.SERVICE_FAILED: "asked without an answer",
}

#: How a question to SIMBAD may end.
SIMBAD_STATES = FOUND, NOTHING, FAILED = ("found", "nothing", "failed")
