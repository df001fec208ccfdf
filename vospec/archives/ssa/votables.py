"""Answers that are VOTables, whatever services bend of the standard."""

import io
import warnings

from astropy.io.votable import parse
from astropy.io.votable.tree import VOTableFile

from vospec.archives.ssa.transport import Answer
from vospec.errors import ServiceError


def parsed(answer: Answer, url: str) -> VOTableFile:
    """Read the VOTable that a service has sent.

    Raises
    ------
    ServiceError
        It has sent something else, or a part of one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse(io.BytesIO(answer.content))
    # astropy raises whatever its parser meets in a text that is no VOTable.
    except Exception as fault:
        message = (
            f"{url}: expected a VOTable, found {answer.content_type or 'no media type'}, "
            f"{answer.content[:40]!r} …"
        )
        raise ServiceError(message) from fault
