"""Questions to a Simple Spectral Access service, and what its answers list.

SSA 1.1 (IVOA Recommendation 2012-02-10): POS and SIZE (diameter) in degrees, BAND in
metres; the columns of an answer are known by their utypes. A service may ignore BAND,
list an observation once for each of its formats, and cut its answer (QUERY_STATUS
OVERFLOW): coverage, identity and status are therefore looked at here.
"""

import math
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyvo
import requests
from astropy import units
from astropy.io.votable.tree import Field
from pyvo.dal.adhoc import DATALINK_IVOID, DatalinkQuery, DatalinkResults

from vospec.archives.ssa.transport import RefusedError, Transport
from vospec.archives.ssa.votables import parsed
from vospec.errors import ServiceError

#: Media type of a DataLink document (DataLink 1.1, section 3.1), without blanks.
DATALINK = "application/x-votable+xml;content=datalink"
#: Rows that are asked for at most; services have lower bounds of their own.
MAXREC = 1_000_000
MOST_ANSWER = 1 << 28

_METRE = 1e10
_FITS = re.compile(r"(?:.*/)?(?:x-)?fits(?:-gzip)?")
_UTYPES = {
    "did": "curation.publisherdid",
    "url": "access.reference",
    "format": "access.format",
    "start": "char.spectralaxis.coverage.bounds.start",
    "stop": "char.spectralaxis.coverage.bounds.stop",
    "middle": "char.spectralaxis.coverage.location.value",
    "extent": "char.spectralaxis.coverage.bounds.extent",
    "position": "char.spatialaxis.coverage.location.value",
    "mjd": "char.timeaxis.coverage.location.value",
    "name": "target.name",
    "snr": "derived.snr",
}
#: Of services that give a position in two columns.
_UCDS = {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}


class Region(NamedTuple):
    """A circle on the sky: ICRS centre and diameter, in degrees."""

    ra: float
    dec: float
    size: float


class Product(NamedTuple):
    """One way to one observation.

    ``start`` and ``stop`` are its wavelengths in Å, ``ra`` and ``dec`` its position in degrees,
    ``mjd`` its time; NaN where the service does not tell. ``name`` is that of the target.
    """

    publisher_did: str
    access_url: str
    access_format: str
    start: float
    stop: float
    ra: float = math.nan
    dec: float = math.nan
    mjd: float = math.nan
    snr: float = math.nan
    name: str = ""

    def covers(self, band: tuple[float, float]) -> bool:
        """Whether the band lies inside, as far as is told."""
        return not (self.start > band[0] or self.stop < band[1])


class Found(NamedTuple):
    """What an answer lists, and whether the service has cut it."""

    products: list[Product]
    cut: bool


def ask(
    transport: Transport,
    url: str,
    region: Region | None,
    band: tuple[float, float],
    *,
    most: int | None = None,
) -> Found:
    """Ask a service for spectra.

    Parameters
    ----------
    transport
        Carries the question.
    url
        Base address of the service.
    region
        None: everywhere.
    band
        Wavelengths in Å.
    most
        Rows that are asked for at most; None: :data:`MAXREC`.

    Raises
    ------
    RefusedError
        The service calls the question wrong.
    ServiceError
        The service fails, or its answer is not that of SSA.
    """
    query = pyvo.dal.SSAQuery(
        url.rstrip("?&"),
        pos=None if region is None else (region.ra, region.dec),
        diameter=None if region is None else region.size,
        band=(band[0] / _METRE, band[1] / _METRE),
        maxrec=MAXREC if most is None else most,
    )
    parameters = {name: str(value) for name, value in query.items()}
    answer = transport.get(query.queryurl, parameters, most=MOST_ANSWER)
    with warnings.catch_warnings():
        # Many services bend the standard of VOTables; an overflow is looked for below.
        warnings.simplefilter("ignore")
        try:
            results = pyvo.dal.ssa.SSAResults(parsed(answer, url), url=url)
        except pyvo.DALQueryError as fault:
            message = f"{url}: the service refuses the question: {fault}"
            raise RefusedError(message) from fault
        except pyvo.DALFormatError as fault:
            message = f"{url}: expected the table of an SSA answer: {fault}"
            raise ServiceError(message) from fault
        products = list(_products(results, url))
    overflow = results.status[0].lower() == "overflow"
    return Found(products, overflow or len(products) >= MAXREC)


def choose(products: Iterable[Product], preferred: str) -> dict[str, Product]:
    """The best way to each observation: FITS, else DataLink, else what there is.

    Parameters
    ----------
    products
        In any order.
    preferred
        Media type that is taken before all others.
    """
    best: dict[str, Product] = {}
    for product in products:
        known = best.get(product.publisher_did)
        if known is None or _rank(product, preferred) < _rank(known, preferred):
            best[product.publisher_did] = product
    return best


def is_fits(media_type: str) -> bool:
    """Whether a media type is one of the many of FITS."""
    return _FITS.fullmatch(media_type.partition(";")[0].strip()) is not None


def is_datalink(media_type: str) -> bool:
    """Whether a media type is that of a DataLink document."""
    return re.sub(r"[\s\"']", "", media_type) == DATALINK


