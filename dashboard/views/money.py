"""Money over time: revenue and profit, invoices and payments, what customers owe."""

from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.sales.absent import with_known_profit
from core.sales.debtors import largest_debtors
from core.sales_data import SalesData, payments_and_invoices, revenue_by_month
from dashboard import theme
from dashboard.view import Chart, in_the_middle


class RevenueAndProfit(Chart):
    """Revenue and gross profit by month."""

    slug = "revenue-and-profit"
    title = "Revenue and gross profit by month ({currency})"
    description = "Drag across the months to choose a period. Pale: without filters."
    sql = ("eda/revenue_by_month",)
    brush = "period"
    measures = ("revenue",)
    tooltips = (
        ("Month", "@month{%b %Y}"),
        ("Revenue", "@revenue{0,0}"),
        ("Gross profit", "@gross_profit{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return in_the_middle(with_known_profit(sales, revenue_by_month(sales, filters, skip=self.sets)))

    def plot(self, frame: pl.DataFrame) -> Any:
        return _lines(
            frame, ("revenue", "Revenue", theme.ACCENT), ("gross_profit", "Gross profit", theme.SECOND)
        )

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        _from_zero(figure, frame, "revenue", "gross_profit")


class PaymentsAndInvoices(Chart):
    """What was invoiced and what was received, by month."""

    slug = "payments-and-invoices"
    needs = ("payments",)
    title = "Invoiced and received by month ({currency})"
    description = "Invoices by invoice date, payments by the day they came in."
    sql = ("eda/payments_and_invoices",)
    subject = "payments"
    measures = ("invoiced", "received")
    tooltips = (("Month", "@month{%b %Y}"), ("Invoiced", "@invoiced{0,0}"), ("Received", "@received{0,0}"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return in_the_middle(payments_and_invoices(sales, filters))

    def plot(self, frame: pl.DataFrame) -> Any:
        return _lines(frame, ("invoiced", "Invoiced", theme.ACCENT), ("received", "Received", theme.SECOND))

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        _from_zero(figure, frame, "invoiced", "received")


class LargestDebtors(Chart):
    """The customers who owe most, and how much of it is overdue."""

    slug = "largest-debtors"
    needs = ("payments",)
    wide = True
    title = "Who owes most ({currency})"
    description = "Bars: outstanding, red: the overdue part of it. Payments settle the oldest invoices first."
    sql = ("marts/customer_receivables",)
    subject = "balances"
    category = "customer_name"
    click = ("key", "customer")
    pale = False
    value_axis = "x"
    tooltips = (
        ("", "@customer_name"),
        ("Outstanding", "@outstanding{0,0}"),
        ("Overdue", "@overdue{0,0}"),
        ("Credit limit", "@credit_limit{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return largest_debtors(sales, filters, skip=self.sets, limit=14)

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="customer_name", y="outstanding", color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        self._front[0].glyph.height = 0.74
        overdue = figure.hbar(
            y="customer_name", right="overdue", source=self._front[0].data_source, height=0.74,
            fill_color=theme.RISK["high"], line_color=None,
        )  # fmt: skip
        overdue.nonselection_glyph = overdue.selection_glyph = None
        if "mark_alpha" in self._front[0].data_source.data:
            overdue.glyph.fill_alpha = "mark_alpha"


def _from_zero(figure: Figure, frame: pl.DataFrame, *columns: str) -> None:
    """Let the axis start at zero, so that heights compare, unless something is below."""
    lowest = min((float(frame[name].min() or 0) for name in columns), default=0.0)
    figure.y_range.start = 0 if lowest >= 0 else None


def _lines(frame: pl.DataFrame, *series: tuple[str, str, str]) -> Any:
    """Lines over months, each with its name and colour."""
    overlay: Any = None
    for column, label, color in series:
        line = frame.hvplot.line(
            x="middle",
            y=column,
            label=label,
            color=color,
            line_width=2,
            xlabel="",
            ylabel="",
            responsive=True,
        )
        overlay = line if overlay is None else overlay * line
    return overlay.opts(legend_position="top_left", legend_cols=len(series))
