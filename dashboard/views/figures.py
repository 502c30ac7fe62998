"""The key figures of the selection, and what the data are."""

import datetime as dt
from collections.abc import Callable

import panel as pn
import polars as pl

from core.filters import SalesFilters
from core.sales.absent import what_is_needed
from core.sales_data import KeyFigure, SalesData, key_figures
from dashboard import theme
from dashboard.components import Facts, FigureCards
from dashboard.session import Session
from dashboard.view import View

_MORE_IS_BAD = {"outstanding", "overdue"}
_NEEDS = {"gross_profit": ("purchase prices",), "outstanding": ("payments",), "overdue": ("payments",)}
_UNCHANGED = 0.0005


class KeyFigures(View):
    """Revenue, gross profit, orders, active customers and receivables, with change and sparkline."""

    slug = "key-figures"
    title = "Key figures"
    description = "The chosen period against the one of equal length before it."
    sql = (
        "marts/sales_daily",
        "marts/orders_daily",
        "marts/customer_receivables",
        "marts/customer_movements",
    )

    def __init__(self, session: Session, compact: bool = False) -> None:
        super().__init__(session)
        self.cards = FigureCards(compact=compact, sizing_mode="stretch_width")
        self.figures: list[KeyFigure] = []
        self.caption = ""

    def panel(self) -> pn.viewable.Viewable:
        return self.cards

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        told = key_figures(sales, filters)
        self.figures = list(told.figures)
        self.caption = (
            f"{_days(told.first, told.last)}, compared with the period of equal length before"
            if told.first <= told.last
            else f"There are no orders after {sales.last_day:%-d %B %Y}."
        )
        return pl.DataFrame(
            {"figure": [f.key for f in self.figures], "value": [f.value for f in self.figures]}
        )

    def show(self, frame: pl.DataFrame) -> None:  # noqa: ARG002
        currency = self.session.settings.currency
        sales = self.session.sales
        assert sales is not None
        told = [
            _needing(needed) | {"key": figure.key, "label": figure.label}
            if (needed := what_is_needed(sales, _NEEDS.get(figure.key, ())))
            else _described(figure, currency)
            for figure in self.figures
        ]
        self.cards.param.update(caption=self.caption, figures=told)


def _days(first: dt.date, last: dt.date) -> str:
    days = (last - first).days + 1
    return f"{first:%-d %B %Y} to {last:%-d %B %Y} ({days:,} days)"


def _needing(needed: str) -> dict[str, object]:
    """A figure that the data cannot give."""
    short, _, rest = needed.partition(":\n")
    note = f"{rest[:1].upper()}{rest[1:]}"
    return {"value": "–", "change": short, "trend": "none", "note": note, "spark": []}


def _described(figure: KeyFigure, currency: str) -> dict[str, object]:
    change, trend = "at the as-of date" if figure.key in _MORE_IS_BAD else "no earlier period", "none"
    if figure.change is not None and figure.previous is not None:
        better = (figure.change > 0) != (figure.key in _MORE_IS_BAD)
        trend = "none" if abs(figure.change) < _UNCHANGED else "good" if better else "bad"
        change = f"{theme.percent_change(figure.change)} vs {theme.compact_number(figure.previous)}"
    elif figure.previous is not None:
        change = f"{theme.compact_number(figure.previous)} in the period before"
    shown = "–"
    if figure.value is not None:
        shown = theme.money(figure.value, currency) if figure.unit == "money" else f"{figure.value:,.0f}"
    ignored = " or ".join(name.replace("_", " ") for name in figure.ignored_filters)
    return {
        "key": figure.key,
        "label": figure.label,
        "value": f"≈ {shown}" if figure.is_estimate else shown,
        "change": change,
        "trend": trend,
        "note": f"Not filtered by {ignored}" if ignored else "",
        "spark": list(figure.sparkline),
    }


class DataStatus(View):
    """Which data these are: engine, rows, dates, and when they were loaded."""

    slug = "data-status"
    title = "Data status"
    description = "Where the numbers come from and how fresh they are."
    sql = ("marts/data_status",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.facts = Facts(title=self.title, wide=True, sizing_mode="stretch_width")

    def panel(self) -> pn.viewable.Viewable:
        return self.facts

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        status = self.session.database_facts()
        count: Callable[[int], str] = "{:,}".format
        rows = [
            ("Source", status["source"]),
            ("Engine", status["engine"]),
            ("Order lines (not cancelled)", count(sales.line_count)),
            ("Customers", count(sales.customers.height)),
            ("Products", count(sales.products.height)),
            ("First order", f"{sales.first_day:%-d %B %Y}"),
            ("Last order", f"{sales.last_day:%-d %B %Y}"),
            ("Loaded", status["loaded"]),
        ]
        if sales.missing:
            rows.append(("Not in the database", ", ".join(sales.missing)))
        if sales.is_sampled:
            rows.append(("Customer charts from a sample of", f"{sales.sampled_share:.1%} of customers"))
        return pl.DataFrame(rows, schema=["label", "value"], orient="row")

    def show(self, frame: pl.DataFrame) -> None:
        self.facts.facts = [
            {**row, "tone": "warning" if row["label"] == "Not in the database" else ""}
            for row in frame.to_dicts()
        ]
