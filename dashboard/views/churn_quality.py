"""How good the predictions were at past dates: calibration, lift, and what happened after each."""

from collections.abc import Callable, Hashable
from typing import Any

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import Slope
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions import StoredBacktest, dates_scored, scores_on, stored_backtest
from core.predictions.churn_quality import AVERAGE, by_date, gains, reliability, then_and_after
from core.predictions.people import selected_customers
from core.sales_data import SalesData
from dashboard import theme
from dashboard.session import Session
from dashboard.view import Chart
from dashboard.views.churn_parts import ChurnView, outcomes_of
from dashboard.views.rows import PagedRows

NO_BACKTEST = "The model was not judged on past dates yet.\nTrain it again above: that judges it too."
_BASELINE = "recency only"


def judged(
    session: Session, sales: SalesData, filters: SalesFilters
) -> tuple[StoredBacktest, pl.DataFrame] | None:
    """The stored backtest, and its rows of the customers that pass."""
    stored = stored_backtest(session.database, "churn")
    if stored is None or not stored.champion or stored.champion not in stored.predictions.columns:
        return None
    rows = stored.predictions
    if filters.active():
        people = selected_customers(sales, filters)["customer_id"]
        kept = pl.DataFrame({"customer_id": people.cast(rows.schema["customer_id"])})
        rows = rows.join(kept, on="customer_id", how="semi")
    return stored, rows


