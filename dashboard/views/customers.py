"""Credit limits and purchasing power of customers."""

from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.events import SelectionGeometry
from bokeh.models import BoxSelectTool
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.sales_data import SalesData, credit_limit_histogram, customer_points, purchasing_power
from dashboard import theme
from dashboard.view import Chart

_DEEPEST = 0.9
_FAINTEST = 0.15


class CreditLimits(Chart):
    """How many customers have which credit limit; dragging across the bars filters by it."""

    slug = "credit-limits"
    needs = ("credit limits",)
    title = "Customers by credit limit ({currency})"
    description = "Current limits. Drag across the bars to keep customers with such limits."
    sql = ("eda/credit_limits",)
    brush = "credit_limit"
    measures = ("customers",)
    value_axis = "both"
    tooltips = (("Credit limit", "@bin_start{0,0} to @bin_end{0,0}"), ("Customers", "@customers{0,0}"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = credit_limit_histogram(sales, filters, skip=self.sets)
        return frame.with_columns(
            middle=(pl.col("bin_start") + pl.col("bin_end")) / 2,
            customers=pl.col("customers").cast(pl.Float64),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="middle",
            y="customers",
            color=theme.ACCENT,
            line_color=None,
            xlabel="",
            ylabel="",
            responsive=True,
        )

    def restyle(self, figure: Figure) -> None:  # noqa: ARG002
        rows = self._front[0].data_source.data
        for renderer in [*self._front, *self._back]:
            renderer.glyph.width = 0.9 * (rows["bin_end"][0] - rows["bin_start"][0])


class PurchasingPower(Chart):
    """Trailing revenue by country against the credit that customers there have."""

    slug = "purchasing-power"
    title = "Purchasing power by country ({currency})"
    description = "Bars: revenue of the last 365 days. Ticks: sum of current credit limits."
    sql = ("marts/customers",)
    category = "country"
    click = ("country", "country")
    value_axis = "x"
    limit = 12
    tooltips = (
        ("", "@country"),
        ("Revenue, 365 days", "@revenue_365{0,0}"),
        ("Credit limits", "@credit_limit{0,0}"),
        ("Customers", "@customers{0,0}"),
        ("of them active", "@active_customers{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return purchasing_power(sales, filters, skip=self.sets)

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="country",
            y="revenue_365",
            color=theme.ACCENT,
            line_color=None,
            xlabel="",
            ylabel="",
            responsive=True,
        )

    def restyle(self, figure: Figure) -> None:
        for renderer in [*self._front, *self._back]:
            renderer.glyph.height = 0.74
        figure.scatter(
            x="credit_limit", y="country", source=self._front[0].data_source, marker="dash", angle=1.5708,
            size=12, line_width=2.5, line_color=theme.SECOND, line_alpha="mark_alpha",
        )  # fmt: skip


class CustomerScatter(Chart):
    """Every customer by credit limit and trailing revenue; a box filters by both."""

    slug = "customer-scatter"
    needs = ("credit limits",)
    title = "Customers: credit limit against revenue of 365 days ({currency})"
    description = "Drag a box to keep those customers. Pale: not in the selection."
    sql = ("marts/customers",)
    pale = False
    value_axis = "both"
    tooltips = (
        ("", "@customer_name (@country)"),
        ("Credit limit", "@credit_limit{0,0}"),
        ("Revenue, 365 days", "@revenue_365{0,0}"),
    )

    @property
    def sets(self) -> tuple[str, ...]:
        return ("credit_limit", "spend")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        frame = customer_points(sales, filters, skip=self.sets)
        if "key" in frame.columns:
            return frame.with_columns(
                mark_alpha=pl.when(pl.col("selected") == 1).then(0.7).otherwise(theme.PALE_ALPHA * 0.6)
            )
        most = frame["selected"].cast(pl.Float64).log1p().max() or 1.0
        depth = pl.col("selected").cast(pl.Float64).log1p() / most
        return frame.with_columns(
            mark_alpha=pl.when(pl.col("selected") > 0)
            .then(_FAINTEST + depth * (_DEEPEST - _FAINTEST))
            .otherwise(theme.PALE_ALPHA * 0.4)
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(
            x="credit_limit", y="revenue_365", color=theme.ACCENT, size=40, line_color=None,
            xlabel="Credit limit", ylabel="Revenue, 365 days", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        binned = "customers" in front.data_source.data
        if binned:
            figure.renderers.remove(front)
            front = figure.rect(
                x="credit_limit", y="revenue_365", width="credit_limit_width", height="revenue_365_width",
                source=front.data_source, fill_color=theme.ACCENT, line_color=None,
            )  # fmt: skip
            self._front = [front]
            counts = [("Customers here", "@customers{0,0}"), ("in the selection", "@selected{0,0}")]
            figure.toolbar.tools = [theme.hover(counts, renderers=[front])]
        front.glyph.fill_alpha = "mark_alpha"
        front.nonselection_glyph = front.selection_glyph = None
        select = BoxSelectTool(persistent=False)
        figure.add_tools(select)
        figure.toolbar.active_drag = select
        figure.on_event(SelectionGeometry, self._boxed)

    def _boxed(self, event: SelectionGeometry) -> None:
        if not event.final or event.geometry["type"] != "rect":
            return
        self._front[0].data_source.selected.indices = []
        shape = event.geometry
        low, high = sorted((round(shape["x0"]), round(shape["x1"])))
        least, most = sorted((round(shape["y0"]), round(shape["y1"])))
        self.session.filters.param.update(
            credit_limit=(float(max(low, 0)), float(max(high, 0))), spend=(float(least), float(most))
        )
