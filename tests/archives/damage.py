"""Ways in which files get damaged, and what must hold of every file whatever came of it."""

import gzip
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from tests.archives import files
from vospec.archives import ArchiveSpectrum, read_bytes
from vospec.archives.hdus import read_hdus
from vospec.errors import SpectrumError

SOUND = {
    "lamost dr1": files.lamost_dr1(FILENAME="spec-56342-GAC121N02V2_sp14-101.fits"),
    "lamost dr2": files.lamost_image(files.rows().astype(np.float64)),
    "lamost image": files.lamost_image(MAGTYPE="ugriz", MAG1=18.5, MAG2=17.2, MAG3=16.9, SPID=14),
    "lamost table": files.lamost_table(MAG_PS_G=17.04, FIBERID=1),
    "ccd700 vo": files.export(),
    "ccd700 native": files.native(),
    "sdss spec": files.sdss(),
}
#: Values that headers should not have.
VALUES = (
    "-1", "0", "1", "2", "999", "1000", "2147483648", "9" * 60, "-9999", "1E400", "1.5D300", "-0.0",
    "nan", "inf", "T", "F", "''", "'", "'&'", "' '", "'1E'", "'999999999D'", "'0E'", "'2Q(9)'",
    "'PB(3)'", "(1,2)", "", "/", "'\xff\x00'", "0x10", "1_0", "--1", "'DR' / 'DR'", "2013-02-31",
)  # fmt: skip
#: Four bytes of numbers that data should not have: NaN, infinity, the largest, a tiny one.
NUMBERS = (b"\x7f\xc0\0\0", b"\x7f\x80\0\0", b"\xff\x7f\xff\xff", b"\0\0\0\1", b"\xff\xff\xff\xff")
CARD = 80


class Damage(NamedTuple):
    """One damage: its kind, where (0 … 1 of what it can strike) and a number to go on."""

    kind: str
    place: float
    number: int


@cache
def headers(layout: str) -> tuple[range, ...]:
    """Where the cards of a sound file begin, header by header."""
    starts, hdus = [0], read_hdus(SOUND[layout])
    starts += [hdu.stop for hdu in hdus[:-1]]
    return tuple(
        range(start, start + len(hdu.header.raw) + CARD, CARD)
        for start, hdu in zip(starts, hdus, strict=True)
    )


def damaged(layout: str, damages: Iterable[Damage]) -> bytes:
    """A sound file with the damages done one after the other."""
    content = bytearray(SOUND[layout])
    cards = [place for header in headers(layout) for place in header]
    for damage in damages:
        if len(content) > CARD:
            content = STRIKES[damage.kind](content, cards, damage)
    return bytes(content)


def _at(content: bytearray, damage: Damage) -> int:
    return int(damage.place * (len(content) - 1))


def _card(content: bytearray, cards: list[int], damage: Damage) -> int:
    return min(cards[int(damage.place * (len(cards) - 1))], len(content) - CARD)


def _flip(content: bytearray, _: list[int], damage: Damage) -> bytearray:
    content[_at(content, damage)] ^= 1 << damage.number % 8
    return content


def _flip_header(content: bytearray, cards: list[int], damage: Damage) -> bytearray:
    content[_card(content, cards, damage) + damage.number % CARD] ^= 1 << damage.number // CARD % 8
    return content


def _cut(content: bytearray, _: list[int], damage: Damage) -> bytearray:
    return content[: _at(content, damage)]


def _insert(content: bytearray, _: list[int], damage: Damage) -> bytearray:
    place = _at(content, damage)
    content[place:place] = bytes([damage.number % 256]) * (damage.number % 5000)
    return content


def _delete(content: bytearray, _: list[int], damage: Damage) -> bytearray:
    place = _at(content, damage)
    del content[place : place + damage.number % 5000]
    return content


