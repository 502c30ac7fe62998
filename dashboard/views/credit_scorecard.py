"""The scorecard, and how good the predictions were at past dates."""

from collections.abc import Callable
from typing import Any, ClassVar

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import Segment, Slope
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions import dates_scored, scores_on, stored_backtest
from core.predictions.churn_quality import AVERAGE, reliability
from core.predictions.credit import points_table, quality_table, spread_of_points, then_and_after
from core.predictions.credit_desk import credit_of, scorecard_of
from core.predictions.people import selected_customers
from core.receivables import load_matching
from core.sales_data import SalesData
from dashboard import theme
from dashboard.predictions.scored import scored_customers
from dashboard.session import Session
from dashboard.view import Chart
from dashboard.views.credit_parts import CreditView, horizon_of, loaded_of, newest_day
from dashboard.views.rows import PagedRows

NO_BACKTEST = "The model was not judged on past dates yet.\nTrain it again above: that judges it too."
NO_CARD = (
    "There is no scorecard: too few invoices were paid late or not at all, or no model was trained.\nThe "
    "Ageing chapter shows what is known."
)


class ScorecardPoints(CreditView, PagedRows):
    """The card to print: the points of each bin of each feature."""

    slug = "credit-scorecard"
    title = "Scorecard of the model in use"
    description = "Points of each bin, added to those that everyone gets. More points are safer."
    predicted = False
    empty_message = NO_CARD
    height = 440
    page_size = 12
    wide = True
    columns: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("feature", "What is known", "text"),
        ("bin", "Value", "text"),
        ("points", "Points", "integer"),
        ("best", "At most", "integer"),
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._outcome, self._base = "", 0

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], Any]:  # noqa: ARG002
        session = self.session
        return lambda: loaded_of(session)

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = None if self.made is None else scorecard_of(credit_of(self.made))
        if found is None:
            return pl.DataFrame()
        self._outcome, card = found
        self._base = card.base
        return points_table(card)

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        of = "default" if self._outcome == "default" else "late payment (too few defaults)"
        return (
            f"For {of}: {self._base} points for everyone. 600 points are odds of 50 to 1; 20 more double "
            "them."
        )


