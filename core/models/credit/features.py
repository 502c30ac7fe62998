"""What is known of an invoice, or of a request for one, on its day: one row of features."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.models.credit.ledger import Floats, Ledger, ledger
from core.models.credit.record import Recollection, Record, fit_record


@dataclass(frozen=True)
class Feature:
    """A feature: how it reads in a sentence, its unit, its group, and which way risk goes with it.

    ``direction`` 1: risk may only rise with it, −1: only fall, 0: free. ``digits`` for showing it.
    """

    name: str
    label: str
    unit: str
    group: str
    direction: int = 0


def _features(*rows: tuple[str, str, str, str, int]) -> dict[str, Feature]:
    return {row[0]: Feature(*row) for row in rows}


FEATURES: dict[str, Feature] = _features(
    (
        "record_risk",
        "chance of paying late, judged by the customer's own record",
        "share",
        "payment record",
        1,
    ),
    ("late_share", "share of earlier invoices paid late", "share", "payment record", 1),
    ("late_share_365", "share of invoices paid late in the last 365 days", "share", "payment record", 1),
    ("days_past_due_mean", "mean days past due of paid invoices", "days", "payment record", 1),
    ("defaults", "earlier invoices 60 or more days past due", "count", "payment record", 1),
    ("overdue_amount", "amount overdue", "currency", "overdue now", 1),
    ("overdue_invoices", "invoices overdue", "count", "overdue now", 1),
    ("open_amount", "amount of open invoices", "currency", "exposure", 1),
    ("exposure_ratio", "open invoices and this one against the orders of a year", "ratio", "exposure", 1),
    ("amount", "amount of the invoice", "currency", "size", 1),
    ("amount_ratio", "amount against the customer's mean invoice", "ratio", "size", 1),
    ("invoices", "earlier invoices", "count", "relationship", 0),
    ("tenure_days", "days since the first order", "days", "relationship", 0),
    ("recency_days", "days since the last order", "days", "relationship", 0),
    ("country", "country", "text", "country", 0),
)
"""Features by name, in business groups."""

_PRIOR_INVOICES = 5.0
_PRIOR_DAYS = 3.0
_YEAR = 365


@dataclass(frozen=True)
class Portfolio:
    """Averages of the company that customers with few invoices are shrunk towards."""

    late_share: float
    days_past_due: float
    record: Record | None

    @classmethod
    def of(cls, book: Ledger, countries: pl.Series, until_day: int) -> "Portfolio":
        """From the outcomes known before a day; ``countries`` is by customer code."""
        everyone = np.arange(len(book.customers))
        day = np.full(len(everyone), until_day)
        known, late = book.judged.before(everyone, day)[:, :2].sum(axis=0)
        _amount, paid, past_due = book.covered.before(everyone, day).sum(axis=0)
        return cls(
            late_share=float((late + 0.5) / (known + 1)),
            days_past_due=float(past_due / paid) if paid else 0.0,
            record=fit_record(book, countries, until_day),
        )

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        record = self.record.as_dict() if self.record else None
        return {"late_share": self.late_share, "days_past_due": self.days_past_due, "record": record}

    @classmethod
    def from_dict(cls, plain: dict[str, object]) -> "Portfolio":
        """The portfolio that ``as_dict`` described."""
        record = plain["record"]
        found = Record.from_dict(record) if isinstance(record, dict) else None
        return cls(float(plain["late_share"]), float(plain["days_past_due"]), found)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Book:
    """A company's invoices ready to be asked about: the ledger and the country of each customer."""

    ledger: Ledger
    countries: pl.Series

    @classmethod
    def of(cls, invoices: pl.DataFrame, customers: pl.DataFrame, terms_days: int) -> "Book":
        """From ``Matching.invoices`` and customers with customer_id and country."""
        found = ledger(invoices, terms_days)
        people = pl.DataFrame({"customer_id": found.customers}).join(
            customers.select("customer_id", pl.col("country").cast(pl.String)).unique("customer_id"),
            on="customer_id",
            how="left",
            maintain_order="left",
        )
        return cls(found, people["country"])

    def portfolio(self, until_day: int) -> Portfolio:
        """The averages known before a day."""
        return Portfolio.of(self.ledger, self.countries, until_day)


def request_features(book: Book, portfolio: Portfolio, requests: pl.DataFrame) -> pl.DataFrame:
    """What was known of each request on its day, from nothing dated on or after it.

    Parameters
    ----------
    requests
        customer_id (null or unknown: a new customer), day, amount, and country where the customer is new.

    Returns
    -------
    The requests in their order with the columns of ``FEATURES``. Shares and days are shrunk towards the
    company's averages; recency and tenure are null for customers without an order. Where there is a record,
    ``record_size`` and ``record_country`` tell what these add to its log-odds.
    """
    kept = book.ledger
    who = kept.codes(requests["customer_id"])
    day = requests["day"].cast(pl.Int64).to_numpy()
    amount = requests["amount"].cast(pl.Float64).to_numpy()
    own = (
        book.countries.gather(pl.Series(np.maximum(who, 0)))
        if len(book.countries)
        else pl.Series([None] * len(who), dtype=pl.String)
    )
    own = own.set(pl.Series(who < 0), None)
    country = own
    if "country" in requests.columns:
        country = pl.select(pl.coalesce(own, requests["country"].cast(pl.String))).to_series()
    orders, ordered = kept.ordered.before(who, day).T
    orders_then, ordered_then = kept.ordered.before(who, day - _YEAR).T
    del orders_then
    settled, paid, past_due = kept.covered.before(who, day).T
    known, late, overdue, overdue_invoices, defaults = kept.judged.before(who, day).T
    known_then, late_then = kept.judged.before(who, day - _YEAR)[:, :2].T
    first, last = kept.ordered.first_and_last(who, day)
    late_share = _shrunk(late, known, portfolio.late_share)
    exposure = np.maximum(ordered - settled, 0.0)
    year = ordered - ordered_then
    mean_invoice = _ratio(ordered, orders, amount)
    columns: dict[str, Floats] = {
        "record_risk": late_share,
        "late_share": late_share,
        "late_share_365": _shrunk(late - late_then, known - known_then, portfolio.late_share),
        "days_past_due_mean": (past_due + _PRIOR_DAYS * portfolio.days_past_due) / (paid + _PRIOR_DAYS),
        "defaults": np.round(defaults),
        "overdue_amount": np.round(np.maximum(overdue, 0.0), 2),
        "overdue_invoices": np.round(overdue_invoices),
        "open_amount": np.round(exposure, 2),
        "exposure_ratio": _ratio(exposure + amount, np.maximum(year, amount), np.ones(len(amount))),
        "amount": amount,
        "amount_ratio": _ratio(amount, mean_invoice, np.ones(len(amount))),
        "invoices": np.round(orders),
        "tenure_days": day - first,
        "recency_days": day - last,
    }
    if portfolio.record is not None:
        memory = Recollection.of(portfolio.record, kept, book.countries)
        columns["record_risk"] = memory.late(who, day, amount, country)
        columns["record_size"], columns["record_country"] = portfolio.record.parts(amount, country)
    return requests.with_columns(
        *(pl.Series(name, values).fill_nan(None) for name, values in columns.items()),
        country.alias("country"),
    )


def _shrunk(late: Floats, known: Floats, average: float) -> Floats:
    return (late + _PRIOR_INVOICES * average) / (known + _PRIOR_INVOICES)


def _ratio(part: Floats, whole: Floats, otherwise: Floats) -> Floats:
    safe = np.where(whole > 0, whole, 1.0)
    return np.where(whole > 0, part / safe, otherwise)
