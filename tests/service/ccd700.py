"""A service like that of CCD700: simulated spectra, each offered twice, gratings mixed."""

import csv
import io
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from astropy.io import fits
from astropy.table import Table

from vospec.archives import read_bytes
from vospec.archives.ccd700 import PUBLISHER
from vospec.archives.simulated import simulate

RESOURCE = "ccd700/q"
VOTABLE = "application/x-votable+xml"
#: By how much a grating is moved, in Å; the last two end and begin within 6540 … 6580 Å.
GRATINGS = (-2200.0, 1900.0, -173.0, 275.0)
DESCRIPTOR = Path(__file__).with_name("ccd700.rd")


@dataclass(frozen=True)
class Observed:
    """One observation of the service."""

    did: str
    name: str
    ra: float
    dec: float
    content: bytes
    covers: bool


def observations() -> list[Observed]:
    """Spectra around Hα and, moved in wavelength, of other gratings."""
    with tempfile.TemporaryDirectory() as folder:
        simulate(folder, n_survey=0, n_training=12, seed=5)
        paths = sorted((Path(folder) / "training").rglob("*.fits"))
        contents = [(path.stem, path.read_bytes()) for path in paths]
    around = [_observed(name, content, covers=True) for name, content in contents]
    exports = [one for one in contents if read_bytes(one[1], one[0]).release == "vo"]
    away = [
        _observed(f"{name}g{number}", _moved(content, f"{name}g{number}", shift), covers=False)
        for number, ((name, content), shift) in enumerate(zip(exports, GRATINGS, strict=False))
    ]
    return around + away


def install(folder: Path, url: str, observed: list[Observed]) -> None:
    """Let the DaCHS of an instance's folder serve the observations."""
    inputs = folder / "dachs" / "inputs"
    owner = inputs.stat()
    resource = inputs / "ccd700"
    shutil.rmtree(resource, ignore_errors=True)
    (resource / "data").mkdir(parents=True)
    shutil.copy(DESCRIPTOR, resource / "q.rd")
    _write(resource / "data", observed, url)
    for path in (resource, *resource.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    account = {} if os.geteuid() else {"user": owner.st_uid, "group": owner.st_gid}
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["/usr/bin/dachs", "imp", RESOURCE],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(folder / "dachs"),
            "GAVOSETTINGS": str(folder / "dachs" / "gavo.rc"),
        },
        **account,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _observed(name: str, content: bytes, *, covers: bool) -> Observed:
    spectrum = read_bytes(content, name)
    assert spectrum.ra is not None
    assert spectrum.dec is not None
    return Observed(f"{PUBLISHER}/{name}", name, spectrum.ra, spectrum.dec, content, covers)


def _moved(content: bytes, name: str, shift: float) -> bytes:
    with fits.open(io.BytesIO(content)) as hdus:
        hdus[1].data["spectral"] += shift
        hdus[1].header["DS_IDPUB"] = f"{PUBLISHER}/{name}"
        stream = io.BytesIO()
        hdus.writeto(stream)
    return stream.getvalue()


def _write(folder: Path, observed: list[Observed], url: str) -> None:
    files, entries = [], []
    for one in observed:
        spectrum = read_bytes(one.content, one.name)
        axis = spectrum.spectral_axis
        (folder / f"{one.name}.fits").write_bytes(one.content)
        table = Table({"spectral": axis, "flux": np.asarray(spectrum.flux)})
        table.write(folder / f"{one.name}.vot", format="votable")
        what = (one.did, one.ra, one.dec, axis[0] * 1e-10, axis[-1] * 1e-10, axis.size)
        for suffix, mime in (("vot", VOTABLE), ("fits", "image/fits")):
            path = f"ccd700/data/{one.name}.{suffix}"
            files.append((path, mime, (folder / Path(path).name).stat().st_size))
            entries.append(("direct", *what, path, mime))
        entries.append(("described", *what, f"ccd700/data/{one.name}.vot", VOTABLE))
        links = f"{url}/ccd700/q/dl/dlmeta?ID={quote(one.did, safe='')}"
        entries.append(("linked", *what, links, f"{VOTABLE};content=datalink"))
    _write_csv(folder / "files.csv", ("path", "mime", "size"), files)
    columns = ("service", "did", "ra", "dec", "start", "stop", "n_pixels", "accref", "mime")
    _write_csv(folder / "entries.csv", columns, entries)


def _write_csv(path: Path, columns: tuple[str, ...], lines: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *lines])
