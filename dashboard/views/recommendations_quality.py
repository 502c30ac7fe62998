"""How good recommendations were at past dates, and what customers without a history get."""

from typing import Any, ClassVar

import hvplot.polars  # noqa: F401
import polars as pl
from bokeh.models import CustomJSTickFormatter, Range1d, Whisker
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions import dates_scored, scores_on, stored_backtest
from core.predictions.people import selected_customers
from core.predictions.recommendations import (
    GROUPS,
    TASK,
    bought_after,
    cold_start,
    past_hits,
    ranking_quality,
    with_outcome,
)
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components.customer import CustomerStory
from dashboard.predictions.scored import NOT_SCORED
from dashboard.session import Session
from dashboard.view import Chart, View
from dashboard.views.action_parts import model_card
from dashboard.views.recommendations_parts import ON_CUSTOMERS, data_end, horizon_of, unfiltered
from dashboard.views.rows import PagedRows

NOT_JUDGED = "Recommendations have not been judged on past dates yet.\nTrain the model above."
_SHORT = {
    "personal frequency": "own frequency",
    "personal frequency, then popularity": "own, then popular",
}
_SHOWN = ("recommender", *_SHORT, "popularity")


class RankingQuality(Chart):
    """NDCG@10 of the recommender and of what one would do without it."""

    slug = "recommendation-quality"
    title = "Ranking quality at past dates (NDCG@10)"
    description = (
        "1: all products that were bought stood on top of the ten. Dots: mean over past dates, with 95 % "
        "intervals."
    )
    sql = ("models/purchases",)
    pale = False
    category = "label"
    value_axis = None
    height = 430
    tooltips = (("", "@label"), ("NDCG@10", "@value{0.000}"), ("95 %", "@low{0.000} to @high{0.000}"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        stored = stored_backtest(self.session.database, TASK)
        self.empty_message = NOT_JUDGED
        if stored is None:
            return pl.DataFrame()
        names = pl.col("model").replace(_SHORT)
        own = pl.col("model") == stored.models[0]
        return (
            ranking_quality(stored)
            .filter(pl.col("model").is_in(_SHOWN))
            .with_columns(
                label=pl.concat_str(pl.col("group").replace(GROUPS), pl.lit(": "), names),
                mark_color=pl.when(own).then(pl.lit(theme.ACCENT)).otherwise(pl.lit(theme.SECOND)),
                mark_size=pl.when(own).then(12.0).otherwise(9.0),
            )
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.scatter(x="value", y="label", xlabel="NDCG@10", ylabel="", responsive=True)

    def restyle(self, figure: Figure) -> None:
        dots = self._front[0]
        dots.glyph.size, dots.glyph.line_color = "mark_size", None
        figure.x_range = Range1d(0, 1)
        spread = Whisker(
            source=dots.data_source, base="label", lower="low", upper="high", dimension="width",
            line_color=theme.PALE,
        )  # fmt: skip
        spread.upper_head.line_color = spread.lower_head.line_color = theme.PALE
        figure.add_layout(spread)
        figure.yaxis[0].formatter = CustomJSTickFormatter(code="return tick")

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        told = "Own frequency: what the customer bought most often; it says nothing of new products."
        return f"{told} {unfiltered(self.session.filters, ())}".strip()


class RankingDifferences(PagedRows):
    """The same in figures, and how much better the recommender is, paired by customer."""

    slug = "recommendation-differences"
    title = "How much better than going without (NDCG@10)"
    description = "Differences are paired by customer; an interval above 0 is a real gain (95 %)."
    sql = ("models/purchases",)
    height = 430
    page_size = 15
    columns = (
        ("what", "Products", "text"),
        ("model", "Ranking", "text"),
        ("told", "NDCG@10 [95 %]", "text"),
        ("gain", "Recommender better by", "text"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        stored = stored_backtest(self.session.database, TASK)
        self.empty_message = NOT_JUDGED
        if stored is None:
            return pl.DataFrame()
        found = ranking_quality(stored)
        rows = [
            {
                "what": GROUPS[row["group"]],
                "model": _SHORT.get(row["model"], row["model"]),
                "told": f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                "gain": "–"
                if row["better"] is None
                else f"{row['better']:+.3f} [{row['better_low']:+.3f}, {row['better_high']:+.3f}]",
            }
            for row in found.iter_rows(named=True)
        ]
        return pl.DataFrame(rows)

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        stored = stored_backtest(self.session.database, TASK)
        cutoffs = stored.scores["cutoff"].n_unique() - 1 if stored else 0
        told = f"Mean over {cutoffs} past dates, each trained on what was known before it; stock is ignored."
        card = model_card(self.session, self.session.sales, TASK) if self.session.sales else None
        if card is not None and card.decision is not None:
            told += f" The model in use ranks what was bought before by: {card.champion}."
        return f"{told} {unfiltered(self.session.filters, ())}".strip()


class PastHits(PagedRows):
    """What was recommended at past dates, expected to be bought, and bought."""

    slug = "recommended-and-bought-then"
    title = "Recommended then, bought after"
    description = (
        "Ten products of each kind for every customer; expected with its 80 % interval, and what happened."
    )
    sql = ("models/purchases",)
    height = 330
    page_size = 8
    columns = (
        ("as_of", "Recommended on", "date"),
        ("kind", "Kind", "text"),
        ("customers", "Customers", "integer"),
        ("recommended", "Products", "integer"),
        ("told", "Expected to be bought", "text"),
        ("bought", "Bought", "integer"),
        ("share", "Share bought", "text"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        database, end = self.session.database, data_end(self.session, sales)
        days = [day for day in dates_scored(database, TASK) if day <= sales.as_of]
        self.empty_message = NOT_SCORED if not days else "No past prediction has come to its end yet."
        horizon, parts = horizon_of(self.session, sales), []
        kept = None
        if set(filters.active()) & set(ON_CUSTOMERS):
            kept = selected_customers(sales, filters).select("customer_id")
        for day in days:
            bought = bought_after(database, day, horizon, end)
            found = scores_on(database, TASK, day)
            if bought is None or found is None:
                continue
            rows = found.frame.select("as_of", "kind", "customer_id", "product_id", "score")
            if kept is not None:
                keys = pl.col("customer_id").cast(kept.schema["customer_id"])
                rows = rows.with_columns(keys).join(kept, on="customer_id", how="semi")
            keyed = rows.with_columns(product=pl.col("product_id").cast(pl.String))
            parts.append(with_outcome(keyed, bought))
        if not parts:
            return pl.DataFrame()
        found_hits = past_hits(pl.concat(parts, how="vertical_relaxed"))
        return found_hits.with_columns(
            told=pl.struct("expected", "low", "high").map_elements(_around, return_dtype=pl.String),
            share=pl.col("hit_share").map_elements(lambda value: f"{value:.1%}", return_dtype=pl.String),
        )

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        told = "Each by a model that knew nothing later. Intervals take customers as independent."
        return f"{told} {unfiltered(self.session.filters, ON_CUSTOMERS)}".strip()


def _around(row: dict[str, float]) -> str:
    return f"{row['expected']:,.0f} ({row['low']:,.0f} to {row['high']:,.0f})"


class ColdStart(View):
    """What customers get by what is known of them."""

    slug = "recommendation-ladder"
    title = "What customers without a history get"
    description = "The less is known of a customer, the more what others buy decides."
    sql = ("models/customers_without_orders", "models/purchases_by_country")
    height = 330
    subject: ClassVar[str] = "balances"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.story: CustomerStory | None = None

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        found = scores_on(self.session.database, TASK, sales.as_of)
        self.empty_message = NOT_SCORED
        return pl.DataFrame() if found is None else cold_start(found.frame, sales)

    def show(self, frame: pl.DataFrame) -> None:
        if self.story is None:
            self.story = CustomerStory(sizing_mode="stretch_both")
            self._content[:] = [self.story]
        said = [f"{row['customers']:,} get {row['gets']}" for row in frame.iter_rows(named=True)]
        new = int(frame["customers"][1:3].sum())
        lead = (
            f"{frame['customers'][0]:,} customers have bought before and are judged by that; of {new:,} "
            "without a purchase only the country is known, so they get what sells there, or where little is "
            "sold there, what sells everywhere; how likely they buy it cannot be said."
        )
        facts = [{"label": step, "value": told} for step, told in zip(frame["step"], said, strict=True)]
        self.story.param.update(word="Cold start", tone="none", lead=lead, facts=facts)

    def note(self, frame: pl.DataFrame) -> str:  # noqa: ARG002
        return unfiltered(self.session.filters, ())
