"""What has come since the last full run: the least that must be computed to score it.

A run stands for the files that its listing names. Where files only came, few of them, and
nothing else is other than it was (settings, labels, software), the run stays and the new
spectra are its additions; else all is computed anew.
"""

from dataclasses import dataclass

from vospec import additions, inventory, listing
from vospec.config import Settings
from vospec.listing import File, Walk
from vospec.plan import Plan
from vospec.store import Dataset


@dataclass(frozen=True)
class Increment:
    """What is to be done with what is there now.

    Attributes
    ----------
    plan : Plan
        Of the run that stays, or of the one that is to be made.
    new : Plan or None
        Of the files that came since, where they are added to the run.
    why : str
        Why just this, in words.
    """

    plan: Plan
    new: Plan | None
    why: str


def increment(
    settings: Settings, *, max_added_share: float, elsewhere: Walk | None = None
) -> Increment:
    """Tell whether new files can be added to the last full run of the settings.

    Parameters
    ----------
    settings : Settings
        The job's settings.
    max_added_share : float
        Most new files, as a share of those of the run, that are added to it; by then the
        graph must learn from them.
    elsewhere : callable, optional
        See :class:`~vospec.plan.Plan`.

    Returns
    -------
    Increment
        Its plan is that of all files where there is no such run.
    """
    whole = Plan(settings, elsewhere)
    last = _last(whole)
    if last is None:
        return Increment(whole, None, "no run of these settings and labels is complete")
    before = [last.files, *_added_before(last)]
    found = inventory.compare(before, whole.listed())
    if found.n_changed or found.n_gone:
        told = f"{found.n_changed} files are others than they were, {found.n_gone} are gone"
        return Increment(whole, None, told)
    n_before = sum(known.manifest["rows"] for known in before[1:])
    n_known = last.files.manifest["rows"]
    told = f"{len(found.added)} new files, {n_before} added before, {n_known} in the last run"
    if taught := sum(_teaches(settings, file) for file in found.added):
        return Increment(whole, None, f"{told}; {taught} of the new ones are training spectra")
    if len(found.added) + n_before > max_added_share * n_known:
        return Increment(whole, None, told)
    if not found.added:
        return Increment(last, None, told)
    return Increment(last, of_files(settings, found.added), told)


def of_files(settings: Settings, added: tuple[File, ...]) -> Plan:
    """The plan of some of the files in the folders, which are to teach nothing."""
    return Plan(additions.settings_of(settings, settings.survey.folders), only=added)


def _teaches(settings: Settings, file: File) -> bool:
    """Whether a file lies in a folder of training spectra that is none of the survey's."""
    own = set(settings.training.folders) - set(settings.survey.folders)
    return any(listing.is_below(file.path, folder) for folder in own)


def _last(whole: Plan) -> Plan | None:
    """The plan of the last listing of the same folders whose runs are all complete."""
    listings = [found for found in whole.store.find("files") if _is_of(found, whole.folders)]
    for known in sorted(listings, key=lambda known: known.completed, reverse=True):
        plan = Plan(whole.settings, whole.elsewhere, known=known)
        if plan.files.path == known.path and all(r.record.is_complete() for r in plan.runs):
            return plan
    return None


def _is_of(known: Dataset, folders: tuple[str, ...]) -> bool:
    return "digest" in known.manifest and tuple(known.manifest["folders"]) == folders


def _added_before(plan: Plan) -> list[Dataset]:
    """The listings of what was added to the plan's runs already."""
    found: dict[str, Dataset] = {}
    for run in plan.runs:
        for added in additions.all_of(plan.store, run):
            path = added.spectra.manifest["files"]
            found[path] = plan.store.dataset(path)
    return list(found.values())