class Calibration(ChurnView, Chart):
    """Predicted risk against the share that did not order."""

    slug = "churn-calibration"
    title = "Is a risk of 60 % really 60 %?"
    description = (
        "Each dot: a tenth of the customers. Large: average of the past dates with 95 % interval; small: "
        "single dates. On the line, predictions were right."
    )
    subject = "balances"
    pale = False
    value_axis = None
    height = 360
    empty_message = NO_BACKTEST
    tooltips = (
        ("", "@date"),
        ("Predicted", "@predicted{0.0%}"),
        ("Did not order", "@observed{0.0%}"),
        ("Customers", "@customers{0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = judged(self.session, sales, filters)
        if found is None or found[1].is_empty():
            return pl.DataFrame()
        is_mean = pl.col("date") == AVERAGE
        return reliability(found[1], str(found[0].champion)).with_columns(
            size=pl.when(is_mean).then(11.0).otherwise(5.0),
            mark_alpha=pl.when(is_mean).then(1.0).otherwise(0.35),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(
            x="predicted", y="observed", color=theme.ACCENT, line_color=None, xlabel="Predicted risk",
            ylabel="Did not order", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        front.glyph.size = "size"
        figure.segment(
            x0="predicted", x1="predicted", y0="low", y1="high", source=front.data_source,
            line_color=theme.ACCENT, line_width=2,
        )  # fmt: skip
        figure.add_layout(Slope(gradient=1, y_intercept=0, line_color=theme.PALE, line_dash="dashed"))
        theme.percent_axis([*figure.xaxis, *figure.yaxis])
        figure.grid.visible = True
        for axis in (figure.x_range, figure.y_range):
            axis.update(start=0, end=1)


class Lift(ChurnView, Chart):
    """Share of those who left that is met by contacting the riskiest."""

    slug = "churn-lift"
    title = "Who is met by contacting the riskiest first"
    description = (
        "Of all who then did not order, the share met by contacting that share of customers. Band: 95 %. "
        "Dashed: without any prediction."
    )
    subject = "balances"
    pale = False
    value_axis = None
    height = 360
    empty_message = NO_BACKTEST
    tooltips = (
        ("Contacted", "@share{0%} of customers"),
        ("Met, this model", "@model{0%} (@low{0%} to @high{0%})"),
        ("Met, longest silence first", "@baseline{0%}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = judged(self.session, sales, filters)
        if found is None or found[1].is_empty():
            return pl.DataFrame()
        champion = str(found[0].champion)
        baseline = _BASELINE if _BASELINE in found[1].columns else champion
        return gains(found[1].rename({champion: "model"}).with_columns(baseline=_or(baseline, champion)),
                     ["model", "baseline"])  # fmt: skip

    def plot(self, frame: pl.DataFrame) -> Any:
        lines = [
            frame.hvplot.line(
                x="share", y=name, label=label, color=color, line_width=2, responsive=True,
                xlabel="Contacted, the riskiest first", ylabel="Met of those who left",
            )
            for name, label, color in (
                ("model", "This model", theme.ACCENT), ("baseline", "Longest silence first", theme.SECOND)
            )
        ]  # fmt: skip
        return (lines[0] * lines[1]).opts(legend_position="bottom_right")

    def restyle(self, figure: Figure) -> None:
        band = figure.varea(
            x="share", y1="low", y2="high", source=self._front[0].data_source, fill_color=theme.ACCENT,
            fill_alpha=0.15,
        )  # fmt: skip
        band.level = "underlay"
        figure.add_layout(Slope(gradient=1, y_intercept=0, line_color=theme.PALE, line_dash="dashed"))
        theme.percent_axis([*figure.xaxis, *figure.yaxis])


def _or(name: str, champion: str) -> pl.Expr:
    return pl.col("model" if name == champion else name)


class ThenAndAfter(ChurnView, Chart):
    """How many were predicted not to order, and how many did not."""

    slug = "churn-then-and-after"
    title = "Predicted then, and what happened after"
    description = "Bars: customers expected not to order, with 95 % of chance. Dots: how many did not."
    subject = "balances"
    category = "date"
    pale = False
    wide = True
    height = 280
    measures = ("predicted",)
    tooltips = (
        ("As of", "@date"),
        ("Customers", "@customers{0,0}"),
        ("Expected not to order", "@predicted{0.0} (@low{0} to @high{0})"),
        ("Did not order", "@told"),
    )

    def work(self, sales: SalesData) -> tuple[Hashable, Callable[[], Any]]:  # noqa: ARG002
        session, database = self.session, self.session.database
        days = dates_scored(database, "churn")
        key = (id(database), database.data_version(), tuple(days), session.newest_as_of)

        def read() -> list[tuple[Any, pl.DataFrame, pl.DataFrame | None]]:
            found = [scores for day in days if (scores := scores_on(database, "churn", day)) is not None]
            return [(scores.as_of, scores.frame, outcomes_of(session, scores)) for scores in found]

        return key, read

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        rows = self._made
        people = selected_customers(sales, filters).select("customer_id")
        kept = []
        for day, scores, outcomes in rows:
            typed = scores.with_columns(pl.col("customer_id").cast(people.schema["customer_id"]))
            chosen = typed.join(people, on="customer_id", how="semi") if filters.active() else typed
            kept.append((str(day), chosen, outcomes))
        return then_and_after(kept).with_columns(
            told=pl.when(pl.col("happened").is_nan()).then(pl.lit("not over yet")).otherwise(
                pl.col("happened").fill_nan(None).cast(pl.Int64).cast(pl.String)
            )
        )  # fmt: skip

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="date", y="predicted", color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        figure.xaxis[0].formatter = theme.day_formatter()
        front = self._front[0]
        front.glyph.width = 0.5
        front.glyph.fill_alpha = 0.55
        source = front.data_source
        figure.segment(
            x0="date", x1="date", y0="low", y1="high", source=source, line_color=theme.ACCENT, line_width=3
        )
        figure.scatter(
            x="date", y="happened", source=source, size=13, fill_color=theme.SECOND, line_color="white",
            line_width=1.5,
        )  # fmt: skip
        figure.y_range.start = 0


class QualityByDate(ChurnView, PagedRows):
    """Counts and measured quality at each past date."""

    slug = "churn-quality"
    title = "Measured at each past date"
    description = (
        "AUC: how often one who left had the higher risk (.5 is chance). Brier: smaller is better. Lift: "
        "leavers among the riskiest tenth against all. Brackets: 95 %."
    )
    subject = "balances"
    wide = True
    height = 230
    empty_message = NO_BACKTEST
    columns = (
        ("date", "As of", "text"),
        ("customers", "Customers", "integer"),
        ("predicted", "Expected not to order", "integer"),
        ("happened", "Did not order", "integer"),
        ("auc", "AUC", "text"),
        ("brier", "Brier", "text"),
        ("lift", "Lift at 10 %", "text"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = judged(self.session, sales, filters)
        return pl.DataFrame() if found is None else by_date(*found, str(found[0].champion))

    def note(self, frame: pl.DataFrame) -> str:
        told = "Figures are made within each date and averaged: pooling the dates would flatter."
        if self.session.filters.active():
            told += " AUC, Brier and lift are of all customers, whatever the filters."
        return f"{told} {super().note(frame)}".strip()


__all__ = ["Calibration", "Lift", "QualityByDate", "ThenAndAfter"]
