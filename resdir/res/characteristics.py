# noqa: INP001 - DaCHS loads this file by its path
"""What is told of a spectrum beside its pixels, in the words of the Spectrum data model.

The model is that of IVOA, Spectrum Data Model 1.1 (2011): names of its elements for
VOTables, cards for FITS. Values are those of the row of ssa_spectra, so that a file says
what the answer said that led to it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Dataset = Any  # of datasets, which nobody can import by its name

_MODEL = "spec:Spectrum."


class Characteristic(NamedTuple):
    """One value: its element of the model, its FITS card, unit and UCD."""

    name: str
    utype: str
    card: str
    value: Any
    unit: str = ""
    ucd: str = ""


#: Column of ssa_spectra (as PostgreSQL spells it), element of the model, card, unit, UCD. In
#: FITS files the bounds of an axis stand with its column.
_OF_ROW = (
    ("ssa_model", "DataModel", "VOCLASS", "", ""),
    ("ssa_dstitle", "DataID.Title", "TITLE", "", "meta.title;meta.dataset"),
    ("ssa_creator", "DataID.Creator", "AUTHOR", "", ""),
    ("ssa_collection", "DataID.Collection", "COLLECT1", "", ""),
    ("ssa_creatordid", "DataID.CreatorDID", "CR_IDENT", "", "meta.id"),
    ("ssa_cversion", "DataID.Version", "VERSION", "", "meta.version;meta.dataset"),
    ("ssa_instrument", "DataID.Instrument", "INSTRUME", "", "meta.id;instr"),
    ("ssa_datasource", "DataID.DataSource", "DSSOURCE", "", ""),
    ("ssa_creationtype", "DataID.CreationType", "CRETYPE", "", ""),
    ("ssa_bandpass", "DataID.Bandpass", "SPECBAND", "", "instr.bandpass"),
    ("ssa_publisher", "Curation.Publisher", "VOPUB", "", "meta.curation"),
    ("ssa_pubdid", "Curation.PublisherDID", "DS_IDPUB", "", "meta.ref.ivoid"),
    ("ssa_targname", "Target.Name", "OBJECT", "", "meta.id;src"),
    ("ssa_targclass", "Target.Class", "SRCCLASS", "", "src.class"),
    ("archive_subclass", "Target.SpectralClass", "SPECTYPE", "", "src.spType"),
    ("ssa_redshift", "Target.Redshift", "REDSHIFT", "", "src.redshift"),
    ("ssa_snr", "Derived.SNR", "DER_SNR", "", "stat.snr"),
    ("ssa_aperture", "Char.SpatialAxis.Coverage.Bounds.Extent", "APERTURE", "deg", "phys.angSize"),
    ("ssa_dateobs", "Char.TimeAxis.Coverage.Location.Value", "TMID", "d", "time.epoch"),
    ("ssa_timeext", "Char.TimeAxis.Coverage.Bounds.Extent", "TELAPSE", "s", "time.duration"),
    ("ssa_specmid", "Char.SpectralAxis.Coverage.Location.Value", "SPEC_VAL", "m", "em.wl"),
    ("ssa_specstart", "Char.SpectralAxis.Coverage.Bounds.Start", "", "m", "em.wl;stat.min"),
    ("ssa_specend", "Char.SpectralAxis.Coverage.Bounds.Stop", "", "m", "em.wl;stat.max"),
    ("ssa_specext", "Char.SpectralAxis.Coverage.Bounds.Extent", "SPEC_BW", "m", "em.wl"),
    ("ssa_specres", "Char.SpectralAxis.Resolution", "SPEC_RES", "m", "spect.resolution;em.wl"),
    ("ssa_speccalib", "Char.SpectralAxis.Calibration", "SPEC_CAL", "", "meta.code.qual"),
    ("ssa_fluxcalib", "Char.FluxAxis.Calibration", "FLUX_CAL", "", "meta.code.qual"),
    ("ssa_fluxstaterror", "Char.FluxAxis.Accuracy.StatError", "STAT_ERR", "", "stat.error"),
)

#: The same of all. In FITS files SPECSYS has a word of its own.
_OF_ALL = (
    ("type", "Type", "VOSEGT", "Spectrum"),
    ("space_frame", "CoordSys.SpaceFrame.Name", "RADESYS", "ICRS"),
    ("time_scale", "CoordSys.TimeFrame.Name", "TIMESYS", "UTC"),
    ("time_zero", "CoordSys.TimeFrame.Zero", "MJDREF", 0.0),
    ("reference_position", "CoordSys.SpectralFrame.RefPos", "", "HELIOCENTER"),
)


class Column(NamedTuple):
    """How a column looks as FITS, and what it is."""

    kind: str
    unit: str
    ucd: str
    utype: str
    comment: str


_AXES = "spec:Spectrum.Data."
_COLUMNS = {
    "spectral_axis": Column(
        *("D", "Angstrom", "em.wl", f"{_AXES}SpectralAxis.Value"),
        "vacuum wavelength, heliocentric",
    ),
    "flux": Column(
        *("E", "ct", "phot.flux.density;em.wl", f"{_AXES}FluxAxis.Value"),
        "flux; its scale is arbitrary",
    ),
    "flux_error": Column(
        *("E", "ct", "stat.error;phot.flux.density;em.wl"),
        *(f"{_AXES}FluxAxis.Accuracy.StatError", "standard deviation; NaN where not known"),
    ),
    "ivar": Column(
        *("E", "ct**-2", "stat.weight;phot.flux.density;em.wl", ""),
        "inverse variance, as the archive gives it",
    ),
    "mask": Column("L", "", "meta.code.qual", "", "true where the pixel is bad"),
}


def characteristics(row: dict[str, Any], length: int) -> Iterator[Characteristic]:
    """What is known of a spectrum of so many pixels."""
    for name, utype, card, value in _OF_ALL:
        yield Characteristic(name, f"{_MODEL}{utype}", card, value)
    yield Characteristic("length", f"{_MODEL}Length", "DATALEN", length, "", "meta.number")
    for name, utype, card, unit, ucd in _OF_ROW:
        if row[name] is not None:
            yield Characteristic(name, f"{_MODEL}{utype}", card, row[name], unit, ucd)


def described(dataset: Dataset) -> dict[str, Column]:
    """The columns that a :class:`datasets.Dataset` has; flux over continuum is a ratio."""
    found = {name: _COLUMNS[name] for name in dataset.columns}
    if dataset.row["processing"] == "rectified":
        ratio = {"ucd": dataset.row["ssa_fluxucd"], "comment": "flux over continuum"}
        found["flux"] = found["flux"]._replace(**ratio)
    return found
