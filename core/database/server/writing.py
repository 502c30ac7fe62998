"""Frames stored as tables of a database on a server."""

from collections.abc import Callable

import polars as pl

from core.database.base import WriteMode
from core.database.changes import HIDDEN
from core.database.schema import Column, TableSchema
from core.database.server.dialect import Connection, Dialect
from core.database.sqlite_write import kind_of_dtype
from core.errors import DatabaseError


def schema_of_frame(table: str, frame: pl.DataFrame) -> TableSchema:
    """The table that stores a frame.

    Raises
    ------
    DatabaseError
        A column has a type that cannot be stored, or there are no columns.
    """
    kinds = {name: kind_of_dtype(dtype) for name, dtype in frame.schema.items()}
    unfit = [f"{name} ({frame.schema[name]})" for name, kind in kinds.items() if kind is None]
    if unfit or not kinds:
        raise DatabaseError(f"The table {table} cannot be stored: {', '.join(unfit) or 'it has no columns'}.")
    return TableSchema(table, tuple(Column(name, kind or "text") for name, kind in kinds.items()))


def storable(frame: pl.DataFrame, rename: Callable[[str], str]) -> pl.DataFrame:
    """``frame`` with the types that a dialect inserts, and the names that columns have on the server."""
    return pl.DataFrame([_storable(column).alias(rename(column.name)) for column in frame.get_columns()])


def _storable(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if dtype.is_integer():
        return column.cast(pl.Int64)
    if dtype.is_float():
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return column.cast(pl.Datetime("us"))
    return column.cast(pl.String) if dtype.base_type() in (pl.Categorical, pl.Enum, pl.Null) else column


def write_frame(
    dialect: Dialect,
    connection: Connection,
    table: str,
    frame: pl.DataFrame,
    mode: WriteMode,
    present: dict[str, str],
) -> None:
    """Store ``frame``; ``present`` are the names of all relations by their lower-case form."""
    schema = schema_of_frame(table, frame)
    rows = storable(frame, dialect.stored_name)
    old = present.get(table.lower())
    if old is not None and mode == "append":
        dialect.insert(connection, old, rows)
        return
    new = HIDDEN + dialect.stored_name(table)
    dialect.run(connection, dialect.drop_table(new))
    dialect.run(connection, dialect.create_table(new, schema))
    dialect.insert(connection, new, rows)
    dialect.swap(connection, {new: old or dialect.stored_name(table)})
