"""Customers: the chance that the next invoice defaults, what is open, and the loss to be expected of it.

Expected loss = chance of default × loss given default × exposure. An open invoice is judged by its customer
today and by how long it has been open: most good invoices are paid by then, so waiting is a bad sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.credit.binning import Floats
from core.models.credit.features import Book
from core.receivables.matching import DEFAULT_DAYS

_PRIOR = 0.5


@dataclass(frozen=True)
class Waiting:
    """Share of the invoices that did not default which were still open so many days past due.

    ``shares[i]`` is that share ``first_day`` + i days past due; 1 before, the last one after.
    """

    first_day: int
    shares: tuple[float, ...]

    @classmethod
    def of(cls, invoices: pl.DataFrame, as_of_day: int) -> "Waiting":
        """From the invoices whose fate was known on the as-of day."""
        good = invoices.filter(
            pl.col("amount") > 0,
            pl.col("due_day") + DEFAULT_DAYS <= as_of_day,
            pl.col("days_past_due") < DEFAULT_DAYS,
        )
        paid = (good["settled_day"] - good["due_day"]).drop_nulls().to_numpy()
        days = np.arange(-90, DEFAULT_DAYS)
        open_still = len(paid) - np.searchsorted(np.sort(paid), days, side="left")
        shares = (open_still + _PRIOR) / (len(paid) + _PRIOR)
        return cls(-90, tuple(float(share) for share in shares))

    def chance(self, probability: Floats, past_due: Floats) -> Floats:
        """The chance of default of an invoice that is still open, by Bayes' rule; 1 once it is in default."""
        place = np.clip(past_due - self.first_day, 0, len(self.shares) - 1).astype(np.int64)
        good = (1 - probability) * np.array(self.shares)[place]
        return np.where(past_due >= DEFAULT_DAYS, 1.0, probability / (probability + good))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"first_day": self.first_day, "shares": list(self.shares)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Waiting":
        """What ``as_dict`` described."""
        return cls(plain["first_day"], tuple(plain["shares"]))


def usual_requests(book: Book, day: int, typical_amount: float) -> pl.DataFrame:
    """For each customer a request of its mean invoice: customer_id, day, amount.

    ``typical_amount`` is for customers without an invoice before ``day``.
    """
    everyone = np.arange(len(book.ledger.customers))
    orders, amount = book.ledger.ordered.before(everyone, np.full(len(everyone), day)).T
    mean = np.where(orders > 0, amount / np.maximum(orders, 1), typical_amount)
    return pl.DataFrame(
        {
            "customer_id": book.ledger.customers,
            "day": np.full(len(everyone), day, dtype=np.int64),
            "amount": np.round(mean, 2),
        }
    )


def open_invoices(invoices: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """What is open: invoice_id, customer_id, open_amount, past_due (days since the due date, or negative)."""
    return invoices.filter(pl.col("amount") > 0, pl.col("open_amount") > 0).select(
        "invoice_id", "customer_id", "open_amount", past_due=as_of_day - pl.col("due_day")
    )


def exposures(
    owed: pl.DataFrame, chances: pl.DataFrame, waiting: Waiting, loss_given_default: float
) -> pl.DataFrame:
    """By customer: customer_id, exposure, overdue (currency), open_default (the chance that what is open
    defaults, weighted by amount) and expected_loss (currency).

    ``chances`` has customer_id and ``chance``, that of a new invoice.
    """
    joined = owed.join(chances, on="customer_id", how="inner")
    chance = waiting.chance(joined["chance"].to_numpy(), joined["past_due"].to_numpy())
    return (
        joined.with_columns(risk=pl.Series(chance) * pl.col("open_amount"))
        .group_by("customer_id")
        .agg(
            exposure=pl.col("open_amount").sum().round(2),
            overdue=pl.col("open_amount").filter(pl.col("past_due") > 0).sum().round(2),
            risk=pl.col("risk").sum(),
        )
        .select(
            "customer_id",
            "exposure",
            "overdue",
            open_default=pl.col("risk") / pl.col("exposure"),
            expected_loss=(loss_given_default * pl.col("risk")).round(2),
        )
    )


def review_list(scores: pl.DataFrame, limits: pl.DataFrame, most: int | None = None) -> pl.DataFrame:
    """Customers for Finance to look at: ``scores`` with credit_limit, high risk and high limit first.

    ``limits`` has customer_id and credit_limit. Sorted by the loss if the whole limit were used
    (``at_risk``, before recoveries) plus what is already expected to be lost.
    """
    joined = scores.join(limits.select("customer_id", "credit_limit"), on="customer_id", how="left")
    at_risk = pl.max_horizontal(pl.col("credit_limit").fill_null(0.0), "exposure") * pl.col("score")
    ranked = joined.with_columns(at_risk=at_risk.round(2)).sort(
        [pl.col("at_risk") + pl.col("expected_loss"), "customer_id"], descending=[True, False]
    )
    return ranked if most is None else ranked.head(most)
