"""Rows of frames as typed arrays of parameters, which is how the driver sends many rows at a time."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import polars as pl

from core.database.server.dialect import Connection
from core.database.server.mssql_catalogue import bracketed
from core.errors import DatabaseError

_BYTES = 16 * 1024 * 1024
_MOST_ROWS = 20_000
_LONGEST_TEXT, _LONGEST_BINARY = 4_000, 8_000
_ODBC = {
    "BIGINT": -5,
    "DOUBLE": 8,
    "DECIMAL": 3,
    "WVARCHAR": -9,
    "DATE": 91,
    "TIMESTAMP": 93,
    "BIT": -7,
    "VARBINARY": -3,
}


def insert(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """Add the rows of a frame to a table.

    Raises
    ------
    DatabaseError
        A number is infinite, which SQL Server does not know.
    """
    if frame.is_empty():
        return
    names = ", ".join(map(bracketed, frame.columns))
    marks = ", ".join("?" * frame.width)
    statement = f"INSERT INTO {bracketed(table)} ({names}) VALUES ({marks})"
    storable = pl.DataFrame([_storable(table, column) for column in frame.get_columns()])
    with closing(connection.cursor()) as cursor:
        cursor.fast_executemany = True
        for sizes, rows in blocks_of(storable):
            cursor.setinputsizes(sizes)
            cursor.executemany(statement, rows)


def blocks_of(frame: pl.DataFrame) -> Iterator[tuple[list[tuple[int, int, int]], Sequence[tuple[Any, ...]]]]:
    """Rows, some at a time, with the type, size and scale of each parameter.

    Types are said, never guessed: a guess by the first row would cut fractions of seconds and long texts.
    """
    width = sum(_bytes_of(column) for column in frame.get_columns())
    rows = max(1, min(_MOST_ROWS, _BYTES // max(1, width)))
    for block in frame.iter_slices(rows):
        yield [_size_of(column) for column in block.get_columns()], block.rows()


def _storable(table: str, column: pl.Series) -> pl.Series:
    if not column.dtype.is_float():
        return column
    if column.is_infinite().any():
        raise DatabaseError(
            f"The table {table} cannot be stored: {column.name} holds an infinite number.",
            "SQL Server has none; leave the row out.",
        )
    return column.fill_nan(None)


def _size_of(column: pl.Series) -> tuple[int, int, int]:
    dtype = column.dtype
    if dtype.is_integer():
        return _ODBC["BIGINT"], 0, 0
    if dtype.is_float():
        return _ODBC["DOUBLE"], 0, 0
    if isinstance(dtype, pl.Decimal):
        return _ODBC["DECIMAL"], dtype.precision or 38, dtype.scale
    if dtype == pl.Date:
        return _ODBC["DATE"], 10, 0
    if isinstance(dtype, pl.Datetime):
        return _ODBC["TIMESTAMP"], 26, 6
    if dtype == pl.Boolean:
        return _ODBC["BIT"], 0, 0
    longest = _longest(column)
    if dtype == pl.Binary:
        return _ODBC["VARBINARY"], longest if longest <= _LONGEST_BINARY else 0, 0
    return _ODBC["WVARCHAR"], longest if longest <= _LONGEST_TEXT else 0, 0


def _longest(column: pl.Series) -> int:
    """Bytes of the longest binary, or UTF-16 units of the longest text; at least 1."""
    if column.dtype == pl.Binary:
        return int(column.bin.size().max() or 1)  # type: ignore[arg-type]
    if column.dtype != pl.String:
        return 1
    characters = int(column.str.len_chars().max() or 1)  # type: ignore[arg-type]
    beyond = column.str.contains(r"[\x{10000}-\x{10FFFF}]").any()  # these take two units each
    return characters * 2 if beyond else characters


def _bytes_of(column: pl.Series) -> int:
    if column.dtype == pl.String:
        return 2 * _longest(column)
    return _longest(column) if column.dtype == pl.Binary else 16
