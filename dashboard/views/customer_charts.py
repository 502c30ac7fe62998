"""One customer over time: purchases, what was open, and how late invoices were paid."""

import datetime as dt
from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import DatetimeAxis, Span
from bokeh.plotting import figure as Figure  # noqa: N812

from core.predictions.customer import as_steps, balance_steps, payment_delays, purchases_by_month
from dashboard import theme
from dashboard.view import Chart
from dashboard.views.customer_cards import OfCustomer
from dashboard.views.customer_picture import CustomerPicture, picture

_BAR = 24 * 86_400_000
_HEADROOM = 1.24  # for the legend
_MOST_DAYS = 180
_STATES = {
    "paid in time": (theme.RISK["low"], "circle"),
    "paid late": (theme.RISK["medium"], "triangle"),
    "open": (theme.ACCENT, "square"),
    "overdue": (theme.RISK["high"], "diamond"),
}
_NO_PAYMENTS = "There are no payments in these data.\nLoad or map a table of payments on the Data page."


def _milliseconds(day: dt.date) -> float:
    return (dt.datetime.combine(day, dt.time()) - dt.datetime(1970, 1, 1)).total_seconds() * 1000


class CustomerChart(OfCustomer, Chart):
    """A chart over time of one customer, with the as-of date marked where the data go on after it."""

    pale = False

    def mark_as_of(self, figure: Figure) -> None:
        """Add the mark; ``move_as_of`` puts it in its place."""
        self._today = Span(location=0, dimension="height", line_color=theme.PALE, line_dash="dotted")
        figure.add_layout(self._today)

    def move_as_of(self) -> None:
        """Show the mark on the as-of date, unless it is the end of the data."""
        sales = self.session.sales
        assert sales is not None
        found = picture(self.session, sales)
        past = found is not None and found.data_end > found.as_of
        self._today.location = _milliseconds(sales.as_of)
        self._today.visible = past


