"""Lists that people work through: searched, sorted, selected, exported; pages of a frame on the server."""

import datetime as dt
from typing import Any, ClassVar

import panel as pn
import polars as pl

from core.errors import SalesError
from dashboard.components.predictions import ActionRows
from dashboard.security.rate_limits import TooOftenError, spend
from dashboard.session import Session
from dashboard.sql_page.files import TYPES, Part, ResultFile
from dashboard.sql_page.running import ROWS, Background
from dashboard.view import View

_NUMERIC = ("integer", "money", "share", "number", "ratio")


class ActionList(View):
    """A view whose content is a list of rows to act on.

    Attributes
    ----------
    columns
        (name, title, kind) with kind text, long, link, date, integer, number, money or share. A ``link``
        opens the page of the customer in column ``key``.
    tones
        By column: the column that holds "high", "medium", "low" or "" for its dot.
    below
        By column: the column that is shown small below its value, such as an interval.
    optional
        Columns that are left out while nothing is known in them.
    hidden
        Columns that are exported but not shown.
    search_in
        Columns that the search looks into.
    first_sort
        Column sorted by at first, the largest on top; empty: the order of ``data``.
    """

    columns: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    tones: ClassVar[dict[str, str]] = {}
    below: ClassVar[dict[str, str]] = {}
    optional: ClassVar[tuple[str, ...]] = ()
    hidden: ClassVar[tuple[str, ...]] = ()
    search_in: ClassVar[tuple[str, ...]] = ("customer_name",)
    search_label: ClassVar[str] = "Search customers"
    first_sort: ClassVar[str] = ""
    selectable: ClassVar[bool] = True
    page_size: ClassVar[int] = 15
    wide = True
    height = 560

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.list: ActionRows | None = None
        self.selected: set[str] = set()
        self._all: pl.DataFrame | None = None
        self._found: pl.DataFrame | None = None
        self._search = ""
        self._file: ResultFile | None = None
        self._background = Background(pn.state.curdoc)

    def show(self, frame: pl.DataFrame) -> None:
        self._all = frame
        if self.list is None:
            self.list = ActionRows(
                columns=self._described(),
                page_size=self.page_size,
                selectable=self.selectable,
                search_label=self.search_label,
                sort=self.first_sort,
                on_event=self._asked,
                sizing_mode="stretch_both",
            )
            self._content[:] = [self.list]
        elif self.optional:
            self.list.columns = self._described()
        if self.selectable:
            self.selected &= set(frame["key"].to_list())
        self._arrange()

    def _shown(self) -> list[tuple[str, str, str]]:
        """The columns that stand beside each other."""
        assert self._all is not None
        frame, small = self._all, set(self.below.values())
        empty = {name for name in self.optional if not frame.height or frame[name].is_null().all()}
        return [column for column in self.columns if column[0] not in small | empty]

    def _described(self) -> list[dict[str, Any]]:
        titles = {name: title for name, title, _kind in self.columns}
        return [
            {
                "name": name,
                "title": title,
                "small": titles.get(self.below.get(name, ""), ""),
                "numeric": kind in _NUMERIC,
                "long": kind == "long",
                "link": kind == "link",
            }
            for name, title, kind in self._shown()
        ]

    def _arrange(self) -> None:
        """Search and sort anew, and show the first page."""
        assert self.list is not None
        assert self._all is not None
        found = self._all
        if self._search:
            word = self._search.lower()
            inside = [
                pl.col(name).cast(pl.String).str.to_lowercase().str.contains(word, literal=True)
                for name in self.search_in
                if name in found.columns
            ]
            found = found.filter(pl.any_horizontal(inside)) if inside else found
        if self.list.sort:
            found = found.sort(
                self.list.sort, descending=self.list.descending, nulls_last=True, maintain_order=True
            )
        self._found = found
        self._turn(0)

    def _turn(self, page: int) -> None:
        assert self.list is not None
        assert self._found is not None
        last = max(0, (self._found.height - 1) // self.page_size)
        page = min(max(0, page), last)
        rows, columns = [], self._shown()
        kinds = {name: kind for name, _title, kind in self.columns}
        small = {name: (self.below[name], kinds[self.below[name]]) for name in self.below}
        for row in self._found.slice(page * self.page_size, self.page_size).to_dicts():
            key = str(row.get("key") or "")
            rows.append(
                {
                    "key": key,
                    "name": str(row.get("customer_name") or key),
                    "cells": [text_of(row[name], kind) for name, _title, kind in columns],
                    "small": [
                        text_of(row[small[name][0]], small[name][1]) if name in small else ""
                        for name, _title, _kind in columns
                    ],
                    "tones": [
                        str(row.get(self.tones[name]) or "") if name in self.tones else ""
                        for name, _title, _kind in columns
                    ],
                    "selected": key in self.selected,
                }
            )
        self.list.param.update(
            rows=rows, total=self._found.height, page=page, selected=len(self.selected), message=""
        )

    def _asked(self, event: dict[str, Any]) -> None:
        """Take what the browser asks for."""
        kind = event.get("kind")
        assert self.list is not None
        if kind == "search":
            self._search = str(event.get("text", "")).strip()
            self._arrange()
        elif kind == "sort":
            self._sort(str(event.get("column", "")))
        elif kind == "turn":
            self._turn(self.list.page + int(event.get("by", 0)))
        elif kind == "pick":
            key = str(event.get("key", ""))
            self.selected = self.selected | {key} if event.get("on") else self.selected - {key}
            self._turn(self.list.page)
        elif kind == "all" and self._found is not None:
            self.selected |= set(self._found["key"].to_list())
            self._turn(self.list.page)
        elif kind == "none":
            self.selected = set()
            self._turn(self.list.page)
        elif kind == "open":
            open_customer(self.session, str(event.get("key", "")))
        elif kind == "export":
            self._export(str(event.get("form", "csv")))
        elif kind == "next":
            self._send_next()

    def _sort(self, column: str) -> None:
        assert self.list is not None
        if column not in {name for name, _title, _kind in self.columns}:
            return
        descending = not self.list.descending if self.list.sort == column else True
        self.list.param.update(sort=column, descending=descending)
        self._arrange()

    def exported(self) -> pl.DataFrame:
        """The selected rows, or all of the list, with the titles of the columns."""
        assert self._found is not None
        rows = self._found.filter(pl.col("key").is_in(self.selected)) if self.selected else self._found
        titles = {name: title for name, title, _kind in self.columns}
        named = [pl.col(name).alias(title) for name, title in titles.items()]
        return rows.select(*named, *(pl.col(name) for name in self.hidden if name in rows.columns))

    def _export(self, form: str) -> None:
        assert self.list is not None
        if form not in TYPES or self.list.exporting:
            return
        try:
            spend("export")
        except TooOftenError as error:
            self.list.message = str(error)
            return
        self._file = ResultFile(self.exported(), form)
        self._file.name = f"{self.slug}.{form}"
        self.list.param.update(exporting=True, message="")
        self._send_next(first=True)

    def _send_next(self, first: bool = False) -> None:
        file, rows = self._file, self.list
        if file is None or rows is None:
            return

        def done(outcome: Part | SalesError) -> None:
            if isinstance(outcome, SalesError):
                rows.param.update(exporting=False, message=str(outcome))
                self._file = None
                return
            rows.tell(
                kind="part", name=file.name, type=file.media_type, part=outcome.content, first=first,
                last=outcome.last,
            )  # fmt: skip
            if outcome.last:
                rows.exporting = False
                self._file = None

        self._background.start(ROWS, file.next_part, done)


def open_customer(session: Session, key: str) -> None:
    """Show the page of one customer."""
    session.param.update(page="customer", tab="", extra={"id": key})


def text_of(value: Any, kind: str) -> str:
    """A cell as people read it; – where nothing is known."""
    if value is None or value != value:
        return "–"
    if kind == "money":
        return f"{value:,.0f}"
    if kind == "integer":
        return f"{value:,.0f}"
    if kind == "number":
        return f"{value:,.1f}"
    if kind == "share":
        return f"{value:.1%}" if abs(value) < 0.0995 else f"{value:.0%}"
    if isinstance(value, dt.date):
        return f"{value:%-d %b %Y}"
    if isinstance(value, list):
        return "; ".join(str(item) for item in value)
    return str(value)
