"""Stars that the training archive and the survey have both observed, whoever serves them.

``fields``     stars of the training archive, and what the survey has around them
``partners``   unrelated spectra of the survey, drawn
``decisions``  which survey star is which star: near, bright, in agreement
``chance``     how likely an unrelated star would be as good
``rows``       the tables
``search``     all of these in their order
``sides``      the two archives: spectra in the store, and spectra that services have
``served``     an archive that is asked, ``catalogues`` what it lists, ``answers`` what it has said
``telling``    what was found, kept and told in lines for people
"""

from vospec.verification.pairs.fields import Resolved
from vospec.verification.pairs.search import Found, Resolve, Stored, search
from vospec.verification.pairs.telling import find, is_whole, lines, write_csv

__all__ = [
    "Found",
    "Resolve",
    "Resolved",
    "Stored",
    "find",
    "is_whole",
    "lines",
    "search",
    "write_csv",
]
