"""Whom to contact with this budget: past campaigns in money, and the list that follows the threshold."""

import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import hvplot.polars  # noqa: F401
import panel as pn
import polars as pl
from bokeh.models import Span
from bokeh.plotting import figure as Figure  # noqa: N812

from core.filters import SalesFilters
from core.predictions.campaign import (
    Assumptions,
    Economics,
    PastCampaigns,
    economics,
    past_campaigns,
    round_amount,
    usual_margin,
)
from core.predictions.people import selected_customers
from core.sales.absent import what_is_needed
from core.sales_data import SalesData
from dashboard import theme
from dashboard.components.decision_desk import DecisionDesk, slider
from dashboard.predictions.action_list import ActionList
from dashboard.session import Session
from dashboard.view import Chart
from dashboard.views.churn_parts import ChurnView, predicted_for, risks

NAMES = ("threshold", "cost", "success", "margin")
"""What the reader sets; these are also the names in the address."""
NO_PAST = (
    "No past prediction has a known outcome on this date, so nothing can be measured.\n"
    "Choose a later as-of date, or train the model above."
)
_SUCCESS, _MARGIN = 10, 30
_COST_SHARE = 0.01
_COST_STEPS, _COST_RANGE = 10, 20
_FEW = 20


@dataclass
class Campaign:
    """The choices and the measured past of one session."""

    views: "weakref.WeakSet[_CampaignView]" = field(default_factory=weakref.WeakSet)
    live: dict[str, float] = field(default_factory=dict)
    past: PastCampaigns | None = None
    counted: Economics | None = None
    counted_for: Hashable = None
    margin: float | None = None

    def value(self, session: Session, name: str, default: float, most: float) -> float:
        """What is chosen: moved just now, else in the address, else the default."""
        if name in self.live:
            return min(max(self.live[name], 0.0), most)
        try:
            return min(max(float(session.extra[name]), 0.0), most)
        except (KeyError, ValueError):
            return default

    @property
    def usual_cost(self) -> float:
        """A cost per contact to start with: about one per cent of a usual order."""
        usual = self.past.usual_order if self.past else 0.0
        return round_amount(_COST_SHARE * usual)

    def assumed(self, session: Session) -> Assumptions:
        """Cost of a contact, its success and the margin, as chosen."""
        margin = self.margin * 100 if self.margin is not None else _MARGIN
        return Assumptions(
            self.value(session, "cost", self.usual_cost, self.usual_cost * 1e6),
            self.value(session, "success", _SUCCESS, 100) / 100,
            self.value(session, "margin", margin, 100) / 100,
        )

    def threshold(self, session: Session) -> int:
        """The threshold chosen (whole per cents), else the best one."""
        if self.counted is None:
            return 50
        best = self.counted.optimum(self.assumed(session))
        found = self.value(session, "threshold", best, 100)
        return round(found) if found == found else best


_CAMPAIGNS: "weakref.WeakKeyDictionary[Session, Campaign]" = weakref.WeakKeyDictionary()


def campaign_of(session: Session) -> Campaign:
    """The campaign that a session plans."""
    return _CAMPAIGNS.setdefault(session, Campaign())


class _CampaignView(ChurnView):
    """A view that follows the sliders."""

    follows = NAMES
    subject = "balances"
    empty_message = NO_PAST

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.campaign = campaign_of(session)
        self.campaign.views.add(self)

    def work(self, sales: SalesData) -> tuple[Hashable, Callable[[], Any]]:
        database, terms = self.session.database, self.session.settings.payment_terms_days
        key = (id(database), database.data_version(), sales.as_of)
        return key, lambda: past_campaigns(database, sales.as_of, terms_days=terms)

    def answer(self) -> None:
        """Show what the sliders say now."""
        if self.drawn and self.card.state == "ready" and self.session.sales is not None:
            frame = self.data(self.session.sales, self.session.filters)
            self.show(frame)
            self.card.note = self.note(frame)
            self.frame = frame

    def measured(self, sales: SalesData, filters: SalesFilters) -> Economics | None:
        """Past campaigns among the customers that pass; ``None`` without any."""
        campaign, past = self.campaign, self._made
        key = (id(sales), filters.key(), id(past))
        if key != campaign.counted_for:
            campaign.past = (
                None if past is None else past.of(selected_customers(sales, filters)["customer_id"])
            )
            empty = campaign.past is None or campaign.past.rows.is_empty()
            campaign.counted = None if empty or campaign.past is None else economics(campaign.past)
            campaign.margin = _margin(sales)
            campaign.counted_for = key
        return campaign.counted


def _margin(sales: SalesData) -> float | None:
    """The share of revenue that is gross profit, where purchase prices are known."""
    if what_is_needed(sales, ("purchase prices",)):
        return None
    sums = sales.monthly.select(pl.col("revenue", "gross_profit").sum()).row(0)
    return usual_margin(*sums)


