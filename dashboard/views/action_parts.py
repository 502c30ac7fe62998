"""What the lists of actions share: customers with all their scores, offers, and the words on them."""

import datetime as dt
from concurrent.futures import Future
from typing import Any

import panel as pn
import polars as pl

from core.errors import SalesError
from core.filters import SalesFilters
from core.jobs.run import DEFAULT_HORIZON
from core.model_store import open_model_store
from core.models.card import ModelCard
from core.predictions import scores_on
from core.predictions.actions import (
    best_offers,
    joined,
    money,
    priced_offers,
)
from core.predictions.customer import usual_amounts
from core.predictions.people import selected_customers
from core.sales_data import SalesData
from core.single_flight import SingleFlightCache
from dashboard.session import Session
from dashboard.sql_page.running import ROWS, Background
from dashboard.view import View

AT_ONCE = 20_000
"""Customers whose scores are joined while the page waits; of more in the background."""
_FLIGHTS: SingleFlightCache[bool] = SingleFlightCache(4)


def model_card(session: Session, sales: SalesData, task: str) -> ModelCard | None:
    """The card of the model in use, read once for these data; ``None`` without a model."""
    database = session.database

    def read() -> ModelCard | None:
        version = open_model_store(session.settings, database).active(task)
        return version.card if version else None

    return sales.once(("model card", task, database.data_version()), read)


def horizon_of(session: Session, sales: SalesData) -> int:
    """Days ahead that churn and spend are predicted for."""
    cards = (model_card(session, sales, task) for task in ("churn", "spend"))
    return next((card.horizon_days for card in cards if card), DEFAULT_HORIZON)


def too_few(session: Session, sales: SalesData, task: str) -> str:
    """ "Not enough data (12 events)" where the ladder says so, else empty."""
    card = model_card(session, sales, task)
    return f"Not enough data ({card.events:,} events)" if card and not card.bears_predictions else ""


def scores_frame(session: Session, sales: SalesData, task: str) -> pl.DataFrame | None:
    """The scores of a task that were known on the as-of date of ``sales``."""
    found = scores_on(session.database, task, sales.as_of)
    return found.frame if found else None


def all_customers(session: Session, sales: SalesData) -> pl.DataFrame:
    """Every customer with the scores of churn, spend and credit; shared by all sessions."""

    def make() -> pl.DataFrame:
        people = sales.once("all people", lambda: selected_customers(sales, SalesFilters()))
        found = {task: scores_frame(session, sales, task) for task in ("churn", "spend", "credit")}
        return joined(people, **found)

    return sales.once(("customers with scores", session.database.data_version()), make)


def chosen_customers(session: Session, sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
    """Those of them that pass the filters on customers."""
    frame = all_customers(session, sales)
    if not set(filters.active()) - {"period", "product", "product_line"}:
        return frame
    kept = selected_customers(sales, filters)
    return frame.join(kept.select("customer_id"), on="customer_id", how="semi", maintain_order="left")


def all_offers(session: Session, sales: SalesData) -> pl.DataFrame | None:
    """The best offers of every customer; ``None`` without recommendations."""

    def make() -> pl.DataFrame | None:
        found = scores_frame(session, sales, "recommend")
        if found is None or found.is_empty():
            return None
        prices = usual_amounts(sales).select("product", "product_name", "usual")
        return best_offers(priced_offers(found, prices))

    return sales.once(("best offers", session.database.data_version()), make)


def shown_date(day: dt.date) -> str:
    """A date as people write it: 2 January 2026."""
    return f"{day:%-d %B %Y}"


def amount(value: float | None, currency: str) -> str:
    """An amount in a sentence, – where it is not known."""
    return "–" if value is None else money(value, currency)


def predicted_for(session: Session, sales: SalesData, task: str) -> str:
    """For when the scores were made, in a sentence; empty without scores."""
    found = scores_on(session.database, task, sales.as_of)
    if found is None:
        return ""
    days = horizon_of(session, sales)
    until = found.as_of + dt.timedelta(days=days - 1)
    return f"Predicted on {shown_date(found.as_of)} for the {days} days to {shown_date(until)}."


def is_prepared(session: Session, sales: SalesData) -> bool:
    """Whether customers and offers are joined with their scores, so that asking for them costs nothing."""
    return sales.once(("prepared", session.database.data_version()), lambda: [False])[0]


def prepare_actions(session: Session, sales: SalesData) -> bool:
    """Join customers and offers with their scores, once for all who ask at the same time."""

    def work() -> bool:
        all_customers(session, sales)
        all_offers(session, sales)
        sales.once(("prepared", session.database.data_version()), lambda: [False])[0] = True
        return True

    _FLIGHTS.get((id(sales), session.database.data_version()), work)
    return is_prepared(session, sales) or work()  # the key may be that of data that are gone


class Prepared(View):
    """A view of customers with their scores, which are joined off the event loop in large companies."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._waits_for: int | None = None
        self._waiting = Background(pn.state.curdoc)
        self.job: Future[None] | None = None

    def refresh(self) -> None:
        sales = self.session.sales
        if sales is None:
            return
        if sales.customers.height <= AT_ONCE or is_prepared(self.session, sales):
            super().refresh()
        elif self._waits_for != id(sales):
            self._waits_for = id(sales)
            self._shown_key = ("waiting", id(sales))
            self.job = self._waiting.start(
                ROWS, lambda: prepare_actions(self.session, sales), self._now_prepared
            )

    def _now_prepared(self, outcome: Any) -> None:
        if isinstance(outcome, SalesError):
            self.card.param.update(state="error", message=str(outcome))
        else:
            self.refresh()
