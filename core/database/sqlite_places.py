"""What SQLite says about a faulty statement, as a sentence with the place in the text."""

import re
import sqlite3
from contextlib import suppress
from difflib import get_close_matches

from core.database.staging import Staging, explain_missing, missing_relation
from core.errors import SalesError
from core.sql_guard import CheckedStatement, StatementError, allowed_functions, refused_at

_NEAR = re.compile(r'(?:near|unrecognized token:) "(?P<name>.*)"(?:: syntax error)?$', re.S)
_NAMED = re.compile(
    r"(?P<what>no such column|ambiguous column name|no such function|no such table|misuse of aggregate"
    r"(?: function)?|misuse of window function|wrong number of arguments to function"
    r"|no such collation sequence|not authorized to use function|access to|unable to use function)"
    r":? (?P<name>[^\s()]+)"
)


def explained(
    error: Exception, statement: CheckedStatement, connection: sqlite3.Connection, staging: Staging
) -> SalesError:
    """The error a person can act on, for one that SQLite raised."""
    reason = str(error).rstrip(".")
    sql = statement.sql
    relation = missing_relation(error)
    if relation and (missing := explain_missing(relation, staging, "The query")):
        return missing
    if near := _NEAR.match(reason):
        place = _failing(connection, sql, near["name"], reason)
        shown = near["name"] if len(near["name"]) <= 30 else near["name"][:30] + "…"
        return _at(sql, place, f"{shown} does not fit here", "Check the words before it.")
    if reason == "incomplete input":
        return _at(sql, len(sql.rstrip()), "The statement is not complete", "Check its end.")
    if named := _NAMED.match(reason):
        remedy = _nearest(named["what"], named["name"], statement, connection, staging)
        return _at(sql, _first(sql, named["name"]), _sentence(named["what"], named["name"], reason), remedy)
    if "too big" in reason:
        return StatementError(
            "A value in the query is longer than 4 million bytes", "Cut it with SUBSTR, or leave it out."
        )
    if "not authorized" in reason or "readonly" in reason or "prohibited" in reason:
        return StatementError(f"The query may only read data: {reason}", "Use SELECT.")
    if "user-defined function" in reason:
        return StatementError(
            "A function was given values it cannot take",
            "Formats may ask for at most 999 places; instr, replace and trim are for text.",
        )
    if isinstance(error, MemoryError):
        return StatementError("The query needs more memory than there is", "Ask for fewer rows.")
    return StatementError(f"The query cannot be run: {reason}")


def _sentence(what: str, name: str, reason: str) -> str:
    kinds = {"no such column": "column", "no such table": "table", "no such function": "function"}
    if what in kinds:
        return f"There is no {kinds[what]} {name}"
    if what == "ambiguous column name":
        return f"More than one table has a column {name}"
    if what in ("access to", "not authorized to use function", "unable to use function"):
        return f"The query may only read data: {reason}"
    return reason[0].upper() + reason[1:]


def _at(sql: str, place: int | None, message: str, remedy: str) -> StatementError:
    return StatementError(message, remedy) if place is None else refused_at(sql, place, message, remedy)


def _failing(connection: sqlite3.Connection, sql: str, name: str, reason: str) -> int | None:
    """Where the parser gave up: the first place after which the text alone fails in the same way."""
    for match in re.finditer(re.escape(name), sql):
        try:
            connection.execute(f"EXPLAIN {sql[: match.end()]}").close()
        except sqlite3.Error as error:
            if str(error).rstrip(".") == reason:
                return match.start()
    return None


def _first(sql: str, name: str) -> int | None:
    parts = r"\s*\.\s*".join(rf"[\"`\[]?{re.escape(part)}[\"`\]]?" for part in name.split("."))
    match = re.search(rf"(?<![\w\"`\[]){parts}(?!\w)", sql, re.I)
    return match.start() if match else None


def _nearest(
    what: str, name: str, statement: CheckedStatement, connection: sqlite3.Connection, staging: Staging
) -> str:
    if what == "no such function":
        known = sorted(allowed_functions("sqlite"))
    elif what == "no such table":
        known = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        known += list(staging.views)
    elif what == "no such column":
        tables = [table.rsplit(".", 1)[-1].replace('"', '""') for table in statement.tables]
        rows = []
        for table in tables:
            with suppress(sqlite3.Error):  # a view that is broken itself
                rows += connection.execute(f'PRAGMA table_info("{table}")').fetchall()
        known = list(dict.fromkeys(row[1] for row in rows))
    elif what == "ambiguous column name":
        return f"Write table.{name.rsplit('.', 1)[-1]}."
    else:
        return ""
    lowered = {item.lower(): item for item in known}
    nearest = get_close_matches(name.rsplit(".", 1)[-1].lower(), list(lowered), n=3)
    return f"Nearest names: {', '.join(lowered[item] for item in nearest)}." if nearest else ""
