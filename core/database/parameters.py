"""Values of query parameters as the engines take them."""

import re
from datetime import date
from decimal import Decimal

from core.errors import QueryError

_NAMED = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$  # text, names and comments
    | (?<![\w:\])}'"]):([A-Za-z_]\w*)
    """,
    re.X | re.S,
)


def plain_value(name: str, value: object) -> object:
    """``value`` as a number, text, bytes, boolean, date, datetime or null.

    Raises
    ------
    QueryError
        It is something else, such as a list.
    """
    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, bool | int | float | str | bytes | date):
        return value
    plain = getattr(value, "item", None)  # NumPy numbers
    if callable(plain):
        return plain_value(name, plain())
    raise QueryError(f"The parameter {name} has a value of type {type(value).__name__} that SQL cannot take.")


def dollar_parameters(sql: str) -> str:
    """``sql`` with ``$name`` in place of ``:name``, of the same length; text and comments are left alone."""
    return _NAMED.sub(lambda found: f"${found[2]}" if found[2] else found[0], sql)
