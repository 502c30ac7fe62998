"""Who may not order again: figures, the list to act on, and how risk is spread."""

from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.models import TapTool
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions.actions import RULES
from core.predictions.churn import CAMPAIGN, LEAVE, OUTREACH, in_band, risk_bands, risk_by_country
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components import FigureCards
from dashboard.predictions.action_list import ActionList
from dashboard.session import Session
from dashboard.view import Chart
from dashboard.views.churn_parts import ChurnView, horizon_of, predicted_for, risks

_COLORS = {OUTREACH: theme.RISK["high"], CAMPAIGN: theme.RISK["medium"], LEAVE: theme.RISK["low"]}
RULE = (
    f"{OUTREACH} from a risk of {RULES.call_risk:.0%}, campaign from {RULES.campaign_risk:.0%}, "
    "below that leave."
)


class RiskFigures(ChurnView):
    """How many will not order, what is at stake, and how many to call, to write to, to leave."""

    slug = "churn-figures"
    title = "Customers at risk"
    description = "Customers who ordered in the last 365 days, by their risk of no order within the horizon."
    subject = "balances"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.cards = FigureCards(
            compact=True, visible=False, styles={"grid-column": "1 / -1"}, sizing_mode="stretch_width"
        )

    def panel(self) -> pn.viewable.Viewable:
        return self.cards

    def refresh(self) -> None:
        super().refresh()
        self.cards.visible = self.frame is not None and self.card.state == "ready"

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        return risks(self.session, sales, filters)

    def show(self, frame: pl.DataFrame) -> None:
        risk = frame["p_no_order"].to_numpy()
        spread = 1.96 * float((risk * (1 - risk)).sum()) ** 0.5
        leaving = float(risk.sum())
        value, currency = frame["value"].sum(), self.session.settings.currency
        horizon = horizon_of(self.session)
        counted = dict(frame.group_by("way").agg(pl.len()).iter_rows())
        happened = frame["happened"].drop_nulls()
        figures = [
            _figure(
                "leaving", f"Expected not to order in {horizon} days", f"{leaving:,.0f} of {frame.height:,}",
                f"{max(leaving - spread, 0):,.0f} to {min(leaving + spread, frame.height):,.0f} (95 %)",
            ),
            _figure(
                "value", "Value at risk", theme.money(float(value), currency) if value else "–",
                "risk × expected spend" if value else "spend is not predicted for this date",
            ),
            _figure("outreach", OUTREACH, f"{counted.get(OUTREACH, 0):,}",
                    f"risk of {RULES.call_risk:.0%} or more"),
            _figure("campaign", CAMPAIGN, f"{counted.get(CAMPAIGN, 0):,}",
                    f"risk of {RULES.campaign_risk:.0%} to {RULES.call_risk:.0%}"),
            _figure("leave", LEAVE, f"{counted.get(LEAVE, 0):,}", f"risk below {RULES.campaign_risk:.0%}"),
        ]  # fmt: skip
        if len(happened):
            none = int((happened == "No order").sum())
            figures.append(
                _figure("happened", "What happened after", f"{none:,} of {len(happened):,}", "did not order")
            )
        self.cards.param.update(caption=predicted_for(self.session), figures=figures)


def _figure(key: str, label: str, value: str, change: str) -> dict[str, object]:
    return {
        "key": key,
        "label": label,
        "value": value,
        "change": change,
        "trend": "none",
        "note": "",
        "spark": [],
    }


