"""Loading into SQLite: one transaction, many rows to a statement, indexes on keys."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from core.database.base import WriteMode
from core.database.loading import BulkLoad, Key
from core.database.schema import Column, ForeignKey, TableSchema, kind_of
from core.database.sqlite_files import connect_for_writing
from core.database.sqlite_write import SQL_TYPES, quoted, storable
from core.errors import DatabaseError

LOAD_LOG = "sales_load_log"
_STAGING = "_ingest_"
_ROWS_A_STATEMENT = 20
_BLOCK_ROWS = 2_000
"""Few enough that the values of a block are still in the processor's cache when SQLite is given them."""
_CACHE_FOR_ROWS = -32_000
_CACHE_FOR_INDEXES = -2_000
"""KiB, negated. Rows whose keys come in no order need a large cache; an index is sorted in pieces of the size
of the cache, and pieces that fit the processor's cache are sorted twice as fast."""


class SqliteLoad(BulkLoad):
    """A load into an SQLite file. Readers see the old data until ``commit``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._is_new = not file.exists()
        self._committed = False
        self._schemas: dict[str, TableSchema] = {}
        self._connection = connect_for_writing(file)
        try:
            if self._is_new:  # rows go straight into the file; a log would have them written twice
                self._connection.execute("PRAGMA journal_mode = DELETE")
                self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA legacy_alter_table = ON")  # views may name tables being replaced
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._connection.close()
            raise DatabaseError(
                f"The database {file} cannot be written: {error}.", "Wait until another load has ended."
            ) from error

    def existing(self, table: str) -> TableSchema | None:
        found = self._rows("SELECT name, type FROM sqlite_master WHERE name = ? COLLATE NOCASE", (table,))
        if not found:
            return None
        name, kind = found[0]
        if kind != "table":
            raise DatabaseError(
                f"The name {name} is taken by a {kind} of the database.", "Choose another with --table."
            )
        columns = self._rows(f"PRAGMA table_info({quoted(name)})")
        return TableSchema(
            name,
            tuple(Column(row[1], kind_of(row[2]) if row[2] else "text", bool(row[3])) for row in columns),
        )

    def create(self, schema: TableSchema) -> None:
        self._schemas[schema.name] = schema
        self._run(f"DROP TABLE IF EXISTS {quoted(_STAGING + schema.name)}")
        alone = _whole_key(schema)
        columns = ", ".join(
            f"{quoted(column.name)} {SQL_TYPES[column.kind]}"
            + (" PRIMARY KEY" if column.name == alone else "")
            + (" NOT NULL" if column.required else "")
            for column in schema.columns
        )
        self._run(f"CREATE TABLE {quoted(_STAGING + schema.name)} ({columns})")
        self._run(f"PRAGMA cache_size = {_CACHE_FOR_ROWS}")

    def insert(self, table: str, columns: Sequence[pl.Series]) -> bool:
        target = quoted(_STAGING + table)
        row = f"({', '.join('?' * len(columns))})"
        stored = [storable(column) for column in columns]
        step = max(1, min(_ROWS_A_STATEMENT, 800 // len(stored)))
        try:
            for start in range(0, len(stored[0]), _BLOCK_ROWS):
                cells = [column.slice(start, _BLOCK_ROWS).to_list() for column in stored]
                whole = len(cells[0]) // step * step
                packed = [values[place:whole:step] for place in range(step) for values in cells]
                many = f"INSERT INTO {target} VALUES {', '.join([row] * step)}"
                self._connection.executemany(many, zip(*packed, strict=True))
                rest = [values[whole:] for values in cells]
                self._connection.executemany(f"INSERT INTO {target} VALUES {row}", zip(*rest, strict=True))
        except sqlite3.IntegrityError:
            return False
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return True

    def add_key(self, table: str) -> bool:
        schema = self._schemas[table]
        if not schema.primary_key or _whole_key(schema):
            return True
        self._run(f"PRAGMA cache_size = {_CACHE_FOR_INDEXES}")
        index = _index(_STAGING + table, self._key_index(table), schema.primary_key, unique=True)
        try:
            self._connection.execute(index)
        except sqlite3.IntegrityError:
            return False
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return True

    def known_keys(self, table: str, most: int) -> list[Key]:
        key = self._schemas[table].primary_key
        if not key or self.existing(table) is None:
            return []
        names = ", ".join(map(quoted, key))
        same = " AND ".join(f"old.{quoted(name)} = new.{quoted(name)}" for name in key)
        return self._rows(
            f"SELECT {names} FROM {quoted(_STAGING + table)} AS new "
            f"WHERE EXISTS (SELECT 1 FROM {quoted(table)} AS old WHERE {same}) LIMIT {most}"
        )

    def install(self, table: str, mode: WriteMode) -> None:
        schema = self._schemas[table]
        staging, old = _STAGING + table, self.existing(table)
        self._run(f"PRAGMA cache_size = {_CACHE_FOR_INDEXES}")
        if old is not None and mode == "append":
            for column in schema.columns:
                if old.column(column.name) is None:
                    kind = SQL_TYPES[column.kind]
                    self._run(f"ALTER TABLE {quoted(old.name)} ADD COLUMN {quoted(column.name)} {kind}")
            names = ", ".join(quoted(column.name) for column in schema.columns)
            self._run(f"INSERT INTO {quoted(old.name)} ({names}) SELECT {names} FROM {quoted(staging)}")
            self._run(f"DROP TABLE {quoted(staging)}")
        else:
            if old is not None:
                self._run(f"DROP TABLE {quoted(old.name)}")
            self._run(f"ALTER TABLE {quoted(staging)} RENAME TO {quoted(table)}")
        if not self._has_key(table, schema.primary_key):
            self._run(_index(table, self._key_index(table), schema.primary_key, unique=True))
        for key in schema.foreign_keys:
            if key.columns != schema.primary_key[: len(key.columns)]:
                self._run(_index(table, f"of_{table}_{'_'.join(key.columns)}", key.columns))

    def _key_index(self, table: str) -> str:
        """A free name for the index of a primary key: those of the old and the new table exist at once."""
        taken = {name for (name,) in self._rows("SELECT name FROM sqlite_master WHERE type = 'index'")}
        return next(name for name in (f"key_{table}", f"key_{table}_2") if name not in taken)

    def _has_key(self, table: str, key: tuple[str, ...]) -> bool:
        """Whether the table enforces the primary key, or has none."""
        columns = self._rows(f"PRAGMA table_info({quoted(table)})")
        if not key or tuple(row[1] for row in columns if row[5]) == key:
            return True
        unique = [row[1] for row in self._rows(f"PRAGMA index_list({quoted(table)})") if row[2]]
        return any(
            {row[2] for row in self._rows(f"PRAGMA index_info({quoted(name)})")} == set(key)
            for name in unique
        )

    def orphans(self, child: str, key: ForeignKey, most: int) -> tuple[int, list[Key]]:
        names = ", ".join(f"child.{quoted(name)}" for name in key.columns)
        filled = " AND ".join(f"child.{quoted(name)} IS NOT NULL" for name in key.columns)
        same = " AND ".join(
            f"parent.{quoted(there)} = child.{quoted(here)}"
            for here, there in zip(key.columns, key.references, strict=True)
        )
        lost = (
            f"FROM {quoted(child)} AS child WHERE {filled} "
            f"AND NOT EXISTS (SELECT 1 FROM {quoted(key.table)} AS parent WHERE {same})"
        )
        keys = self._rows(f"SELECT DISTINCT {names} {lost} LIMIT {most}")
        return (self._rows(f"SELECT COUNT(*) {lost}")[0][0] if keys else 0), keys

    def log(self, rows: Sequence[tuple[str, str, int, str]]) -> None:
        self._run(
            f"CREATE TABLE IF NOT EXISTS {LOAD_LOG} "
            "(loaded_at DATETIME, source TEXT, table_name TEXT, row_count INTEGER, mode TEXT)"
        )
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        for row in rows:
            self._rows(f"INSERT INTO {LOAD_LOG} VALUES (?, ?, ?, ?, ?)", (now, *row))

    def commit(self) -> None:
        self._run("COMMIT")
        self._committed = True
        if self._is_new:
            with suppress(sqlite3.Error):  # the next writer does it if others read already
                self._connection.execute("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._connection.close()
        if self._is_new and not self._committed:
            self._file.unlink(missing_ok=True)

    def _run(self, sql: str) -> None:
        self._rows(sql)

    def _rows(self, sql: str, values: Iterable[object] = ()) -> list[tuple]:
        try:
            return self._connection.execute(sql, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: sqlite3.Error) -> DatabaseError:
        return DatabaseError(
            f"Nothing was loaded: {self._file.name} cannot be written: {error}.",
            "Check that the disk has room and that nobody else is loading.",
        )


def _whole_key(schema: TableSchema) -> str:
    """The column that is the whole primary key and an integer: SQLite finds its rows without an index."""
    if len(schema.primary_key) != 1:
        return ""
    column = schema.column(schema.primary_key[0])
    return column.name if column is not None and column.kind == "integer" else ""


def _index(table: str, name: str, columns: Sequence[str], *, unique: bool = False) -> str:
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return (
        f"CREATE {kind} IF NOT EXISTS {quoted(name)} ON {quoted(table)} ({', '.join(map(quoted, columns))})"
    )