def follow(transport: Transport, url: str) -> str:
    """Address of the FITS file that a DataLink document calls ``#this``.

    Raises
    ------
    RefusedError
        The document has no such link.
    ServiceError
        The service fails, or gives no DataLink document.
    """
    votable = parsed(transport.get(url, most=MOST_ANSWER), url)
    try:
        links = list(DatalinkResults(votable, url=url))
    except (pyvo.DALQueryError, pyvo.DALFormatError) as fault:
        message = f"{url}: expected a DataLink document: {fault}"
        raise RefusedError(message) from fault
    for link in links:
        if link.semantics == "#this" and is_fits(str(link.content_type).lower()):
            return str(link.access_url)
    found = ", ".join(
        str(link.error_message or f"{link.semantics} {link.content_type}") for link in links
    )
    message = f"{url}: expected a link to #this as FITS, found {found or 'nothing'}"
    raise RefusedError(message)


def _rank(product: Product, preferred: str) -> int:
    kind = product.access_format
    order = (kind == preferred, kind == "application/fits", is_fits(kind), is_datalink(kind), True)
    return order.index(True)


def _products(results: pyvo.dal.ssa.SSAResults, url: str) -> Iterator[Product]:
    fields = {_utype(field): field for field in results.fielddescs}
    columns = {name: fields.get(utype) for name, utype in _UTYPES.items()}
    by_ucd = {(field.ucd or "").lower(): field for field in results.fielddescs}
    columns |= {name: by_ucd.get(ucd) for name, ucd in _UCDS.items()}
    if columns["url"] is None:
        message = (
            f"{url}: expected a column of utype ssa:Access.Reference, "
            f"found {', '.join(results.fieldnames)}"
        )
        raise ServiceError(message)
    places = _positions(results, columns)
    direct = [
        _product(record, columns, place) for record, place in zip(results, places, strict=True)
    ]
    yield from direct
    has_file = {p.publisher_did for p in direct if is_fits(p.access_format)}
    descriptor = _descriptor(results)
    for record, product in zip(results, direct, strict=True):
        if descriptor is not None and product.publisher_did not in has_file:
            has_file.add(product.publisher_did)
            yield product._replace(access_url=_link(record, descriptor), access_format=DATALINK)


def _utype(field: Field) -> str:
    """``char.spectralaxis…`` of ``ssa:Char.SpectralAxis…`` and its like."""
    return re.sub(r"^(?:\w+:)?(?:spectrum\.|dataset\.)?", "", (field.utype or "").lower())


def _product(
    record: pyvo.dal.ssa.SSARecord, columns: dict[str, Field | None], place: tuple[float, float]
) -> Product:
    access = _text(record, columns["url"])
    start, stop = (_angstrom(record, columns[name]) for name in ("start", "stop"))
    if math.isnan(start) or math.isnan(stop):
        middle, extent = (_angstrom(record, columns[name]) for name in ("middle", "extent"))
        start, stop = middle - extent / 2, middle + extent / 2
    start, stop = sorted((start, stop))
    return Product(
        publisher_did=_text(record, columns["did"]) or access,
        access_url=access,
        access_format=_text(record, columns["format"]).lower(),
        start=start,
        stop=stop,
        ra=place[0],
        dec=place[1],
        mjd=_number(record, columns["mjd"]),
        snr=_number(record, columns["snr"]),
        name=_text(record, columns["name"]),
    )


def _positions(
    results: pyvo.dal.ssa.SSAResults, columns: dict[str, Field | None]
) -> list[tuple[float, float]]:
    """Right ascension and declination in degrees: of one column, else of two."""
    field = columns["position"]
    # A record of pyvo forgets that an array in it is masked.
    given: Any = [] if field is None else results.getcolumn(field.name)
    try:
        both = np.ma.filled(np.ma.asarray(given, np.float64).reshape(len(results), 2), np.nan)
    except (TypeError, ValueError):
        both = np.array(
            [[_number(record, columns[name]) for name in _UCDS] for record in results]
        ).reshape(-1, 2)
    return [(ra, dec) for ra, dec in both.tolist()]


def _text(record: pyvo.dal.ssa.SSARecord, field: Field | None) -> str:
    value = None if field is None else record.get(field.name, decode=True)
    return "" if value is None else str(value).strip()


def _number(record: pyvo.dal.ssa.SSARecord, field: Field | None) -> float:
    value = None if field is None else record.get(field.name)
    try:
        return math.nan if value is None or np.ma.is_masked(value) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _angstrom(record: pyvo.dal.ssa.SSARecord, field: Field | None) -> float:
    value = None if field is None else record.get(field.name)
    try:
        number = math.nan if value is None else float(value)
        # The standard's unit is metre; some services tell another one.
        scale = float((field.unit or units.m).to(units.AA)) if field is not None else 1.0
    except (TypeError, ValueError, units.UnitConversionError):
        return math.nan
    return number * scale


def _descriptor(results: pyvo.dal.ssa.SSAResults) -> object | None:
    try:
        descriptor: object = results.get_adhocservice_by_ivoid(DATALINK_IVOID)
    except pyvo.DALServiceError:
        return None
    return descriptor


def _link(record: pyvo.dal.ssa.SSARecord, descriptor: object) -> str:
    query = DatalinkQuery.from_resource(record, descriptor)
    parameters = {name: str(value) for name, value in query.items()}
    return str(requests.Request("GET", query.queryurl, params=parameters).prepare().url)
