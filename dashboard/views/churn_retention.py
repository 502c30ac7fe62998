"""Who comes back: cohorts, active customers over time, time since the last order. Needs no model."""

from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import LinearColorMapper
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions.retention import active_customers, cohort_triangle, silence
from core.sales_data import SalesData
from dashboard import theme
from dashboard.session import Session
from dashboard.view import Chart

_DARK_FROM = 0.5
_EMPTY = "Nobody matches these filters, or no quarter is over yet.\nRemove a filter above."


def _sampled(session: Session) -> str:
    sales = session.sales
    if sales is None or not sales.is_sampled:
        return ""
    return f"From a random {sales.sampled_share:.1%} of customers. "


class CohortTriangle(Chart):
    """Which share of each quarter's new customers ordered again, quarter by quarter."""

    slug = "churn-cohorts"
    title = "Who comes back: customers ordering again, by quarter of their first order (%)"
    description = (
        "A row: the customers who first ordered in that quarter. A column: quarters since. "
        "Darker: more of them ordered. Quarters that are not over are left out."
    )
    subject = "balances"
    sql = ("marts/order_lines",)
    wide = True
    pale = False
    value_axis = None
    height = 420
    empty_message = _EMPTY
    tooltips = (
        ("First order", "@cohort (@customers{0,0} customers)"),
        ("Quarters since", "@quarter"),
        ("Ordered", "@ordered{0,0} (@share{0%})"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return cohort_triangle(sales, filters).with_columns(
            since=pl.col("quarter").cast(pl.String),
            told=(pl.col("share") * 100).round(0).cast(pl.Int64).cast(pl.String),
            ink=pl.when(pl.col("share") >= _DARK_FROM)
            .then(pl.lit(theme.INK_ON_DARK))
            .otherwise(pl.lit(theme.INK_ON_PALE)),
            row=pl.format("{} ({})", "cohort", "customers"),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.heatmap(
            x="since", y="row", C="share", cmap=list(theme.SEQUENTIAL), colorbar=False,
            xlabel="Quarters since the first order", ylabel="", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        front.glyph.fill_color = {"field": "share", "transform": front.glyph.fill_color.transform}
        front.glyph.line_color = None
        figure.grid.visible = False
        figure.text(
            x="since", y="row", text="told", text_color="ink", text_font_size="10px", text_align="center",
            text_baseline="middle", source=front.data_source,
        )  # fmt: skip

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        mapper = self._front[0].glyph.fill_color.transform
        assert isinstance(mapper, LinearColorMapper)
        mapper.update(low=0, high=1)
        figure.x_range.factors = [str(n) for n in range(int(frame["quarter"].max()) + 1)]  # type: ignore[arg-type]
        figure.y_range.factors = frame["row"].unique(maintain_order=True).to_list()[::-1]

    def note(self, frame: pl.DataFrame) -> str:
        return f"{_sampled(self.session)}{super().note(frame)}".strip()


class ActiveCustomers(Chart):
    """How many customers were active at the end of each month."""

    slug = "churn-active"
    title = "Active customers at the end of each month"
    description = "Who had ordered within 365 days, and within 90 days. The first year only fills up."
    subject = "balances"
    sql = ("marts/order_lines",)
    pale = False
    height = 300
    measures = ("active",)
    tooltips = (
        ("Month", "@month{%b %Y}"),
        ("Ordered within 365 days", "@active{0,0}"),
        ("within 90 days", "@recent{0,0}"),
        ("First order in the month", "@new{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return active_customers(sales, filters).with_columns(middle=pl.col("month").dt.month_end())

    def plot(self, frame: pl.DataFrame) -> Any:
        lines = [
            frame.hvplot.line(
                x="middle", y=name, label=label, color=color, line_width=2, xlabel="", ylabel="",
                responsive=True,
            )
            for name, label, color in (
                ("active", "Within 365 days", theme.ACCENT), ("recent", "Within 90 days", theme.SECOND)
            )
        ]  # fmt: skip
        return (lines[0] * lines[1]).opts(legend_position="bottom_right", legend_cols=2)

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:  # noqa: ARG002
        figure.y_range.start = 0

    def note(self, frame: pl.DataFrame) -> str:
        return f"{_sampled(self.session)}{super().note(frame)}".strip()


class Silence(Chart):
    """How long customers have been silent."""

    slug = "churn-silence"
    title = "Customers by days since their last order"
    description = "Everybody who ever ordered. Pale: without filters."
    subject = "balances"
    sql = ("marts/customers",)
    category = "label"
    height = 300
    measures = ("customers",)
    tooltips = (
        ("Last order", "@label ago"),
        ("Customers", "@customers{0,0}"),
        ("Their revenue, 365 days", "@revenue_365{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return silence(sales, filters)

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="label", y="customers", color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        for renderer in [*self._front, *self._back]:
            renderer.glyph.width = 0.8
        figure.y_range.start = 0
        figure.xaxis.major_label_orientation = 0.7
