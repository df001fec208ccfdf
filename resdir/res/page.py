# noqa: INP001 - DaCHS loads this file by its path
"""The service of pictures, to browsers that keep them: they ask whether theirs still holds."""

from functools import lru_cache
from typing import Any

from gavo import api
from gavo.web import grend, weberrors
from twisted.internet import threads
from twisted.web import http, server


@lru_cache(maxsize=1)
def _preview() -> Any:  # noqa: ANN401 - a module
    """Loaded late: commands of DaCHS that read the descriptor need no matplotlib."""
    module, _ = api.loadPythonModule("preview", relativeTo=__file__)
    return module


class MainPage(grend.ServiceBasedPage):
    """Answers with the picture that the end of the address names."""

    name = "custom"
    _picture = ""

    def getChild(self, name: Any, request: Any) -> "MainPage":  # noqa: ANN401, N802 - twisted's own name and types
        """Take the rest of the address for the name of a picture."""
        self._picture = "/".join(request.popSegments(name))
        return self

    def render(self, request: Any) -> object:  # noqa: ANN401 - as above
        """Make the picture in a thread; what goes wrong becomes DaCHS' page of it."""
        known = request.getHeader(b"if-none-match") or ""
        threads.deferToThread(_made, self._picture, str(known)).addCallback(
            _answer, request
        ).addErrback(weberrors.renderDCErrorPage, request)
        return server.NOT_DONE_YET


def _made(name: str, known: str) -> tuple[str, bytes | None]:
    """The tag of a picture and its content, which whoever knows the tag has already."""
    shown = _preview().sight(name)
    tag = f'"{shown.key}"'
    return tag, None if tag in known else _preview().picture(shown)


def _answer(made: tuple[str, bytes | None], request: Any) -> None:  # noqa: ANN401 - as above
    tag, content = made
    if request.channel is None:
        return
    request.setHeader("content-type", _preview().MEDIA_TYPE)
    request.setHeader("etag", tag)
    # It may be kept, and must be asked for: runs and releases change it.
    request.setHeader("cache-control", "public, no-cache")
    if content is None:
        request.setResponseCode(http.NOT_MODIFIED)
    else:
        request.setHeader("content-length", str(len(content)))
        request.write(content)
    request.finish()
