"""The FITS reader against astropy's, and against the standard where that is lenient."""

import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.archives import files
from vospec.archives.hdus import Hdu, read_hdus
from vospec.archives.packing import unpacked
from vospec.archives.simulated import simulate
from vospec.errors import UnreadableFileError

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
NUMBERS = set("BIJKED")


def header(*cards: str, size: int = 0) -> bytes:
    """A header of cards as they are typed, and data of zeros."""
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(-(-len(text) // 2880) * 2880).encode("latin-1") + b"\0" * size


def primary(*cards: str) -> Hdu:
    (hdu,) = read_hdus(header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", *cards))
    return hdu


def equal(ours: object, theirs: object) -> bool:
    if isinstance(theirs, str):
        return ours == theirs.rstrip()
    return ours == theirs and type(ours) is type(theirs)


def compare_cards(ours: Hdu, theirs: fits.Header) -> int:
    """Every value of a header; commentary has none."""
    compared = 0
    for name in set(theirs) - {"COMMENT", "HISTORY", ""}:
        value = theirs[name]
        expected = None if isinstance(value, fits.card.Undefined) else value
        assert equal(ours.header.value(name), expected), name
        compared += 1
    return compared


def compare_columns(ours: Hdu, theirs: fits.BinTableHDU) -> int:
    """Every column of a table whose elements are numbers or characters."""
    assert ours.columns == tuple(theirs.columns.names)
    compared = 0
    for column in theirs.columns:
        values = np.asarray(theirs.data[column.name])
        if column.format[-1] in NUMBERS:
            np.testing.assert_array_equal(ours.column(column.name), values)
        elif values.dtype.kind == "U" and values.ndim == 1:
            assert [text.rstrip() for text in values] == ours.texts(column.name)
        else:
            continue
        compared += 1
    return compared


def compare(content: bytes) -> int:
    ours, compared = read_hdus(content), 0
    with warnings.catch_warnings():
        # Astropy warns of old keywords, which are not ours to judge.
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content)) as theirs:
            assert len(ours) == len(theirs)
            for one, other in zip(ours, theirs, strict=True):
                compared += compare_cards(one, other.header)
                if one.is_table:
                    compared += compare_columns(one, other)
                elif one.shape:
                    np.testing.assert_array_equal(one.image(), other.data)
                    compared += 1
    return compared


def real_files() -> Iterator[Path]:
    for path in sorted(DATA.rglob("*.fits*")):
        if path.is_file():
            yield path


@pytest.mark.skipif(not DATA.is_dir(), reason="spectra of the archives are not at hand")
def test_every_real_file_is_read_as_astropy_reads_it() -> None:
    compared = [compare(unpacked(path.read_bytes())) for path in real_files()]
    assert len(compared) == 339 + 18 + 1
    # A VO export has the fewest cards.
    assert min(compared) > 40


def test_every_simulated_layout_is_read_as_astropy_reads_it(tmp_path: Path) -> None:
    simulate(tmp_path, n_survey=16, n_training=8, seed=5)
    paths = [path for path in tmp_path.rglob("*.fits*") if path.is_file()]
    assert len(paths) == 24
    assert all(compare(unpacked(path.read_bytes())) > 20 for path in paths)


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("KEY     = 'O''Hara  '           / a name", "O'Hara"),
        ("KEY     = ''", ""),
        ("KEY     = '  led'", "  led"),
        ("KEY     = 'a / b' / c", "a / b"),
        ("KEY     =                    T / yes", True),
        ("KEY     = F", False),
        ("KEY     =                  -12", -12),
        ("KEY     = +7/ tight", 7),
        ("KEY     = 12.", 12.0),
        ("KEY     = .5", 0.5),
        ("KEY     = -1.5D-3", -1.5e-3),
        ("KEY     = 2E2", 200.0),
        ("KEY     =", None),
        ("KEY     =                      / undefined", None),
        ("KEY     = 'open", None),
        ("KEY     = nan", None),
        ("KEY     = 1_000", None),
        ("KEY     = 1 2", None),
        ("KEY     = (1.0, 2.0)", None),
        ("KEY     1", None),
        ("KEY     = 'bad\x07bell'", None),
        ("KEY     = 'caf\xe9'", None),
        ("OTHER   = 1", None),
    ],
)
def test_values_are_those_of_the_standard(card: str, value: object) -> None:
    assert equal(primary(card).header.value("KEY"), value)


