"""Tables of an SQLite file read in batches, and what its catalogue says of them."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import polars as pl

from core.database.base import no_such_table
from core.database.batches import fitted_frame, wanted_columns
from core.database.frames import DTYPES, stored_series
from core.database.schema import Column, ForeignKey, TableSchema, kind_of, with_declared_keys
from core.database.sqlite_write import quoted
from core.errors import QueryError

_LOOSE = ("", "NUM", "ANY")
"""Declared types that say nothing of what a column holds, as those of CREATE TABLE … AS SELECT."""


def read_batches(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str] | Mapping[str, str] | None,
    rows: int,
) -> Iterator[pl.DataFrame]:
    """See ``Database.read_batches``; one statement reads all, and so one state of the file."""
    schema = table_schema(connection, table)
    wanted = wanted_columns({column.name: column.kind for column in schema.columns}, columns)
    names = ", ".join(map(quoted, wanted))
    told = False
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"SELECT {names} FROM main.{quoted(table)}")
            while block := cursor.fetchmany(rows):
                stored = pl.DataFrame(
                    [
                        stored_series(values).alias(name)
                        for name, values in zip(wanted, zip(*block, strict=True), strict=True)
                    ]
                )
                told = True
                yield fitted_frame(table, stored, wanted)
    except (sqlite3.Error, OverflowError) as error:
        raise QueryError(f"The table {table} cannot be read: {error}.", "Mend the file first.") from error
    if not told:
        yield pl.DataFrame(schema={name: DTYPES[kind] for name, kind in wanted.items()})


def table_schema(connection: sqlite3.Connection, table: str) -> TableSchema:
    """See ``Database.table_schema``."""
    rows = connection.execute(f"PRAGMA main.table_info({quoted(table)})").fetchall()
    if not rows:
        raise no_such_table(table)
    columns = tuple(Column(row[1], _kind(connection, table, row[1], row[2]), bool(row[3])) for row in rows)
    key = tuple(row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5])
    schema = TableSchema(
        table, columns, key or _loaded_key(connection, table), _references(connection, table)
    )
    return replace(with_declared_keys(schema), primary_key=schema.primary_key)


def _kind(connection: sqlite3.Connection, table: str, column: str, declared: str) -> str:
    if declared.upper() not in _LOOSE:
        return kind_of(declared)
    name = quoted(column)
    held = {
        kind
        for (kind,) in connection.execute(f"SELECT DISTINCT typeof({name}) FROM main.{quoted(table)}")
        if kind != "null"
    }
    if held and held <= {"integer", "real"}:
        return "number" if "real" in held else "integer"
    return "binary" if held == {"blob"} else "text"


def _loaded_key(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """The key that a load made an index of; keys of several columns are not declared with the table."""
    for _, name, is_unique, *_ in connection.execute(f"PRAGMA main.index_list({quoted(table)})").fetchall():
        if is_unique and name.lower() in (f"key_{table}".lower(), f"key_{table}_2".lower()):
            return tuple(row[2] for row in connection.execute(f"PRAGMA main.index_info({quoted(name)})"))
    return ()


def _references(connection: sqlite3.Connection, table: str) -> tuple[ForeignKey, ...]:
    found: dict[int, list[tuple[str, str, str]]] = {}
    rows = connection.execute(f"PRAGMA main.foreign_key_list({quoted(table)})").fetchall()
    for number, _, parent, here, there, *_ in rows:
        found.setdefault(number, []).append((parent, here, there or here))
    return tuple(
        ForeignKey(tuple(part[1] for part in parts), parts[0][0], tuple(part[2] for part in parts))
        for _, parts in sorted(found.items())
    )
