"""What a browser would run of a page."""

import re
from html.parser import HTMLParser

#: DaCHS' own scripts do not speak of it.
WORD = "pwned"
#: Ends attributes, elements, comments, scripts and what else it may stand in.
SCRIPT = f"\"'></title></script>--><script>{WORD}()</script><img src=x onerror={WORD}()>"
LINK = f"javascript:{WORD}()"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.run: list[str] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        for name, value in attrs:
            text = re.sub(r"[\x00-\x20]", "", value or "").lower()
            is_handler = name.startswith("on") and WORD in text
            is_program = name in ("href", "src", "action", "formaction", "data") and (
                text.startswith(("javascript:", "data:", "vbscript:")) and WORD in text
            )
            if is_handler or is_program:
                self.run.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - of the parser
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style") and WORD in data:
            self.run.append(f"<{self._tag}>{data[:80]}")


def programs(page: str) -> list[str]:
    """What stands in a page that was meant to be data, and that a browser would run."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    return parser.run
