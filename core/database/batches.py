"""Columns of tables that are read in batches: of the kind they are wanted as, without losing anything."""

from collections.abc import Mapping, Sequence

import polars as pl

from core.database.frames import DTYPES
from core.errors import MisfitError

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]00:00(:00(\.0+)?)?)?$"
_DATETIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?)?$"
_MIDNIGHT = "2000-01-01 00:00:00.000000"
_MOMENT = pl.Datetime("us")


def fitted_frame(table: str, frame: pl.DataFrame, kinds: Mapping[str, str]) -> pl.DataFrame:
    """The columns that ``kinds`` names (integer, number, ...), as these kinds.

    Raises
    ------
    MisfitError
        A value cannot be held by its column's kind exactly.
    """
    return pl.DataFrame([fitted(table, frame.get_column(name), kind) for name, kind in kinds.items()])


def fitted(table: str, stored: pl.Series, kind: str) -> pl.Series:
    """A column as the kind that is wanted.

    Parameters
    ----------
    stored
        Of any type that an engine gives; of an engine whose columns hold any value, of the narrowest type
        that holds all of them.

    Raises
    ------
    MisfitError
        A value cannot be held exactly; the error names a kind that holds it.
    """
    dtype, wanted = stored.dtype, DTYPES[kind]
    if dtype == wanted:
        return stored
    if dtype == pl.Null:
        return stored.cast(wanted)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        stored, dtype = stored.cast(pl.String), pl.String()
        if kind == "text":
            return stored
    result = _CONVERSIONS[kind](stored)
    lost = stored.is_not_null() if result is None else stored.is_not_null() & result.is_null()
    if result is not None and not lost.any():
        return result.alias(stored.name)
    if not lost.any():  # nothing but nulls
        return pl.Series(stored.name, [None] * len(stored), dtype=wanted)
    raise MisfitError(
        f"Column {stored.name} of {table} should be {kind} but holds {stored.filter(lost)[0]!r}.",
        "Correct the value, or declare the column as text.",
        stored.name,
        _holding(stored, kind),
    )


def _holding(stored: pl.Series, kind: str) -> str:
    """A wider kind than ``kind`` for what is stored."""
    dtype = stored.dtype
    if dtype == pl.Binary:
        return "binary"
    if isinstance(dtype, pl.Datetime) and kind == "date":
        return "datetime"
    if dtype.is_integer() and kind == "boolean":
        return "integer"
    if dtype == pl.Float64 and kind in ("integer", "boolean"):
        return "number"
    return "text"


def _integers(stored: pl.Series) -> pl.Series | None:
    dtype = stored.dtype
    if dtype == pl.Boolean or dtype.is_integer():
        return stored.cast(pl.Int64, strict=False)
    if dtype.is_float() or dtype.is_decimal():
        whole = stored.cast(pl.Int64, strict=False)
        same = whole.cast(dtype, strict=False) == stored
        return pl.select(pl.when(same).then(whole)).to_series()
    return None


def _numbers(stored: pl.Series) -> pl.Series | None:
    dtype = stored.dtype
    if dtype == pl.Float32 or dtype == pl.Boolean:
        return stored.cast(pl.Float64)
    if dtype.is_integer() or dtype.is_decimal():
        number = stored.cast(pl.Float64)
        same = number.cast(dtype, strict=False) == stored
        if dtype.is_decimal():  # a number that tells itself in up to 15 digits is the decimal it came from
            same = same & (number.abs() * 10.0 ** (dtype.scale or 0) < 1e15)  # type: ignore[attr-defined]
        return pl.select(pl.when(same).then(number)).to_series()
    return None


def _texts(stored: pl.Series) -> pl.Series | None:
    if isinstance(stored.dtype, pl.Datetime):
        moments = _moments(stored)
        return moments.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").str.strip_suffix(".000000")
    return None if stored.dtype == pl.Binary else stored.cast(pl.String, strict=False)


def _dates(stored: pl.Series) -> pl.Series | None:
    if stored.dtype == pl.String:
        days = stored.str.head(10).str.strptime(pl.Date, "%Y-%m-%d", strict=False)
        return pl.select(pl.when(stored.str.contains(_DATE)).then(days)).to_series()
    if isinstance(stored.dtype, pl.Datetime):
        days = _moments(stored).dt.date()
        return pl.select(pl.when(days.cast(_MOMENT) == _moments(stored)).then(days)).to_series()
    return None


def _datetimes(stored: pl.Series) -> pl.Series | None:
    if stored.dtype == pl.Date:
        return stored.cast(_MOMENT)
    if isinstance(stored.dtype, pl.Datetime):
        return _moments(stored)
    if stored.dtype != pl.String:
        return None
    text = stored.str.replace("T", " ", literal=True).str.head(26)
    moments = text.str.strptime(_MOMENT, "%Y-%m-%d %H:%M:%S%.f", strict=False)
    if moments.null_count() > stored.null_count():  # some are shorter
        padded = (
            text
            + pl.select(
                pl.lit(_MIDNIGHT).repeat_by(1).list.first().str.slice(text.str.len_chars())
            ).to_series()
        )
        moments = padded.str.strptime(_MOMENT, "%Y-%m-%d %H:%M:%S%.f", strict=False)
    return pl.select(pl.when(stored.str.contains(_DATETIME)).then(moments)).to_series()


def _moments(stored: pl.Series) -> pl.Series:
    """Datetimes as UTC in microseconds, without naming a time zone."""
    if getattr(stored.dtype, "time_zone", None) is not None:
        stored = stored.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return stored.cast(_MOMENT)


def _booleans(stored: pl.Series) -> pl.Series | None:
    if not stored.dtype.is_numeric():
        return None
    return pl.select(pl.when(stored.is_in([0, 1])).then(stored == 1)).to_series()


def _binaries(stored: pl.Series) -> pl.Series | None:
    return stored.cast(pl.Binary) if stored.dtype == pl.String else None


_CONVERSIONS = {
    "integer": _integers,
    "number": _numbers,
    "text": _texts,
    "date": _dates,
    "datetime": _datetimes,
    "boolean": _booleans,
    "binary": _binaries,
}


def wanted_columns(
    known: Mapping[str, str], columns: Sequence[str] | Mapping[str, str] | None
) -> dict[str, str]:
    """Names and kinds of the columns asked for, of those that are ``known``."""
    if columns is None:
        return dict(known)
    if isinstance(columns, Mapping):
        return dict(columns)
    return {name: known.get(name, "text") for name in columns}
