"""What single customers are expected to spend, and how the sum agrees with the sales forecast."""

import datetime as dt
from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.plotting import figure as Figure  # noqa: N812

from core.days import to_day
from core.filters import SalesFilters
from core.predictions import outcomes_after, stored_backtest
from core.predictions.forecast import (
    FASTER,
    SLOWER,
    Agreement,
    agreement,
    spend_by_country,
    spend_classes,
    spend_tenths,
    spend_to_act_on,
)
from core.predictions.newcomers import by_first_month
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components import FigureCards
from dashboard.predictions.action_list import ActionList
from dashboard.predictions.scored import NOT_SCORED, scored_customers, scores_of
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.forecast_charts import GapChart
from dashboard.views.forecast_known import bears_forecast, card_of, horizon_of

SQL = ("features/purchases", "models/revenue_daily")
_OF_CUSTOMERS = ("period", "product_line", "product")


def expected_spend(
    session: Session, sales: SalesData, filters: SalesFilters, skip: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The customers that pass the filters, with the columns of ``spend_to_act_on``; none without scores."""
    found = scores_of(session, "spend")
    if found is None or not bears_forecast(session, "spend"):
        return pl.DataFrame()
    horizon = horizon_of(session, "spend")
    people = scored_customers(session, sales, filters, "spend", skip)
    agreed = agreed_on(session)
    factor = agreed.factor.factor if agreed is not None and agreed.is_known else None
    people = people.with_columns(adjusted=pl.col("score") * pl.lit(factor, pl.Float64))
    outcomes = outcomes_after(session.database, found.as_of, horizon)
    return spend_to_act_on(people, outcomes, horizon=horizon)


def agreed_on(session: Session) -> Agreement | None:
    """By what the spend of all customers is multiplied to agree with the sales forecast."""
    spend, sales = scores_of(session, "spend"), scores_of(session, "sales")
    if spend is None:
        return None
    known = by_first_month(session.database, to_day(spend.as_of))
    forecast = sales.frame if sales is not None else pl.DataFrame()
    horizon = horizon_of(session, "spend")
    return agreement(spend.frame, forecast, known, as_of=spend.as_of, horizon=horizon)[1]


def unused(session: Session) -> str:
    """Which filters say nothing about customers, in a sentence."""
    names = [name for name in session.filters.active() if name in _OF_CUSTOMERS]
    told = " or ".join(name.replace("_", " ") for name in names)
    return f"Not filtered by {told}: spend is expected of a customer as a whole." if told else ""


def until(session: Session) -> str:
    """The days that the expectation is about."""
    found = scores_of(session, "spend")
    if found is None:
        return ""
    horizon = horizon_of(session, "spend")
    last = found.as_of + dt.timedelta(days=horizon - 1)
    return f"Expected from {found.as_of:%-d %B %Y} to {last:%-d %B %Y} ({horizon} days)."


class SpendAgreement(View):
    """The sum over customers beside the sales forecast, and the factor between them."""

    slug = "spend-agreement"
    title = "Customers and forecast agree by a factor"
    description = "The expected spend of all customers beside the sales forecast of the same days."
    sql = SQL

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.cards = FigureCards(sizing_mode="stretch_width", styles={"grid-column": "1 / -1"})
        self.agreed: Agreement | None = None
        self.too_few = pl.DataFrame()

    def panel(self) -> pn.viewable.Viewable:
        return self.cards

    def is_empty(self, frame: pl.DataFrame) -> bool:  # noqa: ARG002
        return False

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        self.agreed, self.too_few = None, pl.DataFrame()
        if not bears_forecast(self.session, "spend"):
            self.too_few = self._described(sales)
            return self.too_few
        self.agreed = agreed_on(self.session)
        if self.agreed is None:
            return pl.DataFrame()
        factor = self.agreed.factor
        return pl.DataFrame(
            {
                "sales_forecast": [factor.sales],
                "new_customers_share": [factor.new_share],
                "expected_of_customers": [factor.expected],
                "factor": [factor.factor],
            }
        )

    def _described(self, sales: SalesData) -> pl.DataFrame:
        """What customers spent, where the data do not bear an expectation."""
        card = card_of(self.session, "spend")
        active = sales.customers.filter(pl.col("revenue_365") > 0)
        return pl.DataFrame(
            {
                "events": [card.events if card else 0],
                "customers": [active.height],
                "revenue_365": [float(active["revenue_365"].sum())],
            }
        )

    def show(self, frame: pl.DataFrame) -> None:  # noqa: ARG002
        if self.too_few.height:
            row = self.too_few.row(0, named=True)
            spent = theme.money(row["revenue_365"], self.session.settings.currency)
            self.cards.param.update(
                visible=True,
                caption=f"Not enough data to expect spend of single customers: {row['events']} events, and "
                "20 are needed. This is what they spent.",
                figures=[
                    _figure("customers", "Customers who bought in 365 days", f"{row['customers']:,}", "", ""),
                    _figure("spent", "They spent", spent, "in 365 days", ""),
                ],
            )
            return
        if self.agreed is None:
            self.cards.param.update(caption="", figures=[], visible=False)
            return
        self.cards.param.update(
            caption=self._sentence(self.agreed), figures=self._figures(self.agreed), visible=True
        )

    def _sentence(self, agreed: Agreement) -> str:
        factor = agreed.factor
        currency = self.session.settings.currency
        if not agreed.is_known:
            return (
                f"All customers together are expected to spend {theme.money(factor.expected, currency)}; "
                "there is no sales forecast of the same days to compare that with."
            )
        target = factor.sales * (1 - factor.new_share)
        direction = "more" if factor.factor >= 1 else "less"
        return (
            f"The sales forecast less the part of new customers is {theme.money(target, currency)}, "
            f"{abs(factor.factor - 1):.0%} {direction} than the {theme.money(factor.expected, currency)} "
            f"expected of single customers: multiplied by {factor.factor:.2f}, the customers add up to the "
            "forecast."
        )

    def _figures(self, agreed: Agreement) -> list[dict[str, object]]:
        currency, factor = self.session.settings.currency, agreed.factor
        around = (
            f"{agreed.new_low:.1%} to {agreed.new_high:.1%} in past windows"
            if agreed.new_low == agreed.new_low
            else "not known: counted as none"
        )
        sums = ("expected", f"Sum over customers, {agreed.horizon} days",
                theme.money(factor.expected, currency), "all customers, whatever the filters",
                "before it is adjusted")  # fmt: skip
        if not agreed.is_known:
            return [_figure(*sums)]
        new = factor.sales * factor.new_share
        return [
            _figure("sales", f"Sales forecast, {agreed.horizon} days", theme.money(factor.sales, currency),
                    "total of all product lines", "without what the month had brought already"),
            _figure("new", "Of it new customers", theme.money(new, currency),
                    f"{factor.new_share:.1%} of sales", around),
            _figure(*sums),
            _figure("factor", "Factor", f"× {factor.factor:.2f}", "agrees customers with the forecast",
                    "column “Adjusted” of the list below"),
        ]  # fmt: skip


def _figure(key: str, label: str, value: str, change: str, note: str) -> dict[str, object]:
    return {
        "key": key, "label": label, "value": value, "change": change, "trend": "none", "note": note,
        "spark": [],
    }  # fmt: skip


class SpendList(ActionList):
    """Customers by what they are expected to spend."""

    slug = "expected-spend"
    title = "Expected spend by customer ({currency})"
    description = (
        f"Call below {SLOWER:g} × the pace of the last year, offer above {FASTER:g} ×. Click a name to open "
        "the customer."
    )
    sql = SQL
    empty_message = NOT_SCORED
    first_sort = "score"
    search_in = ("customer_name", "country", "owner", "step")
    columns = (
        ("customer_name", "Customer", "link"),
        ("country", "Country", "text"),
        ("owner", "Owner", "text"),
        ("last_order", "Last order", "date"),
        ("score", "Expected spend", "money"),
        ("interval", "80 % interval", "text"),
        ("step", "Suggested step", "text"),
        ("expected_orders", "Expected orders", "number"),
        ("pace", "Pace of last year", "money"),
        ("adjusted", "Adjusted", "money"),
        ("came", "What came", "money"),
        ("reason", "Reason", "long"),
    )
    below = {"score": "interval"}  # noqa: RUF012
    optional = ("came",)
    hidden = ("key", "low", "high", "expected_order_value", "against_pace", "reasons")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return expected_spend(self.session, sales, filters)

    def note(self, frame: pl.DataFrame) -> str:
        currency = self.session.settings.currency
        total = float(frame["score"].sum())
        known = frame.drop_nulls("came")
        told = [
            f"{frame.height:,} customers, together {theme.money(total, currency)}.", until(self.session),
            self._covered(),
        ]  # fmt: skip
        if known.height:
            came = float(known["came"].sum())
            held = int(known["came"].is_between(known["low"], known["high"]).sum())
            told.append(
                f"They spent {theme.money(came, currency)}; {held} of {known.height} within their interval."
            )
        told.append(unused(self.session))
        return " ".join(part for part in told if part)

    def _covered(self) -> str:
        judged = stored_backtest(self.session.database, "spend")
        if judged is None or not {"low", "high", "actual"} <= set(judged.predictions.columns):
            return ""
        rows = judged.predictions.drop_nulls(["low", "high", "actual"])
        if rows.is_empty():
            return ""
        held = float(rows["actual"].is_between(rows["low"], rows["high"]).mean() or 0)  # type: ignore[arg-type]
        return f"On past dates the 80 % intervals held {held:.0%} of the amounts."


class SpendClasses(GapChart):
    """How many customers are expected to spend how much."""

    slug = "expected-spend-classes"
    title = "Customers by expected spend ({currency})"
    description = "Classes grow from left to right: 1, 2.5, 5, 10 and so on."
    sql = SQL
    pale = False
    category = "label"
    value_axis = "y"
    empty_message = NOT_SCORED
    tooltips = (
        ("Expected spend", "@label"),
        ("Customers", "@customers{0,0}"),
        ("Together", "@amount{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        people = expected_spend(self.session, sales, filters)
        return spend_classes(people["score"]) if people.height else people

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="label", y="customers", color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True, rot=45,
        )  # fmt: skip

    def note(self, frame: pl.DataFrame) -> str:
        whole = float(frame["amount"].sum())
        top = frame.tail(1).row(0, named=True)
        share = f"{top['amount'] / whole:.0%}" if whole > 0 else "–"
        return (
            f"The {top['customers']:,} customers of the highest class bring {share} of what is expected. "
            f"{unused(self.session)}"
        ).strip()


class SpendByCountry(GapChart):
    """Where the expected spend comes from."""

    slug = "expected-spend-by-country"
    title = "Expected spend by country ({currency})"
    description = "Click a country to keep its customers. Ticks: the pace of the last year."
    sql = SQL
    pale = False
    category = "country"
    click = ("country", "country")
    value_axis = "x"
    limit = 14
    strength = 0.75
    empty_message = NOT_SCORED
    tooltips = (
        ("", "@country"),
        ("Expected", "@expected{0,0}"),
        ("Pace of the last year", "@pace{0,0}"),
        ("What came", "@came{0,0}"),
        ("Customers", "@customers{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        people = expected_spend(self.session, sales, filters, skip=self.sets)
        return spend_by_country(people) if people.height else people

    def _aligned(self, frame: pl.DataFrame, background: pl.DataFrame) -> pl.DataFrame:
        return super()._aligned(frame.head(self.limit or frame.height), background)

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="country", y="expected", color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        source = self._front[0].data_source
        self._front[0].glyph.height = 0.74
        figure.scatter(
            x="pace", y="country", source=source, marker="dash", angle=1.5708, size=12, line_width=2.5,
            line_color=theme.SECOND, line_alpha="mark_alpha",
        )  # fmt: skip
        figure.scatter(
            x="came", y="country", source=source, marker="circle", size=8, fill_color=None, line_width=2,
            line_color=theme.PALE,
        )  # fmt: skip
        figure.x_range.start = 0

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        ends = [frame[name].max() for name in ("expected", "pace", "came")]
        figure.x_range.end = (
            max((float(end) for end in ends if isinstance(end, int | float)), default=1) * 1.04
        )

    def note(self, frame: pl.DataFrame) -> str:
        told = super().note(frame)
        came = "Circles: what came." if frame["came"].null_count() < frame.height else ""
        return f"{came} {told}".strip()


class SpendThenAfter(GapChart):
    """Expected then and spent after, by tenths of the customers."""

    slug = "expected-spend-then-after"
    title = "Expected then, spent after: mean of a customer ({currency})"
    description = "Tenths of the customers by expectation, the lowest first. Bars: spent. Dots: expected."
    sql = (*SQL, "labels/orders")
    pale = False
    wide = True
    category = "tenth"
    value_axis = "y"
    empty_message = (
        "The days of this prediction are not over yet.\n"
        "Choose an earlier as-of date on the left to see what was expected then and what was spent."
    )
    tooltips = (
        ("Tenth", "@tenth"),
        ("Expected", "@expected{0,0}"),
        ("Spent", "@came{0,0}"),
        ("Customers", "@customers{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        people = expected_spend(self.session, sales, filters)
        return spend_tenths(people) if people.height else people

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="tenth", y="came", color=theme.ACCENT, line_color=None, xlabel="", ylabel="", responsive=True,
            alpha=0.6,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        figure.scatter(
            x="tenth", y="expected", source=self._front[0].data_source, size=10, color=theme.SECOND
        )
        figure.y_range.start = 0

    def note(self, frame: pl.DataFrame) -> str:
        counts = frame["customers"]
        expected = float((frame["expected"] * counts).sum())
        came = float((frame["came"] * counts).sum())
        currency = self.session.settings.currency
        told = theme.percent_change(came / expected - 1) if expected > 0 else "–"
        return (
            f"{until(self.session)} Expected {theme.money(expected, currency)}, spent "
            f"{theme.money(came, currency)} ({told}). {unused(self.session)}"
        ).strip()
