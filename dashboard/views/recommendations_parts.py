"""What the cards of the Recommendations page share: what the address chooses, and offers of all customers."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import panel as pn
import polars as pl

from core.filters import SalesFilters
from core.jobs.run import DEFAULT_HORIZON
from core.predictions import scores_on
from core.predictions.people import selected_customers, with_customers
from core.predictions.recommendations import (
    TASK,
    bought_after,
    offers,
    only_products,
    product_facts,
    with_outcome,
)
from core.sales.absent import what_is_needed
from core.sales_data import SalesData
from dashboard.components.customer import ShortList
from dashboard.components.predictions import InputBar
from dashboard.predictions.action_list import ActionList
from dashboard.predictions.scored import NOT_SCORED
from dashboard.session import Session
from dashboard.view import View
from dashboard.views.action_parts import model_card, shown_date, too_few

_PRODUCT_FILTERS = ("product", "product_line")
LINE, PRODUCT = "line:", "product:"
"""What a campaign offers begins with one of these in the address."""


class Chosen(View):
    """A view that also follows what the address chooses (``watched``: names of ``Session.extra``)."""

    watched: ClassVar[tuple[str, ...]] = ()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._choice: tuple[str, ...] | None = None

    def refresh(self) -> None:
        choice = tuple(chosen(self.session, name) for name in self.watched)
        if choice != self._choice:
            self._choice = choice
            self._shown_key = None
        super().refresh()


class Inputs(Chosen):
    """Native inputs above the cards of a chapter; what they are set to goes into the address."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.bar = InputBar(on_set=self._set, sizing_mode="stretch_width")

    def panel(self) -> pn.viewable.Viewable:
        return self.bar

    def fields(self, sales: SalesData) -> list[dict[str, Any]]:
        """The inputs, as ``InputBar.fields``."""
        raise NotImplementedError

    def data(self, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:  # noqa: ARG002
        self._fields = self.fields(sales)
        return pl.DataFrame({"input": [field["name"] for field in self._fields]})

    def show(self, frame: pl.DataFrame) -> None:  # noqa: ARG002
        self.bar.fields = self._fields

    def _set(self, name: str, value: Any) -> None:
        choose(self.session, **{name: str(value)})


class ProductLinks(ActionList):
    """A list whose links choose a product (column ``key``) in the chapter on products."""

    selectable = False
    wide = False
    search_in = ("product_name", "product_line")
    search_label = "Search products"

    def _asked(self, event: dict[str, Any]) -> None:
        if event.get("kind") == "open":
            choose(self.session, "products", item=str(event.get("key", "")))
        else:
            super()._asked(event)


def link(text: str, act: Callable[[], None]) -> ShortList:
    """A link that does something."""

    def asked(event: dict[str, str]) -> None:
        if event.get("kind") == "more":
            act()

    return ShortList(more=text, on_event=asked, height=36, width=260, margin=0)


def chosen(session: Session, name: str) -> str:
    """What the address chooses under a name; empty: nothing."""
    return str(session.extra.get(name, "")).strip()


def choose(session: Session, tab: str = "", **values: str) -> None:
    """Put choices into the address, and open a chapter if one is named."""
    kept = {name: value for name, value in (session.extra | values).items() if value}
    session.param.update(extra=kept, **({"tab": tab} if tab else {}))


def select(name: str, label: str, value: str, options: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A field of ``InputBar`` that offers (value, text)."""
    described = [{"value": key, "text": text} for key, text in options]
    return {"name": name, "label": label, "kind": "select", "value": value, "options": described}


def horizon_of(session: Session, sales: SalesData) -> int:
    """Days ahead that purchases are predicted for."""
    card = model_card(session, sales, TASK)
    return card.horizon_days if card else DEFAULT_HORIZON


def data_end(session: Session, sales: SalesData) -> dt.date:
    """The first day of which nothing is known."""
    return max(session.newest_as_of or sales.as_of, sales.as_of)


def all_offers(session: Session, sales: SalesData) -> pl.DataFrame | None:
    """Every recommended product of every customer with prices and outcome; ``None`` without scores."""
    end = data_end(session, sales)

    def make() -> pl.DataFrame | None:
        found = scores_on(session.database, TASK, sales.as_of)
        if found is None or found.frame.is_empty():
            return None
        named = with_customers(found.frame, sales, SalesFilters())
        bought = bought_after(session.database, found.as_of, horizon_of(session, sales), end)
        return with_outcome(offers(named, product_facts(sales)), bought)

    return sales.once(("offers", session.database.data_version(), end), make)


def passing_offers(session: Session, sales: SalesData, filters: SalesFilters) -> pl.DataFrame | None:
    """Those of them that pass the filters on customers and products."""
    frame = all_offers(session, sales)
    if frame is None:
        return None
    if set(filters.active()) - {"period", *_PRODUCT_FILTERS}:
        kept = selected_customers(sales, filters)
        frame = frame.join(kept.select("customer_id"), on="customer_id", how="semi", maintain_order="left")
    return of_products(frame, filters)


def of_products(frame: pl.DataFrame, filters: SalesFilters) -> pl.DataFrame:
    """The rows whose ``product`` and ``product_line`` pass the filters."""
    return only_products(frame, filters.values_of("product_line"), filters.values_of("product"))


def lacking(session: Session, sales: SalesData) -> str:
    """Why there are no recommendations to show; empty if there are."""
    if few := too_few(session, sales, TASK):
        return f"{few}:\nwhat is bought together is under Products, what sells best on Explore."
    return NOT_SCORED if all_offers(session, sales) is None else ""


def predicted_for(session: Session, sales: SalesData) -> str:
    """For when the recommendations were made, in a sentence."""
    found = scores_on(session.database, TASK, sales.as_of)
    if found is None:
        return ""
    days = horizon_of(session, sales)
    until = found.as_of + dt.timedelta(days=days - 1)
    return f"Predicted on {shown_date(found.as_of)} for the {days} days to {shown_date(until)}."


def unweighed(sales: SalesData) -> str:
    """A sentence on constraints that the data cannot give; empty if they give all."""
    lacks = [name for name in ("stock", "purchase prices") if what_is_needed(sales, (name,))]
    if not lacks:
        return "Stock and purchase prices are current ones."
    skipped = {"stock": "products out of stock may be offered", "purchase prices": "margins are not weighed"}
    told = " and ".join(skipped[name] for name in lacks)
    return f"These data hold no {' and no '.join(lacks)}: {told}."


def unfiltered(filters: SalesFilters, applied: Sequence[str]) -> str:
    """A sentence on the filters that are set and do not apply here."""
    left = [name.replace("_", " ") for name in filters.active() if name not in applied]
    return f"Not filtered by {' or '.join(left)}." if left else ""


ON_CUSTOMERS = ("country", "office", "sales_rep", "customer", "credit_limit", "spend")
ON_OFFERS = (*ON_CUSTOMERS, *_PRODUCT_FILTERS)


def interval(low: str, high: str) -> pl.Expr:
    """Two shares as text: 46–67 %; with a decimal where they are small."""
    small = pl.col(high) < 0.1
    ends = [
        pl.when(small)
        .then((pl.col(name) * 100).round(1).cast(pl.String))
        .otherwise((pl.col(name) * 100).round().cast(pl.Int64).cast(pl.String))
        for name in (low, high)
    ]
    return pl.concat_str(ends[0], pl.lit("–"), ends[1], pl.lit(" %"))


def outcome_text() -> pl.Expr:
    """The column ``bought`` in words."""
    return pl.col("bought").replace_strict({True: "bought", False: "not bought"}, default=None)
