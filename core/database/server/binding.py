"""Named parameters of statements as drivers take them, with the places that errors are about."""

import re
from collections.abc import Callable, Mapping

from core.database.server.dialect import Bound
from core.errors import QueryError

_NAMED = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$
    | (?<![\w:\])}'"]):([A-Za-z_]\w*)
    """,
    re.X | re.S,
)


def rendered(sql: str, values: Mapping[str, object], literal: Callable[[object], str]) -> Bound:
    """``sql`` with the values written in place of their names.

    Raises
    ------
    QueryError
        A parameter has no value.
    """
    return _replaced(sql, values, literal, keep=False)


def with_question_marks(sql: str, values: Mapping[str, object]) -> Bound:
    """``sql`` with ``?`` in place of names, and the values in their order.

    Raises
    ------
    QueryError
        A parameter has no value.
    """
    return _replaced(sql, values, lambda _: "?", keep=True)


def _replaced(
    sql: str, values: Mapping[str, object], text_of: Callable[[object], str], *, keep: bool
) -> Bound:
    pieces: list[str] = []
    places = [(0, 0)]
    kept: list[object] = []
    done = length = 0
    for found in _NAMED.finditer(sql):
        name = found[2]
        if name is None:
            continue
        if name not in values:
            raise QueryError(f"The query needs a value for the parameter {name}.")
        text = text_of(values[name])
        if keep:
            kept.append(values[name])
        pieces += [sql[done : found.start()], text]
        length += found.start() - done + len(text)
        done = found.end()
        places.append((length, done))
    pieces.append(sql[done:])
    return Bound("".join(pieces), tuple(kept), tuple(places))
