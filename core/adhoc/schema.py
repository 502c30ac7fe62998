"""What can be written in a typed query: tables, columns and functions, for a browser and for completion."""

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
