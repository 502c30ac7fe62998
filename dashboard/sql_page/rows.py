"""The rows of a result: pages of ready-made texts, sorted off the event loop."""

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import polars as pl

from core.adhoc import QueryResult
from core.errors import SalesError
from dashboard.components import RowTable
from dashboard.sql_page.files import words_of
from dashboard.sql_page.running import ROWS, Background

PAGE_SIZE = 20
_LONGEST = 120


class ResultRows:
    """The table of one result. Holds the frame until ``clear`` or the next ``show``."""

    def __init__(self, background: Background, turned: Callable[[int, int], None]) -> None:
        self.result: QueryResult | None = None
        self._background = background
        self._turned = turned
        self._order: pl.Series | None = None
        self._showing = False
        self.table = RowTable(page_size=PAGE_SIZE, sizing_mode="stretch_both")
        self.table.param.watch(self._page_changed, "page")
        self.table.param.watch(self._sort_changed, ["sort", "descending"])

    @property
    def frame(self) -> pl.DataFrame:
        """All rows of the result as fetched."""
        return self.result.frame if self.result is not None else pl.DataFrame()

    @property
    def pages(self) -> int:
        """Pages of the table."""
        return -(-self.frame.height // PAGE_SIZE)

    def show(self, result: QueryResult) -> None:
        """Show the first page of ``result``."""
        self.result, self._order, self._showing = result, None, True
        columns = [
            {"name": name, "title": name, "numeric": kind in ("integer", "number")}
            for name, kind in result.columns
        ]
        self.table.param.update(columns=columns, rows=[], total=0, sort="", descending=True, page=0)
        self._showing = False
        self._fill()

    def clear(self) -> None:
        """Forget the rows."""
        self.result = self._order = None
        self._showing = True
        self.table.param.update(rows=[], total=0, page=0)
        self._showing = False

    def turn(self, page: int) -> None:
        """Show page ``page`` (from 0)."""
        self.table.page = max(0, min(int(page), self.pages - 1))

    def _page_changed(self, _event: Any) -> None:
        if not self._showing:
            self._fill()

    def _sort_changed(self, *_events: Any) -> None:
        table, result = self.table, self.result
        if self._showing or result is None:
            return
        name, descending = table.sort, table.descending
        if name not in result.frame.columns:
            return

        def order() -> pl.Series:
            return order_of(result.frame[name], descending)

        def done(outcome: pl.Series | SalesError) -> None:
            if self.result is not result or (table.sort, table.descending) != (name, descending):
                return
            if isinstance(outcome, pl.Series):
                self._order = outcome
            self._showing = True
            table.page = 0
            self._showing = False
            self._fill()

        self._background.start(ROWS, order, done)

    def _fill(self) -> None:
        result, table = self.result, self.table
        if result is None:
            return
        page = page_of(result.frame, self._order, table.page)
        table.param.update(rows=texts(page, result.columns), total=result.frame.height)
        self._turned(table.page, self.pages)


def order_of(column: pl.Series, descending: bool) -> pl.Series:
    """Positions of the rows sorted by ``column``, nulls last; equal values stay as they were."""
    if column.dtype.is_nested():
        column = words_of(column)
    frame = pl.DataFrame({"value": column}).with_row_index("at")
    return frame.sort("value", descending=descending, nulls_last=True, maintain_order=True)["at"]


def page_of(frame: pl.DataFrame, order: pl.Series | None, page: int) -> pl.DataFrame:
    """The rows of page ``page`` in the given order."""
    start = page * PAGE_SIZE
    return frame.slice(start, PAGE_SIZE) if order is None else frame[order.slice(start, PAGE_SIZE)]


def texts(frame: pl.DataFrame, columns: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """The cells as they are shown; the numbers of a column have the same decimals."""
    shown = [
        _numbers(values) if kind == "number" else [text_of(value, kind) for value in values]
        for values, (_, kind) in zip(frame.get_columns(), columns, strict=True)
    ]
    return [list(row) for row in zip(*shown, strict=True)]


def text_of(value: object, kind: str) -> str:
    """One cell: a dash for null, long texts and binary values cut."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "integer":
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes):
        text = value[: _LONGEST // 2].hex(" ")
        return text if len(value) <= _LONGEST // 2 else text + " …"
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _numbers(values: pl.Series) -> list[str]:
    """Numbers with as many decimals as they need, two to six, the same for all."""
    plain = [None if value is None else float(value) for value in values]
    sizes = [abs(value) for value in plain if value is not None and math.isfinite(value)]
    needed = [len(f"{size:.6f}".rstrip("0").rpartition(".")[2]) for size in sizes]
    decimals = max(2, *needed) if needed else 2
    return ["–" if value is None else _number(value, decimals) for value in plain]


def _number(value: float, decimals: int) -> str:
    size = abs(value)
    if not math.isfinite(value) or (size and not 1e-6 <= size < 1e15):
        return f"{value:.6g}"
    return f"{value:,.{decimals}f}"
