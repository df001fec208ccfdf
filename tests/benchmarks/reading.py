"""Bytes of FITS files to spectra: ``python -m tests.benchmarks.reading [repeats]``.

Prints, layout by layout, the time a file takes our reader and the straightforward way
with astropy (open, look up the cards, take the arrays, work out wavelengths and mask),
and their ratio. Both read the same files of memory in turns; the least of the repeats
counts, for other work of the machine only adds to it.
"""

import gzip
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from astropy.io import fits

from tests.archives import files
from vospec.archives import read_bytes
from vospec.archives.packing import unpacked
from vospec.archives.simulated import simulate
from vospec.spectra import air_to_vacuum

CARDS = {
    "lamost": "FILENAME OBSID DATA_V EXTEN0 DATE-OBS DATE-BEG DATE-END PLANID RA DEC DESIG FIBERID "
    "SPID EXPTIME VACUUM COEFF0 COEFF1 CLASS SUBCLASS Z SNRU SNRG SNRR SNRI SNRZ MAGTYPE MAG1 MAG2 "
    "MAG3",
    "ccd700": "OBJECT SRCCLASS RA DEC TMID TELAPSE DS_IDPUB JD EXPTIME CRVAL1 CDELT1 CRPIX1 CTYPE1",
    "sdss": "PLUG_RA PLUG_DEC PLATEID MJD FIBERID TAI EXPTIME VACUUM COEFF0 COEFF1 SPEC_ID",
}


def by_astropy(content: bytes, archive: str) -> tuple[np.ndarray, ...]:
    """Header values, wavelengths, flux and mask of a file."""
    with fits.open(io.BytesIO(content), memmap=False) as hdus:
        header = hdus[1 if archive == "ccd700" and len(hdus) > 1 else 0].header
        values = [header.get(name) for name in CARDS[archive].split()]
        if archive == "lamost":
            return _lamost(hdus, header)
        if archive == "sdss":
            data, row = hdus[1].data, hdus[2].data
            values += [row[name][0] for name in ("CLASS", "SUBCLASS", "SN_MEDIAN")]
            return 10.0 ** data["loglam"], data["flux"], data["ivar"] == 0
        if len(hdus) > 1:
            return air_to_vacuum(hdus[1].data["spectral"]), hdus[1].data["flux"], np.array(False)
        flux = hdus[0].data
        axis = header["CRVAL1"] + header["CDELT1"] * np.arange(flux.size)
        return air_to_vacuum(axis), flux, np.array(False)


def _lamost(hdus: fits.HDUList, header: fits.Header) -> tuple[np.ndarray, ...]:
    if hdus[0].data is not None:
        flux, ivar, _, bits, _ = hdus[0].data
    else:
        flux, ivar, bits = (hdus[1].data[name][0] for name in ("FLUX", "IVAR", "ANDMASK"))
    axis = 10.0 ** (header["COEFF0"] + header["COEFF1"] * np.arange(flux.size))
    return axis, flux.astype(np.float32), (bits != 0) | ((flux == 0) & (ivar == 0))


def contents(folder: Path) -> dict[str, list[bytes]]:
    """Files by layout, gzip apart."""
    simulate(folder, n_survey=64, n_training=64, seed=3)
    found: dict[str, list[bytes]] = {"sdss spec": [files.sdss()]}
    for path in sorted(folder.rglob("*.fits*")):
        content = path.read_bytes()
        plain = unpacked(content)
        spectrum = read_bytes(plain, path.name)
        name = f"{spectrum.collection} {spectrum.layout}"
        found.setdefault(name, []).append(plain)
        if plain is not content:
            found.setdefault(f"{name}, gzip", []).append(content)
    return found


def least(read: Callable[[bytes], object], some: list[bytes], repeats: int) -> float:
    """Least seconds that a file of these takes."""
    times = []
    for content in some * repeats:
        started = time.perf_counter()
        read(content)
        times.append(time.perf_counter() - started)
    return float(np.quantile(times, 0.02))


def main(repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = contents(Path(folder))
    print(f"{'layout':22}{'files':>6}{'kB':>6}{'vospec ms':>11}{'astropy ms':>12}{'ratio':>7}")
    for name, some in sorted(found.items()):
        archive = name.split()[0]
        unpack = gzip.decompress if name.endswith("gzip") else bytes

        def straight(
            content: bytes, archive: str = archive, unpack: Callable[[bytes], bytes] = unpack
        ) -> object:
            return by_astropy(unpack(content), archive)

        ours = least(lambda content: read_bytes(content, "a.fits"), some, repeats)
        theirs = least(straight, some, repeats)
        size = sum(map(len, some)) / len(some) / 1e3
        print(
            f"{name:22}{len(some):6}{size:6.0f}{1e3 * ours:11.3f}{1e3 * theirs:12.3f}"
            f"{theirs / ours:7.1f}"
        )


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["20"])[0]))
