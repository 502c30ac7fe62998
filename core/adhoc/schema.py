"""What can be written in a typed query: tables, columns and functions, for a browser and for completion."""

import re
from dataclasses import dataclass

from core.adhoc.run import DIALECTS
from core.database.base import Database, TableInfo
from core.sql_guard import allowed_functions

_KEYWORDS = """
SELECT DISTINCT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET WITH RECURSIVE AS JOIN LEFT INNER CROSS ON USING
UNION ALL EXCEPT INTERSECT CASE WHEN THEN ELSE END AND OR NOT IN EXISTS BETWEEN LIKE IS NULL CAST OVER
PARTITION ROWS VALUES ASC DESC
"""
KEYWORDS = tuple(_KEYWORDS.split())
"""Words of SQL that are worth completing."""

_RESERVED_WORDS = """
add all alter analyse analyze and anti any array as asc asof asymmetric at authorization autoincrement
between binary both by case cast check collate collation column commit concurrently constraint create
cross current_date current_time current_timestamp default deferrable delete desc describe distinct do
drop else end escape except exists false fetch for foreign freeze from full glob group having ilike in
index initially inner insert intersect into is isnull join lambda lateral leading left like limit natural
not nothing notnull null offset on only or order outer overlaps pivot pivot_longer pivot_wider placing
positional primary qualify raise recursive references returning right select semi set show similar some
summarize symmetric table tablesample then to trailing transaction true union unique unpack unpivot
update using values variadic verbose when where window with
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
"""Words that one engine or another takes for a part of the statement where a name may stand."""


@dataclass(frozen=True)
class Schema:
    """Tables and views (staging views among them) with columns and rows, and the functions to call."""

    tables: tuple[TableInfo, ...]
    functions: tuple[str, ...]
    keywords: tuple[str, ...] = KEYWORDS


def schema_of(database: Database) -> Schema:
    """The schema of ``database`` as it is now."""
    functions = allowed_functions(DIALECTS.get(database.engine, ""))
    return Schema(tuple(database.tables()), tuple(sorted(functions)))


def identifier(name: str) -> str:
    """``name`` as it is written in a query: in quotes unless it is a plain word."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None and name.lower() not in _RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'
