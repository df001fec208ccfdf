"""Pages: names that a query gives are text, links lead to pages, and browsers are told so.

DaCHS puts the heading of a column into its tables as HTML, for descriptors may want an
index there; of an answer to ADQL the heading is what whoever wrote the query, or uploaded
the table, has named the column.
"""

import html
import re
from types import ModuleType
from typing import Any

#: A scheme that is none of a page's, blanks and control characters before it left out.
_PAGE = re.compile(r"[\x00-\x20]*(https?:|mailto:|[^:]*([/?#]|$))", re.IGNORECASE)
_LINKS = ("href", "src")

#: In an address by which an authority asks for a certificate's challenge.
_TOKEN = re.compile(rb"[A-Za-z0-9_-]+")

#: What XML cannot hold.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

#: Media types are what is told, and nobody else's page shows ours in itself.
_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "base-uri 'self'; object-src 'none'; frame-ancestors 'self'",
    "referrer-policy": "strict-origin-when-cross-origin",
}


def is_page(address: str) -> bool:
    """Whether a link leads to a page, and runs no program."""
    return _PAGE.match(address) is not None


def mend_headings(module: ModuleType) -> None:
    """The columns of an answer have headings that are text."""
    original = module._makeColumnFromFieldInfo  # noqa: SLF001 - it is what is mended

    def make(*arguments: Any) -> Any:  # noqa: ANN401 - of DaCHS
        column = original(*arguments)
        column.tablehead = html.escape(column.getLabel(), quote=False)
        return column

    module._makeColumnFromFieldInfo = make  # type: ignore[attr-defined]  # noqa: SLF001 - as above


def mend_cells(module: ModuleType) -> None:
    """Links that come from data lead to pages."""
    registry = module._htmlMFRegistry  # noqa: SLF001 - it is what is mended
    original = registry.getMapper

    def get_mapper(column: Any) -> Any:  # noqa: ANN401 - of DaCHS
        mapper = original(column)
        return lambda value: _harmless(mapper(value))

    registry.getMapper = get_mapper


def _harmless(made: Any) -> Any:  # noqa: ANN401 - text or tags
    attributes = getattr(made, "attributes", {})
    for name in _LINKS:
        address = attributes.get(name)
        if isinstance(address, str) and not is_page(address):
            return address
    return made


def mend_xml(module: ModuleType) -> None:
    """Signs that would break a document are replaced by the sign for those."""
    original = module.escapePCDATA

    def escape(text: str) -> str:
        return str(original(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)))

    module.escapePCDATA = escape  # type: ignore[attr-defined]


def mend_root(module: ModuleType) -> None:
    """Every answer tells the browser what to be careful of."""
    service = module.ArchiveService
    original = service.getChild

    def get_child(self: Any, name: Any, request: Any) -> Any:  # noqa: ANN401 - as above
        for header, value in _HEADERS.items():
            request.setHeader(header, value)
        return original(self, name, request)

    service.getChild = get_child


def mend_files(module: ModuleType) -> None:
    """No path leads to a file that is not published, nor tells whether there is one."""
    svcs = module.svcs
    _refuse_paths(module.ACMEChallenge, svcs.UnknownURI)
    server = module.StaticServer
    original = server.getChild

    def get_child(self: Any, name: Any, request: Any) -> Any:  # noqa: ANN401 - as above
        try:
            return original(self, name, request)
        except svcs.ForbiddenURI as error:
            message = "No matching file, neither built-in nor user-provided"
            raise svcs.UnknownURI(message) from error

    server.getChild = get_child


def _refuse_paths(challenge: Any, unknown: type[Exception]) -> None:  # noqa: ANN401 - as above
    """The tokens of certificates are names; DaCHS takes a path, even from the root."""
    original = challenge.getChild

    def get_child(self: Any, name: bytes, request: Any) -> Any:  # noqa: ANN401 - as above
        if not _TOKEN.fullmatch(name):
            message = "No such challenge known here"
            raise unknown(message)
        return original(self, name, request)

    challenge.getChild = get_child


MENDS = {
    "gavo.utils.stanxml": mend_xml,
    "gavo.protocols.adqlglue": mend_headings,
    "gavo.web.htmltable": mend_cells,
    "gavo.web.ifpages": mend_files,
    "gavo.web.root": mend_root,
}
