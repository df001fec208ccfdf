"""Columns of feature vectors, the measures of their lines, and the common grid."""

from vospec.columns.column import Column, Table
from vospec.columns.flags import LINE_FLAG_MEANING
from vospec.columns.spectra import QUALITY, SPECTRUM_ID


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
