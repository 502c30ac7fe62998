"""The frames that churn and spend models learn from: snapshots, what came after, and orders per day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from core.database.base import Database
from core.days import to_date
from core.jobs.registry import JobError, Progress
from core.models.purchases.sampling import sampled
from core.models.purchases.sentences import Described
from core.snapshots import (
    FEATURES,
    TRAINING_FEATURES,
    check_no_leak,
    default_cutoffs,
    labels,
    order_span,
    snapshots,
    training_days,
)

MOST_PAST_ROWS = 150_000
MOST_NOW = 150_000
"""Customers of today that are enough to learn the rhythm of all."""
_MOST_CELLS = 1_000_000  # customers × days beyond which only the rows of some customers are read
_FEWEST_DAYS = 5
_CHECKED_CUSTOMERS = 100
OUTCOMES = ("ordered", "window_revenue")
"""Columns of past snapshots that are no features."""


@dataclass(frozen=True)
class PurchaseFrames:
    """What a model learns from as of a day; see ``ChurnModel.fit`` for the columns."""

    now: pl.DataFrame
    past: pl.DataFrame
    daily: pl.DataFrame
    described: Described


def described_features() -> Described:
    """The features that models learn from: label, unit and group of each."""
    return {
        name: (FEATURES[name].label, FEATURES[name].unit, FEATURES[name].group) for name in TRAINING_FEATURES
    }


def known_features(
    database: Database, as_of_day: int, terms_days: int, customers: int | None = None
) -> pl.DataFrame:
    """The snapshot of all customers seen before a day, or of at most so many.

    Raises
    ------
    JobError
        Nobody has ordered before that day.
    """
    frame = snapshots(database, [as_of_day], terms_days=terms_days, customers=customers)
    if frame.is_empty():
        raise JobError("Nobody has ordered before that day.", "Choose a later as-of date, or load orders.")
    return frame


def purchase_frames(
    database: Database,
    *,
    as_of_day: int,
    horizon: int,
    terms_days: int,
    progress: Progress,
    most_now: int | None = None,
) -> PurchaseFrames:
    """Everything a model may learn from as of ``as_of_day``.

    The features of some customers are computed again from data cut off at the last training day; a feature
    that then differs is refused.

    Companies with very many customers are read at fewer days, and only the rows of a random part of the
    customers: the same ones at all days. Of today's customers at most ``most_now`` are kept (default: all).
    """
    progress("Customers today", 0.0)
    customers = int(database.query("features/coverage", as_of_day=as_of_day)["customers"].item())
    large = most_now is not None and customers > most_now
    now = known_features(database, as_of_day, terms_days, most_now if large else None)
    # The last order that is known, not the last in the data: what comes later must not move training days.
    first, last = database.query("marts/order_dates", as_of_day=as_of_day).row(0)[:2]
    days = training_days(int(first), int(last), as_of_day, horizon)
    affordable = max(_MOST_CELLS // customers, _FEWEST_DAYS)
    if len(days) > affordable:
        days = days[-affordable:]
    progress("Customers in the past", 0.15)
    past = past_frames(database, days, horizon, terms_days, customers)
    if days:
        progress("Looking for leaks", 0.45)
        check_no_leak(database, past, [days[-1]], _CHECKED_CUSTOMERS, terms_days=terms_days, ignore=OUTCOMES)
    daily = database.query("marts/orders_daily", as_of_day=as_of_day)
    by_day = daily.group_by("order_day").agg(pl.col("orders").sum()).sort("order_day")
    return PurchaseFrames(now, past, by_day, described_features())


def past_frames(
    database: Database, days: Sequence[int], horizon: int, terms_days: int, customers: int
) -> pl.DataFrame:
    """Snapshots at ``days`` with ``ordered`` and ``window_revenue`` of the horizon from each."""
    if not days:
        return snapshots(database, [0], terms_days=terms_days).with_columns(
            ordered=pl.lit(None, pl.Int64), window_revenue=pl.lit(None, pl.Float64)
        )
    few = MOST_PAST_ROWS // len(days) if customers * len(days) > _MOST_CELLS else None
    frame = snapshots(database, days, terms_days=terms_days, customers=few)
    kept = sampled(frame["customer_id"], MOST_PAST_ROWS)
    outcomes = labels(database, days, horizon, customers=few).select(
        "customer_id", "as_of_day", "ordered", window_revenue="revenue"
    )
    return frame.filter(pl.Series(kept)).join(outcomes, on=["customer_id", "as_of_day"], how="inner")


def usable_cutoffs(database: Database, cutoffs: Sequence[int] | None, horizon: int) -> list[int]:
    """The cutoffs asked for (or rolling ones) that have orders before them and a complete window after them.

    Raises
    ------
    JobError
        There is no such cutoff.
    """
    first, last = order_span(database)
    asked = list(cutoffs) if cutoffs else default_cutoffs(first, last, horizon)
    usable = [day for day in asked if first < day and day + horizon <= last + 1]
    if not usable:
        raise JobError(
            "There is no past day with customers before it and a complete window after it.",
            f"Choose a shorter horizon than {horizon} days, or cutoffs between {to_date(first)} and "
            f"{to_date(last + 1 - horizon)}.",
        )
    return usable
