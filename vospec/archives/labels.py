"""Lists of labels: which class a person gave to a spectrum of an archive.

A list is CSV with the columns ``id`` (publisher DID) and ``label``. The published list
of the Ondřejov dataset writes numbers: 0 emission, 1 absorption, 2 left out (nothing
could be told; such lines give no label here), 3 double peak. The words of
:data:`vospec.columns.CLASSES` are understood as well.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from vospec.columns import CLASSES
from vospec.errors import LabelListError

COLUMNS = ("id", "label")
#: The numbers of the published list.
NUMBERS = {"0": "emission", "1": "absorption", "3": "double_peak"}
LEFT_OUT = "2"

_MEANING = NUMBERS | {name: name for name in CLASSES}


def read_labels(path: str | Path) -> list[tuple[str, str]]:
    """Read a list of labels.

    Parameters
    ----------
    path
        A CSV file (see the module).

    Returns
    -------
    list of (str, str)
        Identifier in the archive and class, in the order of the list.

    Raises
    ------
    LabelListError
        The file cannot be read, lacks a column, or a line of it is no label or
        contradicts an earlier one.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as stream:
            return list(_labels(stream, path))
    except OSError as fault:
        message = f"{path}: the label list cannot be opened: {fault.strerror}"
        raise LabelListError(message) from fault
    except (UnicodeDecodeError, csv.Error) as fault:
        message = f"{path}: expected a label list as CSV in UTF-8: {fault}"
        raise LabelListError(message) from fault


def read_label_lists(paths: Iterable[str | Path]) -> dict[str, str]:
    """Read some lists of labels as one.

    Parameters
    ----------
    paths
        CSV files (see the module).

    Returns
    -------
    dict
        Classes by the identifiers in the archive, in the order of the lists.

    Raises
    ------
    LabelListError
        As `read_labels`, or two lists contradict each other.
    """
    known: dict[str, tuple[str, str | Path]] = {}
    for path in paths:
        for name, label in read_labels(path):
            before, where = known.setdefault(name, (label, path))
            if before != label:
                message = f"{path}: {name} is labelled {label} here and {before} in {where}"
                raise LabelListError(message)
    return {name: label for name, (label, _) in known.items()}


def _labels(stream: Iterable[str], path: str | Path) -> Iterator[tuple[str, str]]:
    rows = csv.DictReader(stream)
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        found = ", ".join(rows.fieldnames or ()) or "nothing"
        message = f"{path}: line 1: expected the columns {', '.join(COLUMNS)}, found {found}"
        raise LabelListError(message)
    known: dict[str, str] = {}
    for row in rows:
        name, label = ((row[column] or "").strip() for column in COLUMNS)
        where = f"{path}: line {rows.line_num}"
        if not name or (label != LEFT_OUT and label not in _MEANING):
            allowed = ", ".join(sorted({*_MEANING, LEFT_OUT}))
            message = f"{where}: expected an id and a label ({allowed}), found {name!r}, {label!r}"
            raise LabelListError(message)
        if known.setdefault(name, label) != label:
            message = f"{where}: {name} is labelled {label} here and {known[name]} before"
            raise LabelListError(message)
        if label != LEFT_OUT:
            yield name, _MEANING[label]
