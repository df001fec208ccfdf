"""Gzip in bounded memory, known by its magic number whatever the name of the file."""

from isal import igzip_lib, isal_zlib

from vospec.errors import UnreadableFileError

#: No spectrum of a known archive comes near: the largest, of SDSS with all its
#: exposures, take 2 MB.
MOST_BYTES = 64 * 2**20

_MAGIC = b"\x1f\x8b"
#: Window of 32 kB, with gzip's head and checksum (RFC 1952).
_GZIP = 31
#: Parts that are put together; gzip allows any number, archives write one.
_MOST_MEMBERS = 64


def unpacked(content: bytes) -> bytes:
    """What a file holds, out of gzip where it is gzip.

    A file may have several members, one after the other (RFC 1952, 2.2); what follows
    the last and is no member is left out, as by gzip itself.

    Raises
    ------
    UnreadableFileError
        Damaged or cut off, or more than :data:`MOST_BYTES`.
    """
    _check(len(content))
    if not content.startswith(_MAGIC):
        return content
    members: list[bytes] = []
    rest = content
    while rest.startswith(_MAGIC) and len(members) < _MOST_MEMBERS:
        member, rest = _member(rest, len(content), MOST_BYTES - sum(map(len, members)))
        members.append(member)
    return members[0] if len(members) == 1 else b"".join(members)


def _member(packed: bytes, size: int, most: int) -> tuple[bytes, bytes]:
    """One member, and what follows it."""
    stream = isal_zlib.decompressobj(wbits=_GZIP)
    try:
        # One byte more than allowed tells that there are more.
        content = stream.decompress(packed, most + 1)
    except igzip_lib.IsalError as fault:  # type: ignore[misc] # its stub takes it for an instance
        message = f"expected gzip, found damage within its {size} bytes: {fault}"
        raise UnreadableFileError(message) from fault
    _check(len(content) + MOST_BYTES - most)
    if not stream.eof:
        message = f"expected gzip, found damage: it breaks off after {size} bytes"
        raise UnreadableFileError(message)
    return content, stream.unused_data


def _check(size: int) -> None:
    if size > MOST_BYTES:
        message = f"expected at most {MOST_BYTES} bytes, found more"
        raise UnreadableFileError(message)
