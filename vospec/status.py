"""What the store holds, what cannot be used and why, in lines for people."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from vospec import runs
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
    for name in ("spectra", "labels", "adapted", "features", "neighbours"):
        dataset: Dataset = getattr(plan, name)
        yield f"{name:<11}{_state(dataset)}"
    if plan.spectra.is_complete():
        yield from _unusable(plan)
    for run in plan.runs:
        if run.record.is_complete():
            yield from runs.told(run.record.table().to_pylist()[0])
        else:
            yield f"run {run.run_id}: not yet"


def _state(dataset: Dataset) -> str:
    if not dataset.is_complete():
        return "not yet"
    manifest = dataset.manifest
    usable = f", {manifest['usable']} usable" if "usable" in manifest else ""
    return f"{manifest['rows']} rows{usable} ({manifest['completed'][:19]} UTC)"


def _unusable(plan: Plan) -> Iterator[str]:
    """Count the quality flags and name the spectra that cannot be used."""
    dataset = plan.features if plan.features.is_complete() else plan.spectra
    table = dataset.table(["spectrum_id", "quality"])
    flags = Counter(
        flag for value in table.column("quality").to_pylist() for flag in Quality(value)
    )
    for flag, count in sorted(flags.items()):
        effect = "cannot be used" if flag & UNUSABLE else "used all the same"
        yield f"quality    {count} {effect}: {QUALITY_MEANING[flag]}"
    bad = pc.not_equal(pc.bit_wise_and(pc.field("quality"), int(UNUSABLE)), 0)
    yield from _named(plan, table.filter(bad))


def _named(plan: Plan, bad: pa.Table) -> Iterator[str]:
    """Name the first spectra that cannot be used, with the reason."""
    flagged = {
        row["spectrum_id"]: "; ".join(
            QUALITY_MEANING[flag] for flag in Quality(row["quality"]) & UNUSABLE
        )
        for row in bad.slice(0, NAMED).to_pylist()
    }
    wanted = pc.field("spectrum_id").isin(pa.array(list(flagged), pa.string()))
    found = plan.spectra.read().to_table(columns=["spectrum_id", "path", "reason"], filter=wanted)
    for row in found.sort_by("spectrum_id").to_pylist():
        reasons = filter(None, (flagged[row["spectrum_id"]], row["reason"]))
        yield f"unusable   {row['path']}: {'; '.join(reasons)}"
    if len(bad) > NAMED:
        more = len(bad) - NAMED
        yield f"unusable   … and {more} more: quality and reason in {plan.spectra.uri}"
