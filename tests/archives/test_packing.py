"""Gzip, whole and broken, in bounded memory."""

import gzip
import tracemalloc
import zlib

import pytest

from vospec.archives.packing import MOST_BYTES, unpacked
from vospec.errors import UnreadableFileError

CONTENT = bytes(range(256)) * 40


def test_plain_bytes_are_left_alone() -> None:
    assert unpacked(CONTENT) is CONTENT
    assert unpacked(b"") == b""


@pytest.mark.parametrize("level", [0, 1, 9])
def test_gzip_comes_back(level: int) -> None:
    assert unpacked(gzip.compress(CONTENT, level)) == CONTENT


def test_members_are_put_together() -> None:
    assert unpacked(gzip.compress(CONTENT) + gzip.compress(b"") + gzip.compress(b"end")) == (
        CONTENT + b"end"
    )


@pytest.mark.parametrize("garbage", [b"\0" * 600, b"garbage", b"\x1f"])
def test_what_follows_the_last_member_is_left_out(garbage: bytes) -> None:
    assert unpacked(gzip.compress(CONTENT) + garbage) == CONTENT


def test_cut_off_anywhere_it_is_damage() -> None:
    packed = gzip.compress(CONTENT)
    for length in range(2, len(packed)):
        with pytest.raises(UnreadableFileError, match="expected gzip, found damage"):
            unpacked(packed[:length])


def test_a_wrong_checksum_is_damage() -> None:
    packed = bytearray(gzip.compress(CONTENT))
    packed[-6] ^= 1
    with pytest.raises(UnreadableFileError, match=r"expected gzip, found damage .*checksum"):
        unpacked(bytes(packed))


def bomb(size: int) -> bytes:
    """Gzip of so many zeros, made in small steps."""
    stream = zlib.compressobj(9, wbits=31)
    step = 2**20
    parts = [stream.compress(bytes(min(step, size - done))) for done in range(0, size, step)]
    return b"".join(parts) + stream.flush()


@pytest.mark.parametrize("members", [1, 3])
def test_a_bomb_takes_no_more_memory_than_the_limit(members: int) -> None:
    packed = bomb(3 * MOST_BYTES // members) * members
    assert len(packed) < MOST_BYTES // 300
    tracemalloc.start()
    with pytest.raises(UnreadableFileError, match=f"expected at most {MOST_BYTES} bytes"):
        unpacked(packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The buffer of the decompressor grows by doubling.
    assert peak < 4 * MOST_BYTES


def test_the_limit_itself_is_allowed() -> None:
    assert len(unpacked(bomb(MOST_BYTES))) == MOST_BYTES
