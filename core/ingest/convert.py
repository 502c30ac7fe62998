"""Cells as typed values: what counts as a number, a date or nothing, and in which way it is written."""

from dataclasses import dataclass

import polars as pl

TEXT_NULLS = ["NULL", r"\N"]
"""Words that mean null in every column of a file without real nulls; NA may be Namibia."""
TYPED_NULLS = ["", "NULL", r"\N", "NA", "N/A", "#N/A", "NaN", "nan", "null", "None", "none", "-", "?"]
"""Words that mean null where a number, date or boolean is expected."""
_ZERO_DATES = ["0000-00-00", "0000-00-00 00:00:00"]

TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f")
DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
)
NUMBERS = ("plain", "1,234.5", "1.234,5")
_SHAPES = {
    "%Y": r"[0-9]{4}",
    "%m": r"[0-9]{1,2}",
    "%d": r"[0-9]{1,2}",
    "%b": r"[A-Za-z]{3}",
    "%H": r"[0-9]{1,2}",
    "%M": r"[0-9]{2}",
    "%S": r"[0-9]{2}",
    "%.f": r"\.[0-9]{1,9}",
}
_WRITTEN = {
    "1,234.5": r"^-?[$€£]?\s?-?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?\s?[$€£]?$",
    "1.234,5": r"^-?[$€£]?\s?-?([0-9]{1,3}([. ][0-9]{3})+|[0-9]+)(,[0-9]+)?\s?[$€£]?$",
}
_THOUSANDS = r"^-?[1-9][0-9]{0,2}\.000$"
_TRUE, _FALSE = ["true", "yes", "t", "y", "1"], ["false", "no", "f", "n", "0"]


@dataclass(frozen=True)
class Reading:
    """How a column is read.

    ``kind`` is integer, number, text, date, datetime, boolean or binary; ``style`` is how its values are
    written (one of ``NUMBERS`` or a date format), empty for the plain one.
    """

    name: str
    kind: str
    style: str = ""
    required: bool = False


def convert(cells: pl.Series, reading: Reading, *, empty_is_null: bool) -> pl.Series:
    """``cells`` as values of the kind; null where a cell does not fit or stands for nothing.

    ``unfit`` tells these apart.
    """
    if reading.kind == "text":
        return _text(cells, empty_is_null)
    if cells.dtype == pl.Null:
        return cells.cast(_DTYPES[reading.kind])
    if reading.kind == "binary":
        return _binary(cells)
    if cells.dtype != pl.String:
        return _from_stored(cells, reading.kind)
    values = _PARSERS[reading.kind](cells, reading.style)
    if values.null_count() == cells.null_count():
        return values
    retried = cells.filter(values.is_null() & cells.is_not_null()).unique()
    cleaned = _PARSERS[reading.kind](retried.str.strip_chars(), reading.style)
    if cleaned.null_count() == len(cleaned):
        return values
    return values.fill_null(cells.replace_strict(retried, cleaned, default=None, return_dtype=values.dtype))


def unfit(cells: pl.Series, values: pl.Series, reading: Reading) -> pl.Series | None:
    """A mask of the cells that hold something which is no value of the kind; ``None`` if all fit."""
    if reading.kind == "text" or values.null_count() == cells.null_count():
        return None
    wrong = values.is_null() & cells.is_not_null()
    if cells.dtype.is_float():
        wrong &= ~cells.is_nan().fill_null(value=False)  # not a number: nothing
    if cells.dtype == pl.String:
        nothing = TYPED_NULLS + _ZERO_DATES if reading.kind in ("date", "datetime") else TYPED_NULLS
        wrong &= ~cells.str.strip_chars().is_in(nothing)
    return wrong if wrong.any() else None


def _text(cells: pl.Series, empty_is_null: bool) -> pl.Series:
    dtype = cells.dtype
    if dtype == pl.Binary:
        return cells.bin.encode("hex")
    if dtype == pl.Float64:  # 44000.0 where a text such as 44000 is meant
        whole = cells.cast(pl.Int64, strict=False)
        exact = (whole.cast(pl.Float64) == cells).fill_null(value=False)
        return cells.cast(pl.String).zip_with(~exact, whole.cast(pl.String))
    if isinstance(dtype, pl.Datetime):
        return cells.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").str.strip_suffix(".000000")
    text = cells.cast(pl.String)
    if not empty_is_null:
        return text
    nothing = (text == "") | text.is_in(TEXT_NULLS)
    return text.set(nothing, None) if nothing.any() else text


def _integers(cells: pl.Series, style: str) -> pl.Series:
    values = cells.cast(pl.Int64, strict=False)
    if values.null_count() == cells.null_count():
        return values
    if not style:  # 1.000 may be a thousand
        cells = cells.set(cells.str.contains(_THOUSANDS).fill_null(value=False), None)
    return values.fill_null(_whole(_numbers(cells, style)))


