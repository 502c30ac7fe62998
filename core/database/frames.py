"""Rows of a dynamically typed engine as Polars columns of the right and stable type."""

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from core.errors import QueryError

DTYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "day": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "boolean": pl.Boolean(),
    "binary": pl.Binary(),
}

_STORED: dict[frozenset[type], pl.DataType] = {
    frozenset(): pl.Null(),
    frozenset({int}): pl.Int64(),
    frozenset({float}): pl.Float64(),
    frozenset({int, float}): pl.Float64(),
    frozenset({str}): pl.String(),
    frozenset({bytes}): pl.Binary(),
}
_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_ISO_DATETIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"


def frame_from_blocks(
    names: Sequence[str],
    blocks: Iterable[Sequence[tuple[object, ...]]],
    declared: Mapping[str, str],
    likely: Mapping[str, str],
) -> pl.DataFrame:
    """A frame from blocks of rows.

    Parameters
    ----------
    names
        Column names in order; a repeated name gets ``_2``, ``_3``, ... appended.
    declared
        Types (integer, number, ...) that columns must have; a value that does not fit is an error.
    likely
        Types for undeclared columns that hold nothing but nulls or whole numbers.
    """
    unique = unique_names(names)
    pieces: list[list[pl.Series]] = [[] for _ in unique]
    for rows in blocks:
        for column, values in zip(pieces, zip(*rows, strict=True), strict=True):
            column.append(stored_series(values))
    return pl.DataFrame(
        [
            typed_series(name, _joined(column), declared.get(name), likely.get(name))
            for name, column in zip(unique, pieces, strict=True)
        ]
    )


def unique_names(names: Sequence[str]) -> list[str]:
    """``names`` with repeated ones numbered: a, b, a -> a, b, a_2."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        result.append(candidate)
    return result


def stored_series(values: Sequence[object]) -> pl.Series:
    """One block of one column, typed by everything in it."""
    kinds = frozenset(map(type, values)) - {type(None)}
    dtype = _STORED.get(kinds)
    if dtype is None:  # numbers and text in one column: text is what loses nothing
        return pl.Series([_as_text(value) for value in values], dtype=pl.String)
    return pl.Series(values, dtype=dtype, strict=kinds != {int, float})


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)


def _joined(pieces: list[pl.Series]) -> pl.Series:
    """The blocks of a column as one series of the narrowest type that holds all of them."""
    dtypes = {piece.dtype for piece in pieces} - {pl.Null()}
    if len(dtypes) <= 1:
        dtype = next(iter(dtypes), pl.Null())
    else:
        dtype = pl.Float64() if dtypes == {pl.Int64(), pl.Float64()} else pl.String()
    if not pieces:
        return pl.Series([], dtype=pl.Null)
    return pl.concat([_cast_piece(piece, dtype) for piece in pieces], rechunk=True)


def _cast_piece(piece: pl.Series, dtype: pl.DataType) -> pl.Series:
    if piece.dtype == pl.Binary() and dtype == pl.String():
        return piece.bin.encode("hex")
    return piece.cast(dtype)


def typed_series(name: str, stored: pl.Series, declared: str | None, likely: str | None) -> pl.Series:
    """A column as it is handed out: of the declared type, or else of the one that its values suggest.

    Parameters
    ----------
    stored
        Int64, Float64, String, Binary, Boolean, Date, Datetime or Null.
    declared, likely
        As for ``frame_from_blocks``.

    Raises
    ------
    QueryError
        A value does not fit the declared type.
    """
    if declared in DTYPES:
        return _as_declared(name, stored, declared).alias(name)
    if stored.dtype == pl.Null():
        return stored.cast(DTYPES.get(likely or "text", pl.String())).alias(name)
    if declared == "id":  # keys have the company's own type, but are never fractions
        return _whole(stored).alias(name)
    if stored.dtype == pl.String():
        return _dates_recognised(stored).alias(name)
    if stored.dtype == pl.Int64() and likely == "number":  # 21000 among decimals
        return stored.cast(pl.Float64).alias(name)
    return stored.alias(name)


def _whole(stored: pl.Series) -> pl.Series:
    """Numbers without fractions as integers; anything else unchanged."""
    if stored.dtype != pl.Float64():
        return stored
    result = _converted(stored, pl.Int64())
    return result if result.null_count() == stored.null_count() else stored


def _dates_recognised(text: pl.Series) -> pl.Series:
    """Text that is an ISO date or datetime in every row, as such; all other text unchanged."""
    if text.null_count() == len(text):
        return text
    first = text.item(text.is_not_null().arg_max() or 0)
    if not first[:4].isdigit() or first[4:5] != "-":
        return text
    for pattern, dtype in ((_ISO_DATE, pl.Date()), (_ISO_DATETIME, pl.Datetime("us"))):
        if text.str.contains(pattern).all(ignore_nulls=True):
            parsed = _converted(text, dtype)
            return parsed if parsed.null_count() == text.null_count() else text
    return text


def _as_declared(name: str, stored: pl.Series, declared: str) -> pl.Series:
    dtype = DTYPES[declared]
    if stored.dtype == dtype:
        return stored
    result = _converted(stored, dtype)
    lost = result.is_null() & stored.is_not_null()
    if lost.any():
        example = stored.filter(lost)[0]
        raise QueryError(
            f"Column {name} should be {declared} but holds {example!r}.",
            "Correct the data, or the type that the header of the SQL file declares.",
        )
    return result


def _converted(stored: pl.Series, dtype: pl.DataType) -> pl.Series:
    """``stored`` as ``dtype``, null where a value does not fit."""
    if isinstance(dtype, pl.Date | pl.Datetime):
        if stored.dtype != pl.String():
            return pl.Series([None] * len(stored), dtype=dtype)
        if dtype == pl.Date():
            return stored.str.head(10).str.strptime(pl.Date, "%Y-%m-%d", strict=False)
        return _iso_datetimes(stored)
    if dtype == pl.Int64() and stored.dtype == pl.Float64():
        whole = stored.cast(pl.Int64, strict=False)
        return pl.select(pl.when(whole.cast(pl.Float64) == stored).then(whole)).to_series()
    if dtype == pl.Boolean() and stored.dtype.is_numeric():
        return stored != 0
    if dtype == pl.String() and stored.dtype == pl.Binary():
        return stored.bin.encode("hex")
    return stored.cast(dtype, strict=False)


def _iso_datetimes(text: pl.Series) -> pl.Series:
    return text.str.replace("T", " ", literal=True).str.strptime(
        pl.Datetime("us"), "%Y-%m-%d %H:%M:%S%.f", strict=False
    )
