"""Customers whose purchases follow BG/NBD, as the snapshots and outcomes that purchase models learn from."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.models.purchases import BgNbd, CalendarClock

TRUTH = BgNbd(1.4, 60.0, 0.8, 6.0)
DESCRIBED = {
    "recency_days": ("days since the last order", "days", "recency"),
    "tenure_days": ("days since the first order", "days", "recency"),
    "orders": ("orders so far", "orders", "frequency"),
    "order_days": ("days with an order so far", "count", "frequency"),
    "orders_365": ("orders in the last 365 days", "orders", "frequency"),
    "revenue": ("amount ordered so far", "currency", "monetary"),
    "revenue_365": ("amount ordered in the last 365 days", "currency", "monetary"),
    "mean_order_value": ("mean amount of an order", "currency", "monetary"),
    "mean_gap_days": ("mean days between orders", "days", "rhythm"),
    "recency_to_gap": ("days since the last order against the usual gap", "ratio", "rhythm"),
    "country": ("country", "text", "profile"),
}
COUNTRIES = ("Denmark", "Norway", "Sweden")


@dataclass(frozen=True)
class Purchases:
    """``orders``: customer_id, day, revenue; one row per customer and day. ``last_day`` is included."""

    orders: pl.DataFrame
    first_day: int
    last_day: int

    @property
    def daily(self) -> pl.DataFrame:
        """Orders of the company by day."""
        return self.orders.group_by(order_day="day").agg(orders=pl.len()).sort("order_day")

    def snapshot(self, day: int) -> pl.DataFrame:
        """What was known of each customer before a day."""
        known = self.orders.filter(pl.col("day") < day).sort("customer_id", "day")
        year = pl.col("day") >= day - 365
        frame = known.group_by("customer_id").agg(
            as_of_day=pl.lit(day, pl.Int64),
            recency_days=day - pl.col("day").max(),
            tenure_days=day - pl.col("day").min(),
            orders=pl.len().cast(pl.Int64),
            order_days=pl.len().cast(pl.Int64),
            orders_365=year.sum().cast(pl.Int64),
            revenue=pl.col("revenue").sum(),
            revenue_365=pl.col("revenue").filter(year).sum(),
            mean_order_value=pl.col("revenue").mean(),
            mean_gap_days=pl.col("day").diff().mean(),
        )
        return frame.with_columns(
            recency_to_gap=pl.col("recency_days") / pl.col("mean_gap_days"),
            country=(pl.col("customer_id") % 3).replace_strict(
                [0, 1, 2], list(COUNTRIES), return_dtype=pl.String
            ),
        ).sort("customer_id")

    def labelled(self, day: int, horizon: int = 90) -> pl.DataFrame:
        """The snapshot with ``ordered`` and ``window_revenue`` of the window from its day on."""
        window = self.orders.filter(pl.col("day") >= day, pl.col("day") < day + horizon)
        after = window.group_by("customer_id").agg(window_revenue=pl.col("revenue").sum())
        return (
            self.snapshot(day)
            .join(after, on="customer_id", how="left")
            .with_columns(
                ordered=pl.col("window_revenue").is_not_null().cast(pl.Int64),
                window_revenue=pl.col("window_revenue").fill_null(0.0),
            )
        )

    def past(self, as_of_day: int, horizon: int = 90) -> pl.DataFrame:
        """Labelled snapshots every 60 days whose windows end by ``as_of_day``."""
        days = range(as_of_day - horizon, self.first_day + 120, -60)
        return pl.concat([self.labelled(day, horizon) for day in sorted(days)])


def purchases(
    customers: int,
    seed: int,
    *,
    years: float = 2.5,
    truth: BgNbd = TRUTH,
    dropout_by_country: bool = False,
    months: tuple[float, ...] = (),
) -> Purchases:
    """A simulated company; with ``dropout_by_country`` Danes leave after an order in three, others never."""
    draw = np.random.default_rng(seed)
    first, days = 19_000, int(years * 365)
    number = np.arange(customers)
    time = draw.uniform(0, days * 0.7, customers)
    rate = draw.gamma(truth.r, 1 / truth.alpha, customers)
    dropout = draw.beta(truth.a, truth.b, customers)
    if dropout_by_country:
        dropout = np.where(number % 3 == 0, 0.35, 0.0)
    value = np.exp(draw.normal(6.0, 0.6, customers))
    rows = [(number, time.copy())]
    alive = np.ones(customers, dtype=bool)
    while alive.any():
        time = time + draw.exponential(1 / rate)
        alive &= time < days
        rows.append((number[alive], time[alive]))
        alive &= draw.random(customers) >= dropout
    who, when = (np.concatenate(part) for part in zip(*rows, strict=True))
    if months:  # the same customers on a calendar that runs unevenly
        clock = CalendarClock(first, tuple(np.array(months) / np.mean(months)))
        when = clock.calendar(when) - first
    amount = value[who] * draw.gamma(4.0, 0.25, len(who))
    orders = (
        pl.DataFrame({"customer_id": who, "day": first + when.astype(np.int64), "revenue": amount})
        .group_by("customer_id", "day")
        .agg(pl.col("revenue").sum())
        .sort("customer_id", "day")
    )
    return Purchases(orders, first, first + days - 1)
