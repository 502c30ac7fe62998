"""Mapped tables of SQLite copied into memory for reading.

Every query over a mapped table computes its dates and groups anew, and SQLite sorts all lines for each sum. A
copy of the mapped columns with the same mapping in DuckDB answers the same queries ten times as fast. It is
kept for one version of the data, so that it is never older than they are.
"""

import logging
import time
from contextlib import suppress
from dataclasses import replace

import polars as pl

from core.database.base import Database, Queries, TableInfo
from core.database.duckdb_copy import DuckdbCopy
from core.database.sqlite import SqliteDatabase
from core.errors import SalesError
from core.mapping.fields import VIEWS
from core.mapping.findings import counted
from core.mapping.model import Mapping
from core.mapping.staging_sql import staging_views
from core.mapping.store import current_mapping, staging_texts
from core.single_flight import SingleFlightCache

log = logging.getLogger(__name__)

LEAST_ROWS = 50_000
"""Tables below this are read as quickly without a copy."""

_CACHE: SingleFlightCache[DuckdbCopy | None] = SingleFlightCache(1)
_ATTEMPTS = 3
_KINDS = {"boolean": "integer"}  # SQLite has no truth values


class _Changed(Exception):  # noqa: N818 - an outcome, answered with another attempt
    """The data changed while they were copied."""


class _Quick(Queries):
    """A copy, and the database for what it does not hold."""

    def __init__(self, copy: DuckdbCopy, database: Database) -> None:
        self._copy, self._database = copy, database

    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        answers = self._copy if self._copy.covers(name_or_sql) else self._database
        return answers.query(name_or_sql, **params)


def quick_reader(database: Database) -> Queries:
    """What answers the product's queries over ``database`` fastest: a copy of mapped tables, or itself.

    Only views that are exactly what the stored mapping gives are copied; those changed by hand, and tables
    with values that are not of their column's type, are read where they are.
    """
    if not isinstance(database, SqliteDatabase):
        return database
    for _ in range(_ATTEMPTS):
        version = database.data_version()
        with suppress(_Changed):
            copy = _CACHE.get((database.file, version), lambda: _copied(database, version))  # noqa: B023
            return _Quick(copy, database) if copy is not None else database
    return database


def forget_copies() -> None:
    """Give the memory back."""
    _CACHE.clear()


def _copied(database: SqliteDatabase, version: str) -> DuckdbCopy | None:
    """The copy, if one is worth while and sure to give the same rows."""
    state = current_mapping(database)
    mapping = state.mapping if state is not None else None
    if mapping is None or mapping.entity("sales") is None:
        return None
    tables = {table.name: table for table in database.tables()}
    named = list(dict.fromkeys(own.table for own in mapping.tables))
    if any(name not in tables or tables[name].kind != "table" for name in named):
        return None
    if sum(tables[name].rows or 0 for name in named) < LEAST_ROWS:
        return None
    try:
        views = staging_views(mapping, tables.values(), database.engine)
        given = {name: text.strip() for name, text in views.items()}
        present = staging_texts(database)
        if {name: text for name, text in present.items() if name in given} != given:
            log.info("The staging views are not what the mapping gives now: they are read without a copy.")
            return None
        start = time.perf_counter()
        copy = DuckdbCopy(database.file)
        typed = [replace(table, columns=_kinds(table)) for table in tables.values()]
        rows = sum(_copy_columns(database, copy, mapping, table) for table in typed if table.name in named)
        for name, text in staging_views(mapping, typed, "duckdb").items():
            copy.add_view(name, text)
        for name in VIEWS:
            if name not in given and name in tables:
                copy.add_frame(name, database.query(f"SELECT * FROM {name}"))
        copy.seal()
    except (SalesError, pl.exceptions.PolarsError) as error:
        log.info("Mapped tables are read without a copy: %s", error)
        return None
    if database.data_version() != version:
        raise _Changed
    log.info(
        "Copied %s of %s for reading, as the data are now (%.1f s).",
        counted(rows, "row"), ", ".join(named), time.perf_counter() - start,
    )  # fmt: skip
    return copy


def _kinds(table: TableInfo) -> dict[str, str]:
    return {column: _KINDS.get(kind, kind) for column, kind in table.columns.items()}


def _copy_columns(database: SqliteDatabase, copy: DuckdbCopy, mapping: Mapping, table: TableInfo) -> int:
    """Copy the columns of a table that are mapped; gives the number of rows."""
    mapped = {column for own in mapping.tables if own.table == table.name for _, column in own.columns}
    columns = {name: kind for name, kind in table.columns.items() if name in mapped}
    return copy.add_table(table.name, columns, database.blocks(table.name, columns))