def test_long_strings_go_on() -> None:
    cards = ("KEY     = 'one &'", "CONTINUE  'two ''&'", "CONTINUE  '' / end", "NEXT    = 'x&'")
    found = primary(*cards).header
    assert found.value("KEY") == "one two '"
    # Nothing follows: the ampersand is a character.
    assert found.value("NEXT") == "x&"


def test_of_two_cards_the_first_holds_in_any_order() -> None:
    content = header("SIMPLE  = T", "KEY     = 1", "NAXIS   = 0", "KEY     = 2", "BITPIX  = 8")
    assert read_hdus(content)[0].header.value("KEY") == 1
    assert read_hdus(content)[0].header.names == ["SIMPLE", "NAXIS", "KEY", "BITPIX"]


@pytest.mark.parametrize("dtype", ["u1", ">i2", ">i4", ">i8", ">f4", ">f8"])
def test_images_of_every_kind(dtype: str) -> None:
    pixels = np.arange(12).reshape(3, 4).astype(dtype)
    np.testing.assert_array_equal(
        read_hdus(files.content(fits.PrimaryHDU(pixels)))[0].image(), pixels
    )


def test_scaled_images_are_physical() -> None:
    cards = ("SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 1", "NAXIS1  = 4")
    scale = ("BSCALE  = 0.5", "BZERO   = 10", "BLANK   = 5")
    data = np.array([-3, 0, 5, 9], ">i2").tobytes()
    (hdu,) = read_hdus(header(*cards, *scale) + data)
    np.testing.assert_array_equal(hdu.image(), [8.5, 10.0, np.nan, 14.5])
    (hdu,) = read_hdus(header(*cards, "BLANK   = 5") + data)
    np.testing.assert_array_equal(hdu.image(), [-3.0, 0.0, np.nan, 9.0])


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_unsigned_columns_and_null_values(dtype: type) -> None:
    values = np.array([0, 7, np.iinfo(dtype).max], dtype)
    form, zero = ("I", 1 << 15) if dtype is np.uint16 else ("J", 1 << 31)
    columns = [
        fits.Column("U", form, array=values, bzero=zero),
        fits.Column("N", "I", array=np.array([1, -99, 3], np.int16), null=-99),
    ]
    table = read_hdus(files.content(fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)))[1]
    np.testing.assert_array_equal(table.column("u"), values)
    np.testing.assert_array_equal(table.column("N"), [1.0, np.nan, 3.0])


def test_scaled_columns_are_physical() -> None:
    cards = ("TFIELDS = 2", "TTYPE1  = 'X'", "TFORM1  = '2I'", "TTYPE2  = 'Y'", "TFORM2  = 'E'")
    stored = np.array([((4, 8), 1.5)] * 3, [("X", ">i2", 2), ("Y", ">f4")])
    found = table(*cards, "TSCAL1  = 0.25", "TZERO1  = -1", rows=stored.tobytes())
    np.testing.assert_array_equal(found.column("X"), [[0.0, 1.0]] * 3)
    np.testing.assert_array_equal(found.column("Y"), [1.5] * 3)


def test_columns_that_are_not_numbers_are_refused() -> None:
    columns = [fits.Column("C", "C", array=np.ones(2)), fits.Column("T", "3A", array=["a", "bcd"])]
    table = read_hdus(files.content(fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)))[1]
    assert table.texts("T") == ["a", "bcd"]
    with pytest.raises(UnreadableFileError, match="column C: expected numbers, found TFORM C"):
        table.column("C")
    with pytest.raises(UnreadableFileError, match="column C: expected characters"):
        table.texts("C")
    with pytest.raises(UnreadableFileError, match="expected a column X, found C, T"):
        table.column("X")


