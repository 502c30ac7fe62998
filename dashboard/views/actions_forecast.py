"""The sales forecast as a card of the Overview: the last year, the months ahead with their intervals."""

import datetime as dt
from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import ColumnDataSource, Label, Span
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions import scores_on
from core.predictions.actions import forecast_beside
from core.sales_data import SalesData, load_sales, revenue_by_month
from dashboard import theme
from dashboard.predictions.scored import NOT_SCORED
from dashboard.view import Chart

TOTAL = "total"
_MONTHS_BACK = 12


class SalesOutlook(Chart):
    """Revenue by month, and what is expected of the months ahead."""

    slug = "sales-outlook"
    title = "Sales forecast by month ({currency})"
    description = "Band: 80 % interval. Line: what was sold; pale: what came after the as-of date."
    sql = ("models/revenue_daily",)
    pale = False
    wide = True
    height = 240
    empty_message = NOT_SCORED
    tooltips = (
        ("Month", "@month{%b %Y}"),
        ("Sold", "@sold{0,0}"),
        ("Forecast", "@forecast{0,0}"),
        ("80 % interval", "@low80{0,0} to @high80{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = scores_on(self.session.database, "sales", sales.as_of)
        if found is None:
            return pl.DataFrame()
        series = self._series(filters)
        newest = load_sales(self.session.database, None, terms_days=sales.terms_days)
        wanted = SalesFilters() if series == TOTAL else SalesFilters(product_lines=[series])
        sold = revenue_by_month(newest, wanted).select("month", sold="revenue")
        beside = forecast_beside(
            found.frame.filter(pl.col("series") == series), sold, as_of=sales.as_of, data_end=newest.as_of,
            back=_MONTHS_BACK,
        )  # fmt: skip
        return beside.with_columns(
            pl.col("sold", "after").fill_null(float("nan"))
        )  # null would be drawn as 0

    def _series(self, filters: SalesFilters) -> str:
        """The product line that is chosen, if it is one, else the total."""
        lines = filters.values_of("product_line")
        return lines[0] if len(lines) == 1 else TOTAL

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.line(
            x="month", y="sold", color=theme.ACCENT, line_width=2, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        figure.xaxis[0].ticker.desired_num_ticks = 5
        source = self._front[0].data_source
        self._band_source = ColumnDataSource({"month": [], "low80": [], "high80": [], "forecast": []})
        figure.varea(
            x="month", y1="low80", y2="high80", source=self._band_source, fill_color=theme.SECOND,
            fill_alpha=0.22, level="underlay",
        )  # fmt: skip
        figure.line(
            x="month", y="forecast", source=self._band_source, line_color=theme.SECOND, line_width=2,
            line_dash="dashed",
        )  # fmt: skip
        after = figure.line(x="month", y="after", source=source, line_color=theme.PALE, line_width=2)
        dots = figure.scatter(
            x="month",
            y="forecast",
            source=self._band_source,
            fill_color=theme.SECOND,
            line_color=None,
            size=7,
        )
        figure.toolbar.tools = [
            theme.hover(self.tooltips[:2], renderers=[self._front[0], after], mode="vline"),
            theme.hover((self.tooltips[0], *self.tooltips[2:]), renderers=[dots], mode="vline"),
        ]
        self._today = Span(location=0, dimension="height", line_color=theme.PALE, line_dash="dotted")
        self._today_said = Label(
            x=0, y=8, y_units="screen", text="as-of date", text_font_size="11px", text_color=theme.PALE,
            x_offset=-4, text_align="right",
        )  # fmt: skip
        figure.add_layout(self._today)
        figure.add_layout(self._today_said)

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        ahead = frame.filter(pl.col("forecast").is_not_null())
        self._fill(self._band_source, ahead.select("month", "low80", "high80", "forecast"))
        sales = self.session.sales
        assert sales is not None
        day = dt.datetime.combine(sales.as_of.replace(day=1), dt.time())
        self._today.location = self._today_said.x = _milliseconds(day)
        highest = max(
            float(frame[name].fill_nan(None).max() or 0) for name in ("sold", "after", "high80", "forecast")
        )
        figure.y_range.start = 0
        figure.y_range.end = highest * 1.08 if highest > 0 else 1

    def note(self, frame: pl.DataFrame) -> str:
        ahead = frame.filter(pl.col("forecast").is_not_null())
        series = self._series(self.session.filters)
        of = "" if series == TOTAL else f"{series}: "
        told = []
        for row in ahead.head(3).iter_rows(named=True):
            low, high = row["low80"], row["high80"]
            between = (
                f" ({theme.compact_number(low)} to {theme.compact_number(high)})" if low is not None else ""
            )
            told.append(f"{row['month']:%b %Y} {theme.compact_number(row['forecast'])}{between}")
        active = [
            name for name in self.session.filters.active()
            if name != "product_line" or series == TOTAL
        ]  # fmt: skip
        names = " or ".join(name.replace("_", " ") for name in active)
        unused = f" Not filtered by {names}." if names else ""
        return f"{of}{'; '.join(told)}.{unused}"


def _milliseconds(day: dt.datetime) -> float:
    return (day - dt.datetime(1970, 1, 1)).total_seconds() * 1000
