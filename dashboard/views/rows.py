"""Tables: pages of rows taken from a frame in memory, sorted by a click on a heading."""

import datetime as dt
import math
from typing import Any, ClassVar

import polars as pl

from core.filters import SalesFilters
from core.sales.frames import id_text
from core.sales_data import SalesData, order_rows
from dashboard.components import RowTable
from dashboard.predictions.action_list import open_customer
from dashboard.session import Session
from dashboard.view import View

_NUMERIC = ("integer", "money", "index", "figures")


class PagedRows(View):
    """A view whose content is a table; ``columns`` are (name, title, kind).

    A kind is text, date or customer; of numbers integer, money, index (two digits) or figures (three that
    count). A column of kind ``customer`` opens the page of the customer in column ``customer_id``.
    """

    columns: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    page_size: ClassVar[int] = 12

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.table: RowTable | None = None

    def show(self, frame: pl.DataFrame) -> None:
        if self.table is None:
            described = [
                {
                    "name": name,
                    "title": title,
                    "numeric": kind in _NUMERIC,
                    "link": kind == "customer",
                }
                for name, title, kind in self.columns
            ]
            self.table = RowTable(
                columns=described,
                page_size=self.page_size,
                on_open=lambda key: open_customer(self.session, key),
                sizing_mode="stretch_both",
            )
            self.table.param.watch(self._turned, ["page", "sort", "descending"])
            self._content[:] = [self.table]
        self.frame = frame
        if self.table.page:
            self.table.page = 0
        self._fill_page()

    def _turned(self, *events: Any) -> None:
        table = self.table
        assert table is not None
        if table.page and any(event.name in ("sort", "descending") for event in events):
            table.page = 0
        self._fill_page()

    def _fill_page(self) -> None:
        table, frame = self.table, self.frame
        assert table is not None
        assert frame is not None
        if table.sort:
            frame = frame.sort(table.sort, descending=table.descending, nulls_last=True, maintain_order=True)
        page = frame.slice(table.page * self.page_size, self.page_size)
        rows = [[cell_text(row[name], kind) for name, _, kind in self.columns] for row in page.to_dicts()]
        linked = any(kind == "customer" for _, _, kind in self.columns)
        keys = id_text(page["customer_id"]).fill_null("").to_list() if linked else []
        table.param.update(rows=rows, keys=keys, total=frame.height)


def cell_text(value: Any, kind: str) -> str:
    """A value as a table shows it, by the kind of its column."""
    if value is None:
        return "–"
    if kind == "money":
        return f"{value:,.2f}"
    if kind == "integer":
        return f"{value:,.0f}"
    if kind == "index":
        return f"{value:.2f}".replace("-", "−")
    if kind == "figures":
        return _three_figures(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def _three_figures(value: float) -> str:
    """The three digits that count: 61,700, 788, 14.2, −0.0657."""
    if not value:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    text = f"{abs(round(value, digits)):,.{max(0, digits)}f}"
    return f"−{text}" if value < 0 else text


class OrderRows(PagedRows):
    """The order lines behind the selection."""

    slug = "order-rows"
    title = "Order lines behind the selection ({currency})"
    description = "Newest first; click a heading to sort. Download takes all of them."
    sql = ("marts/order_lines",)
    wide = True
    height = 380
    columns = (
        ("order_date", "Order date", "date"),
        ("order_id", "Order", "text"),
        ("customer_name", "Customer", "customer"),
        ("country", "Country", "text"),
        ("product_name", "Product", "text"),
        ("product_line", "Product line", "text"),
        ("quantity", "Pieces", "integer"),
        ("revenue", "Revenue", "money"),
        ("gross_profit", "Gross profit", "money"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return order_rows(sales, filters)

    def note(self, frame: pl.DataFrame) -> str:
        sales = self.session.sales
        if sales is not None and sales.is_sampled:
            return f"Lines of a random {sales.sampled_share:.1%} of customers: all are too many for memory."
        return super().note(frame)