class CampaignDesk(_CampaignView):
    """The sliders, and what past campaigns at this threshold would have brought."""

    slug = "churn-campaign-desk"
    title = "Whom to contact with this budget ({currency})"
    description = (
        "Everybody whose risk is at least the threshold is contacted. Counted at past dates, where it is "
        "known who then did not order; cost, success and margin are your assumptions."
    )
    sql = ("features/purchases", "labels/orders")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.desk = DecisionDesk(
            title=self.heading(), description=self.description, waiting="Reading what happened in the past …",
            on_event=self._asked, sizing_mode="stretch_width",
        )  # fmt: skip
        self.card = self.desk

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        counted = self.measured(sales, filters)
        if counted is None:
            return pl.DataFrame()
        return counted.curve(self.campaign.assumed(self.session))

    def show(self, frame: pl.DataFrame) -> None:
        campaign, session = self.campaign, self.session
        counted, past, sales = campaign.counted, campaign.past, session.sales
        assert counted is not None
        assert past is not None
        assert sales is not None
        currency, assumed = session.settings.currency, campaign.assumed(session)
        place, best = campaign.threshold(session), counted.optimum(assumed)
        at, top = frame.row(place, named=True), frame.row(best, named=True)
        everybody, pays = frame["contacted"][0], top["profit"] > 0
        found = risks(session, sales, session.filters)
        today = found.filter(pl.col("p_no_order") >= place / 100 - 1e-9) if found.height else found
        expected = float(today["p_no_order"].sum()) if today.height else 0.0

        def amount(value: float) -> str:
            return theme.money(value, currency)

        margin = "Margin on revenue" if campaign.margin is not None else "Margin on revenue (assumed)"
        dearest = max(campaign.usual_cost * _COST_RANGE, assumed.cost)
        self.desk.param.update(
            fields=[
                slider("threshold", "Contact from a risk of", place, (0, 100), 1, f"{place}%"),
                slider("cost", "Cost of one contact", assumed.cost, (0, dearest),
                       campaign.usual_cost / _COST_STEPS,
                       f"{currency} {assumed.cost:,.{0 if assumed.cost >= 10 else 2}f}"),
                slider("success", "Contacts that succeed (assumed)", assumed.success * 100, (0, 50), 1,
                       f"{assumed.success:.0%}"),
                slider("margin", margin, assumed.margin * 100, (1, 100), 1, f"{assumed.margin:.0%}"),
            ],
            figures=[
                {"key": "contacted", "label": "Contacted", "value": f"{at['contacted']:,.0f}",
                 "detail": f"of {everybody:,.0f} customers"},
                {"key": "gone", "label": "Would not have ordered", "value": f"{at['gone']:,.0f}",
                 "detail": f"of those contacted; {frame['gone'][0]:,.0f} in all"},
                {"key": "saved", "label": "Saved", "value": f"{at['saved']:,.1f}",
                 "detail": f"{assumed.success:.0%} of them, one usual order each"},
                {"key": "cost", "label": "Cost", "value": amount(at["cost"]),
                 "detail": f"{at['contacted']:,.0f} contacts"},
                {"key": "profit", "label": f"Profit in {counted.horizon} days", "value": amount(at["profit"]),
                 "detail": f"{amount(at['low'])} to {amount(at['high'])} (95 %)"},
                {"key": "best", "label": "Best threshold", "value": f"{best}%" if pays else "none",
                 "detail": f"profit {amount(top['profit'])}" if pays else "no campaign pays"},
                {"key": "today", "label": "On the list today", "value": f"{today.height:,}",
                 "detail": f"cost {amount(today.height * assumed.cost)}; {expected:,.0f} will not order"},
            ],
            lead=_sentence(counted, at, top, place, best, currency, counted.left_out(assumed)),
            buttons=[{"label": "Use the best threshold", "kind": "best"}] if place != best else [],
        )  # fmt: skip

    def note(self, frame: pl.DataFrame) -> str:
        counted, past = self.campaign.counted, self.campaign.past
        assert counted is not None
        assert past is not None
        told = [
            f"Averages of {counted.dates} past dates. The interval says how far other customers would have "
            "moved the profit; it does not cover the assumptions."
        ]
        if counted.contacted[0] < _FEW:
            told.append("These are few customers: the filters above leave little to measure.")
        if past.scale > 1.001:
            told.append("Measured on a random sample of the customers, scaled up.")
        return " ".join([*told, super().note(frame)]).strip()

    def _asked(self, event: dict[str, Any]) -> None:
        kind, name = event.get("kind"), str(event.get("name", ""))
        if kind == "best":
            self.campaign.live.pop("threshold", None)
            self.session.extra = {k: v for k, v in self.session.extra.items() if k != "threshold"}
        elif kind == "set" and name in NAMES and isinstance(event.get("value"), int | float):
            value = float(event["value"])
            if event.get("final"):
                self.campaign.live.pop(name, None)
                self.session.extra = self.session.extra | {name: f"{value:g}"}
                return  # the page follows the address
            self.campaign.live[name] = value
            with pn.io.hold():
                for view in list(self.campaign.views):
                    view.answer()


