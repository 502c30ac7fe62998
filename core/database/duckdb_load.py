"""Loading into DuckDB: many rows at a time, keys checked by sorting where the rows come in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from core.database.base import WriteMode
from core.database.duckdb_files import Limits, load_duckdb
from core.database.duckdb_frames import kind_of_type
from core.database.duckdb_keys import told
from core.database.duckdb_sql import SQL_TYPES, literal, quoted
from core.database.duckdb_write import Rewrite
from core.database.key_watch import KeyWatch
from core.database.loading import BulkLoad, Key
from core.database.schema import Column, ForeignKey, TableSchema
from core.errors import DatabaseError

LOAD_LOG = "sales_load_log"
STAGING = "_ingest_"
_BATCH_ROWS = 400_000


@dataclass
class _Incoming:
    """A table under way: rows that wait to be stored, and whether keys have come twice."""

    schema: TableSchema
    keys: KeyWatch
    waiting: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0


class DuckdbLoad(BulkLoad):
    """A load into a DuckDB file. Readers see the old data until ``commit``.

    Keys are checked while loading and not indexed: an index of every order line would take more memory than
    the lines, and nothing is ever looked up by it.
    """

    def __init__(self, file: Path, limits: Limits) -> None:
        self._rewrite = Rewrite(file, limits)
        self._incoming: dict[str, _Incoming] = {}

    def existing(self, table: str) -> TableSchema | None:
        found = self._rewrite.run(
            "SELECT table_name, 'table' FROM duckdb_tables() "
            "WHERE schema_name = 'main' AND lower(table_name) = lower($1) UNION ALL "
            "SELECT view_name, 'view' FROM duckdb_views() "
            "WHERE schema_name = 'main' AND NOT internal AND lower(view_name) = lower($1)",
            [table],
        )
        if not found:
            return None
        name, kind = found[0]
        if kind != "table":
            raise DatabaseError(
                f"The name {name} is taken by a {kind} of the database.", "Choose another with --table."
            )
        return self._schema_of(name)

    def create(self, schema: TableSchema) -> None:
        self._incoming[schema.name] = _Incoming(schema, KeyWatch(schema.primary_key))
        columns = ", ".join(
            f"{quoted(column.name)} {SQL_TYPES[column.kind]}{' NOT NULL' if column.required else ''}"
            for column in schema.columns
        )
        self._rewrite.run(f"CREATE OR REPLACE TABLE {quoted(STAGING + schema.name)} ({columns})")

    def insert(self, table: str, columns: Sequence[pl.Series]) -> bool:
        incoming = self._incoming[table]
        names = [column.name for column in incoming.schema.columns]
        frame = pl.DataFrame([series.alias(name) for name, series in zip(names, columns, strict=True)])
        incoming.waiting.append(frame)
        incoming.rows += frame.height
        return self._store(incoming) if incoming.rows >= _BATCH_ROWS else True

    def add_key(self, table: str) -> bool:
        incoming = self._incoming[table]
        if not self._store(incoming):
            return False
        if incoming.keys.is_sure:
            return True
        key = [quoted(name) for name in incoming.schema.primary_key]
        filled = " AND ".join(f"{name} IS NOT NULL" for name in key)
        return not self._rewrite.run(
            f"SELECT 1 FROM {quoted(STAGING + table)} WHERE {filled} "
            f"GROUP BY {', '.join(key)} HAVING COUNT(*) > 1 LIMIT 1"
        )

    def known_keys(self, table: str, most: int) -> list[Key]:
        key = self._incoming[table].schema.primary_key
        if not key or self.existing(table) is None:
            return []
        names = ", ".join(f"new.{quoted(name)}" for name in key)
        same = " AND ".join(f"old.{quoted(name)} = new.{quoted(name)}" for name in key)
        return _keys(
            self._rewrite.run(
                f"SELECT {names} FROM {quoted(STAGING + table)} AS new "
                f"SEMI JOIN {quoted(table)} AS old ON {same} LIMIT {most}"
            )
        )

    def install(self, table: str, mode: WriteMode) -> None:
        incoming = self._incoming.pop(table)
        self._store(incoming)
        staging, old = STAGING + table, self.existing(table)
        if old is not None and mode == "append":
            self._append(incoming.schema, old)
            self._rewrite.run(f"DROP TABLE {quoted(staging)}")
            return
        if old is not None:
            self._drop(old.name)
        self._rewrite.run(f"ALTER TABLE {quoted(staging)} RENAME TO {quoted(table)}")
        if key := incoming.schema.primary_key:
            self._rewrite.run(f"COMMENT ON TABLE {quoted(table)} IS {literal(told(key))}")

    def orphans(self, child: str, key: ForeignKey, most: int) -> tuple[int, list[Key]]:
        names = ", ".join(f"child.{quoted(name)}" for name in key.columns)
        filled = " AND ".join(f"child.{quoted(name)} IS NOT NULL" for name in key.columns)
        same = " AND ".join(
            f"parent.{quoted(there)} = child.{quoted(here)}"
            for here, there in zip(key.columns, key.references, strict=True)
        )
        lost = (
            f"FROM (SELECT * FROM {quoted(child)} AS child WHERE {filled}) AS child "
            f"ANTI JOIN {quoted(key.table)} AS parent ON {same}"
        )
        keys = _keys(self._rewrite.run(f"SELECT DISTINCT {names} {lost} LIMIT {most}"))
        return (int(self._rewrite.run(f"SELECT COUNT(*) {lost}")[0][0]) if keys else 0), keys

    def log(self, rows: Sequence[tuple[str, str, int, str]]) -> None:
        self._rewrite.run(
            f"CREATE TABLE IF NOT EXISTS {LOAD_LOG} "
            "(loaded_at TIMESTAMP, source VARCHAR, table_name VARCHAR, row_count BIGINT, mode VARCHAR)"
        )
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        for row in rows:
            self._rewrite.run(f"INSERT INTO {LOAD_LOG} VALUES (?, ?, ?, ?, ?)", (now, *row))

    def commit(self) -> None:
        self._rewrite.commit()

    def close(self) -> None:
        self._rewrite.close()

    def _schema_of(self, name: str) -> TableSchema:
        columns = self._rewrite.run(
            "SELECT column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE schema_name = 'main' AND table_name = $1 ORDER BY column_index",
            [name],
        )
        return TableSchema(
            name,
            tuple(Column(column, kind_of_type(kind), not nullable) for column, kind, nullable in columns),
        )

    def _append(self, schema: TableSchema, old: TableSchema) -> None:
        for column in schema.columns:
            if old.column(column.name) is None:
                kind = SQL_TYPES[column.kind]
                self._rewrite.run(f"ALTER TABLE {quoted(old.name)} ADD COLUMN {quoted(column.name)} {kind}")
        names = ", ".join(quoted(column.name) for column in schema.columns)
        self._rewrite.run(
            f"INSERT INTO {quoted(old.name)} ({names}) SELECT {names} FROM {quoted(STAGING + schema.name)}"
        )

    def _drop(self, table: str) -> None:
        self._rewrite.run(f"DROP TABLE {quoted(table)}")

    def _store(self, incoming: _Incoming) -> bool:
        """Store the rows that wait; ``False`` if one of their keys came up before."""
        if not incoming.rows:
            return True
        frame = pl.concat(incoming.waiting)
        incoming.waiting, incoming.rows = [], 0
        if not incoming.keys.add(frame):
            return False
        try:
            self._rewrite.add(STAGING + incoming.schema.name, frame)
        except load_duckdb().Error as error:
            raise self._rewrite.failure(error) from error
        return True


def _keys(rows: list[tuple[object, ...]]) -> list[Key]:
    """Keys as they are compared with those of the files: dates as ISO text."""
    return [tuple(_plain(value) for value in row) for row in rows]


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else value
