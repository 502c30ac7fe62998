"""From the rows of a result to those that hvPlot's explorer draws: few, in pandas, of plain types."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from core.adhoc import QueryResult
from core.errors import SalesError
from dashboard.sql_page.chart_shapes import suggested
from dashboard.sql_page.rows import text_of

MOST_ROWS = 10_000
_FIRST_KIND = {"histogram": "hist", "bar": "bar", "line": "line", "scatter": "scatter"}


@dataclass(frozen=True)
class Sample:
    """Rows for the explorer, what it begins with, and how many rows were left out in words."""

    rows: Any
    first: dict[str, str]
    note: str


def sample_of(result: QueryResult) -> Sample:
    """At most ``MOST_ROWS`` rows of ``result``, evenly spaced from the first to the last.

    Raises
    ------
    SalesError
        No column holds numbers.
    """
    import hvplot.ui  # noqa: F401 - takes long the first time, and this runs off the event loop

    names = [name for name, kind in result.columns if kind in ("integer", "number")]
    if not names:
        raise SalesError("No column holds numbers.", "The explorer needs at least one; COUNT(*) makes one.")
    frame, note = result.frame, ""
    if frame.height > MOST_ROWS:
        places = pl.int_range(MOST_ROWS, eager=True) * (frame.height - 1) // (MOST_ROWS - 1)
        note = (
            f"The explorer draws {MOST_ROWS:,} of {frame.height:,} rows, evenly spaced."
            " The tab Chart sums up all of them."
        )
        frame = frame[places]
    plain = frame.select(_plain(frame[name], kind) for name, kind in result.columns)
    rows = plain.to_pandas()
    if "index" in rows:
        rows = rows.rename(columns={"index": "index "})  # hvPlot takes this name for the number of the row
    for name in rows.select_dtypes("str").columns:
        rows[name] = rows[name].astype(object)  # HoloViews cannot reshape pandas' own texts
    return Sample(rows, _first(plain, result.columns), note)


def _plain(column: pl.Series, kind: str) -> pl.Series:
    """Numbers, dates and texts as they are; anything else as it is shown in the table."""
    if kind in ("integer", "number", "date", "datetime"):
        return column
    texts = [None if value is None else text_of(value, kind) for value in column]
    return pl.Series(column.name, texts, dtype=pl.String).fill_null("–")


def _first(frame: pl.DataFrame, columns: tuple[tuple[str, str], ...]) -> dict[str, str]:
    choice = suggested(columns)
    kind = _FIRST_KIND[choice.kind]
    if kind in ("bar", "line") and frame[choice.x].n_unique() < frame.height:
        kind = "scatter"
    first = {"kind": kind, "x": choice.x, "y": choice.y}
    return {part: "index " if part != "kind" and value == "index" else value for part, value in first.items()}
