"""Revenue by month: the strip above the charts on which a period is chosen."""

from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl

from core.filters import SalesFilters
from core.sales.absent import with_known_profit
from core.sales_data import SalesData, revenue_by_month
from dashboard import theme
from dashboard.view import Chart, in_the_middle


class RevenueTimeline(Chart):
    """Monthly revenue as bars; dragging across them sets the period."""

    slug = "revenue-timeline"
    title = "Revenue by month ({currency})"
    description = "Drag across the months to choose a period. Pale: without filters."
    sql = ("eda/revenue_by_month",)
    height = 130
    wide = True
    brush = "period"
    measures = ("revenue",)
    tooltips = (
        ("Month", "@month{%b %Y}"),
        ("Revenue", "@revenue{0,0}"),
        ("Gross profit", "@gross_profit{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        months = revenue_by_month(sales, filters, skip=self.sets)
        return in_the_middle(with_known_profit(sales, months))

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="middle",
            y="revenue",
            color=theme.ACCENT,
            line_color=None,
            xlabel="",
            ylabel="",
            responsive=True,
        )
