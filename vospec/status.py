"""What the store holds, what cannot be used and why, in lines for people."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from vospec import runs, verify
from vospec.columns import QUALITY_MEANING, UNUSABLE, Quality
from vospec.config import Settings
from vospec.plan import Plan
from vospec.store import Dataset

#: Bad files that are named one by one; the store has all of them.
NAMED = 20


def lines(settings: Settings) -> Iterator[str]:
    """Tell the state of every dataset, of unusable spectra and of the runs.

    Parameters
    ----------
    settings : Settings
        The job's settings.

    Yields
    ------
    str
        One line each.

    Raises
    ------
    VospecError
        The folders of the settings cannot be listed.
    """
    plan = Plan(settings)
    yield f"store      {plan.store.uri}"
    yield f"files      {plan.inventory[1]} FITS files in {', '.join(plan.folders)}"
    for name in ("spectra", "labels", "pairs", "adapted", "features", "nearest"):
        dataset: Dataset = getattr(plan, name)
        yield f"{name:<11}{_state(dataset)}"
    if plan.spectra.is_complete():
        yield from unusable(plan)
    for run in plan.runs:
        if run.record.is_complete():
            yield from runs.told(run.record.table().to_pylist()[0])
            yield from (f"run {run.run_id}: {line}" for line in verify.lines(plan, run))
        else:
            yield f"run {run.run_id}: not yet"


def _state(dataset: Dataset) -> str:
    if not dataset.is_complete():
        return "not yet"
    manifest = dataset.manifest
    usable = f", {manifest['usable']} usable" if "usable" in manifest else ""
    return f"{manifest['rows']} rows{usable} ({manifest['completed'][:19]} UTC)"


#: Rows by release, layout and quality.
Counts = Counter[tuple[str | None, str | None, int]]


def unusable(plan: Plan) -> Iterator[str]:
    """Count the quality flags and name the spectra that cannot be used.

    Parameters
    ----------
    plan : Plan
        Its spectra are there; so may be its features.

    Yields
    ------
    str
        One line each.
    """
    counts = _counts(plan)
    yield from (f"counts     {line}" for line in table(counts))
    for flag in Quality:
        count = sum(n for (_, _, quality), n in counts.items() if quality & flag)
        if count:
            effect = "cannot be used" if flag & UNUSABLE else "used all the same"
            yield f"quality    {count} {effect}: {QUALITY_MEANING[flag]}"
    bad = sum(n for (_, _, quality), n in counts.items() if quality & UNUSABLE)
    if bad:
        yield from _named(plan, bad)


def _counts(plan: Plan) -> Counts:
    """Count the spectra by the quality that they have in the end, a part at a time."""
    if not plan.features.is_complete():
        rows = plan.spectra.manifest["counts"]
        return Counter({(row["release"], row["layout"], row["quality"]): row["n"] for row in rows})
    counts: Counts = Counter()
    for part in range(plan.n_parts):
        origin, judged = (
            parquet.read_table(d.part(part), columns=columns, filesystem=d.store.filesystem)
            for d, columns in (
                (plan.spectra, ["spectrum_id", "release", "layout"]),
                (plan.features, ["spectrum_id", "quality"]),
            )
        )
        place = pc.index_in(origin.column("spectrum_id"), judged.column("spectrum_id"))
        names = ["release", "layout", "quality"]
        rows = origin.append_column("quality", judged.column("quality").take(place))
        for row in rows.group_by(names).aggregate([([], "count_all")]).to_pylist():
            counts[row["release"], row["layout"], row["quality"]] += row["count_all"]
    return counts


def table(counts: Counts) -> Iterator[str]:
    """Lines of a table: releases and layouts down, quality flags across.

    Parameters
    ----------
    counts : Counter
        Number of spectra by release, layout and quality; None stands for what
        could not be told.

    Yields
    ------
    str
        The head, then a line for each release and layout. A spectrum with two
        flags counts under both.
    """
    flags = [flag for flag in Quality if any(quality & flag for _, _, quality in counts)]
    head = ["release", "layout", "files", "usable", *(str(flag.name).lower() for flag in flags)]
    lines = [head]
    for kind in sorted({key[:2] for key in counts}, key=str):
        of_kind = {key[2]: n for key, n in counts.items() if key[:2] == kind}
        usable = sum(n for quality, n in of_kind.items() if not quality & UNUSABLE)
        flagged = [sum(n for q, n in of_kind.items() if q & flag) for flag in flags]
        numbers = [sum(of_kind.values()), usable, *flagged]
        lines.append([*(word or "unknown" for word in kind), *map(str, numbers)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        words = [word.ljust(width) for word, width in zip(line[:2], widths, strict=False)]
        words += [word.rjust(width) for word, width in zip(line[2:], widths[2:], strict=True)]
        yield "  ".join(words)


def _named(plan: Plan, n_bad: int) -> Iterator[str]:
    """Name the first spectra that cannot be used, with the reason."""
    dataset = plan.features if plan.features.is_complete() else plan.spectra
    is_bad = pc.bit_wise_and(pc.field("quality"), int(UNUSABLE)) != 0
    bad = dataset.read().head(NAMED, columns=["spectrum_id", "quality"], filter=is_bad)
    flagged = {
        row["spectrum_id"]: "; ".join(
            QUALITY_MEANING[flag] for flag in Quality(row["quality"]) & UNUSABLE
        )
        for row in bad.to_pylist()
    }
    wanted = pc.field("spectrum_id").isin(pa.array(list(flagged), pa.string()))
    found = plan.spectra.read().to_table(columns=["spectrum_id", "path", "reason"], filter=wanted)
    for row in found.sort_by("spectrum_id").to_pylist():
        reasons = filter(None, (flagged[row["spectrum_id"]], row["reason"]))
        yield f"unusable   {row['path']}: {'; '.join(reasons)}"
    if n_bad > NAMED:
        yield f"unusable   … and {n_bad - NAMED} more: quality and reason in {plan.spectra.uri}"
