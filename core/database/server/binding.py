"""Named parameters of statements as drivers take them, with the places that errors are about."""

import re
from collections.abc import Callable, Mapping, Sequence

from core.database.server.dialect import Bound
from core.errors import QueryError

# A name within a text must never be taken for a parameter: its value would end the text. So only what every
# server reads alike is skipped: MySQL takes -- for a comment before a blank only, and $ is a part of names.
_NAMED = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --(?=[ \t\r\n]|\Z)[^\n]* | /\*.*?\*/
    | (?<![\w:\])}'"]):([A-Za-z_]\w*)
    """,
    re.X | re.S,
)
_NAMED_BRACKETS = re.compile(r"\[(?:[^\]]|\]\])*\] |" + _NAMED.pattern, re.X | re.S)
"""The same where ``[name]`` quotes a name, in T-SQL; elsewhere brackets are subscripts."""


_CALLS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \bROUND\s*\( | [(),]""", re.X | re.S | re.I
)
Insertion = tuple[int, str]


def rendered(
    sql: str,
    values: Mapping[str, object],
    literal: Callable[[object], str],
    insertions: Sequence[Insertion] = (),
    *,
    brackets: bool = False,
) -> Bound:
    """``sql`` with the values written in place of their names, and with texts put in at some offsets.

    Parameters
    ----------
    brackets
        Whether ``[name]`` is a quoted name, as in T-SQL.

    Raises
    ------
    QueryError
        A parameter has no value.
    """
    return _replaced(sql, values, literal, insertions, keep=False, brackets=brackets)


def with_question_marks(
    sql: str, values: Mapping[str, object], insertions: Sequence[Insertion] = ()
) -> Bound:
    """``sql`` with ``?`` in place of names, and the values in their order.

    Raises
    ------
    QueryError
        A parameter has no value.
    """
    return _replaced(sql, values, lambda _: "?", insertions, keep=True)


def around_rounding(sql: str, before: str, between: str, after: str) -> list[Insertion]:
    """Texts to be put around ``ROUND(x, n)``: before it and its bracket, before its comma, and behind it."""
    found: list[Insertion] = []
    stack: list[list[int]] = []  # where each open ROUND begins, its first argument, its comma
    for token in _CALLS.finditer(sql):
        text = token[0]
        if text[-1:] == "(":
            stack.append([token.start(), token.end()] if len(text) > 1 else [])
        elif text == "," and stack and len(stack[-1]) == 2:
            stack[-1].append(token.start())
        elif text == ")" and stack and len(call := stack.pop()) == 3:
            call_start, argument, comma = call
            found += [(call_start, before), (argument, "CAST("), (comma, between), (token.end(), after)]
    return sorted(found, key=lambda insertion: insertion[0])


def _replaced(
    sql: str,
    values: Mapping[str, object],
    text_of: Callable[[object], str],
    insertions: Sequence[Insertion],
    *,
    keep: bool,
    brackets: bool = False,
) -> Bound:
    kept: list[object] = []
    changes = [(place, place, text) for place, text in insertions]
    for found in (_NAMED_BRACKETS if brackets else _NAMED).finditer(sql):
        name = found[1]
        if name is None:
            continue
        if name not in values:
            raise QueryError(f"The query needs a value for the parameter {name}.")
        if keep:
            kept.append(values[name])
        changes.append((found.start(), found.end(), text_of(values[name])))
    pieces: list[str] = []
    places = [(0, 0)]
    done = length = 0
    for start, end, text in sorted(changes, key=lambda change: change[:2]):
        pieces += [sql[done:start], text]
        length += start - done + len(text)
        done = end
        places.append((length, done))
    pieces.append(sql[done:])
    return Bound("".join(pieces), tuple(kept), tuple(places))
