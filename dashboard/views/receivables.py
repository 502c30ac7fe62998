"""Receivables: how old what is open is, and how long customers take to pay."""

from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import CustomJSTickFormatter, Span, TapTool
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.sales.invoices import (
    BUCKETS,
    ageing,
    days_to_pay,
    ignored_by_invoices,
    load_invoices,
    owing_in,
)
from core.sales_data import SalesData
from dashboard import theme
from dashboard.view import Chart, in_the_middle

_MOST_CHOSEN = 50
_AS_GOOD_AS_ALL = 0.995
_HEADROOM = 1.25  # for the legend


class Ageing(Chart):
    """Open invoices by days past due."""

    slug = "ageing"
    needs = ("payments",)
    title = "Open invoices by days past due ({currency})"
    description = "At the as-of date. A click keeps the customers who owe there. Pale: without filters."
    sql = ("marts/invoices", "marts/payments")
    subject = "balances"
    category = "bucket"
    measures = ("open_amount",)
    empty_message = "No invoice is open for these filters."
    tooltips = (
        ("Past due", "@bucket"),
        ("Open", "@open_amount{0,0}"),
        ("of what is open", "@share{0.0%}"),
        ("Invoices", "@invoices{0,0}"),
        ("Customers", "@customers{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        chosen = self._chosen(sales, filters)
        invoices = load_invoices(self.session.database, sales)
        frame = ageing(sales, invoices, filters, skip=("customer",) if chosen else ())
        lit = pl.lit(True) if not chosen else pl.col("bucket").cast(pl.String) == chosen
        return frame.with_columns(
            pl.Series("color", theme.AGEING), mark_alpha=pl.when(lit).then(1.0).otherwise(theme.MUTED_ALPHA)
        )

    def _customers(self, sales: SalesData, bucket: str) -> tuple[str, ...]:
        """Who is chosen by a click on a bucket."""
        invoices = load_invoices(self.session.database, sales)
        return sales.once(("owing in", bucket), lambda: owing_in(sales, invoices, bucket, _MOST_CHOSEN))

    def _chosen(self, sales: SalesData, filters: SalesFilters) -> str:
        """The bucket whose customers are chosen, if any."""
        customers = set(filters.values_of("customer"))
        if not customers:
            return ""
        return next((name for name in BUCKETS if set(self._customers(sales, name)) == customers), "")

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="bucket",
            y="open_amount",
            color=theme.ACCENT,
            line_color=None,
            xlabel="",
            ylabel="",
            responsive=True,
        )

    def restyle(self, figure: Figure) -> None:
        figure.xaxis[0].formatter = CustomJSTickFormatter(code="return tick.replace(' days', '')")
        for renderer in self._front:
            renderer.glyph.fill_color = "color"
            renderer.data_source.selected.on_change("indices", self._bucket_clicked)
        figure.add_tools(TapTool(renderers=self._front))
        for renderer in [*self._front, *self._back]:
            renderer.glyph.width = 0.74

    def _bucket_clicked(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        sales = self.session.sales
        if len(indices) != 1 or sales is None:
            return
        source = self._front[0].data_source
        bucket = str(source.data["bucket"][indices[0]])
        source.selected.indices = []
        filters = self.session.filters
        again = self._chosen(sales, filters) == bucket
        filters.customers = [] if again else list(self._customers(sales, bucket))

    def note(self, frame: pl.DataFrame) -> str:
        sales = self.session.sales
        assert sales is not None
        told = load_invoices(self.session.database, sales).quality
        matched = (
            "Paid invoices were all matched by amount."
            if told.certain_share > _AS_GOOD_AS_ALL
            else f"{told.certain_share:.0%} of paid invoices were matched by amount, the rest oldest first."
        )
        chosen = self._chosen(sales, self.session.filters)
        most = f"Chosen: who owes most there, at most {_MOST_CHOSEN}. " if chosen else ""
        return f"{matched} {most}{super().note(frame)}".strip()


class DaysToPay(Chart):
    """Days from invoice to payment by month of payment."""

    slug = "days-to-pay"
    needs = ("payments",)
    title = "Days to pay by month of payment (days)"
    description = "Half and nine of ten invoices were paid within so many days; dashed: the payment terms."
    sql = ("marts/invoices", "marts/payments")
    brush = "period"
    tooltips = (
        ("Month", "@month{%b %Y}"),
        ("Half paid within", "@median_days{0} days"),
        ("Nine of ten within", "@slow_days{0} days"),
        ("Paid late", "@late_share{0%}"),
        ("Invoices", "@invoices{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        invoices = load_invoices(self.session.database, sales)
        return in_the_middle(days_to_pay(sales, invoices, filters, skip=self.sets))

    def plot(self, frame: pl.DataFrame) -> Any:
        overlay: Any = None
        for column, label, color in (
            ("median_days", "Half of the invoices", theme.ACCENT),
            ("slow_days", "Nine of ten", theme.SECOND),
        ):
            line = frame.hvplot.line(
                x="middle", y=column, label=label, color=color, line_width=2, xlabel="", ylabel="",
                responsive=True,
            )  # fmt: skip
            overlay = line if overlay is None else overlay * line
        return overlay.opts(legend_position="top_left", legend_cols=2)

    def restyle(self, figure: Figure) -> None:
        assert self.session.sales is not None
        self._terms = Span(
            location=self.session.sales.terms_days,
            dimension="width",
            line_color=theme.PALE,
            line_dash="dashed",
            line_width=1.5,
        )
        figure.add_layout(self._terms)

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        shown = [frame, *(pl.DataFrame({"slow_days": r.data_source.data["slow_days"]}) for r in self._back)]
        highest = max((float(some["slow_days"].max() or 0) for some in shown), default=0.0)
        lowest = float(frame["median_days"].min() or 0)
        figure.y_range.start = 0 if lowest >= 0 else None
        figure.y_range.end = highest * _HEADROOM if highest > 0 else None

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        unused = ignored_by_invoices(self.session.filters, with_period=True)
        names = " or ".join(name.replace("_", " ") for name in unused)
        return f"Not filtered by {names}: these figures are not split that way." if unused else ""