def _sentence(
    counted: Economics, at: dict[str, float], top: dict[str, float], place: int, best: int, currency: str,
    left_out: float,
) -> str:  # fmt: skip
    def amount(value: float) -> str:
        return theme.money(value, currency)

    brought = "brought" if at["profit"] >= 0 else "lost"
    told = (
        f"A campaign to everybody with a risk of {place}% or more would have {brought} "
        f"{amount(abs(at['profit']))} in the {counted.horizon} days after a past date."
    )
    if top["profit"] <= 0:
        return f"{told} At this cost no threshold pays: contact nobody, or find a cheaper way."
    if place != best:
        told += f" The most, {amount(top['profit'])}, came from contacting from {best}% on."
    else:
        told += " No other threshold brought more."
    if left_out == left_out:
        told += (
            f" Chosen without the date it is judged on, the best threshold brought {amount(left_out)}: "
            "expect that rather than the peak."
        )
    return told


class ProfitCurve(_CampaignView, Chart):
    """Profit of past campaigns over the threshold."""

    slug = "churn-profit"
    title = "Profit of a campaign by threshold ({currency})"
    description = "Line: the average past campaign; band: 95 %. Dashed: your threshold. Dot: the best."
    pale = False
    wide = True
    value_axis = "y"
    height = 300
    tooltips = (
        ("Contact from", "@threshold{0%}"),
        ("Contacted", "@contacted{0,0}"),
        ("Would not have ordered", "@gone{0,0}"),
        ("Cost", "@cost{0,0}"),
        ("Profit", "@profit{0,0} (@low{0,0} to @high{0,0})"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        counted = self.measured(sales, filters)
        return pl.DataFrame() if counted is None else counted.curve(self.campaign.assumed(self.session))

    def plot(self, frame: pl.DataFrame) -> Any:
        return frame.hvplot.line(
            x="threshold", y="profit", color=theme.ACCENT, line_width=2, xlabel="Contact from a risk of",
            ylabel="", responsive=True,
        )  # fmt: skip

    def restyle(self, figure: Figure) -> None:
        theme.percent_axis(figure.xaxis)
        band = figure.varea(
            x="threshold", y1="low", y2="high", source=self._front[0].data_source, fill_color=theme.ACCENT,
            fill_alpha=0.15,
        )  # fmt: skip
        band.level = "underlay"
        self._zero = Span(location=0, dimension="width", line_color=theme.PALE, line_width=1)
        self._chosen = Span(
            location=0, dimension="height", line_color=theme.SECOND, line_dash="dashed", line_width=2
        )
        figure.add_layout(self._zero)
        figure.add_layout(self._chosen)
        self._best = figure.scatter(
            x=[0.0], y=[0.0], size=12, fill_color=theme.SECOND, line_color="white", line_width=2, name="best"
        )
        for tool in figure.toolbar.tools:
            tool.mode = "vline"

    def repaint(self, figure: Figure, frame: pl.DataFrame) -> None:  # noqa: ARG002
        campaign = self.campaign
        assert campaign.counted is not None
        best = campaign.counted.optimum(campaign.assumed(self.session))
        self._chosen.location = campaign.threshold(self.session) / 100
        self._best.data_source.data = {"x": [best / 100], "y": [frame["profit"][best]]}


class CampaignList(_CampaignView, ActionList):
    """Whom to contact today: everybody from the threshold on."""

    slug = "churn-campaign"
    title = "Campaign list ({currency})"
    description = (
        "Everybody whose risk today is at least the threshold. Export writes the selected rows, or all."
    )
    height = 520
    search_in = ("customer_name", "owner", "country")
    search_label = "Search customer, owner, country"
    tones = {"p_no_order": "risk"}  # noqa: RUF012
    below = {"p_no_order": "between"}  # noqa: RUF012
    hidden = ("customer_id", "country", "office", "p_low", "p_high", "contact_cost", "reason")
    empty_message = "Nobody has such a risk today.\nLower the threshold, or remove a filter above."
    columns = (
        ("customer_name", "Customer", "link"),
        ("p_no_order", "Risk of no order", "share"),
        ("between", "80 % interval", "text"),
        ("value", "Value at risk", "money"),
        ("step", "Suggested step", "text"),
        ("main_reason", "Why", "long"),
        ("owner", "Owner", "text"),
        ("revenue_365", "Revenue, 365 days", "money"),
    )

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
        if self.measured(sales, filters) is None:
            return pl.DataFrame()
        found, campaign = risks(self.session, sales, filters), self.campaign
        if found.is_empty():
            return found
        least = campaign.threshold(self.session) / 100 - 1e-9
        cost = campaign.assumed(self.session).cost
        return found.filter(pl.col("p_no_order") >= least).with_columns(contact_cost=pl.lit(cost))

    def answer(self) -> None:
        self._shown_key = None  # the list may have been empty, or become so
        self.refresh()

    def note(self, frame: pl.DataFrame) -> str:
        return f"{predicted_for(self.session)} {super().note(frame)}".strip()