def _whole(numbers: pl.Series) -> pl.Series:
    """Numbers without a fraction as integers, null for others and for those too large to be exact."""
    whole = numbers.cast(pl.Int64, strict=False)
    exact = (whole.cast(pl.Float64) == numbers) & (numbers.abs() < 2**53)
    return whole.set(~exact.fill_null(value=False), None)


def _numbers(cells: pl.Series, style: str) -> pl.Series:
    if style in _WRITTEN:
        wanted = cells.str.contains(_WRITTEN[style])
        bare = cells.str.replace_all(r"[$€£\s]", "")
        if style == "1,234.5":
            bare = bare.str.replace_all(",", "", literal=True)
        else:
            bare = bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        cells = bare.set(~wanted.fill_null(value=False), None)
    values = cells.cast(pl.Float64, strict=False)
    finite = values.is_finite()
    return values if finite.all() else values.set(~finite.fill_null(value=True), None)


def date_shape(style: str) -> str:
    """The regular expression of what is written in a date format."""
    shape = style.replace(".", r"\.").replace(r"%\.f", "%.f")
    for code, pattern in _SHAPES.items():
        shape = shape.replace(code, pattern)
    return f"^{shape}$"


def _dates(cells: pl.Series, style: str) -> pl.Series:
    if style:
        plain = cells.set(~cells.str.contains(date_shape(style)).fill_null(value=False), None)
        return plain.str.strptime(pl.Date, style, strict=False)
    values = cells.str.strptime(pl.Date, "%Y-%m-%d", strict=False)
    short = cells.str.len_bytes() == 10  # %Y takes 24-1-1 as well
    if not short.all():
        values = values.set(~short.fill_null(value=False), None)
    if values.null_count() == cells.null_count():
        return values
    moments = _datetimes(cells, "")
    midnight = moments.dt.time().cast(pl.Int64) == 0
    return values.fill_null(moments.set(~midnight.fill_null(value=False), None).dt.date())


def _datetimes(cells: pl.Series, style: str) -> pl.Series:
    if style:
        plain = cells.set(~cells.str.contains(date_shape(style)).fill_null(value=False), None)
        return plain.str.strptime(pl.Datetime("us"), style, strict=False)
    text = cells.str.replace("T", " ", literal=True).str.strip_suffix("Z")
    values = pl.Series([None] * len(cells), dtype=pl.Datetime("us"))
    for time in TIMES[1:]:
        if values.null_count() > cells.null_count():
            values = values.fill_null(_datetimes(text, "%Y-%m-%d" + time))
    return values.fill_null(
        text.set(text.str.len_bytes() != 10, None).str.strptime(pl.Datetime("us"), "%Y-%m-%d", strict=False)
    )


def _booleans(cells: pl.Series, _style: str) -> pl.Series:
    lower = cells.str.to_lowercase()
    truth = lower.is_in(_TRUE)
    known = truth | lower.is_in(_FALSE)
    return truth if known.all() else truth.set(~known, None)


def _binary(cells: pl.Series) -> pl.Series:
    if cells.dtype != pl.String:
        return cells if cells.dtype == pl.Binary else _nothing(cells, "binary")
    prefixed = cells.str.starts_with("0x")
    digits = cells.str.strip_prefix("0x").set(~prefixed.fill_null(value=False), None)
    return digits.str.decode("hex", strict=False)


def _from_stored(cells: pl.Series, kind: str) -> pl.Series:
    """Values that the source stores as numbers, dates or bytes, as ``kind``."""
    dtype = cells.dtype
    if kind == "integer" and dtype.is_numeric():
        whole = dtype.is_integer()
        return cells.cast(pl.Int64, strict=False) if whole else _whole(cells.cast(pl.Float64, strict=False))
    if kind == "number" and dtype.is_numeric():
        values = cells.cast(pl.Float64, strict=False)
        finite = values.is_finite()
        return values if finite.all() else values.set(~finite.fill_null(value=True), None)
    if kind == "boolean" and dtype == pl.Boolean:
        return cells
    if kind == "boolean" and dtype.is_integer():
        return cells.cast(pl.Int64, strict=False).replace_strict([0, 1], [False, True], default=None)
    if kind == "datetime" and dtype.base_type() in (pl.Date, pl.Datetime):
        return cells.cast(pl.Datetime("us"))
    if kind == "date" and dtype == pl.Date:
        return cells
    if kind == "date" and isinstance(dtype, pl.Datetime):
        midnight = cells.dt.time().cast(pl.Int64) == 0
        return cells.set(~midnight.fill_null(value=True), None).dt.date()
    return _nothing(cells, kind)


def _nothing(cells: pl.Series, kind: str) -> pl.Series:
    return pl.Series([None] * len(cells), dtype=_DTYPES[kind])


_DTYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "boolean": pl.Boolean(),
    "binary": pl.Binary(),
}
_PARSERS = {
    "integer": _integers,
    "number": _numbers,
    "date": _dates,
    "datetime": _datetimes,
    "boolean": _booleans,
}
