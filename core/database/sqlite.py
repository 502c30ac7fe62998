"""SQLite: the embedded database, read through connections that cannot change it."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from core.database.base import Database, TableInfo, WriteMode
from core.database.changes import HIDDEN, Changes
from core.database.frames import frame_from_blocks
from core.database.parameters import plain_value
from core.database.schema import TableSchema, kind_of
from core.database.sqlite_batches import read_batches, table_schema
from core.database.sqlite_changes import changing, view_texts
from core.database.sqlite_files import (
    connect_for_writing,
    forbid_side_doors,
    opened,
    require_sqlite_file,
    version_of,
)
from core.database.sqlite_load import SqliteLoad
from core.database.sqlite_write import quoted, write_frame
from core.database.staging import (
    Staging,
    create_views,
    explain_absent,
    file_named,
    likely_types,
    missing_relation,
)
from core.errors import DatabaseError, QueryError, SalesError
from core.observing import timed_query
from core.sql_files import SqlFile, column_type

_BLOCK_ROWS = 20_000
_IDLE_CONNECTIONS = 4
_OWN_TABLES = ("sqlite_", HIDDEN)


@dataclass
class _Reader:
    """One reading connection with its staging views, and the file contents it was made for."""

    connection: sqlite3.Connection
    staging: Staging
    inode: int
    schema_version: int
    likely: dict[str, str]

    def is_current(self, inode: int) -> bool:
        version = self.connection.execute("PRAGMA schema_version").fetchone()[0]
        return self.inode == inode and self.schema_version == version


class SqliteDatabase(Database):
    """An SQLite file.

    Parameters
    ----------
    file
        The database file.
    read_only
        Whether ``write`` is refused. Queries are read-only in any case. With ``False`` the file need not
        exist: the first write makes it.
    """

    engine = "sqlite"

    def __init__(self, file: Path, *, read_only: bool = True) -> None:
        if read_only or file.exists():
            require_sqlite_file(file)
        self.file = file
        self.read_only = read_only
        self._idle: list[_Reader] = []
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False

    @timed_query
    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        file = file_named(name_or_sql)
        with self._reader() as reader:
            return _run(reader, file, file.text if file else name_or_sql, params)

    def tables(self) -> list[TableInfo]:
        with self._reader() as reader:
            connection = reader.connection
            listed = connection.execute("SELECT name, type FROM sqlite_master").fetchall()
            found = [
                _described(connection, name, kind)
                for name, kind in listed
                if kind in ("table", "view") and not name.startswith(_OWN_TABLES)
            ]
            for name, file in reader.staging.views.items():
                columns = {column: column_type(text) for column, text in file.columns.items()}
                found.append(TableInfo(name, "view", columns))
        return sorted(found, key=lambda table: table.name)

    def blocks(self, table: str, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        """The rows of a table, some at a time; ``columns`` are kinds by name.

        Raises
        ------
        QueryError
            A value is not of its column's kind.
        """
        names = ", ".join(map(quoted, columns))
        with self._reader() as reader, closing(reader.connection.cursor()) as cursor:
            cursor.execute(f"SELECT {names} FROM {quoted(table)}")
            for rows in _blocks(cursor):
                yield frame_from_blocks(list(columns), [rows], columns, {})

    def table_schema(self, table: str) -> TableSchema:
        with self._reader() as reader:
            return table_schema(reader.connection, table)

    def read_batches(
        self, table: str, columns: Sequence[str] | Mapping[str, str] | None = None, *, rows: int = 50_000
    ) -> Iterator[pl.DataFrame]:
        with self._reader() as reader:
            yield from read_batches(reader.connection, table, columns, rows)

    def data_version(self) -> str:
        return version_of(self.file)

    def answer(self) -> str:
        try:
            with self._reader() as reader:
                reader.connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise DatabaseError(f"SQLite cannot read {self.file.name}: {error}.") from error
        return f"SQLite {sqlite3.sqlite_version}"

    def write(self, table: str, frame: pl.DataFrame, mode: WriteMode = "replace") -> None:
        self.require_writing()
        with self._write_lock, closing(connect_for_writing(self.file)) as connection:
            write_frame(connection, table, frame, mode)

    def bulk_load(self) -> SqliteLoad:
        self.require_writing()
        return SqliteLoad(self.file)

    def changing(self) -> AbstractContextManager[Changes]:
        return changing(self.file)

    def view_texts(self) -> dict[str, str]:
        with self._reader() as reader:
            return view_texts(reader.connection)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.connection.close()

    @contextmanager
    def _reader(self) -> Iterator[_Reader]:
        """A reading connection for this thread alone, until given back."""
        reader = self._borrow()
        try:
            yield reader
        finally:
            with self._lock:
                keep = not self._closed and len(self._idle) < _IDLE_CONNECTIONS
                if keep:
                    self._idle.append(reader)
            if not keep:
                reader.connection.close()

    def _borrow(self) -> _Reader:
        if self._closed:
            raise DatabaseError(f"The database {self.file.name} has been closed.")
        require_sqlite_file(self.file)
        inode = self.file.stat().st_ino
        while True:
            with self._lock:
                reader = self._idle.pop() if self._idle else None
            if reader is None:
                return self._open(inode)
            try:
                if reader.is_current(inode):
                    return reader
            except sqlite3.Error:
                pass
            reader.connection.close()

    def _open(self, inode: int) -> _Reader:
        with opened(self.file) as connection:
            staging = create_views(connection)
            version = connection.execute("PRAGMA schema_version").fetchone()[0]
            likely = likely_types(connection, staging)
            forbid_side_doors(connection)
        return _Reader(connection, staging, inode, version, likely)


def _run(reader: _Reader, file: SqlFile | None, sql: str, params: dict[str, object]) -> pl.DataFrame:
    asked = file.name if file else "The query"
    if file:
        absent = [name for name in file.parameters if name not in params]
        if absent:
            raise QueryError(f"{asked} needs a value for the parameter {', '.join(absent)}.")
    declared = {name: column_type(text) for name, text in file.columns.items()} if file else {}
    values = {name: _bindable(name, value) for name, value in params.items()}
    try:
        with closing(reader.connection.cursor()) as cursor:
            cursor.execute(sql, values)
            if cursor.description is None:
                raise QueryError("The query returns no rows.", "Only SELECT can be run here.")
            names = [column[0] for column in cursor.description]
            return frame_from_blocks(names, _blocks(cursor), declared, reader.likely)
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        raise _explained(error, reader, file, asked) from error


def _blocks(cursor: sqlite3.Cursor) -> Iterator[list[tuple[object, ...]]]:
    while rows := cursor.fetchmany(_BLOCK_ROWS):
        yield rows


def _explained(error: Exception, reader: _Reader, file: SqlFile | None, asked: str) -> SalesError:
    """The error a person can act on, for one that SQLite raised."""
    relation = missing_relation(error)
    if relation is None:
        reason = str(error).rstrip(".")
        if isinstance(error, sqlite3.DatabaseError) and ("readonly" in reason or "not authorized" in reason):
            return QueryError(f"{asked} may only read data: {reason}.", "Use SELECT.")
        return QueryError(f"{asked} cannot be run: {reason}.")
    known = (name for (name,) in reader.connection.execute("SELECT name FROM sqlite_master"))
    return explain_absent(relation, reader.staging, file, known)


def _bindable(name: str, value: object) -> object:
    """``value`` as SQLite stores it: dates as ISO text, decimals as numbers."""
    plain = plain_value(name, value)
    if isinstance(plain, datetime):
        return plain.isoformat(" ")
    return plain.isoformat() if isinstance(plain, date) else plain


def _described(connection: sqlite3.Connection, name: str, kind: Literal["table", "view"]) -> TableInfo:
    if kind == "table":
        return TableInfo(name, kind, _columns(connection, name), _count(connection, name))
    try:
        return TableInfo(name, kind, _columns(connection, name))
    except sqlite3.Error as error:
        return TableInfo(name, kind, broken=str(error))


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    rows: Sequence[tuple[str, ...]] = connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
    return {row[1]: kind_of(row[2]) if row[2] else "text" for row in rows}


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchone()[0])
