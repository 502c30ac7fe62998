"""The tables of another SQLite file as sources."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl

from core.database.frames import stored_series
from core.database.schema import Column, TableSchema, kind_of
from core.database.sqlite_files import connect_for_reading
from core.database.sqlite_write import quoted
from core.errors import IngestError
from core.ingest.problems import Problem
from core.ingest.source import Block, Source

_BLOCK_ROWS = 20_000
_OWN_TABLES = ("sqlite_", "_ingest_", "sales_load_log")


def tables_of(path: Path) -> list["SqliteTable"]:
    """The tables of an SQLite file, without views and without this product's own log.

    Raises
    ------
    IngestError
        The file holds no table.
    DatabaseError
        The file cannot be read.
    """
    with closing(connect_for_reading(path)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
        ).fetchall()
        found = [SqliteTable(path, name, connection) for (name,) in names if not name.startswith(_OWN_TABLES)]
    if not found:
        raise IngestError(f"Nothing was loaded: {path.name} holds no tables.")
    return found


class SqliteTable(Source):
    """One table of an SQLite file; its "lines" are row numbers."""

    def __init__(self, path: Path, table: str, connection: sqlite3.Connection) -> None:
        self.path, self.label, self.name = path, path.name, table
        columns = connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
        self.columns = tuple(row[1] for row in columns)
        kinds = [Column(row[1], kind_of(row[2]), bool(row[3])) for row in columns if row[2]]
        key = tuple(row[1] for row in sorted(columns, key=lambda row: row[5]) if row[5])
        self.schema = TableSchema(table, tuple(kinds), key)
        self.size = int(connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchone()[0])

    def blocks(self) -> Iterator[Block]:
        done = 0
        with closing(connect_for_reading(self.path)) as connection:
            cursor = connection.execute(f"SELECT * FROM {quoted(self.name)}")
            try:
                while rows := cursor.fetchmany(_BLOCK_ROWS):
                    columns = [stored_series(cells) for cells in zip(*rows, strict=True)]
                    lines = range(done + 1, done + len(rows) + 1)
                    done += len(rows)
                    yield Block(columns, lines, done=done)
            except sqlite3.Error as error:  # damaged pages, or text that is not UTF-8
                problem = Problem(self.label, done + 1, "", f"table {self.name} cannot be read: {error}")
                yield Block([pl.Series(dtype=pl.Null)] * len(self.columns), [], (problem,), done)
