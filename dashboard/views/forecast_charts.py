"""The forecast of sales: total and product lines beside the seasonal baseline and what came after."""

import datetime as dt
from typing import Any

import hvplot.polars  # noqa: F401
import numpy as np
import panel as pn
import polars as pl
import polars.selectors as cs
from bokeh.models import ColumnDataSource, Label, Legend, LegendItem, NumeralTickFormatter, Span, Whisker
from bokeh.plotting import figure as Figure  # noqa: N812

from core.days import to_day
from core.filters import SalesFilters
from core.models.sales.newcomers import new_customer_share
from core.models.sales.periods import TOTAL
from core.predictions.forecast import forecast_beside_sales, months_hit, new_share_by_month, series_ahead
from core.predictions.newcomers import by_first_month
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components import FigureCards
from dashboard.predictions.scored import NOT_SCORED, scores_of
from dashboard.session import Session
from dashboard.view import Chart, View
from dashboard.views.forecast_known import (
    bears_forecast,
    between,
    card_of,
    coverage_said,
    has_seasons,
    name_of,
    newest_sales,
    shown_series,
    sold_by_series,
    unused_filters,
)
from dashboard.views.rows import PagedRows

SQL = ("models/revenue_daily",)
_DAY = 86_400_000


class ForecastFigures(View):
    """What to expect in figures: the months ahead, the next month, the baseline, new customers, what came."""

    slug = "forecast-figures"
    title = "What to expect"
    description = "Forecast of the months ahead with its bounds, beside last year."
    sql = SQL

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.cards = FigureCards(sizing_mode="stretch_width", styles={"grid-column": "1 / -1"})
        self.figures: list[dict[str, object]] = []
        self.caption = ""

    def panel(self) -> pn.viewable.Viewable:
        return self.cards

    def is_empty(self, frame: pl.DataFrame) -> bool:  # noqa: ARG002
        return False

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = scores_of(self.session, "sales")
        self.figures, self.caption = [], ""
        if found is None or not bears_forecast(self.session, "sales"):
            return pl.DataFrame()
        series = shown_series(found, filters)
        newest = newest_sales(self.session, sales)
        rows = found.frame.filter(pl.col("series") == series).sort("month")
        sold = sold_by_series(newest).filter(pl.col("series") == series)
        shown = forecast_beside_sales(rows, sold, predicted_on=found.as_of, data_end=newest.as_of)
        self.caption = (
            f"{name_of(series).capitalize() if series == TOTAL else series}: predicted on "
            f"{found.as_of:%-d %B %Y} from what was known before it"
        )
        self.figures = self._described(rows, shown, found.as_of)
        return rows

    def _described(
        self, rows: pl.DataFrame, shown: pl.DataFrame, predicted_on: dt.date
    ) -> list[dict[str, object]]:
        currency = self.session.settings.currency
        whole, before = float(rows["forecast"].sum()), float(rows["baseline"].sum())
        months = f"{rows['month'][0]:%b} to {rows['month'][-1]:%b %Y}"
        has_band = rows["low80"].null_count() == 0
        bounds = (rows["low80"].sum(), rows["high80"].sum()) if has_band else (None, None)
        first = rows.row(0, named=True)
        told = [
            _figure("ahead", f"Forecast {months}", theme.money(whole, currency), between(*bounds),
                    "80 % bounds of the months, added up" if has_band else ""),
            _figure("next", f"Forecast {first['month']:%B %Y}", theme.money(first["forecast"], currency),
                    between(first["low80"], first["high80"]), "80 % interval"),
            _figure("baseline", f"Baseline {months}", theme.money(before, currency),
                    f"forecast {_against(whole / before - 1)}" if before > 0 else "",
                    "the same months of last year" if has_seasons(shown.drop_nulls("sold"), predicted_on)
                    else "the mean of the last months: there is no whole year yet"),
        ]  # fmt: skip
        so_far = shown.drop_nulls("observed")
        if so_far.height:
            row = so_far.row(0, named=True)
            share = f"{row['observed'] / row['forecast']:.0%} of its forecast" if row["forecast"] > 0 else ""
            told.append(
                _figure("so-far", f"Sold so far in {row['month']:%B}",
                        theme.money(row["observed"], currency), share, "part of the forecast of the month")
            )  # fmt: skip
        over = shown.drop_nulls(["forecast", "after"])
        if over.height:
            came, expected = float(over["after"].sum()), float(over["forecast"].sum())
            hit, judged = months_hit(shown)["80"]
            change = theme.percent_change(came / expected - 1) if expected > 0 else ""
            when = f"{over['month'][0]:%b} to {over['month'][-1]:%b %Y}"
            told.append(
                _figure("came", f"What came, {when}", theme.money(came, currency),
                        f"{change} against the forecast",
                        f"{hit} of {judged} months within the 80 % band" if judged else "")
            )  # fmt: skip
        share = self._new_share(predicted_on)
        if share is not None:
            mean, low, high = share
            told.append(
                _figure("new", "Share of new customers", f"{mean:.1%}", f"{low:.1%} to {high:.1%}",
                        "of all product lines; customers who order for the first time in these months")
            )  # fmt: skip
        return told

    def _new_share(self, predicted_on: dt.date) -> tuple[float, float, float] | None:
        known = by_first_month(self.session.database, to_day(predicted_on))
        card = card_of(self.session, "sales")
        if known is None or known.is_empty():
            return None
        months = max(1, round((card.horizon_days if card else 90) / 30.4))
        found = new_customer_share(known, predicted_on.year * 12 + predicted_on.month - 1, months)
        return (found.mean, found.low, found.high) if found.windows else None

    def show(self, frame: pl.DataFrame) -> None:  # noqa: ARG002
        self.cards.param.update(caption=self.caption, figures=self.figures)


