r"""Queries in ADQL: how long they may be, and where their strings end.

DaCHS reads a backslash in a string as if it took away the meaning of the quote behind it,
and hands the string to PostgreSQL as it stands, which does not. What DaCHS takes for the
rest of the string is then SQL: ``'\' UNION SELECT rolname FROM pg_roles --'``.
"""

import re
from types import ModuleType
from typing import Any

#: Between its quotes; a quote within is doubled.
_CONTENT = re.compile(r"([^'\n\r]|'')*")


class Bounds:
    """How long a query may be."""

    #: Parsing takes a millisecond a sign, and holds a thread of the server's few.
    most_signs = 50_000


def mend_grammar(module: ModuleType) -> None:
    """Let strings end where the standard, and PostgreSQL, have them end."""
    module.sglQuotedString  # noqa: B018 - it must be there
    literal = module.Regex(f"'{_CONTENT.pattern}'")
    module.sglQuotedString = literal.setName("string literal")  # type: ignore[attr-defined]


def mend_nodes(module: ModuleType) -> None:
    """Look again before a string is put into SQL."""
    node = module.CharacterStringLiteral
    original = node.flatten

    def flatten(self: Any) -> Any:  # noqa: ANN401 - of DaCHS
        if not _CONTENT.fullmatch(self.value):
            message = f"{self.value!r} is no string literal"
            raise module.common.Error(message)
        return original(self)

    node.flatten = flatten


def mend_parser(module: ModuleType) -> None:
    """Take no query that is longer."""
    original = module.parseAnnotating

    def parse(adqlStatement: str, *arguments: object) -> Any:  # noqa: N803, ANN401 - as DaCHS has it
        if len(adqlStatement) > Bounds.most_signs:
            message = (
                f"the query has {len(adqlStatement)} signs, and may have {Bounds.most_signs}:"
                " upload long lists as a table"
            )
            raise module.Error(message)
        return original(adqlStatement, *arguments)

    module.parseAnnotating = parse  # type: ignore[attr-defined]


MENDS = {
    "gavo.adql": mend_parser,
    "gavo.adql.grammar": mend_grammar,
    "gavo.adql.nodes": mend_nodes,
}
