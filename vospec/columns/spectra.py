"""Columns of spectra as they are read and adapted, and what other tables share with them."""

from vospec.columns.column import Column, Table
from vospec.columns.flags import QUALITY_MEANING

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
