"""Values in the text of T-SQL: numbers always, since a marker in GROUP BY never equals one in SELECT."""

import math
from collections.abc import Mapping
from datetime import date, datetime

from core.database.server.binding import rendered
from core.database.server.dialect import Bound
from core.errors import QueryError


def bound(sql: str, values: Mapping[str, object]) -> Bound:
    """``sql`` with numbers and nulls written in and markers for everything else.

    Raises
    ------
    QueryError
        A parameter has no value, or one that SQL Server cannot hold.
    """
    kept: list[object] = []

    def text_of(value: object) -> str:
        if value is None or isinstance(value, bool | int | float):
            return literal(value)
        kept.append(value)
        return "?"

    made = rendered(sql, values, text_of, brackets=True)
    return Bound(made.sql, tuple(kept), made.places)


def written_out(statement: Bound) -> str:
    """A statement with its values in place of the markers, for plans."""
    pieces, done, values = [], 0, iter(statement.values)
    for sent, _ in statement.places[1:]:
        if statement.sql[sent - 1] == "?":
            pieces += [statement.sql[done : sent - 1], literal(next(values))]
            done = sent
    return "".join([*pieces, statement.sql[done:]])


def literal(value: object) -> str:
    """A value as T-SQL writes it.

    Raises
    ------
    QueryError
        SQL Server has no such value.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)  # two signs in a row would begin a comment
    if isinstance(value, float):
        if not math.isfinite(value):
            raise QueryError("SQL Server knows neither infinity nor NaN.", "Give a number.")
        text = repr(value)
        return f"({text if 'e' in text else text + 'E0'})"
    if isinstance(value, datetime):
        return f"CAST(N'{value.isoformat(timespec='microseconds')}' AS DATETIME2(6))"
    if isinstance(value, date):
        return f"CAST(N'{value:%Y%m%d}' AS DATE)"
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    text = str(value).replace("'", "''").replace("\\\n", "\\'+N'\n").replace("\\\r", "\\'+N'\r")
    return f"N'{text}'"