class Purchases(CustomerChart):
    """What was bought by month and product line."""

    slug = "customer-purchases"
    title = "Purchases by month ({currency})"
    description = "Bars by product line; pale: what came after the as-of date (dotted)."
    sql = ("marts/order_lines",)
    color_by = "product_line"
    empty_message = "No order yet."
    height = 360
    wide = True
    tooltips = (
        ("Month", "@month{%b %Y}"),
        ("Product line", "@product_line"),
        ("Revenue", "@revenue{0,0}"),
        ("Orders with it", "@orders"),
    )

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        frame = purchases_by_month(found.ledger, found.as_of)
        return frame.with_columns(
            middle=pl.col("month").dt.offset_by("14d"),
            orders=pl.col("orders").cast(pl.Int64),
            alpha=pl.when(pl.col("after") == 1).then(theme.MUTED_ALPHA).otherwise(1.0),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(
            x="middle", y="top", color=theme.ACCENT, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        figure.renderers.remove(front)
        bars = figure.vbar(
            x="middle", bottom="bottom", top="top", width=_BAR, source=front.data_source,
            fill_color="mark_color", fill_alpha="alpha", line_color=None, legend_field="product_line",
        )  # fmt: skip
        bars.nonselection_glyph = bars.selection_glyph = None
        self._front = [bars]
        figure.toolbar.tools = [theme.hover(self.tooltips, renderers=[bars])]
        _legend_below(figure)
        self.mark_as_of(figure)

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        figure.y_range.start = 0 if float(frame["bottom"].min() or 0) >= 0 else None
        self.move_as_of()


class Balance(CustomerChart):
    """What was open and what of it was overdue."""

    slug = "customer-balance"
    title = "Open invoices over time ({currency})"
    description = "As known on the as-of date; dashed: the current credit limit."
    sql = ("marts/invoices", "marts/payments")
    tooltips = (
        ("Day", "@day{%-d %b %Y}"),
        ("Open", "@open{0,0}"),
        ("of it overdue", "@overdue{0,0}"),
    )

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        self.empty_message = _NO_PAYMENTS if found.now is None else "No invoice yet."
        if found.now is None:
            return pl.DataFrame()
        return as_steps(balance_steps(found.now))

    def plot(self, frame: pl.DataFrame) -> Any:
        overlay: Any = None
        for column, label, color in (
            ("open", "Open", theme.ACCENT),
            ("overdue", "Overdue", theme.RISK["high"]),
        ):
            line = frame.hvplot.line(
                x="day",
                y=column,
                label=label,
                color=color,
                line_width=2,
                xlabel="",
                ylabel="",
                responsive=True,
            )
            overlay = line if overlay is None else overlay * line
        return overlay.opts(legend_position="top_left", legend_cols=2)

    def restyle(self, figure: Figure) -> None:
        self._limit = Span(location=0, dimension="width", line_color=theme.PALE, line_dash="dashed")
        figure.add_layout(self._limit)

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        sales = self.session.sales
        assert sales is not None
        found = picture(self.session, sales)
        limit = found.known["credit_limit"] if found else None
        self._limit.visible = limit is not None
        self._limit.location = limit or 0
        figure.y_range.start = 0
        figure.y_range.end = max(float(frame["open"].max() or 0), limit or 0, 1.0) * _HEADROOM


class PaymentDelays(CustomerChart):
    """How late each invoice was paid, or is by now."""

    slug = "customer-payment-delays"
    title = "Days past due of each invoice (days)"
    description = (
        "By date of the invoice; below the line: paid before it was due. Open ones until the as-of date."
    )
    sql = ("marts/invoices", "marts/payments")
    value_axis = None
    tooltips = (
        ("Invoice", "@invoice_id of @invoice_date{%-d %b %Y}"),
        ("Amount", "@amount{0,0}"),
        ("Still open", "@open_amount{0,0}"),
        ("Days past due", "@days_past_due"),
        ("", "@state"),
    )

    def of(self, found: CustomerPicture) -> pl.DataFrame:
        self.empty_message = _NO_PAYMENTS if found.now is None else "No invoice yet."
        if found.now is None:
            return pl.DataFrame()
        return payment_delays(found.now).with_columns(
            height=pl.col("days_past_due").clip(upper_bound=_MOST_DAYS),
            color=pl.col("state").replace_strict({name: style[0] for name, style in _STATES.items()}),
            shape=pl.col("state").replace_strict({name: style[1] for name, style in _STATES.items()}),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(
            x="invoice_date", y="height", color=theme.ACCENT, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        figure.renderers.remove(front)
        marks = figure.scatter(
            x="invoice_date", y="height", marker="shape", size=10, source=front.data_source,
            fill_color="color", line_color="color", fill_alpha=0.75, legend_field="state",
        )  # fmt: skip
        marks.nonselection_glyph = marks.selection_glyph = None
        self._front = [marks]
        figure.toolbar.tools = [theme.hover(self.tooltips, renderers=[marks])]
        figure.add_layout(Span(location=0, dimension="width", line_color=theme.PALE, line_dash="dashed"))
        for grid in figure.ygrid:
            grid.visible = True
        _legend_below(figure)

    def note(self, frame: pl.DataFrame) -> str:
        beyond = frame.filter(pl.col("days_past_due") > _MOST_DAYS).height
        if not beyond:
            return ""
        told = "One invoice is" if beyond == 1 else f"{beyond:,} invoices are"
        return f"{told} more than {_MOST_DAYS} days past due, drawn at the upper edge."


def _legend_below(figure: Figure) -> None:
    """The legend under the chart, in columns that fit a phone."""
    legend = figure.legend[0]
    figure.center.remove(legend)
    figure.add_layout(legend, "below")
    legend.location = "left"
    legend.update(
        orientation="horizontal", ncols=2, border_line_color=None, background_fill_alpha=0,
        glyph_width=12, glyph_height=12, spacing=8,
    )  # fmt: skip
    theme.style_legend(legend)
    for axis in figure.xaxis:
        if isinstance(axis, DatetimeAxis):
            axis.formatter = theme.month_formatter()
