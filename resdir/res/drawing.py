# noqa: INP001 - DaCHS loads this file by its path
"""A picture of a spectrum: the whole of it above, Hα of the rectified one below.

Matplotlib alone, without its global state; it is not made for threads: one drawing at a time.
"""

import io
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

#: Vacuum wavelengths in Å, by the importance of their names where there is no room for all.
HALPHA = 6564.61
LINES = (
    ("Hα", HALPHA),
    ("Hβ", 4862.69),
    ("Hγ", 4341.69),
    ("He I", 6679.99),
    ("He I", 5877.25),
    ("Hδ", 4102.90),
    ("[N II]", 6585.27),
    ("[N II]", 6549.86),
    ("[S II]", 6718.29),
    ("[S II]", 6732.67),
    ("[O III]", 5008.24),
    ("[O III]", 4960.30),
    ("He I", 7067.14),
    ("He I", 4472.73),
)
_COLOURS = {"H": "tab:red", "He": "tab:blue", "[": "tab:green"}

#: Half of the range of the lower panel, Å.
HALF_WINDOW = 60.0

_INCHES, _DPI = (7.2, 6.0), 100
#: Left, bottom, width and height of the panels, of those of the picture.
WHOLE, ZOOM = (0.12, 0.55, 0.85, 0.32), (0.12, 0.085, 0.85, 0.32)
#: Names of lines are at least that part of a panel's width apart.
_APART = 0.02

_FLUX = {
    "RELATIVE": "Flux (relative)",
    "NORMALIZED": "Flux / continuum",
    "UNCALIBRATED": "Flux (counts)",
}


class Curve(NamedTuple):
    """Flux at vacuum wavelengths in Å; NaN where there is none to be shown."""

    wavelength: NDArray[np.float64]
    flux: NDArray[np.float32]


def draw(row: dict[str, Any], whole: Curve, rectified: Curve | None) -> bytes:
    """The PNG of a spectrum.

    Parameters
    ----------
    row
        Of ssa_spectra, with archive_subclass and reason of spectra.
    whole
        As delivered.
    rectified
        Flux over continuum, or None where there is none.
    """
    figure = Figure(figsize=_INCHES, dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.suptitle(_title(row), fontsize="medium", parse_math=False, y=0.985)
    _draw_whole(figure.add_axes(WHOLE), whole, _FLUX.get(row["ssa_fluxcalib"], "Flux"))
    _draw_zoom(figure.add_axes(ZOOM), rectified, row["reason"])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Title": str(row["ssa_dstitle"])})
    return stream.getvalue()


def _draw_whole(axes: Axes, curve: Curve, flux: str) -> None:
    axes.set_xlim(curve.wavelength[0], curve.wavelength[-1])
    if np.isfinite(curve.flux).any():
        axes.plot(*curve, color="black", linewidth=0.6)
    else:
        _say(axes, "every pixel is bad")
    _finish(axes, flux)


def _draw_zoom(axes: Axes, curve: Curve | None, reason: str | None) -> None:
    axes.set_xlim(HALPHA - HALF_WINDOW, HALPHA + HALF_WINDOW)
    if curve is None:
        _say(axes, "no rectified spectrum" + (f":\n{reason}" if reason else ""))
    else:
        inside = np.abs(curve.wavelength - HALPHA) <= HALF_WINDOW
        axes.axhline(1.0, color="grey", linewidth=0.8, label="continuum")
        axes.plot(
            curve.wavelength[inside],
            curve.flux[inside],
            color="black",
            linewidth=0.9,
            drawstyle="steps-mid",
        )
        axes.legend(loc="upper right", frameon=False, fontsize="small")
    _finish(axes, "Flux / continuum")


def _say(axes: Axes, text: str) -> None:
    """Say why there is no curve."""
    place = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.4, text, wrap=True, parse_math=False, **place)
    axes.set_yticks([])


def _finish(axes: Axes, flux: str) -> None:
    axes.set_xlabel("Vacuum wavelength (Å)")
    axes.set_ylabel(flux)
    axes.yaxis.set_label_coords(-0.095, 0.5)
    axes.margins(y=0.08)
    _mark(axes)


def _mark(axes: Axes) -> None:
    """Mark the lines inside, and name those that there is room for above the panel."""
    first, last = axes.get_xlim()
    named: list[float] = []
    for name, wavelength in LINES:
        if not first < wavelength < last:
            continue
        colour = next(_COLOURS[kind] for kind in ("He", "H", "[") if name.startswith(kind))
        axes.axvline(wavelength, color=colour, linewidth=0.7, linestyle="--", alpha=0.6, zorder=1)
        place = (wavelength - first) / (last - first)
        if all(abs(place - other) >= _APART for other in named):
            named.append(place)
            axes.text(
                *(place, 1.02, name),
                transform=axes.transAxes,
                rotation=90,
                ha="center",
                va="bottom",
                fontsize="small",
                color=colour,
            )


def _title(row: dict[str, Any]) -> str:
    known = [row["ssa_targname"], row["archive_subclass"]]
    if row["ssa_snr"] is not None:
        known.append(f"S/N {row['ssa_snr']:.0f}")
    if row["ssa_dateobs"] is not None:
        known.append(f"MJD {row['ssa_dateobs']:.2f}")
    told = "   ".join(part for part in known if part)
    return f"{row['spectrum_id']}\n{told}"