class PointsSpread(CreditView, Chart):
    """How many customers have which points."""

    slug = "credit-points"
    title = "Customers by scorecard points"
    description = "For each customer's next invoice of its mean amount. More points are safer."
    predicted = False
    subject = "balances"
    category = "label"
    pale = False
    value_axis = None
    measures = ("customers",)
    empty_message = NO_CARD
    height = 440
    tooltips = (("Points", "@label"), ("Customers", "@customers{0,0}"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = scored_customers(self.session, sales, filters, "credit")
        if found.is_empty():
            return pl.DataFrame()
        return spread_of_points(found["points"].cast(pl.Float64))

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="label", y="customers", color=theme.ACCENT, line_color=None, xlabel="",
            ylabel="Customers", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        self._front[0].glyph.width = 0.86
        figure.y_range.start = 0
        figure.xaxis.major_label_orientation = 0.9


class Quality(CreditView, PagedRows):
    """The measured quality of the models and what they are compared with."""

    slug = "credit-quality"
    title = "Measured on past dates: who pays late"
    description = (
        "Average of the past dates with 95 % interval. AUC and Gini: more is better; Brier, ECE: less."
    )
    predicted = False
    empty_message = NO_BACKTEST
    wide = True
    height = 230
    columns: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("model", "Model", "text"),
        ("AUC", "AUC", "text"),
        ("Gini", "Gini", "text"),
        ("Brier", "Brier", "text"),
        ("ECE", "ECE", "text"),
        ("better", "AUC: credit model better by", "text"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        stored = stored_backtest(self.session.database, "credit")
        return quality_table(stored) if stored is not None else pl.DataFrame()

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        stored = stored_backtest(self.session.database, "credit")
        assert stored is not None
        return f"{stored.notes[0] if stored.notes else ''} Of all customers, whatever the filters.".strip()


class CreditCalibration(CreditView, Chart):
    """Predicted chance of late payment against the share that was paid late."""

    slug = "credit-calibration"
    title = "Is a chance of 20 % really 20 %? (paid late)"
    description = (
        "Each dot: a tenth of the invoices. Large: average of the past dates with 95 % interval; small: "
        "single dates. On the line, predictions were right."
    )
    predicted = False
    subject = "balances"
    pale = False
    value_axis = None
    height = 360
    empty_message = NO_BACKTEST
    tooltips = (
        ("", "@date"),
        ("Predicted", "@predicted{0.0%}"),
        ("Paid late", "@observed{0.0%}"),
        ("95 %", "@low{0%} to @high{0%}"),
        ("Invoices", "@customers{0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        stored = stored_backtest(self.session.database, "credit")
        if stored is None or not stored.champion or stored.champion not in stored.predictions.columns:
            return pl.DataFrame()
        rows = stored.predictions
        if filters.active():
            people = selected_customers(sales, filters)["customer_id"]
            kept = pl.DataFrame({"customer_id": people.cast(rows.schema["customer_id"])})
            rows = rows.join(kept, on="customer_id", how="semi")
        if rows.is_empty():
            return pl.DataFrame()
        is_mean = pl.col("date") == AVERAGE
        return reliability(rows, stored.champion).with_columns(
            size=pl.when(is_mean).then(11.0).otherwise(5.0),
            mark_alpha=pl.when(is_mean).then(1.0).otherwise(0.35),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(
            x="predicted", y="observed", color=theme.ACCENT, line_color=None,
            xlabel="Predicted chance of late payment", ylabel="Paid late", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        front.glyph.size = "size"
        figure.add_glyph(
            front.data_source,
            Segment(
                x0="predicted", x1="predicted", y0="low", y1="high", line_color=theme.ACCENT, line_width=2
            ),
        )
        figure.add_layout(Slope(gradient=1, y_intercept=0, line_color=theme.PALE, line_dash="dashed"))
        theme.percent_axis([figure.xaxis[0], figure.yaxis[0]])
        figure.x_range.start = figure.y_range.start = 0


class ThenAndAfter(CreditView, PagedRows):
    """What was predicted at past dates, and what happened after."""

    slug = "credit-then"
    title = "Predicted then, happened after"
    description = (
        "Shares of the invoices dated after each prediction: as predicted, and as it came (95 % interval)."
    )
    predicted = False
    subject = "balances"
    empty_message = "No prediction was made on or before this date, or nothing came after it yet."
    wide = True
    height = 300
    columns: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("date", "Predicted on", "date"),
        ("invoices", "Invoices judged", "integer"),
        ("late_text", "Paid late: predicted", "text"),
        ("late_after", "happened", "text"),
        ("judged", "of these known", "integer"),
        ("default_text", "Default: predicted", "text"),
        ("default_after", "happened", "text"),
    )

    def job(self, sales: SalesData, filters: SalesFilters) -> Callable[[], Any]:
        session, filters = self.session, filters.copy()

        def work() -> pl.DataFrame:
            if sales.is_sampled:  # payments of a very large company are not matched as a whole
                return pl.DataFrame()
            known = newest_day(session, sales)
            days = [day for day in dates_scored(session.database, "credit") if day <= sales.as_of]
            people = selected_customers(sales, filters)["customer_id"]
            dated = []
            for day in days:
                found = scores_on(session.database, "credit", day)
                assert found is not None
                kept = pl.DataFrame({"customer_id": people.cast(found.frame.schema["customer_id"])})
                dated.append((day, found.frame.join(kept, on="customer_id", how="semi")))
            invoices = load_matching(session.database, known, sales.terms_days).invoices
            return then_and_after(dated, invoices, horizon_of(session, sales), known)

        return work

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        frame: pl.DataFrame = self.made
        if frame.is_empty():
            return frame
        kept = frame.filter(pl.col("invoices") > 0)
        texts = {
            f"{name}_{column}": [
                _share(row[f"{name}_said"]) if column == "text"
                else _share(row[name], row[f"{name}_low"], row[f"{name}_high"])
                for row in kept.iter_rows(named=True)
            ]
            for name in ("late", "default")
            for column in ("text", "after")
        }  # fmt: skip
        return kept.with_columns(pl.Series(name, values, dtype=pl.String) for name, values in texts.items())

    def note(self, frame: pl.DataFrame) -> str:
        sales = self.session.sales
        assert sales is not None
        days = horizon_of(self.session, sales)
        return (
            f"Invoices of the {days} days from each date, of customers that were scored; counted once their "
            f"fate is known. {super().note(frame)}"
        ).strip()


def _share(value: float | None, low: float | None = None, high: float | None = None) -> str:
    if value is None:
        return "–"
    between = "" if low is None or high is None else f" ({low:.1%} to {high:.1%})"
    return f"{value:.1%}{between}"
