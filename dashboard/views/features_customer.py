"""One customer through the eyes of the models: every feature beside all customers, and over time."""

from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.models import Span
from bokeh.plotting import figure as Figure  # noqa: N812

from core.days import to_day
from core.filters import SalesFilters
from core.predictions.features import standing, timeline
from core.predictions.people import selected_customers
from core.sales_data import SalesData
from core.snapshots import FEATURES
from dashboard import theme
from dashboard.components.customer import CustomerPicker
from dashboard.session import Session
from dashboard.view import Chart, View
from dashboard.views.features_base import (
    FeatureRows,
    OffLoop,
    choose,
    chosen_feature,
    in_groups,
    known_snapshot,
    text_by_unit,
    titled,
)

_MOST_FOUND = 8


def customer_of(session: Session, sales: SalesData, filters: SalesFilters) -> dict[str, Any] | None:
    """The customer looked at: that of the address, of the filters, or the best of those selected."""
    key = str(session.extra.get("who", ""))
    found = sales.customers.filter(pl.col("key") == key)
    if found.is_empty():
        found = selected_customers(sales, filters).sort("revenue_365", descending=True, nulls_last=True)
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return {
        "customer_id": row["customer_id"], "key": row["key"], "name": row["customer_name"] or row["key"],
        "country": str(row["country"]),
    }  # fmt: skip


class CustomerChoice(View):
    """The name of the customer, and a search for others."""

    slug = "feature-customer"
    title = "One customer"
    description = "Find a customer by name or number."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.picker = CustomerPicker(
            on_event=self._asked, sizing_mode="stretch_width", styles={"grid-column": "1 / -1"}
        )
        self._shown_who: object = None

    def panel(self) -> pn.viewable.Viewable:
        return self.picker

    def refresh(self) -> None:
        if self.session.extra.get("who") != self._shown_who:
            self._shown_who, self._shown_key = self.session.extra.get("who"), None
        super().refresh()

    def is_empty(self, frame: pl.DataFrame) -> bool:  # noqa: ARG002
        return False

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = customer_of(self.session, sales, filters)
        return pl.DataFrame([found]) if found else pl.DataFrame()

    def show(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            self.picker.param.update(heading="No customer matches the filters", detail="")
            return
        row = frame.row(0, named=True)
        self.picker.param.update(heading=row["name"], detail=f"{row['country']} · number {row['key']}")

    def _asked(self, event: dict[str, Any]) -> None:
        sales = self.session.sales
        if sales is None:
            return
        if event.get("kind") == "open":
            choose(self.session, who=str(event.get("key", "")))
        elif event.get("kind") == "search":
            text = str(event.get("text", "")).strip()
            word = text.lower()
            name = pl.coalesce("customer_name", "key")
            fits = name.str.to_lowercase().str.contains(word, literal=True) | (pl.col("key") == text)
            rows = sales.customers.filter(fits).head(_MOST_FOUND) if word else sales.customers.clear()
            self.picker.param.update(
                found=[
                    {"key": key, "name": shown or key, "detail": str(country)}
                    for key, shown, country in rows.select("key", "customer_name", "country").iter_rows()
                ],
                asked=text,
            )


class CustomerStanding(FeatureRows):
    """Every feature of the customer beside all customers."""

    slug = "feature-standing"
    title = "Features of this customer beside all customers"
    description = "Below: share of customers with a smaller value. Click a feature to see it over time."
    uses = ("who",)
    wide = False
    height = 480
    empty_message = "This customer had not ordered before the as-of date.\nChoose another, or a later date."
    columns = (
        ("label", "Feature", "link"),
        ("value", "Value", "number"),
        ("median", "Median of all", "number"),
        ("below", "Below", "share"),
    )
    hidden = ("feature", "group", "text")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = customer_of(self.session, sales, filters)
        if found is None:
            return pl.DataFrame()
        frame = standing(known_snapshot(self.session, to_day(sales.as_of)), found["customer_id"])
        return in_groups(frame) if frame.height else frame

    def _cells(self, row: dict[str, Any]) -> list[str]:
        cells = super()._cells(row)
        shown = row["text"] if row["text"] is not None else row["value"]
        cells[1] = text_by_unit(shown, row["unit"])
        return cells


class CustomerTimeline(OffLoop, Chart):
    """The chosen feature of the customer over two years."""

    slug = "feature-timeline"
    title = "Feature over time"
    description = "What was known on each date, every 30 days. Dashed: median of all customers now."
    uses = ("who", "feature")
    height = 480
    pale = False
    empty_message = "There is nothing to draw: the feature is text, or the customer had no value yet."
    tooltips = (("Date", "@date{%d %b %Y}"), ("Value", "@value{0,0.00}"))

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found, name = customer_of(self.session, sales, filters), chosen_feature(self.session)
        if found is None or FEATURES[name].unit == "text":
            return pl.DataFrame()
        database, terms = self.session.database, self.session.settings.payment_terms_days
        rows = timeline(database, found["customer_id"], to_day(sales.as_of), terms)
        everyone = known_snapshot(self.session, to_day(sales.as_of))[name]
        return rows.select("date", value=pl.col(name).cast(pl.Float64)).with_columns(
            feature=pl.lit(name), name=pl.lit(found["name"]), median=pl.lit(everyone.median(), pl.Float64)
        )

    def is_empty(self, frame: pl.DataFrame) -> bool:
        return frame.is_empty() or frame["value"].null_count() == frame.height

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.line(
            x="date", y="value", color=theme.ACCENT, line_width=2, xlabel="", ylabel="", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        marks = figure.scatter(
            x="date", y="value", source=self._front[0].data_source, size=7, color=theme.ACCENT
        )
        figure.toolbar.tools = [theme.hover(self.tooltips, renderers=[marks], mode="vline")]
        figure.xaxis[0].ticker.desired_num_ticks = 5
        self._median = Span(location=0, dimension="width", line_color=theme.PALE, line_dash="dashed")
        figure.add_layout(self._median)

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:
        values = frame["value"].drop_nulls()
        median = frame["median"][0]
        ends = [float(values.min() or 0), float(values.max() or 0)]  # type: ignore[arg-type]
        self._median.visible = median is not None
        if median is not None:
            self._median.location = median
            ends.append(median)
        low, high = min(0.0, *ends), max(ends)
        figure.y_range.start, figure.y_range.end = low, high + (high - low) * 0.06 or 1
        name, currency = frame["feature"][0], self.session.settings.currency
        self.card.title = f"{titled(name, currency)} over time, {frame['name'][0]}"

    @staticmethod
    def _fill(source: Any, frame: pl.DataFrame) -> None:
        Chart._fill(source, frame.with_columns(pl.col("value").fill_null(float("nan"))))

    def note(self, frame: pl.DataFrame) -> str:
        feature = FEATURES[frame["feature"][0]]
        return "A value of today on every date: there is no history of it." if feature.current else ""
