# noqa: INP001 - DaCHS loads this file by its path
"""Pictures of spectra, drawn when they are asked for and kept."""

import hashlib
import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gavo import api, base, svcs

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)
drawing, _ = api.loadPythonModule("drawing", relativeTo=__file__)
cache, _ = api.loadPythonModule("cache", relativeTo=__file__)

MEDIA_TYPE = "image/png"

#: Some thousand pictures; processes that serve the same data share them.
_MOST_BYTES = 256 << 20

_pictures = cache.Cache(Path(base.getConfig("cacheDir"), "vospec-previews"), _MOST_BYTES)

#: Another program draws other pictures.
_PROGRAM = Path(drawing.__file__).read_bytes()


class Sight(NamedTuple):
    """All that a picture shows."""

    row: dict[str, Any]
    whole: Any
    rectified: Any

    @property
    def key(self) -> str:
        """A fingerprint of it."""
        told = hashlib.blake2b(_PROGRAM, digest_size=24)
        told.update(repr(sorted(self.row.items(), key=str)).encode())
        for curve in (self.whole, self.rectified):
            for values in curve or ():
                told.update(f"{values.size} {values.dtype}".encode())
                told.update(np.ascontiguousarray(values).data)
        return told.hexdigest()


def sight(name: str) -> Sight:
    """What the picture ``<spectrum_id>.png`` shows.

    Raises
    ------
    gavo.svcs.UnknownURI
        No such spectrum has pixels; becomes HTTP status 404.
    """
    spectrum_id = name.removesuffix(".png")
    delivered = datasets.dataset(spectrum_id, datasets.DELIVERED)
    columns = delivered.columns
    flux = np.where(columns["mask"], np.float32(np.nan), columns["flux"])
    rectified = None
    if datasets.row(spectrum_id, datasets.RECTIFIED) is not None:
        features = datasets.columns(spectrum_id, datasets.RECTIFIED)
        rectified = drawing.Curve(features["spectral_axis"], features["flux"])
    return Sight(delivered.row, drawing.Curve(columns["spectral_axis"], flux), rectified)


def picture(shown: Sight) -> bytes:
    """The PNG."""
    content: bytes = _pictures.get(shown.key, lambda: drawing.draw(*shown))
    return content


def make(name: str) -> tuple[str, bytes]:
    """Send on to where pictures are now.

    Raises
    ------
    gavo.svcs.Found
        Becomes HTTP status 302.
    """
    server = base.getConfig("web", "serverURL").rstrip("/")
    address = f"{server}/vospec/q/preview/custom/{urllib.parse.quote(name)}"
    raise svcs.Found(address)
