"""Rows that a database server sent as frames with the same types as those of the other engines."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from core.database.frames import DTYPES, stored_series, typed_series, unique_names
from core.database.server.dialect import Columns, Rows

_EXACT_DIGITS = 15
"""So many digits of an exact number are kept by a Float64."""


def frame_of(
    columns: Columns, blocks: Iterable[Rows], declared: Mapping[str, str], likely: Mapping[str, str]
) -> pl.DataFrame:
    """A frame from blocks of rows; ``declared`` and ``likely`` are types as for ``frame_from_blocks``.

    Exact numbers without a fraction in any row (sums of integers) are integers, others Float64.

    Raises
    ------
    QueryError
        A value does not fit the declared type of its column.
    """
    names = unique_names([name for name, _ in columns])
    kinds = [kind for _, kind in columns]
    pieces: list[list[pl.Series]] = [[] for _ in names]
    for rows in blocks:
        for piece, kind, values in zip(pieces, kinds, zip(*rows, strict=True), strict=True):
            piece.append(series_of(values, kind))
    return frame_of_pieces(columns, pieces, declared, likely)


def frame_of_pieces(
    columns: Columns,
    pieces: Sequence[list[pl.Series]],
    declared: Mapping[str, str],
    likely: Mapping[str, str],
) -> pl.DataFrame:
    """The same, from the pieces of each column as ``series_of`` makes them."""
    names = unique_names([name for name, _ in columns])
    return pl.DataFrame(
        [
            typed_series(
                name,
                _plain(_joined(piece, kind), kind, declared.get(name)),
                declared.get(name),
                likely.get(name) if kind != "integer" else None,  # the server knows: it is one
            )
            for name, (_, kind), piece in zip(names, columns, pieces, strict=True)
        ]
    )


def batch_of(columns: Mapping[str, str], rows: Rows) -> pl.DataFrame:
    """Rows of a table; ``columns`` are declared kinds by name, ``decimal(30, 2)`` for exact numbers.

    Exact numbers are Float64 where that holds all their digits, else ``polars.Decimal``.
    """
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pl.DataFrame(
        [
            _of_kind(series_of(column, kind.partition("(")[0]), kind).alias(name)
            for (name, kind), column in zip(columns.items(), values, strict=True)
        ]
    )


def series_of(values: Sequence[object], kind: str) -> pl.Series:
    """One block of one column as Int64, Float64, String, Date, Datetime, Boolean, Binary or Null.

    Exact numbers stay text here, so that all blocks can be looked at before it is decided what they are.
    """
    if kind == "decimal":
        return pl.Series(
            [None if v is None else v if isinstance(v, str) else f"{v:f}" for v in values], dtype=pl.String
        )  # type: ignore[str-format]
    if kind == "datetime":
        values = [_moment(value) for value in values]
    with suppress(TypeError, OverflowError, pl.exceptions.PolarsError):
        if kind in ("integer", "boolean", "binary", "date", "datetime"):
            return pl.Series(values, dtype=DTYPES[kind])
        if kind == "number":
            return pl.Series(values, dtype=pl.Float64, strict=False)
    kinds = frozenset(map(type, values)) - {type(None)}
    if kinds <= {str} and kind:
        return pl.Series(values, dtype=pl.String)
    if kind == "text" or not kinds <= {int, float, str, bytes}:
        return _guessed(values, kinds)
    return stored_series(values)


def _guessed(values: Sequence[object], kinds: frozenset[type]) -> pl.Series:
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean)
    if kinds == {datetime}:
        return pl.Series([_moment(value) for value in values], dtype=pl.Datetime("us"))
    if kinds == {date}:
        return pl.Series(values, dtype=pl.Date)
    if kinds == {Decimal}:
        return _numbers(pl.Series([None if v is None else f"{v:f}" for v in values], dtype=pl.String))  # type: ignore[str-format]
    texts = [None if v is None else v.hex() if isinstance(v, bytes) else str(v) for v in values]
    return pl.Series(texts, dtype=pl.String)


def _moment(value: object) -> object:
    """A moment in UTC without a zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _joined(pieces: list[pl.Series], kind: str) -> pl.Series:
    if not pieces:
        empty = DTYPES.get(kind if kind != "decimal" else "text", pl.Null())
        return pl.Series([], dtype=empty)
    dtypes = {piece.dtype for piece in pieces} - {pl.Null()}
    if len(dtypes) > 1:
        common = pl.Float64() if dtypes <= {pl.Int64(), pl.Float64()} else pl.String()
        pieces = [piece.cast(common) for piece in pieces]
    elif dtypes:
        pieces = [piece.cast(next(iter(dtypes))) for piece in pieces]
    return pl.concat(pieces, rechunk=True)


def _plain(column: pl.Series, kind: str, declared: str | None) -> pl.Series:
    if kind == "decimal" and column.dtype == pl.String:
        if declared == "text":
            return column
        return pl.Series([], dtype=pl.Null) if column.is_empty() else _numbers(column)
    if isinstance(column.dtype, pl.Datetime):
        if declared == "text":
            text = column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
            return text.str.strip_suffix(".000000")
        return column.cast(pl.Date) if declared == "date" else column
    if column.dtype == pl.Boolean and declared in ("integer", "number"):
        return column.cast(pl.Int64)
    return column


def _numbers(text: pl.Series) -> pl.Series:
    """Exact numbers as Int64 if none has digits after its point, else as Float64."""
    if not text.str.contains(".", literal=True).any():
        whole = text.cast(pl.Int64, strict=False)
        if whole.null_count() == text.null_count():
            return whole
    return text.cast(pl.Float64)


def _of_kind(column: pl.Series, kind: str) -> pl.Series:
    name, _, size = kind.partition("(")
    if name != "decimal":
        return column.cast(DTYPES.get(name, pl.String()))
    digits = [int(part) for part in re.findall(r"\d+", size)] or [38, 10]
    if digits[0] <= _EXACT_DIGITS or not size:
        return column.cast(pl.Float64)
    return column.cast(pl.Decimal(38, digits[1] if len(digits) > 1 else 0))
