"""DuckDB's results as frames with the same types as those of the other engines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from core.database.frames import typed_series, unique_names
from core.database.schema import kind_of

if TYPE_CHECKING:
    import duckdb

_BATCH_ROWS = 131_072
_AS_TEXT = {
    "bit",
    "enum",
    "interval",
    "list",
    "array",
    "map",
    "struct",
    "union",
    "time",
    "time with time zone",
    "time_ns",
    "uuid",
    "variant",
    "geometry",
}
"""Types that no other engine has or that Polars cannot take; they are shown as text."""


def kind_of_type(name: str) -> str:
    """The kind of a column (integer, number, text, ...) from DuckDB's name of its type."""
    word = name.upper()
    if word.startswith(("INTERVAL", "STRUCT", "MAP", "UNION", "ENUM")) or word.endswith("]"):
        return "text"
    return "binary" if word == "BLOB" else kind_of(word)


def relation_frame(
    relation: "duckdb.DuckDBPyRelation", declared: Mapping[str, str], likely: Mapping[str, str]
) -> pl.DataFrame:
    """The rows of a relation; ``declared`` and ``likely`` are types of columns as for ``typed_series``."""
    names = unique_names(relation.columns)
    odd = [str(kind.id) in _AS_TEXT for kind in relation.types]
    if any(odd) or names != relation.columns:
        relation = relation.project(
            ", ".join(
                f"CAST(#{place} AS VARCHAR) AS {_quoted(name)}" if as_text else f"#{place} AS {_quoted(name)}"
                for place, (name, as_text) in enumerate(zip(names, odd, strict=True), start=1)
            )
        )
    frame = pl.DataFrame(relation.to_arrow_reader(_BATCH_ROWS))
    return pl.DataFrame(
        [
            typed_series(name, _plain(column, declared.get(name)), declared.get(name), likely.get(name))
            for name, column in zip(names, frame.get_columns(), strict=True)
        ]
    )


def _plain(column: pl.Series, declared: str | None) -> pl.Series:
    """Integers as Int64, other numbers as Float64, moments as UTC in microseconds."""
    dtype = column.dtype
    if isinstance(dtype, pl.Decimal) and dtype.scale:
        return column.cast(pl.Float64)
    if dtype == pl.Int64 or dtype == pl.Float64:
        return column
    if dtype.is_integer() or dtype.is_decimal():
        whole = column.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == column.null_count() else column.cast(pl.Float64)
    if dtype.is_float():
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        column = column.cast(pl.Datetime("us"))
        if declared == "text":
            text = column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
            return text.str.strip_suffix(".000000")
        return column.cast(pl.Date) if declared == "date" else column
    return column.cast(pl.String) if isinstance(dtype, pl.Categorical | pl.Enum) else column


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
