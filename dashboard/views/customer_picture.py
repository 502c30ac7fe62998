"""All that the customer page shows of one customer, put together once for all its cards."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from core.models.card import ModelCard
from core.predictions import scores_on
from core.predictions.actions import advice, advice_reasons, priced_offers
from core.predictions.customer import (
    Afterwards,
    Ledger,
    account,
    afterwards,
    customer_row,
    ledger,
    usual_amounts,
)
from core.receivables.matching import Matching
from core.sales_data import SalesData
from core.single_flight import SingleFlightCache
from dashboard.session import Session
from dashboard.views.action_parts import all_customers, horizon_of, model_card

TASKS = ("churn", "spend", "recommend", "credit")
_CACHE: SingleFlightCache["CustomerPicture | None"] = SingleFlightCache(64)


@dataclass(frozen=True)
class CustomerPicture:
    """One customer at the as-of date.

    Attributes
    ----------
    known
        Who they are (``core.predictions.customer.customer_row``).
    scored
        Their row of ``core.predictions.actions.joined``.
    advice, reasons
        The joint recommendation, and why.
    cards
        The model in use of each task, ``None`` without one.
    predicted_on
        The day for which the scores shown were made, by task; only tasks that know this customer.
    horizon
        Days ahead.
    ledger, now, later
        Rows of all time, and invoices matched as known on the as-of date and at the end of the data; ``None``
        without payments.
    offers
        Recommended products with their value.
    afterwards
        What they bought after the day predicted on; ``None`` without a prediction.
    """

    as_of: dt.date
    data_end: dt.date
    known: dict[str, Any]
    scored: dict[str, Any]
    advice: str
    reasons: tuple[str, ...]
    cards: dict[str, ModelCard | None]
    predicted_on: dict[str, dt.date]
    horizon: int
    ledger: Ledger
    now: Matching | None
    later: Matching | None
    offers: pl.DataFrame
    afterwards: Afterwards | None


def customer_key(session: Session) -> str:
    """The key of the customer that the address asks for, else the only one that the filters leave."""
    chosen = session.filters.values_of("customer") or ()
    return str(session.extra.get("id", "")).strip() or (str(chosen[0]) if len(chosen) == 1 else "")


def picture(session: Session, sales: SalesData) -> CustomerPicture | None:
    """The customer that the address asks for; ``None`` if there is none of that key."""
    key = customer_key(session)
    at = (id(session.database), session.database.data_version(), sales.as_of, sales.terms_days, key)
    return _CACHE.get((*at, id(sales)), lambda: _made(session, sales, key))


def _made(session: Session, sales: SalesData, key: str) -> CustomerPicture | None:
    known = customer_row(sales, key)
    if known is None:
        return None
    everyone = all_customers(session, sales)
    scored = everyone.filter(pl.col("key") == key).with_columns(advice()).row(0, named=True)
    data_end = max(session.newest_as_of or sales.as_of, sales.as_of)
    horizon = horizon_of(session, sales)
    rows = ledger(session.database, sales, known["customer_id"], data_end)
    predicted_on, offers = {}, pl.DataFrame()
    for task in TASKS:
        found = scores_on(session.database, task, sales.as_of)
        if found is None or found.frame.is_empty():
            continue
        kept = found.frame.filter(pl.col("customer_id").cast(pl.String) == str(known["customer_id"]))
        if kept.is_empty():
            continue
        predicted_on[task] = found.as_of
        if task == "recommend":
            prices = usual_amounts(sales).select("product", "product_name", "usual", "stock")
            offers = priced_offers(kept, prices)
    day = predicted_on.get("churn") or predicted_on.get("spend")
    return CustomerPicture(
        as_of=sales.as_of,
        data_end=data_end,
        known=known,
        scored=scored,
        advice=scored["advice"],
        reasons=tuple(advice_reasons(scored, horizon=horizon, currency=session.settings.currency)),
        cards={task: model_card(session, sales, task) for task in TASKS},
        predicted_on=predicted_on,
        horizon=horizon,
        ledger=rows,
        now=account(rows, known["customer_id"], sales.as_of, sales.terms_days),
        later=account(rows, known["customer_id"], data_end, sales.terms_days)
        if data_end > sales.as_of
        else None,
        offers=offers,
        afterwards=afterwards(rows, day, horizon, data_end) if day else None,
    )
