# noqa: INP001 - DaCHS loads this file by its path
"""What belongs to a spectrum, as links of DataLink.

A link's description is ASCII: DaCHS' answers hold nothing else.
"""

import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gavo import api, base
from gavo.protocols import datalink, soda

datasets, _ = api.loadPythonModule("datasets", relativeTo=__file__)
files, _ = api.loadPythonModule("files", relativeTo=__file__)
cutouts, _ = api.loadPythonModule("cutouts", relativeTo=__file__)

_ORIGINAL = """
SELECT 'vospec/' || spectrum_id || CASE mime WHEN 'application/gzip' THEN '.fits.gz' ELSE '.fits'
  END AS accref, path, mime
FROM vospec.originals WHERE spectrum_id = %(spectrum_id)s AND starts_with(path, '/')
"""

#: Labelled spectra, those first from which class shares come; others only where there are none.
_EVIDENCE = """
WITH labelled AS (
  SELECT kind, place, neighbour_id, class, share, kind = 'label' AS is_source,
    bool_or(kind = 'label') OVER () AS has_sources
  FROM vospec.neighbours WHERE spectrum_id = %(spectrum_id)s AND class IS NOT NULL
)
SELECT labelled.*, accref, accsize, mime
FROM labelled JOIN vospec.ssa_spectra ON ssa_spectra.spectrum_id = neighbour_id
WHERE is_source = has_sources AND processing = %(processing)s
ORDER BY place LIMIT 10
"""

_PAIRS = """
SELECT pairs.spectrum_id, separation, accref, accsize, mime
FROM (
  SELECT survey_id AS spectrum_id, separation FROM vospec.pairs
  WHERE training_id = %(spectrum_id)s
  UNION ALL
  SELECT training_id, separation FROM vospec.pairs WHERE survey_id = %(spectrum_id)s
) AS pairs JOIN vospec.ssa_spectra USING (spectrum_id)
WHERE processing = %(processing)s ORDER BY separation LIMIT 10
"""

_IDENTIFIED = """
SELECT main_id, otype FROM vospec.simbad
WHERE spectrum_id = %(spectrum_id)s AND state = 'found' ORDER BY asked_at DESC LIMIT 1
"""

#: SIMBAD's page of a position; where defaultmeta.txt has a simbadPage, that one.
_SIMBAD = "https://simbad.cds.unistra.fr/simbad/sim-coo"
_RADIUS_ARCSEC = 10


def describe(identifier: str) -> Any:  # noqa: ANN401 - a descriptor or a fault
    """What DataLink knows under a publisher DID or a spectrum_id."""
    row = datasets.row(*datasets.named(identifier))
    if row is None:
        message = "No spectrum of this identifier has pixels"
        return soda.DatalinkFault.NotFoundFault(identifier, message)
    return Spectrum(identifier, row)


