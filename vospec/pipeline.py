"""The order of the stages: from files to a published run.

Every function does one arrow of the design and leaves a complete dataset; what
is complete already is left alone, so that a job that was killed goes on where
it stopped and a job that has nothing new to do ends at once.
"""

import logging
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vospec import archives, inventory, listing, publishing, spectra
from vospec import verify as verification
from vospec.backend import hadoop, reading, vectors
from vospec.columns import (
    ADAPTED,
    FEATURES,
    GRID,
    LABELS,
    SPECTRA,
    UNUSABLE,
)
from vospec.errors import NoSpectraError, VospecError
from vospec.job import Job
from vospec.plan import Plan
from vospec.scoring import score
from vospec.store import Dataset, arrow_schema

logger = logging.getLogger(__name__)

__all__ = ["features", "ingest", "publish", "read", "score", "verify"]


def ingest(job: Job) -> None:
    """Read every file into spectra, and the labels of the training spectra."""
    plan = job.plan
    # Hours of reading must not end in the discovery that there are no labels.
    total = plan.inventory[1]
    logger.info("inputs: %d files, labels of %s", total, ", ".join(plan.label_files))
    read(job)
    if not plan.labels.is_complete():
        _label(plan)


def read(job: Job) -> None:
    """Read every file into spectra, whether anything there is labelled or not."""
    if job.plan.spectra.is_complete():
        logger.info("spectra: nothing new")
        return
    _list(job.plan)
    _read(job)


def _list(plan: Plan) -> None:
    """Write the listing of files, a part at a time."""
    if not plan.files.is_complete():
        rows = inventory.write(plan.files, plan.listed(), plan.n_parts)
        facts = {"folders": plan.folders, "digest": plan.inventory[0]}
        plan.files.complete(rows=rows, **facts, behind=plan.store.find("files"))


def _read(job: Job) -> None:
    plan = job.plan
    if elsewhere := listing.unopened(plan.folders):
        hadoop.read(job.engine, plan.files, plan.n_parts, plan.spectra, elsewhere)
    content = reading.spectra(plan.files, plan.n_parts)
    made = job.of_files("reading spectra", plan.spectra, SPECTRA, content)
    if not made.usable:
        message = (
            f"{', '.join(plan.folders)}: none of {made.rows} FITS files holds a spectrum "
            f"that can be read; {_first_reason(plan.spectra)}"
        )
        plan.spectra.clear()
        raise NoSpectraError(message)
    plan.spectra.complete(**asdict(made), files=plan.files.path, folders=plan.folders)
    logger.info("spectra: %d files, %d of them cannot be used", made.rows, made.rows - made.usable)


def _first_reason(dataset: Dataset) -> str:
    reasons = dataset.parts().head(1, columns=["reason"]).column("reason").to_pylist()
    return f"the first: {reasons[0]}" if reasons else "no file was read"


def _label(plan: Plan) -> None:
    """Give training spectra the labels of the lists, by their identifiers in the archive."""
    given = archives.read_label_lists(plan.label_files)
    read = plan.spectra.table(["spectrum_id", "archive_id", "quality"]).filter(
        pc.equal(pc.bit_wise_and(pc.field("quality"), int(UNUSABLE)), 0)
    )
    known: dict[str, list[str]] = {}
    for name, archive_id in zip(*(read.column(i).to_pylist() for i in (0, 1)), strict=True):
        known.setdefault(archive_id, []).append(name)
    origin = {"source": "archive", "author": "label list", "labelled_at": datetime.now(UTC)}
    rows = [
        {"spectrum_id": name, "class": class_, **origin}
        for archive_id, class_ in given.items()
        for name in known.get(archive_id, ())
    ]
    if not rows:
        message = (
            f"{', '.join(plan.label_files)}: expected ids of spectra that were read, found none "
            f"among {len(given)} labels ({next(iter(given), 'the lists are empty')})"
        )
        raise NoSpectraError(message)
    plan.labels.write(
        pa.Table.from_pylist(rows, schema=arrow_schema(LABELS)),
        spectra=plan.spectra.path,
        lists=plan.label_files,
    )
    logger.info("labels: %d of %d belong to a spectrum that was read", len(rows), len(given))


def features(job: Job) -> None:
    """Adapt the training spectra, rectify all, write the feature vectors and their grid."""
    plan = job.plan
    if not plan.adapted.is_complete():
        _adapt(job)
    if not plan.grid_table.is_complete():
        plan.grid_table.write(_grid_table(plan))
    if plan.features.is_complete():
        logger.info("features: nothing new, %d vectors", plan.features.manifest["usable"])
        return
    content = vectors.features(
        plan.spectra,
        plan.adapted,
        grid=plan.grid,
        resolving_power=job.settings.adaptation.target_resolving_power,
    )
    made = job.of_files("rectifying", plan.features, FEATURES, content)
    plan.features.complete(**asdict(made), adapted=plan.adapted.path, grid=plan.grid_table.path)
    logger.info("features: %d vectors of %d elements", made.usable, len(plan.grid))


def _adapt(job: Job) -> None:
    plan, section = job.plan, job.settings.adaptation
    _ = plan.spectra.manifest
    content = vectors.adapted(
        plan.spectra,
        grid=plan.grid,
        target_resolving_power=section.target_resolving_power,
        kernel=section.kernel,
        fwhm_angstrom=section.fwhm_angstrom,
    )
    made = job.of_files("adapting training spectra", plan.adapted, ADAPTED, content)
    plan.adapted.complete(**asdict(made), spectra=plan.spectra.path, **asdict(section))


def _grid_table(plan: Plan) -> pa.Table:
    columns = {
        "element": np.arange(1, len(plan.grid) + 1),
        "wavelength": plan.grid,
        "wavelength_air": spectra.vacuum_to_air(plan.grid),
    }
    return pa.table(columns).cast(arrow_schema(GRID))


def verify(job: Job) -> bool:
    """Ask SIMBAD about the candidates; returns whether all questions were answered.

    Whatever happens to a service, or to who asks it, the run can be published.
    """
    try:
        outcome = verification.verify(job.plan)
    except VospecError as fault:
        logger.warning("verify: %s", fault)
        return False
    for line in outcome.lines():
        logger.info("%s", line)
    return outcome.complete


def publish(job: Job) -> None:
    """Load spectra, features and runs into the database; the first run becomes the current one."""
    publishing.publish(job.plan)
