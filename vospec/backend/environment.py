"""The Python environment that goes to the executors of a cluster as one archive.

It holds a link to the system's Python, which must stand under the same path on every node,
the packages that tasks load, and vospec. Its name tells for which code it was made:
another vospec looks for another archive, and jobs that still use an old one keep it. Spark's
classes are not in it: a node that runs executors has Spark.

Unpacked, it is a virtual environment wherever it stands (PEP 405: Python finds
``pyvenv.cfg`` beside the folder from which it was started).
"""

import hashlib
import io
import os
import platform
import re
import sys
import tarfile
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath

import pyarrow as pa
from isal import igzip_threaded
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pyarrow import fs

import vospec
from vospec.errors import SparkError
from vospec.listing import locate, split, unopened

#: The folder into which executors unpack the archive, in the one in which they work.
FOLDER = "environment"
#: The interpreter as an executor calls it.
PYTHON = f"./{FOLDER}/bin/python"

#: What tasks load; with it goes what it requires itself. Its versions are the driver's.
_LOADED = (
    "astropy",
    "isal",
    "joblib",
    "numba",
    "numpy",
    "packaging",
    "pandas",
    "pyarrow",
    "pyspark",
    "scikit-learn",
    "scipy",
    "threadpoolctl",
    "tomlkit",
)
#: Tests of packages, and of Spark's what is with the nodes (Java's part) or for learners.
#: astropy loads its own folder of tests, which holds none.
_LEFT_OUT = re.compile(r"pyspark/(jars|examples|data)/|(?!astropy/)[^/]+/(.*/)?tests/")
_PACKAGE = Path(vospec.__file__).parent
_LIBRARY = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def name() -> str:
    """The name of the archive that fits this process."""
    digest = hashlib.sha256(platform.python_version().encode())
    for package in _LOADED:
        digest.update(f"{package}=={metadata.version(package)}\n".encode())
    for path in _sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE)} {len(content)}\n".encode() + content)
    return f"vospec-{vospec.__version__}-{digest.hexdigest()[:12]}.tar.gz"


def find(folder: str) -> str:
    """The URI of the archive for this process.

    Parameters
    ----------
    folder : str
        Folder or URI in which archives stand.

    Raises
    ------
    SparkError
        There is no archive for this code in the folder, or the folder cannot be reached.
    """
    wanted = name()
    # Of a file system that pyarrow does not open, Spark itself tells what is missing.
    if not unopened((folder,)) and not _is_there(folder, wanted):
        message = f"{folder}: expected {wanted} of this vospec; deploy/cluster/pack makes it"
        raise SparkError(message)
    if split(folder)[0] == "file":
        return Path(split(folder)[2], wanted).resolve().as_uri()
    return f"{folder.rstrip('/')}/{wanted}"


def _is_there(folder: str, wanted: str) -> bool:
    filesystem, location = locate(folder)
    try:
        info = filesystem.get_file_info(str(PurePosixPath(location, wanted)))
    except (OSError, pa.ArrowException) as fault:
        message = f"{folder}: the folder of environments cannot be reached ({fault})"
        raise SparkError(message) from fault
    return bool(info.type == fs.FileType.File)


def pack(folder: Path) -> Path:
    """Write the archive for this process, unless it is there.

    Parameters
    ----------
    folder : Path
        Where to; made if missing.

    Returns
    -------
    Path
        The archive.

    Raises
    ------
    OSError
        The archive cannot be written.
    """
    target = folder / name()
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    incoming = folder / f".{target.name}.{uuid.uuid4().hex}"
    try:
        with (
            igzip_threaded.open(incoming, "wb", compresslevel=1, threads=2) as stream,  # type: ignore[no-untyped-call]
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            _fill(archive, _packages())
        incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)
    return target


def _packages() -> list[metadata.Distribution]:
    """The packages that tasks load, and what these require, as they are installed here."""
    wanted = list(_LOADED)
    packages: dict[str, metadata.Distribution] = {}
    while wanted:
        package = canonicalize_name(wanted.pop())
        if package not in packages:
            packages[package] = metadata.distribution(package)
            wanted += _required(packages[package])
    return [packages[package] for package in sorted(packages)]


def _required(package: metadata.Distribution) -> list[str]:
    requirements = map(Requirement, package.requires or ())
    return [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]


def _fill(archive: tarfile.TarFile, packages: list[metadata.Distribution]) -> None:
    interpreter = os.path.realpath(sys.executable)
    home = f"home = {Path(interpreter).parent}\n"
    _add_text(archive, "pyvenv.cfg", home + "include-system-site-packages = false\n")
    for link in ("python", "python3"):
        entry = tarfile.TarInfo(f"bin/{link}")
        entry.type, entry.linkname = tarfile.SYMTYPE, interpreter
        archive.addfile(entry)
    for package in packages:
        for path, inside in _files(package):
            archive.add(path, f"{_LIBRARY}/{inside}", recursive=False, filter=_anonymous)
    for path in (*_sources(), *_compiled()):
        place = f"{_LIBRARY}/{path.relative_to(_PACKAGE.parent)}"
        archive.add(path, place, recursive=False, filter=_anonymous)


def _files(package: metadata.Distribution) -> Iterator[tuple[Path, str]]:
    """A package's files, but its commands, whose first lines name this environment."""
    for file in package.files or ():
        inside = file.as_posix()
        path = Path(str(file.locate()))
        elsewhere = inside.startswith(("../", "/"))
        if not elsewhere and not _LEFT_OUT.match(inside) and path.is_file():
            yield path, inside


def _sources() -> list[Path]:
    return sorted(_PACKAGE.rglob("*.py"))


def _compiled() -> list[Path]:
    """What Python and numba have compiled; both look whether it is of the same source."""
    tag = sys.implementation.cache_tag
    patterns = (f"*.{tag}.pyc", "*.nbi", "*.nbc")
    return sorted(path for pattern in patterns for path in _PACKAGE.rglob(pattern))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose file it was is nobody's concern; every account may read it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.mode & 0o100 else 0o644
    return entry


def _add_text(archive: tarfile.TarFile, path: str, text: str) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
