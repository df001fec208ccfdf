"""The two archives as a DaCHS serves them: the real files, each listed twice, gratings mixed."""

import csv
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Instance
from tests.service import dachs
from vospec.archives import read

RESOURCE = "archives/q"
DESCRIPTOR = Path(__file__).with_name("archives.rd")
TABLE = "archives.observations"
LAMOST = "ivo://lamost.example/spectra"
_COLUMNS = (
    *("obs_collection", "dataproduct_type", "obs_publisher_did", "target_name", "s_ra", "s_dec"),
    *("t_min", "t_max", "em_min", "em_max", "access_url", "access_format"),
)
_FITS, _VOTABLE = "application/fits", "application/x-votable+xml"


@dataclass(frozen=True)
class Listed:
    """A spectrum that an archive lists."""

    collection: str
    did: str
    path: Path


def listed(data: Path) -> list[Listed]:
    """All files of a folder of both archives."""
    ccd700 = sorted((data / "ccd700").rglob("*.fits"))
    lamost = sorted(path for path in (data / "lamost").rglob("*.fits*"))
    return [
        *(Listed("ccd700", did_of(path), path) for path in ccd700),
        *(Listed("lamost", f"{LAMOST}/{_stem(path)}", path) for path in lamost),
    ]


def did_of(path: Path) -> str:
    """The publisher DID of a file of CCD700."""
    return str(read(path).archive_id)


def _stem(path: Path) -> str:
    return f"{path.parent.name}/{path.name.partition('.fits')[0]}"


def install(instance: Instance, spectra: list[Listed]) -> None:
    """Let the DaCHS of an instance serve the spectra."""
    url, resource = instance.url, _resource(instance)
    shutil.rmtree(resource, ignore_errors=True)
    (resource / "data").mkdir(parents=True)
    shutil.copy(DESCRIPTOR, resource / "q.rd")
    files, rows = [], []
    for one in spectra:
        spectrum = read(one.path)
        name = f"{one.collection}-{one.did.rpartition('spectra/')[2].replace('/', '-')}"
        name = name.replace(":", "") + one.path.name[one.path.name.index(".fits") :]
        place = f"archives/data/{name}"
        shutil.copyfile(one.path, resource / "data" / name)
        files.append((place,))
        mjd = "" if spectrum.mjd is None else spectrum.mjd
        axis = spectrum.spectral_axis
        what = (one.collection, "spectrum", one.did, spectrum.object, spectrum.ra, spectrum.dec)
        reach = (mjd, mjd, axis[0] * 1e-10, axis[-1] * 1e-10)
        where = f"{url}/getproduct/{place}"
        rows.append((*what, *reach, f"{where}.vot", _VOTABLE))
        rows.append((*what, *reach, where, _FITS))
        blue = ("spectrum", f"{one.did}-blue", *what[3:], mjd, mjd, 4.2e-7, 4.7e-7, where, _FITS)
        rows.append((one.collection, *blue))
        image = ("image", f"{one.did}-image", *what[3:], *reach, where, _FITS)
        rows.append((one.collection, *image))
    _write(resource / "data" / "files.csv", ("path",), files)
    _write(resource / "data" / "observations.csv", _COLUMNS, rows)
    owner = resource.parent.stat()
    for path in (resource, *resource.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    _dachs(instance, "imp")


def remove(instance: Instance) -> None:
    """Take the archives away, of which other tests of the service know nothing."""
    _dachs(instance, "drop")
    shutil.rmtree(_resource(instance))


def _resource(instance: Instance) -> Path:
    return instance.folder / "dachs" / "inputs" / "archives"


def _dachs(instance: Instance, command: str) -> None:
    done = dachs.run(instance, "dachs", command, RESOURCE)
    assert done.returncode == 0, done.stdout + done.stderr


def _write(path: Path, columns: tuple[str, ...], lines: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *lines])
