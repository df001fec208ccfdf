"""Downloaded files: how they are called, whether they are whole, what they hold."""

import hashlib
import re
from datetime import UTC, datetime
from urllib.parse import unquote

from vospec.archives import read_bytes
from vospec.archives.ssa.manifest import Spectrum
from vospec.archives.ssa.transport import Answer, RefusedError
from vospec.errors import ServiceError, SpectrumError

_MAGIC = _FITS, _GZIP = (b"SIMPLE  =", b"\x1f\x8b")
_BLOCK = 2880
_LONGEST_STEM = 100


def stem(did: str) -> str:
    """Name of a file for an observation: the last part of its identifier, made harmless.

    Letters, digits and ``._+-`` stay; no name begins with a dot.
    """
    last = re.split(r"[/?#\\]", unquote(did).rstrip("/"))[-1]
    last = re.sub(r"\.fits?(\.gz)?$", "", last, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._+-]", "_", last).lstrip("._-")[:_LONGEST_STEM] or "spectrum"


def check(answer: Answer, url: str) -> None:
    """Raise unless an answer is a whole FITS file.

    Raises
    ------
    RefusedError
        Something else: a page that tells of a fault, say.
    ServiceError
        A part of a file.
    """
    content = answer.content
    if not content.startswith(_MAGIC):
        found = f"{answer.content_type or 'no media type'}, {content[:40]!r} …"
        message = f"{url}: expected a FITS file, found {found}"
        raise RefusedError(message)
    odd = content.startswith(_GZIP) or len(content) % _BLOCK != 0
    if not answer.measured and odd and _fault(content):
        message = f"{url}: expected a whole FITS file, found {len(content)} bytes of one"
        raise ServiceError(message)


def judged(row: Spectrum, content: bytes, band: tuple[float, float]) -> Spectrum:
    """The row of a whole file, by what it holds.

    A file that cannot be read is kept, and its row says why.
    """
    state, reason = "fetched", ""
    try:
        axis = read_bytes(content, row.file).spectral_axis
        if axis[0] > band[0] or axis[-1] < band[1]:
            state, reason = "outside", f"covers {axis[0]:.0f} to {axis[-1]:.0f} Å only"
    except SpectrumError as fault:
        reason = str(fault)
    return row._replace(
        sha256=digest(content),
        size=str(len(content)),
        fetched_at=now(),
        state=state,
        reason=reason,
    )


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def now() -> str:
    """The time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _fault(content: bytes) -> SpectrumError | None:
    try:
        read_bytes(content, "")
    except SpectrumError as fault:
        return fault
    return None
