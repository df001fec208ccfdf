# noqa: INP001 - DaCHS loads this file by its path
"""A picture of a spectrum: the whole of it above, Hα of the rectified one below."""

import io
import threading
from typing import Any

import numpy as np
from gavo import api
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)

_H_ALPHA = 6564.61
_HALF_WINDOW = 60.0

#: Matplotlib's caches are not made for threads, and DaCHS draws in threads.
_LOCK = threading.Lock()


def make(name: str) -> tuple[str, bytes]:
    """Media type and content of the file ``<spectrum_id>.png``."""
    spectrum_id = name.removesuffix(".png")
    delivered = datasets.dataset(spectrum_id, datasets.DELIVERED)
    rectified = None
    if datasets.row(spectrum_id, datasets.RECTIFIED) is not None:
        rectified = datasets.columns(spectrum_id, datasets.RECTIFIED)
    with _LOCK:
        return "image/png", draw(delivered.row | delivered.columns, rectified)


def draw(row: dict[str, Any], rectified: dict[str, Any] | None) -> bytes:
    """The PNG of what :mod:`datasets` gives of a spectrum."""
    figure = Figure(figsize=(7.2, 6.0), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    whole, zoom = figure.subplots(2, 1)
    _draw_whole(whole, row)
    _draw_zoom(zoom, rectified, row["reason"])
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _draw_whole(axes: Axes, row: dict[str, Any]) -> None:
    flux = np.where(row["mask"], np.nan, row["flux"])
    axes.plot(row["spectral_axis"], flux, color="black", linewidth=0.6)
    axes.set_ylabel("Flux (relative)")
    axes.set_title(_title(row), fontsize="medium", parse_math=False)
    _mark(axes)


def _draw_zoom(axes: Axes, rectified: dict[str, Any] | None, reason: str | None) -> None:
    axes.set_ylabel("Flux / continuum")
    _mark(axes)
    axes.set_xlim(_H_ALPHA - _HALF_WINDOW, _H_ALPHA + _HALF_WINDOW)
    if rectified is None:
        text = "no rectified spectrum" + (f":\n{reason}" if reason else "")
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", wrap=True)
        return
    inside = np.abs(rectified["spectral_axis"] - _H_ALPHA) <= _HALF_WINDOW
    wavelength, flux = rectified["spectral_axis"][inside], rectified["flux"][inside]
    axes.plot(wavelength, flux, color="black", linewidth=0.9, drawstyle="steps-mid")
    axes.axhline(1.0, color="grey", linewidth=0.5)


def _mark(axes: Axes) -> None:
    axes.axvline(
        _H_ALPHA, color="tab:red", linewidth=0.8, linestyle="--", label=f"Hα {_H_ALPHA:.1f} Å"
    )
    axes.legend(loc="upper right", frameon=False, fontsize="small")
    axes.set_xlabel("Vacuum wavelength (Å)")


def _title(row: dict[str, Any]) -> str:
    known = [row["ssa_targname"], row["archive_subclass"]]
    if row["ssa_snr"] is not None:
        known.append(f"S/N {row['ssa_snr']:.0f}")
    told = "   ".join(part for part in known if part)
    return f"{row['spectrum_id']}\n{told}"