class RiskBands(ChurnView, Chart):
    """How many customers have which risk; a click keeps that band in the list."""

    slug = "churn-bands"
    title = "Customers by risk of no order"
    description = "Click a bar to keep only that band in the list. Green: leave, amber: campaign, red: call."
    follows = ("band",)
    subject = "balances"
    category = "label"
    pale = False
    measures = ("customers",)
    height = 280
    tooltips = (
        ("Risk", "@label"),
        ("Customers", "@customers{0,0}"),
        ("Value at risk", "@value{0,0}"),
        ("What to do", "@way"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = risks(self.session, sales, filters)
        if found.is_empty():
            return pl.DataFrame()
        chosen = bands_of(self.session)
        lit = pl.col("band").is_in(chosen) if chosen else pl.lit(True)
        return risk_bands(found).with_columns(
            mark_alpha=pl.when(lit).then(1.0).otherwise(theme.MUTED_ALPHA),
            mark_color=pl.col("way").replace_strict(_COLORS),
        )

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.bar(
            x="label", y="customers", line_color=None, xlabel="", ylabel="Customers", responsive=True
        )

    def restyle(self, figure: Figure) -> None:
        front = self._front[0]
        front.glyph.width = 0.86
        figure.y_range.start = 0
        figure.xaxis.major_label_orientation = 0.9
        figure.add_tools(TapTool(renderers=[front]))
        front.data_source.selected.on_change("indices", self._tapped)

    def _tapped(self, _attr: str, _old: list[int], indices: list[int]) -> None:
        if not indices:
            return
        source = self._front[0].data_source
        band = int(source.data["band"][indices[0]])
        source.selected.indices = []
        chosen = set(bands_of(self.session)) ^ {band}
        extra = {name: value for name, value in self.session.extra.items() if name != "band"}
        self.session.extra = extra | ({"band": ",".join(map(str, sorted(chosen)))} if chosen else {})


def bands_of(session: Session) -> list[int]:
    """The bands of the risk that the list is restricted to; what cannot be read is left out."""
    parts = str(session.extra.get("band", "")).split(",")
    return [int(part) for part in parts if part.isdecimal() and int(part) < 10]


class RiskByCountry(ChurnView, Chart):
    """How many customers of each country are expected not to order."""

    slug = "churn-countries"
    title = "Expected not to order, by country"
    description = "Sum of the risks of the customers. Click a bar to keep only that country. Pale: all."
    subject = "balances"
    category = "country"
    click = ("country", "country")
    value_axis = "x"
    limit = 12
    height = 280
    measures = ("leaving",)
    tooltips = (
        ("", "@country"),
        ("Expected not to order", "@leaving{0.0}"),
        ("of customers", "@customers{0,0}"),
        ("Mean risk", "@share{0%}"),
        ("Value at risk", "@value{0,0}"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = risks(self.session, sales, filters, skip=self.sets)
        return risk_by_country(found) if found.height else pl.DataFrame()

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.barh(
            x="country", y="leaving", color=theme.ACCENT, line_color=None, xlabel="", ylabel="",
            responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:  # noqa: ARG002
        for renderer in [*self._front, *self._back]:
            renderer.glyph.height = 0.74


class RiskList(ChurnView, ActionList):
    """Whom to turn to, by what is at stake."""

    slug = "churn-risks"
    title = "Whom to turn to ({currency})"
    description = f"{RULE} Value at risk: risk × expected spend in the horizon."
    follows = ("band",)
    subject = "balances"
    height = 600
    search_in = ("customer_name", "owner", "country")
    search_label = "Search customer, owner, country"
    tones = {"p_no_order": "risk"}  # noqa: RUF012
    hidden = ("customer_id", "country", "office", "p_low", "p_high", "spend_low", "spend_high", "reason")
    columns = (
        ("customer_name", "Customer", "link"),
        ("p_no_order", "Risk of no order", "share"),
        ("between", "80 % interval", "text"),
        ("happened", "What happened", "text"),
        ("spent", "Spent", "money"),
        ("value", "Value at risk", "money"),
        ("step", "Suggested step", "text"),
        ("main_reason", "Why", "long"),
        ("owner", "Owner", "text"),
        ("next_order_date", "Next order", "date"),
        ("expected_spend", "Expected spend", "money"),
    )
    below = {"p_no_order": "between"}  # noqa: RUF012
    optional = ("happened", "spent")

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        found = risks(self.session, sales, filters)
        return in_band(found, bands_of(self.session)) if found.height else found

    def note(self, frame: pl.DataFrame) -> str:
        told = [predicted_for(self.session)]
        if bands := bands_of(self.session):
            names = ", ".join(f"{band * 10}–{band * 10 + 10}%" for band in bands)
            told.append(f"Only risks of {names}: click the bar again to let go.")
        if frame["value"].null_count() == frame.height:
            told.append("Expected spend is not predicted for this date: train it on the Sales page.")
        return " ".join([*told, super().note(frame)]).strip()
