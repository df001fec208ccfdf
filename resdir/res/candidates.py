# noqa: INP001 - DaCHS loads this file by its path
"""Candidates for people to look at: a table of the form's result, and pictures of the best.

All of it is made of twisted's tags, which escape what comes from data.
"""

import math
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from twisted.web.template import Tag, tags

Row = Mapping[str, Any]

#: SIMBAD's page of an object, and of the surroundings of a place.
_OBJECT = "https://simbad.cds.unistra.fr/simbad/sim-id?Ident="
_PLACE = "https://simbad.cds.unistra.fr/simbad/sim-coo?Radius=0.5&Coord="

#: Flags of lines, in words.
FLAGS = {1: "nebula", 2: "sky", 4: "cosmic ray", 8: "arm junction"}

#: Verdicts of SIMBAD, in words.
VERDICTS = {
    "known_emission_star": "known emission star",
    "known_other_star": "known, other star",
    "contaminant": "contaminant",
    "unclear": "unclear",
    "not_in_simbad": "not in SIMBAD",
    "not_asked": "not asked",
    "service_failed": "service failed",
}

_HEADS = ("Rank", "Spectrum", "Star", "Score", "Hα", "Peaks", "Flags", "SIMBAD")


def table(rows: Sequence[Row]) -> Tag:
    """A table of candidates, one row each, the picture of the spectrum among its cells."""
    heads = [tags.th(head) for head in _HEADS]
    return tags.table(
        tags.thead(tags.tr(heads)), tags.tbody([_row(row) for row in rows]), class_="candidates"
    )


def gallery(rows: Sequence[Row]) -> Tag:
    """Pictures of candidates, each with the least that must be told."""
    return tags.div([_card(row) for row in rows], class_="gallery")


def pages(
    rows: Sequence[Row], address: str, asked: Mapping[str, Sequence[str]], *, more: bool
) -> Tag:
    """How many there are, and the way to the next ones in the order of ranks."""
    told = f"{len(rows)} candidate{'s' if len(rows) != 1 else ''}"
    ranks = [row["rank"] for row in rows]
    if not more:
        return tags.p(told, class_="pages")
    behind = re.compile(r" *(> *[0-9]+ *)?")
    own = all(behind.fullmatch(text) for text in asked.get("rank", ()))
    if not own or None in ranks or ranks != sorted(ranks):
        return tags.p(told, ", the first in this order; there are more", class_="pages")
    given = {name: [value for value in values if value] for name, values in asked.items()}
    following = urllib.parse.urlencode(given | {"rank": f"> {ranks[-1]}"}, doseq=True)
    return tags.p(
        tags.a("The next ones", href=f"{address}?{following}"),
        f"{told}, ranks {ranks[0]} to {ranks[-1]}",
        class_="pages",
    )


def counts(numbers: Mapping[str, int], address: str) -> Tag:
    """How many candidates have which verdict, each a link to them."""
    return tags.ul(
        (
            tags.li(
                tags.a(
                    tags.b(f"{numbers[verdict]:,}"),
                    f" {words}",
                    href=f"{address}web/form?__nevow_form__=genForm&verdict={verdict}",
                )
            )
            for verdict, words in VERDICTS.items()
            if numbers.get(verdict)
        ),
        class_="counts",
    )


def _row(row: Row) -> Tag:
    cells = (_rank, _picture, _star, _score, _line, _peaks, _flags, _simbad)
    return tags.tr(tags.td(list(cell(row)), class_=cell.__name__.strip("_")) for cell in cells)


def _rank(row: Row) -> Iterator[Any]:
    yield "new" if row["rank"] is None else str(row["rank"])


def _picture(row: Row) -> Iterator[Any]:
    name = row["spectrum_id"]
    yield tags.a(
        tags.img(src=row["preview"], alt=f"Spectrum {name}", loading="lazy"), href=row["preview"]
    )


def _star(row: Row) -> Iterator[Any]:
    yield tags.b(row["object"] or "no name")
    if row["ra"] is not None and row["dec"] is not None:
        yield tags.span(sexagesimal(row["ra"], row["dec"]), class_="place")
    told = (
        _measure("S/N ", row["snr"], 0),
        row["archive_subclass"],
        row["mjd"] and f"MJD {row['mjd']:.1f}",
    )
    yield tags.span(", ".join(text for text in told if text))
    yield tags.code(row["spectrum_id"])
    yield tags.span(
        tags.a("DataLink", href=row["datalink"]), " · ",
        tags.a("FITS", href=_file(row)), class_="links",
    )  # fmt: skip


def _file(row: Row) -> str:
    """The address of the spectrum beside that of its picture."""
    return (
        str(row["preview"]).replace("/preview/custom/", "/product/qp/").removesuffix("png") + "fits"
    )


