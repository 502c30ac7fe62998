"""Rows of Spark as frames with the same types as those of the other engines, and frames as rows of Spark."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from core.database.frames import DTYPES, typed_series, unique_names
from core.database.schema import kind_of
from core.database.sqlite_write import kind_of_dtype
from core.errors import DatabaseError

if TYPE_CHECKING:
    import pyarrow as pa


def kind_of_spark(name: str) -> str:
    """The kind of a column (integer, number, text, ...) from Spark's name of its type."""
    return "text" if name.startswith(("array", "map", "struct", "interval")) else kind_of(name)


def frame_of(table: "pa.Table", declared: Mapping[str, str]) -> pl.DataFrame:
    """Rows as Arrow gives them, with the declared types; see ``Database.query``."""
    names = unique_names(table.column_names)
    frame = pl.DataFrame(pl.from_arrow(table.rename_columns(names)))
    return pl.DataFrame(
        [
            typed_series(name, _plain(frame[name], declared.get(name)), declared.get(name), None)
            for name in names
        ]
    )


def arrow_of(table: str, frame: pl.DataFrame) -> Any:
    """A frame as an Arrow table of the types that are stored; ``table`` is for the message.

    Raises
    ------
    DatabaseError
        A column has a type that cannot be stored.
    """
    kinds = {name: kind_of_dtype(dtype) for name, dtype in frame.schema.items()}
    if unfit := [f"{name} ({frame.schema[name]})" for name, kind in kinds.items() if kind is None]:
        raise DatabaseError(f"The table {table} cannot be stored: {', '.join(unfit)}.")
    stored = frame.select(_stored(name, frame.schema[name], kind or "text") for name, kind in kinds.items())
    return stored.to_arrow(compat_level=pl.CompatLevel.oldest())


def _stored(name: str, dtype: pl.DataType, kind: str) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(DTYPES[kind])


def _plain(column: pl.Series, declared: str | None) -> pl.Series:
    """Integers as Int64, other numbers as Float64, moments as UTC in microseconds, nested values as text."""
    dtype = column.dtype
    if isinstance(dtype, pl.Decimal) and not dtype.scale:
        whole = column.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == column.null_count() else column.cast(pl.Float64)
    if dtype.is_float() or dtype.is_decimal():
        return column.cast(pl.Float64)
    if dtype.is_integer():
        return column.cast(pl.Int64)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        column = column.cast(pl.Datetime("us"))
        if declared == "text":
            return column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").str.strip_suffix(".000000")
        return column.cast(pl.Date) if declared == "date" else column
    if dtype.is_nested() or isinstance(dtype, pl.Duration):
        return pl.Series(column.name, [None if v is None else str(v) for v in column], dtype=pl.String)
    return column.cast(pl.String) if isinstance(dtype, pl.Categorical | pl.Enum) else column
