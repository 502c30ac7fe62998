"""Results as files: CSV, Parquet and Excel, made off the event loop and handed over part by part."""

import datetime as dt
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import polars as pl

from core.errors import SalesError

PART_BYTES = 1_000_000
BLOCK_ROWS = 50_000
EXCEL_ROWS = 1_048_575
EXCEL_CELLS = 5_000_000
TYPES = {
    "csv": "text/csv;charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LARGEST_INTEGER = 10**15 - 1
_LONGEST_TEXT = 32_767
_FIRST_EXCEL_DAY = dt.date(1900, 3, 1)
_FORMULA = r"^[\s]*[=+\-@＝＋－＠]|^[\t\r]"
_PLAIN_NUMBER = r"^[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$"


@dataclass(frozen=True)
class Part:
    """A piece of a file: its bytes, how much is there by now (0 to 1), and whether it is the last."""

    content: bytes
    done: float
    last: bool


class ResultFile:
    """One file under way: ``next_part`` is called until it gives the last."""

    def __init__(self, frame: pl.DataFrame, form: str) -> None:
        self.name = f"query.{form}"
        self.media_type = TYPES[form]
        self._parts = _csv_parts(frame) if form == "csv" else _file_parts(frame, form)

    def next_part(self) -> Part:
        """The next piece. Raises ``SalesError`` if the rows cannot be written this way."""
        return next(self._parts)

    def close(self) -> None:
        """Give everything back."""
        self._parts.close()  # type: ignore[attr-defined]


def safe_for_spreadsheets(frame: pl.DataFrame) -> pl.DataFrame:
    """For CSV: text that a spreadsheet would take for a formula gets an apostrophe, plain numbers do not.

    CSV knows no types, so nothing else stops a spreadsheet from running such a cell. Parquet and Excel files
    hold texts as they are.
    """
    text = pl.col(pl.String)
    risky = text.str.contains(_FORMULA) & ~text.str.contains(_PLAIN_NUMBER)
    guarded = flat(frame).with_columns(pl.when(risky).then(pl.lit("'") + text).otherwise(text).name.keep())
    return guarded.rename(dict(zip(guarded.columns, _safe_names(guarded.columns), strict=True)))


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists, durations and the like as text, bytes as hex."""
    return frame.with_columns(
        frame[name].bin.encode("hex") if dtype == pl.Binary else words_of(frame[name])
        for name, dtype in frame.schema.items()
        if dtype == pl.Binary or dtype == pl.Duration or dtype.is_nested()
    )


def fit_for_excel(frame: pl.DataFrame) -> pl.DataFrame:
    """What Excel can hold without changing it.

    Columns with integers of more than 15 digits or with days before March 1900 become text; numbers that are
    not finite become empty cells; texts are cut at the longest that a cell can hold.
    """
    columns = []
    for column in flat(frame).get_columns():
        dtype = column.dtype
        if dtype.is_integer():
            large = (column.max() or 0) > _LARGEST_INTEGER or (column.min() or 0) < -_LARGEST_INTEGER
            column = column.cast(pl.String) if large else column
        elif dtype.is_float():
            column = column.to_frame().select(pl.when(column.is_finite()).then(pl.first())).to_series()
        elif dtype in (pl.Date, pl.Datetime):
            first = column.cast(pl.Date).min()
            if first is not None and first < _FIRST_EXCEL_DAY:  # type: ignore[operator]
                column = column.dt.to_string("iso")
        elif dtype == pl.String:
            column = column.str.slice(0, _LONGEST_TEXT)
        columns.append(column)
    return pl.DataFrame(dict(zip(_sheet_names(frame.columns), columns, strict=True)))


def _sheet_names(names: list[str]) -> list[str]:
    """Names that a sheet can hold: none empty, none like another but for upper and lower case."""
    given: list[str] = []
    for at, name in enumerate(names, 1):
        wanted = first = name[:250] or f"column {at}"
        number = itertools.count(2)
        while wanted.lower() in {other.lower() for other in given}:
            wanted = f"{first} {next(number)}"
        given.append(wanted)
    return given


def words_of(column: pl.Series) -> pl.Series:
    """Lists and the like as text."""
    return pl.Series(column.name, [None if v is None else str(v) for v in column.to_list()], dtype=pl.String)


def _safe_names(names: list[str]) -> list[str]:
    safe = pl.Series(names, dtype=pl.String).str.contains(_FORMULA)
    return [f"'{name}" if risky else name for name, risky in zip(names, safe, strict=True)]


def _csv_parts(frame: pl.DataFrame) -> Iterator[Part]:
    total = max(1, frame.height)
    for start in range(0, total, BLOCK_ROWS):
        block = safe_for_spreadsheets(frame.slice(start, BLOCK_ROWS))
        content = block.write_csv(
            include_header=start == 0, datetime_format="%Y-%m-%d %H:%M:%S%.f", time_format="%H:%M:%S%.f"
        ).encode()
        yield Part(content, min(1.0, (start + BLOCK_ROWS) / total), start + BLOCK_ROWS >= total)


def _file_parts(frame: pl.DataFrame, form: str) -> Iterator[Part]:
    with tempfile.TemporaryFile(prefix="sql-page-") as file:
        if form == "parquet":
            frame.write_parquet(file)
        else:
            _write_excel(frame, file)
        total = file.tell()
        file.seek(0)
        sent = 0
        while sent < total:
            content = file.read(PART_BYTES)
            sent += len(content)
            yield Part(content, sent / total, sent >= total)


def _write_excel(frame: pl.DataFrame, file: IO[bytes]) -> None:
    try:
        from xlsxwriter import Workbook
    except ImportError:
        raise SalesError(
            "Excel files cannot be made: the Python package xlsxwriter is not installed on the server.",
            "Save as CSV, which Excel opens too, or ask the operator to install it.",
        ) from None
    if frame.height > EXCEL_ROWS or frame.height * frame.width > EXCEL_CELLS:
        raise SalesError(
            f"{frame.height:,} rows of {frame.width} columns are too many for an Excel sheet.",
            "Save as CSV or Parquet, or ask for fewer rows.",
        )
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(file, options) as book:
        fit_for_excel(frame).write_excel(
            book, worksheet="Result", autofit=frame.height <= BLOCK_ROWS, freeze_panes=(1, 0),
            dtype_formats={pl.Int64: "0", pl.Float64: "#,##0.00####"},
        )  # fmt: skip