IMAGE = ("SIMPLE  = T", "BITPIX  = -32", "NAXIS   = 1", "NAXIS1  = 10")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (header(*IMAGE)[:320], "header at byte 0: expected a card END, found none"),
        (header(*IMAGE), r"data at byte 2880: expected 40 bytes .* found 0"),
        (header(*IMAGE, size=39), "expected 40 bytes .* found 39"),
        (header(*IMAGE[:3], "NAXIS1  = 99999999"), "NAXIS1: expected an integer from 0 to 2880"),
        (header(*IMAGE[:3], "NAXIS1  = -1"), "NAXIS1: .* found -1"),
        (header(*IMAGE[:3]), "NAXIS1: .* found nothing"),
        (header(*IMAGE[:2], "NAXIS   = 1000"), "NAXIS: expected an integer from 0 to 999"),
        (header(*IMAGE[:2], "NAXIS   = 1.0"), "NAXIS: .* found 1.0"),
        (header("SIMPLE  = T", "BITPIX  = 24", "NAXIS   = 0"), "BITPIX: .* found 24"),
        (header(*IMAGE, "PCOUNT  = 2500", size=2880), "expected 10040 bytes .* found 2880"),
        (header(*IMAGE, "GCOUNT  = 0", size=2880), "GCOUNT: expected 1, found 0"),
        (header(*IMAGE[:3], "NAXIS1  = 0", "GROUPS  = T"), r"random groups \(GROUPS = T\)"),
    ],
)  # fmt: skip
def test_nonsense_is_named(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableFileError, match=said):
        read_hdus(content)


def test_endless_headers_are_named() -> None:
    with pytest.raises(UnreadableFileError, match="expected at most 10000 cards, found more"):
        read_hdus(header("SIMPLE  = T", *["COMMENT"] * 10_000))


def table(*cards: str, rows: bytes = bytes(24)) -> Hdu:
    first = ("XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 3")
    content = header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0") + header(*first, *cards)
    return read_hdus(content + rows)[1]


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ((), "TFIELDS: expected an integer from 0 to 999, found nothing"),
        (("TFIELDS = 1", "TFORM1  = '3E'"), r"rows of 8 bytes \(NAXIS1\), found columns of 12"),
        (("TFIELDS = 1", "TFORM1  = '9999999999E'"), "TFORM1: expected a repeat count"),
        (("TFIELDS = 2", "TFORM1  = '2E'"), "TFORM2: expected .* found None"),
        (("TFIELDS = 1", "TFORM1  = 'Z'"), "TFORM1: .* found Z"),
    ],
)
def test_tables_that_contradict_themselves_are_named(cards: tuple[str, ...], said: str) -> None:
    with pytest.raises(UnreadableFileError, match=said):
        _ = table(*cards).columns


def test_scale_that_is_no_number_is_named() -> None:
    found = table("TFIELDS = 1", "TTYPE1  = 'X'", "TFORM1  = '2E'", "TSCAL1  = 'two'")
    with pytest.raises(UnreadableFileError, match="TSCAL1: expected a number, found 'two'"):
        found.column("X")


def test_what_follows_the_last_unit_is_no_part_of_the_file() -> None:
    content = files.native()
    assert len(read_hdus(content + b"\0" * 5000)) == 1
    # The padding of the last block may be cut.
    assert read_hdus(content[: 2880 * 2 + 4 * 1997])[0].shape == (1997,)


@pytest.mark.parametrize("make", [files.lamost_image, files.lamost_table, files.export])
def test_arrays_are_views_of_the_file(make: Callable[[], bytes]) -> None:
    hdu = read_hdus(make())[-1]
    arrays = [hdu.column(name) for name in hdu.columns] or [hdu.image()]
    assert all(not array.flags.owndata for array in arrays)