def _erase(content: bytearray, _: list[int], damage: Damage) -> bytearray:
    place = _at(content, damage)
    size = min(damage.number % 5000, len(content) - place)
    content[place : place + size] = bytes([damage.number % 3 * 127]) * size
    return content


def _value(content: bytearray, cards: list[int], damage: Damage) -> bytearray:
    place = _card(content, cards, damage)
    value = VALUES[damage.number % len(VALUES)].encode("latin-1").ljust(CARD - 10)
    content[place + 8 : place + CARD] = b"= " + value
    return content


def _name(content: bytearray, cards: list[int], damage: Damage) -> bytearray:
    """A card takes the name of another."""
    place, other = (
        _card(content, cards, one)
        for one in (damage, damage._replace(place=damage.number % 997 / 997))
    )
    content[place : place + 8] = content[other : other + 8]
    return content


def _swap(content: bytearray, cards: list[int], damage: Damage) -> bytearray:
    place, other = (
        _card(content, cards, one)
        for one in (damage, damage._replace(place=damage.number % 997 / 997))
    )
    first, second = content[place : place + CARD], content[other : other + CARD]
    content[place : place + CARD], content[other : other + CARD] = second, first
    return content


def _remove(content: bytearray, cards: list[int], damage: Damage) -> bytearray:
    place = _card(content, cards, damage)
    content[place : place + CARD] = b" " * CARD
    return content


def _datum(content: bytearray, _: list[int], damage: Damage) -> bytearray:
    place = _at(content, damage) // 4 * 4
    times = 1 + damage.number // 8 % 500
    wrong = (NUMBERS[damage.number % len(NUMBERS)] * times)[: len(content) - place]
    content[place : place + len(wrong)] = wrong
    return content


def _gzip(content: bytearray, _: list[int], damage: Damage) -> bytearray:
    return bytearray(gzip.compress(content, damage.number % 10, mtime=0))


STRIKES = {
    "flip": _flip,
    "flip in a header": _flip_header,
    "cut": _cut,
    "insert": _insert,
    "delete": _delete,
    "erase": _erase,
    "value": _value,
    "name": _name,
    "swap": _swap,
    "remove": _remove,
    "datum": _datum,
    "gzip": _gzip,
}


def outcome(content: bytes) -> str:
    """What came of a file: read, flagged, or why it was rejected.

    Any other exception than a ``SpectrumError`` goes on to the caller.
    """
    try:
        spectrum = read_bytes(content, "dir/a.fits")
    except SpectrumError as fault:
        reason, name = str(fault), type(fault).__name__
        assert reason.startswith("dir/a.fits: ")
        return name
    check(spectrum)
    return "flagged" if spectrum.quality else "read"


def check(spectrum: ArchiveSpectrum) -> None:
    """What must hold of everything that was read."""
    axis, flux, mask = spectrum.spectral_axis, spectrum.flux, spectrum.mask
    assert axis.shape == flux.shape == mask.shape
    assert axis.ndim == 1
    assert axis.size > 0
    assert (axis.dtype, flux.dtype, mask.dtype) == (np.float64, np.float32, np.bool_)
    assert np.isfinite(axis).all()
    assert axis[0] > 0
    assert np.all(np.diff(axis) > 0)
    assert np.isfinite(flux[~mask]).all()
    if spectrum.ivar is not None:
        assert spectrum.ivar.shape == flux.shape
    assert (spectrum.ra is None) == (spectrum.dec is None)
    if spectrum.ra is not None and spectrum.dec is not None:
        assert 0 <= spectrum.ra <= 360
        assert -90 <= spectrum.dec <= 90
    assert (spectrum.reason is None) == (spectrum.quality == 0)
    numbers = (spectrum.mjd, spectrum.snr, spectrum.exposure_seconds, spectrum.redshift)
    assert all(number is None or np.isfinite(number) for number in numbers)
    texts = (spectrum.spectrum_id, spectrum.observation, spectrum.release, spectrum.object or "")
    assert all(text.isprintable() for text in texts)