class Spectrum(datalink.ProductDescriptor):
    """A spectrum, as delivered or rectified, and what belongs to it."""

    suppressAutoLinks = True  # noqa: N815 - DaCHS' own name

    def __init__(self, identifier: str, row: dict[str, Any]) -> None:
        mime, preview = row["mime"], row["preview"]
        super().__init__(identifier, row["spectrum_id"], row["accref"], mime, preview=preview)
        self.row = row
        self.is_rectified = row["processing"] == datasets.RECTIFIED
        self._other = datasets.row(
            row["spectrum_id"], datasets.DELIVERED if self.is_rectified else datasets.RECTIFIED
        )

    @property
    def can_be_rectified(self) -> bool:
        """Whether it is not yet, and has features."""
        return not self.is_rectified and self._other is not None

    def links(self, term: str) -> Iterator[Any]:
        """The links of one term of the vocabulary."""
        made: Iterator[Any] = getattr(self, f"_{term}")()
        return made

    def _this(self) -> Iterator[Any]:
        """The spectrum itself, in either format."""
        what = "The rectified spectrum" if self.is_rectified else "The spectrum as delivered"
        yield self._file(self.row, f"{what}, a FITS binary table")
        votable = urllib.parse.urlencode({"ID": self.row["ssa_pubdid"], "FORMAT": files.VOTABLE})
        yield self.makeLink(
            f"{_address()}/vospec/q/dl/dlget?{votable}",
            description=f"{what}, a VOTable by the Spectrum data model",
            contentType=files.VOTABLE,
        )

    def _progenitor(self) -> Iterator[Any]:
        """What it was made from. Of what the archive's file is not at hand, nothing is said."""
        if self.is_rectified:
            yield self._file(self._other, "The spectrum as delivered, before rectification")
        original = datasets.one(_ORIGINAL, spectrum_id=self.row["spectrum_id"])
        if original is None:
            return
        path, told = Path(original["path"]), "The file as the archive has it"
        if not os.access(path, os.R_OK):
            yield soda.DatalinkFault.NotFoundFault(
                self.pubDID, "The file is not at hand", self.forSemantics, told
            )
            return
        yield self.makeLink(
            f"{_address()}/getproduct/{urllib.parse.quote(original['accref'])}",
            description=told,
            contentType=original["mime"],
            contentLength=path.stat().st_size,
        )

    def _derivation(self) -> Iterator[Any]:
        """What is made from it."""
        if self.can_be_rectified:
            yield self._file(self._other, "The rectified spectrum: flux over continuum")

    def _preview(self) -> Iterator[Any]:
        """A picture."""
        yield self.makeLink(
            self.row["preview"],
            description="The whole spectrum above, H alpha of the rectified one below",
            contentType="image/png",
        )

    def _auxiliary(self) -> Iterator[Any]:
        """The labelled spectra that speak for its classes, of the same kind as it is itself."""
        for row in self._rows(_EVIDENCE):
            part = "its class shares" if row["is_source"] else "the weight of its neighbours"
            told = f"Labelled {row['class']}, {100 * row['share']:.1f} % of {part}"
            yield self._file(row, f"{told}: {row['neighbour_id']}")

    def _counterpart(self) -> Iterator[Any]:
        """The same star's spectra of the other archive."""
        for row in self._rows(_PAIRS):
            told = f"The same star, {row['separation']:.1f} arcsec apart"
            yield self._file(row, f"{told}: {row['spectrum_id']}")

    def _documentation(self) -> Iterator[Any]:
        """What SIMBAD has at its place."""
        if self.row["ra"] is None:
            return
        found = datasets.one(_IDENTIFIED, spectrum_id=self.row["spectrum_id"])
        told = f"; there is {found['main_id']} ({found['otype']})" if found else ""
        place = {
            "Coord": f"{self.row['ra']:.7f} {self.row['dec']:+.7f}",
            "CooFrame": "ICRS",
            "Radius": _RADIUS_ARCSEC,
            "Radius.unit": "arcsec",
        }
        page = base.getMetaText(base.caches.getRD("vospec/q"), "simbadPage", default=_SIMBAD)
        yield self.makeLink(
            f"{page}?{urllib.parse.urlencode(place)}",
            description=_ascii(f"SIMBAD within {_RADIUS_ARCSEC} arcsec{told}"),
            contentType="text/html",
        )

    def parameters(self) -> Iterator[Any]:
        """What may be asked of the service that cuts it out."""
        return cutouts.parameters(self.row, can_be_rectified=self.can_be_rectified)

    def processed(self, asked: dict[str, Any]) -> tuple[str, bytes]:
        """Media type and content of what was asked of one spectrum."""
        if len(asked["ID"]) > 1:
            message = f"one identifier expected, found {len(asked['ID'])}"
            raise base.MultiplicityError(message, "ID")
        return cutouts.make(self.row, asked)

    def _rows(self, query: str) -> list[dict[str, Any]]:
        names = ("spectrum_id", "processing")
        return datasets.rows(query, **{name: self.row[name] for name in names})

    def _file(self, row: dict[str, Any], description: str) -> Any:  # noqa: ANN401 - a link
        """A link to the FITS file of a row."""
        length, mime = row["accsize"], row["mime"]
        return self.makeLink(
            row["accref"],
            description=_ascii(description),
            contentType=mime,
            contentLength=length,
        )


def _address() -> str:
    return base.getConfig("web", "serverURL").rstrip("/")


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