def _against(change: float) -> str:
    return "as the baseline" if abs(change) < 0.0005 else theme.percent_change(change)


def _figure(key: str, label: str, value: str, change: str, note: str) -> dict[str, object]:
    return {
        "key": key, "label": label, "value": value, "change": change, "trend": "none", "note": note,
        "spark": [],
    }  # fmt: skip


class GapChart(Chart):
    """A chart that leaves gaps where nothing is known; bars are drawn so pale that marks on them show."""

    strength = 1.0

    @staticmethod
    def _fill(source: ColumnDataSource, frame: pl.DataFrame) -> None:
        Chart._fill(source, frame.with_columns(cs.float().fill_null(float("nan"))))

    def _aligned(self, frame: pl.DataFrame, background: pl.DataFrame) -> pl.DataFrame:
        rows = super()._aligned(frame, background)
        if "mark_alpha" not in rows.columns:
            return rows
        return rows.with_columns(pl.col("mark_alpha") * self.strength)


class SalesOutlookChart(GapChart):
    """Sales by month, the forecast with its bands, the seasonal baseline, and what came after."""

    slug = "sales-forecast"
    title = "Sales by month and forecast ({currency})"
    description = (
        "Bands: 80 and 95 %. Baseline: the same months of last year. Choose a product line below or by its "
        "filter."
    )
    sql = SQL
    wide = True
    height = 380
    pale = False
    empty_message = NOT_SCORED
    tooltips = (("Month", "@month{%b %Y}"), ("Sold", "@sold{0,0}"))
    _ahead_tooltips = (
        ("Month", "@month{%b %Y}"),
        ("Forecast", "@forecast{0,0}"),
        ("80 % band", "@low80{0,0} to @high80{0,0}"),
        ("95 % band", "@low95{0,0} to @high95{0,0}"),
        ("Baseline", "@baseline{0,0}"),
        ("Sold so far", "@observed{0,0}"),
        ("What came", "@after{0,0}"),
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.series = TOTAL
        self.predicted_on: dt.date | None = None

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = scores_of(self.session, "sales")
        if found is None:
            return pl.DataFrame()
        self.series, self.predicted_on = shown_series(found, filters), found.as_of
        newest = newest_sales(self.session, sales)
        forecast = found.frame.filter(pl.col("series") == self.series)
        if not bears_forecast(self.session, "sales"):
            forecast = forecast.clear()
        return forecast_beside_sales(
            forecast,
            sold_by_series(newest).filter(pl.col("series") == self.series),
            predicted_on=found.as_of,
            data_end=newest.as_of,
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.line(
            x="month", y="sold", color=theme.ACCENT, line_width=2, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        source = self._front[0].data_source
        self._ahead = ColumnDataSource(
            {name: [] for name in ("month", "forecast", "low80", "high80", "low95", "high95", "baseline")}
        )
        bands = [
            figure.varea(
                x="month", y1=f"low{level}", y2=f"high{level}", source=self._ahead,
                fill_color=theme.SECOND, fill_alpha=alpha, level="underlay",
            )
            for level, alpha in (("95", 0.14), ("80", 0.22))
        ]  # fmt: skip
        baseline = figure.line(
            x="month", y="baseline", source=self._ahead, line_color=theme.PALE, line_width=2,
            line_dash=[6, 4],
        )  # fmt: skip
        baseline_marks = figure.scatter(
            x="month", y="baseline", source=self._ahead, marker="square", size=7, color=theme.PALE,
        )  # fmt: skip
        forecast = figure.line(
            x="month", y="forecast", source=self._ahead, line_color=theme.SECOND, line_width=2
        )
        dots = figure.scatter(
            x="month", y="forecast", source=self._ahead, fill_color=theme.SECOND, line_color=None, size=9
        )
        after = figure.line(
            x="month", y="after", source=source, line_color=theme.ACCENT, line_width=2, line_dash="dotted"
        )
        came = figure.scatter(
            x="month", y="after", source=source, fill_color=theme.ACCENT, line_color=None, size=6
        )
        so_far = figure.scatter(
            x="month", y="observed", source=source, marker="triangle", size=11, line_width=2,
            line_color=theme.ACCENT, fill_color=None,
        )  # fmt: skip
        figure.toolbar.tools = [
            theme.hover(self.tooltips, renderers=[self._front[0]], mode="vline"),
            theme.hover(self._ahead_tooltips, renderers=[dots], mode="vline"),
        ]
        items = [
            ("Sold", [self._front[0]]), ("Forecast", [forecast, dots]), ("80 %", [bands[1]]),
            ("95 %", [bands[0]]), ("Baseline", [baseline, baseline_marks]), ("Came", [after, came]),
            ("So far", [so_far]),
        ]  # fmt: skip
        self._items = dict(items)
        self._legend = Legend(
            items=[LegendItem(label=label, renderers=parts) for label, parts in items],
            orientation="horizontal", spacing=12, glyph_width=16, background_fill_alpha=0,
            border_line_color=None, ncols=3, location="top_left",
        )  # fmt: skip
        theme.style_legend(self._legend)
        figure.add_layout(self._legend, "below")
        self._then = Span(location=0, dimension="height", line_color=theme.PALE, line_dash="dotted")
        self._then_said = Label(
            x=0, y=8, y_units="screen", text="", text_font_size="11px", text_color=theme.PALE, x_offset=-6,
            text_align="right",
        )  # fmt: skip
        figure.add_layout(self._then)
        figure.add_layout(self._then_said)
        figure.x_range.range_padding = 0.03
        figure.xaxis[0].ticker.desired_num_ticks = 5

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        assert self.predicted_on is not None
        ahead = frame.filter(pl.col("forecast").is_not_null())
        self._fill(self._ahead, ahead)
        day = dt.datetime.combine(self.predicted_on, dt.time())
        self._then.location = self._then_said.x = (day - dt.datetime(1970, 1, 1)).days * _DAY
        self._then_said.text = f"predicted on {self.predicted_on:%-d %b %Y}"
        values = [
            frame[name].max()
            for name in ("sold", "after", "high80", "high95", "forecast", "baseline")
            if frame[name].null_count() < frame.height
        ]
        highest = max((float(value) for value in values if isinstance(value, int | float)), default=0.0)
        lowest = min(
            (float(frame[name].min() or 0) for name in ("sold", "after", "low80", "low95")), default=0
        )
        figure.y_range.start = min(0.0, lowest)
        figure.y_range.end = highest * 1.06 if highest > 0 else 1
        known = {
            "Came": ahead["after"].null_count() < ahead.height,
            "So far": frame["observed"].null_count() < frame.height,
        }
        self._legend.items = [
            LegendItem(label=label, renderers=parts)
            for label, parts in self._items.items()
            if known.get(label, ahead.height > 0 or label == "Sold")
        ]
        currency = self.session.settings.currency
        self.card.title = f"Sales by month and forecast, {name_of(self.series)} ({currency})"

    def note(self, frame: pl.DataFrame) -> str:
        ahead = frame.filter(pl.col("forecast").is_not_null())
        filters = self.session.filters
        if ahead.is_empty():
            card = card_of(self.session, "sales")
            months = card.events if card else 0
            return f"Not enough data for a forecast: {months} whole months are known. This is what was sold."
        currency = self.session.settings.currency
        said = [
            f"{row['month']:%B} {currency} {theme.compact_number(row['forecast'])} "
            f"({between(row['low80'], row['high80'])})"
            for row in ahead.head(4).iter_rows(named=True)
        ]
        told = [
            f"Expected: {'; '.join(said)}; in brackets the 80 % interval.",
            coverage_said(self.session, self.series),
        ]
        over = ahead.drop_nulls("after")
        if over.height:
            hit, judged = months_hit(frame)["80"]
            told.append(f"Of this forecast {over.height} months are over: {hit} of {judged} within the band.")
        told.append(unused_filters(filters, self.series))
        return " ".join(part for part in told if part)


class LinesAhead(GapChart):
    """The months ahead by product line; a click shows that line in the chart above."""

    slug = "forecast-by-line"
    title = "Forecast of the months ahead by product line ({currency})"
    description = "Click a line to see its forecast. Whiskers: 80 % bounds added up; ticks: the baseline."
    sql = SQL
    height = 340
    pale = False
    category = "series"
    click = ("series", "product_line")
    color_by = "series"
    strength = 0.6
    value_axis = "x"
    empty_message = NOT_SCORED
    tooltips = (
        ("", "@series"),
        ("Forecast", "@forecast{0,0}"),
        ("80 % bounds, added up", "@low80{0,0} to @high80{0,0}"),
        ("Baseline", "@baseline{0,0}"),
        ("What came", "@came{0,0}"),
        ("Method", "@method"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = scores_of(self.session, "sales")
        if found is None or not bears_forecast(self.session, "sales"):
            return pl.DataFrame()
        newest = newest_sales(self.session, sales)
        return series_ahead(found.frame, sold_by_series(newest), data_end=newest.as_of)

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="series", y="forecast", color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        source = self._front[0].data_source
        self._front[0].glyph.height = 0.7
        whisker = Whisker(
                source=source, base="series", lower="low80", upper="high80", dimension="width",
                line_color=theme.PALE, line_width=1.5, level="overlay",
            )  # fmt: skip
        whisker.upper_head.line_color = whisker.lower_head.line_color = theme.PALE
        figure.add_layout(whisker)
        figure.scatter(
            x="baseline", y="series", source=source, marker="dash", angle=1.5708, size=13, line_width=2.5,
            line_color=theme.PALE,
        )  # fmt: skip
        figure.scatter(
            x="came", y="series", source=source, marker="circle", size=8, fill_color=None, line_width=2,
            line_color=theme.PALE,
        )  # fmt: skip
        figure.x_range.start = 0

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        ends = [frame[name].max() for name in ("forecast", "high80", "baseline", "came")]
        figure.x_range.end = (
            max((float(end) for end in ends if isinstance(end, int | float)), default=1) * 1.04
        )

    def _clicked(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        """Choose one line, or all again."""
        if not indices:
            return
        source = self._front[0].data_source
        line = str(source.data["series"][indices[0]])
        source.selected.indices = []
        chosen = self.session.filters.values_of("product_line")
        self.session.filters.product_lines = [] if chosen == (line,) else [line]

    def note(self, frame: pl.DataFrame) -> str:
        first, last = frame["first"].min(), frame["last"].max()
        if not isinstance(first, dt.date) or not isinstance(last, dt.date):
            return ""
        over = frame["came"].null_count() < frame.height
        came = " Circles: what came." if over else ""
        return f"{first:%B} to {last:%B %Y}; product lines add up to the total.{came}"


class NewCustomers(GapChart):
    """How much of the sales new customers bring."""

    slug = "new-customer-share"
    title = "Share of sales that new customers bring"
    description = (
        "Of any three months: customers whose first order falls in them. The dashed line is the mean."
    )
    sql = ("models/revenue_by_first_month",)
    height = 340
    pale = False
    value_axis = None
    empty_message = (
        "The share of new customers is not known:\nit needs more than a year of orders with customers."
    )
    tooltips = (
        ("Three months to", "@month{%b %Y}"),
        ("Share", "@share{0.0%}"),
        ("New customers", "@new_revenue{0,0}"),
        ("All customers", "@revenue{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        known = by_first_month(self.session.database, to_day(sales.as_of))
        if known is None:
            return pl.DataFrame()
        return new_share_by_month(known, as_of=sales.as_of).drop_nulls("share")

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.line(
            x="month", y="share", color=theme.ACCENT, line_width=2, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        theme.percent_axis(figure.yaxis)
        figure.yaxis.formatter = NumeralTickFormatter(format="0%")
        for grid in figure.ygrid:
            grid.visible = True
        figure.scatter(x="month", y="share", source=self._front[0].data_source, size=6, color=theme.ACCENT)
        figure.toolbar.tools = [theme.hover(self.tooltips, renderers=[self._front[0]], mode="vline")]
        self._mean = Span(location=0, dimension="width", line_color=theme.PALE, line_dash="dashed")
        figure.add_layout(self._mean)
        figure.y_range.start = 0

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        self._mean.location = float(np.mean(frame["share"].tail(12).to_numpy()))
        figure.y_range.end = float(frame["share"].max() or 0) * 1.15 or 1  # type: ignore[arg-type]

    def note(self, frame: pl.DataFrame) -> str:
        recent = frame["share"].tail(12)
        names = " or ".join(name.replace("_", " ") for name in self.session.filters.active())
        unused = f" Not filtered by {names}." if names else ""
        return (
            f"Mean of the last {recent.len()} windows: {float(recent.mean() or 0):.1%}."  # type: ignore[arg-type]
            f" Forecasts of single customers leave this part out.{unused}"
        )


class ForecastRows(PagedRows):
    """The numbers behind: every month ahead of every series."""

    slug = "forecast-rows"
    title = "Months ahead in numbers ({currency})"
    description = "Forecast, intervals, baseline and what came, by series; click a heading to sort."
    sql = SQL
    wide = True
    height = 420
    page_size = 12
    empty_message = NOT_SCORED
    columns = (
        ("series", "Series", "text"),
        ("month_name", "Month", "text"),
        ("forecast", "Forecast", "integer"),
        ("low80", "80 % from", "integer"),
        ("high80", "to", "integer"),
        ("low95", "95 % from", "integer"),
        ("high95", "to", "integer"),
        ("baseline", "Baseline", "integer"),
        ("observed", "Sold so far", "integer"),
        ("came", "What came", "integer"),
        ("method", "Method", "text"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = scores_of(self.session, "sales")
        if found is None or not bears_forecast(self.session, "sales"):
            return pl.DataFrame()
        newest = newest_sales(self.session, sales)
        lines = filters.values_of("product_line")
        rows = found.frame
        if lines:
            rows = rows.filter(pl.col("series").is_in(list(lines)))
        over = pl.col("month").dt.offset_by("1mo") <= newest.as_of
        return rows.join(sold_by_series(newest), on=["series", "month"], how="left").select(
            "series",
            "month",
            pl.col("month").dt.strftime("%b %Y").alias("month_name"),
            "forecast",
            *("low80", "high80", "low95", "high95"),
            "baseline",
            pl.when(pl.col("observed") > 0).then("observed").alias("observed"),
            pl.when(over).then(pl.col("sold").fill_null(0.0)).alias("came"),
            "method",
        )
