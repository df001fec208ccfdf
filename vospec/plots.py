"""Figures: a star in both archives, a spectrum and its Hα line, how good methods and scores are.

The first is figure 1 of Škoda et al. (2017, IAU Symp. 325): the training archive's
spectrum as it is, adapted, and the survey's, with their difference beneath. It needs no
display.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from numpy.typing import NDArray

from vospec.drawn import Drawn
from vospec.errors import OutputError, PairError
from vospec.spectra.comparison import WINDOW, Comparison, Pair, compare
from vospec.spectra.lines import HALPHA, HELIUM

#: Wavelengths at rest (vacuum Å) that are marked.
MARKED = {"Hα": HALPHA, "He I": HELIUM}
#: What a figure shows of the spectrum around Hα.
ZOOM = (6480.0, 6700.0)
#: Rows of a table, by the names of its columns.
Rows = Sequence[Mapping[str, Any]]
Place = Literal["upper left", "lower left", "lower right", "best"]
#: Colours that stay apart in print and to every eye (Okabe & Ito 2008).
_GREY, _BLUE, _VERMILION = "0.62", "#0072B2", "#D55E00"
_GREEN, _PURPLE = "#009E73", "#CC79A7"
#: Colour and dashes of methods: those of the graph are solid.
_LINES = ((_VERMILION, "-"), (_BLUE, "-"), (_GREEN, "--"), (_PURPLE, "-."), ("k", ":"))


def pair(  # noqa: PLR0913 - all but three by name
    path: Path,
    training: Drawn,
    survey: Drawn,
    *,
    fwhm: float,
    grid: NDArray[np.float64],
    title: str | None = None,
) -> Comparison:
    """Draw a star's spectra of both archives around Hα into a file.

    Parameters
    ----------
    path
        The file; its suffix tells the format (png, pdf, svg).
    training, survey
        The spectra.
    fwhm
        FWHM of the adapting kernel in Å at Hα.
    grid
        Vacuum wavelengths (Å) on which they are compared.
    title
        The star's name in place of the training archive's.

    Returns
    -------
    Comparison
        What was drawn.

    Raises
    ------
    PairError
        The spectra cannot be compared.
    OutputError
        The file cannot be written.
    """
    both = Pair(
        *(training.flux, training.spectral_axis, training.mask),
        *(survey.flux, survey.spectral_axis, survey.mask),
    )
    try:
        found = compare(both, grid, fwhm=fwhm)
    except ValueError as fault:
        message = f"{title or training.object}: the spectra cannot be compared: {fault}"
        raise PairError(message) from fault
    figure = Figure(figsize=(7.1, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    above, beneath = figure.subplots(
        2, 1, sharex=True, height_ratios=(5, 2), gridspec_kw={"hspace": 0.0}
    )
    _spectra(above, found, grid, training, survey, fwhm)
    _difference(beneath, found, grid)
    figure.align_ylabels()
    above.set_title(title or training.object or survey.object or "")
    _save(figure, path)
    return found


def _spectra(  # noqa: PLR0913, PLR0917 - what the panel shows
    axes: Axes,
    found: Comparison,
    grid: NDArray[np.float64],
    training: Drawn,
    survey: Drawn,
    fwhm: float,
) -> None:
    shift = f"shifted by {found.velocity:+.0f} km/s".replace("-", "−")
    axes.plot(
        found.spectral_axis, found.fine, color=_GREY, lw=0.8, label=f"{training.legend}, {shift}"
    )
    axes.step(grid, found.survey, color="k", lw=0.9, where="mid", label=survey.legend)
    axes.plot(
        grid,
        found.adapted,
        color=_VERMILION,
        lw=1.4,
        label=f"{training.archive} adapted: FWHM {fwhm:.2f} Å, re-binned; RMS of the "
        f"difference {found.after:.3f}, not adapted {found.before:.3f}",
    )
    axes.set_xlim(*ZOOM)
    shown = [
        flux[(axis > ZOOM[0]) & (axis < ZOOM[1]) & np.isfinite(flux)]
        for axis, flux in ((found.spectral_axis, found.fine), (grid, found.survey))
    ]
    low, high = min(f.min() for f in shown), max(f.max() for f in shown)
    # The legend stands above the highest line.
    axes.set_ylim(low - 0.05 * (high - low), high + 0.38 * (high - low))
    axes.set_ylabel("Flux / continuum")
    _legend(axes, "upper left")
    _mark(axes)
    _ticks(axes)


def _difference(axes: Axes, found: Comparison, grid: NDArray[np.float64]) -> None:
    axes.axvspan(*WINDOW, color="0.93", lw=0, label=f"RMS over {WINDOW[0]:.0f}–{WINDOW[1]:.0f} Å")
    axes.axhspan(-found.noise, found.noise, color=_BLUE, alpha=0.2, lw=0, label="± noise")
    axes.axhline(0.0, color=_BLUE, lw=0.8)
    difference = found.survey - found.adapted
    axes.step(grid, difference, color="k", lw=0.9, where="mid")
    shown = np.abs(difference[(grid > ZOOM[0]) & (grid < ZOOM[1])])
    limit = 1.15 * max(float(np.nanmax(shown)), 3.0 * found.noise)
    # The legend stands beneath.
    axes.set_ylim(-1.5 * limit, limit)
    axes.set_xlabel("Wavelength in vacuum (Å)")
    axes.set_ylabel("Survey − adapted")
    _legend(axes, "lower right", 2)
    _mark(axes, names=False)
    _ticks(axes)


def _mark(axes: Axes, *, names: bool = True) -> None:
    """Mark the wavelengths at rest that lie within the axes."""
    low, high = axes.get_xlim()
    for name, wavelength in MARKED.items():
        if not low < wavelength < high:
            continue
        axes.axvline(wavelength, color=_BLUE, lw=0.8, ls=":", zorder=0)
        if names:
            axes.annotate(
                f"{name} {wavelength:.1f}",
                (wavelength, 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(-3, 0),
                textcoords="offset points",
                ha="right",
                color=_BLUE,
                fontsize=8,
            )


def spectrum(path: Path, drawn: Drawn, *, title: str) -> None:
    """Draw a whole spectrum, and its Hα line beneath, into a file.

    Parameters
    ----------
    path
        The file; its suffix tells the format (png, pdf, svg).
    drawn
        The spectrum; its flux is drawn as it is.
    title
        What stands above.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    figure = Figure(figsize=(7.1, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    axis = np.asarray(drawn.spectral_axis)
    flux = np.where(drawn.mask, np.nan, drawn.flux)
    for axes, (low, high) in zip(figure.subplots(2, 1), ((axis[0], axis[-1]), ZOOM), strict=True):
        shown = (axis >= low) & (axis <= high)
        axes.step(axis[shown], flux[shown], color="k", lw=0.7, where="mid", label=drawn.legend)
        axes.set_xlim(low, high)
        axes.set_ylabel("Flux (relative)")
        axes.margins(y=0.12)
        _mark(axes, names=high - low < 1000.0)  # noqa: PLR2004 - names fit into a zoom alone
        _ticks(axes)
    _legend(figure.axes[0], "best")
    figure.axes[0].set_title(title)
    figure.axes[1].set_xlabel("Wavelength in vacuum (Å)")
    _save(figure, path)


def precision_recall(path: Path, questions: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Draw precision against recall of every method, a panel a question.

    Parameters
    ----------
    path
        The file; its suffix tells the format (png, pdf, svg).
    questions
        Rows of `vospec.evaluate.EVALUATIONS` by their question.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    figure = Figure(figsize=(0.6 + 4.0 * len(questions), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(questions), squeeze=False)[0]
    for axes, (question, rows) in zip(panels, questions.items(), strict=True):
        for row, (colour, dashes) in zip(rows, _LINES, strict=False):
            # Precision holds back to the recall before: the average is the area beneath.
            axes.step(
                *(row["recall_curve"], row["precision_curve"]),
                where="post",
                color=colour,
                ls=dashes,
                lw=1.3,
                label=f"{row['method'].replace('_', ' ')} {row['average_precision']:.3f}",
            )
        told = question.replace("_", " ").capitalize()
        axes.set_title(f"{told}: {rows[0]['n_judged']} spectra, {rows[0]['n_targets']} sought")
        low = _lowest(rows)
        axes.set(xlim=(0.0, 1.01), ylim=(low, 1.0 + 0.03 * (1.0 - low)), xlabel="Recall")
        _ticks(axes)
        _legend(axes, "lower left").set_title("Average precision", FontProperties(size=8))
    panels[0].set_ylabel("Precision")
    _save(figure, path)


def worth(path: Path, runs: Mapping[str, tuple[Rows, Rows]]) -> None:
    """Draw how probabilities held, and what thresholds promise.

    Parameters
    ----------
    path
        The file; its suffix tells the format (png, pdf, svg).
    runs
        Rows of `vospec.columns.RELIABILITY` and of `vospec.columns.THRESHOLDS` by the
        method of the run.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    figure = Figure(figsize=(8.6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.axline((0, 0), slope=1, color=_GREY, lw=0.8)
    for (method, (bins, thresholds)), (colour, _) in zip(runs.items(), _LINES, strict=False):
        _reliability(left, bins, colour, method.replace("_", " "))
        _promise(right, thresholds, colour)
    left.set(title="Labelled spectra", xlabel="Probability", ylabel="Share of targets")
    right.set(title="Survey", xlabel="Least score", ylabel="Expected")
    for axes, told in ((left, None), (right, "Precision solid, recall dashed")):
        axes.set(xlim=(0.0, 1.0), ylim=(-0.03, 1.03))
        _ticks(axes)
        if told:
            axes.annotate(told, (0.03, 0.03), xycoords="axes fraction", fontsize=8)
    _legend(left, "lower right")
    _save(figure, path)


def _reliability(axes: Axes, bins: Rows, colour: str, method: str) -> None:
    """Bins with spectra; bars are standard errors of the share, one more of each kind added."""
    full = [row for row in bins if row["n"]]
    n, predicted, observed = (
        np.array([row[name] for row in full]) for name in ("n", "predicted", "observed")
    )
    share = (n * observed + 1) / (n + 2)
    axes.errorbar(
        *(predicted, observed, np.sqrt(share * (1 - share) / (n + 2))),
        color=colour,
        fmt="o",
        ms=4,
        lw=0.9,
        label=f"{method}, {n.sum()} spectra",
    )


def _promise(axes: Axes, thresholds: Rows, colour: str) -> None:
    """Expected precision with its standard deviation, and expected recall."""
    some = [row for row in thresholds if row["n"]]
    limits, precision, error, recall = (
        np.array([row[name] for row in some])
        for name in (
            *("threshold", "expected_precision"),
            *("expected_precision_error", "expected_recall"),
        )
    )
    axes.plot(limits, precision, color=colour, lw=1.3)
    axes.fill_between(limits, precision - error, precision + error, color=colour, alpha=0.2, lw=0)
    axes.plot(limits, recall, color=colour, lw=1.0, ls="--")


def _lowest(rows: Sequence[Mapping[str, Any]]) -> float:
    """The end of an axis on which all curves, up to a recall of 0.9, leave room for a legend."""
    precisions: list[float] = [
        precision
        for row in rows
        for recall, precision in zip(row["recall_curve"], row["precision_curve"], strict=True)
        if recall <= 0.9  # noqa: PLR2004 - as above
    ]
    return max(0.0, 1.0 - 2.2 * max(1.0 - min(precisions), 0.01))


def _legend(axes: Axes, place: Place, columns: int = 1) -> Legend:
    """A legend that hides what it lies on."""
    legend = axes.legend(fontsize=8, loc=place, ncols=columns, framealpha=1.0, edgecolor="none")
    legend.set_zorder(5)
    return legend


def _ticks(axes: Axes) -> None:
    axes.minorticks_on()
    axes.tick_params(which="both", direction="in", top=True, right=True)


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path, dpi=200)
    except (OSError, ValueError) as fault:
        message = f"{path}: the figure cannot be written ({fault})"
        raise OutputError(message) from fault
