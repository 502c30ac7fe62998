"""What the queries of features read: the database, or a copy of the columns of a large SQLite file in memory.

SQLite sorts all lines for every sum and every window. Reading the columns that the queries need into DuckDB
once takes less time than the features of the first day, and every further day costs a tenth.
"""

import logging
import re

import polars as pl

from core.database.base import Database, Queries, TableInfo
from core.database.duckdb_copy import DuckdbCopy
from core.database.sqlite import SqliteDatabase
from core.errors import SalesError
from core.mapping.copied import quick_reader
from core.single_flight import SingleFlightCache
from core.sql_files import SqlFile, staging_files

log = logging.getLogger(__name__)

LEAST_ROWS = 200_000
"""Rows of all tables; below this SQLite answers as quickly itself."""

_BASE = ("orders", "orderdetails", "payments")
_CACHE: SingleFlightCache[DuckdbCopy | None] = SingleFlightCache(1)


class _Copied(Queries):
    """A copy, and the database for what it does not hold."""

    def __init__(self, copy: DuckdbCopy, database: Database) -> None:
        self._copy, self._database = copy, database

    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        answers = self._copy if self._copy.covers(name_or_sql) else self._database
        return answers.query(name_or_sql, **params)


def fast_reader(database: Database) -> Queries:
    """What answers the queries of features fastest; the rows are the same."""
    reader = quick_reader(database)
    if reader is not database or not isinstance(database, SqliteDatabase):
        return reader
    version = database.data_version()
    copy = _CACHE.get((database.file, version), lambda: _copied(database))
    return _Copied(copy, database) if copy is not None and database.data_version() == version else database


def forget_copy() -> None:
    """Give the memory of the copy back."""
    _CACHE.clear()


def _copied(database: SqliteDatabase) -> DuckdbCopy | None:
    """The copy; ``None`` if it is not worth while or not sure to give the same rows."""
    own = database.query("SELECT COUNT(*) AS n FROM sqlite_master WHERE name LIKE 'stg?_%' ESCAPE '?'").item()
    tables = {table.name: table for table in database.tables() if table.kind == "table"}
    if own or sum(tables[name].rows or 0 for name in _BASE if name in tables) < LEAST_ROWS:
        return None
    copy = DuckdbCopy(database.file)
    views = [file for file in staging_files("duckdb") if set(file.needs) <= tables.keys()]
    try:
        for name in dict.fromkeys(name for file in views for name in file.needs):
            columns = _read(tables[name], views)
            copy.add_table(name, columns, database.blocks(name, columns))
        for file in views:
            copy.add_view(file.stem, file.text)
        copy.seal()
    except (SalesError, pl.exceptions.PolarsError) as error:
        log.info("Features are read from SQLite itself: %s", error)
        return None
    return copy


def _read(table: TableInfo, views: list[SqlFile]) -> dict[str, str]:
    """The columns of a table that staging views mention, with their kinds."""
    words = {
        word.lower() for file in views if table.name in file.needs for word in re.findall(r"\w+", file.text)
    }
    return {name: kind for name, kind in table.columns.items() if name.lower() in words}
