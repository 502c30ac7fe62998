"""Polars frames as SQLite tables."""

import sqlite3
from collections.abc import Iterator

import polars as pl

from core.database.base import WriteMode
from core.errors import DatabaseError

SQL_TYPES = {
    "integer": "INTEGER",
    "number": "REAL",
    "text": "TEXT",
    "date": "DATE",
    "datetime": "DATETIME",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
}
"""How each kind of column is declared in SQLite. Amounts are REAL, as in Classic Models: 64-bit numbers hold
every amount below 90 trillion to the cent, and never turn into integers that divide without a remainder.
Dates are ISO text."""

_BLOCK_ROWS = 20_000


def quoted(name: str) -> str:
    """``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def kind_of_dtype(dtype: pl.DataType) -> str | None:
    """The kind of column (integer, number, ...) that stores a Polars type; ``None`` if there is none."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_float() or dtype.is_decimal():
        return "number"
    kinds = {
        pl.Boolean: "boolean",
        pl.Date: "date",
        pl.Datetime: "datetime",
        pl.String: "text",
        pl.Categorical: "text",
        pl.Enum: "text",
        pl.Null: "text",
        pl.Binary: "binary",
    }
    return kinds.get(dtype.base_type())


def storable(column: pl.Series) -> pl.Series:
    """``column`` with values that SQLite stores: dates and datetimes as ISO text, decimals as numbers."""
    dtype = column.dtype
    if dtype == pl.Date:
        return column.dt.strftime("%Y-%m-%d")
    if isinstance(dtype, pl.Datetime):
        text = column.cast(pl.Datetime("us", dtype.time_zone)).dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
        return text.str.strip_suffix(".000000")
    if dtype.is_decimal():
        return column.cast(pl.Float64)
    if dtype == pl.UInt64:
        return column.cast(pl.Int64)
    if dtype == pl.Boolean:
        return column.cast(pl.Int64)
    return column.cast(pl.String) if isinstance(dtype, pl.Categorical | pl.Enum) else column


def row_blocks(frame: pl.DataFrame) -> Iterator[Iterator[tuple[object, ...]]]:
    """The rows of ``frame`` as Python tuples, a block at a time."""
    for block in frame.iter_slices(_BLOCK_ROWS):
        yield zip(*(storable(column).to_list() for column in block.get_columns()), strict=True)


def write_frame(connection: sqlite3.Connection, table: str, frame: pl.DataFrame, mode: WriteMode) -> None:
    """Store ``frame`` as ``table`` in one transaction; new rows appear all at once or not at all.

    Raises
    ------
    DatabaseError
        A column has a type that cannot be stored, or the columns do not fit the table that is appended to.
    """
    kinds = {name: kind_of_dtype(dtype) for name, dtype in frame.schema.items()}
    unfit = [f"{name} ({frame.schema[name]})" for name, kind in kinds.items() if kind is None]
    if unfit or not kinds:
        raise DatabaseError(f"The table {table} cannot be stored: {', '.join(unfit) or 'it has no columns'}.")
    columns = ", ".join(f"{quoted(name)} {SQL_TYPES[kind or 'text']}" for name, kind in kinds.items())
    names = ", ".join(map(quoted, kinds))
    marks = ", ".join("?" * len(kinds))
    try:
        connection.execute("BEGIN IMMEDIATE")
        if mode == "replace":
            connection.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
        connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({columns})")
        for rows in row_blocks(frame):
            connection.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", rows)
        connection.execute("COMMIT")
    except (sqlite3.Error, pl.exceptions.PolarsError) as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise DatabaseError(f"The table {table} cannot be stored: {error}.") from error