def _score(row: Row) -> Iterator[Any]:
    yield tags.b(f"{row['score']:.4f}" if row["score"] is not None else "–")
    if row["probability"] is not None:
        yield tags.span(f"probability {row['probability']:.3f}")
    yield tags.span((row["class"] or "").replace("_", " "), class_="class")


def _line(row: Row) -> Iterator[Any]:
    width = _measure("EW ", row["equivalent_width"], 2)
    error = _measure(" ± ", row["equivalent_width_error"], 2)
    yield tags.span(f"{width}{error} Å" if width else "–")
    yield tags.span(_measure("peak ", row["peak_height"], 2))
    yield tags.span(_measure("FWHM ", row["fwhm"], 1, " Å"))


def _peaks(row: Row) -> Iterator[Any]:
    yield str(row["n_peaks"] if row["n_peaks"] is not None else "–")
    yield tags.span(_measure("", row["peak_separation"], 0, " km/s"))
    yield tags.span(_measure("V/R ", row["violet_to_red"], 2))


def _flags(row: Row) -> Iterator[Any]:
    flags = row["line_flags"] or 0
    for bit, words in FLAGS.items():
        if flags & bit:
            yield tags.span(words, class_="flag")


def _simbad(row: Row) -> Iterator[Any]:
    verdict = row["verdict"]
    yield tags.span(VERDICTS.get(verdict, verdict), class_=f"verdict {verdict}")
    if row["main_id"]:
        address = _OBJECT + urllib.parse.quote(row["main_id"], safe="")
        yield tags.a(row["main_id"], href=address)
        kinds = (row["otype"], row["sp_type"], _measure("", row["separation"], 1, "″"))
        yield tags.span(", ".join(text for text in kinds if text))
    elif row["ra"] is not None and row["dec"] is not None:
        place = urllib.parse.quote(f"{row['ra']:.5f} {row['dec']:+.5f}")
        yield tags.a("around here", href=_PLACE + place)


def _card(row: Row) -> Tag:
    probability = row["probability"]
    told = f"score {row['score']:.3f}"
    if probability is not None:
        told += f", probability {probability:.2f}"
    return tags.div(
        tags.a(
            tags.img(src=row["preview"], alt=f"Spectrum {row['spectrum_id']}", loading="lazy"),
            href=row["datalink"],
        ),
        tags.div(
            tags.b(f"{row['rank']} · {row['object'] or row['spectrum_id']}"),
            tags.span(f"{(row['class'] or '').replace('_', ' ')}, {told}"),
            list(_simbad(row)),
        ),
        class_="card",
    )


def _measure(before: str, value: float | None, digits: int, after: str = "") -> str:
    """A number with what stands around it; nothing where there is none."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{before}{value:.{digits}f}{after}".replace("-", "−")


def sexagesimal(ra: float, dec: float) -> str:
    """A place in hours and degrees, to a tenth of a second of time and a second of arc."""
    tenths, seconds = round(ra / 15 * 36000) % 864000, round(abs(dec) * 3600)
    hours, minutes, tenths = tenths // 36000, tenths // 600 % 60, tenths % 600
    sign = "−" if dec < 0 else "+"
    return (
        f"{hours:02d}h{minutes:02d}m{tenths / 10:04.1f}s "
        f"{sign}{seconds // 3600:02d}°{seconds // 60 % 60:02d}′{seconds % 60:02d}″"
    )


def overview(told: Mapping[str, Any], address: str) -> Tag:
    """The current run in numbers, its candidates by verdict and the best of them."""
    run, best = told["run"], told["best"] or []
    if run is None:
        return tags.p("Nothing has been published yet.", class_="warning")
    form = f"{address}web/form?__nevow_form__=genForm"
    return tags.transparent(
        tags.div([_fact(fact) for fact in _facts(run)], class_="facts"),
        tags.h2("Candidates, by what SIMBAD makes of them"),
        counts(told["verdicts"] or {}, address),
        tags.h2("The best of this run"),
        gallery(best),
        tags.p(tags.a("All candidates", href=form, class_="button"), class_="pages"),
    )


def _facts(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Numbers of a run, each with its words; what is not known is left out."""
    for name, words in (
        ("n_spectra", "files met"),
        ("n_usable", "usable spectra"),
        ("n_labelled", "labelled spectra"),
        ("n_candidates", "candidates"),
    ):
        if run[name] is not None:
            yield f"{run[name]:,}", words
    if run["candidate_precision"] is not None:
        yield f"{100 * run['candidate_precision']:.0f} %", "expected to be right"
    if run["ended"]:
        yield str(run["ended"])[:10], f"run {run['run_id']}"


def _fact(fact: tuple[str, str]) -> Tag:
    number, words = fact
    return tags.div(tags.b(number), tags.span(words))
