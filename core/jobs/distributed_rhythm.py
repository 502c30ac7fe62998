"""BG/NBD for any number of customers: fitted to counts of equal histories, evaluated by Spark row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from core.database.spark.frames import arrow_of
from core.jobs.distributed_frames import collected
from core.models.purchases.bg_nbd_fit import fit_bg_nbd
from core.models.purchases.clock import CalendarClock, estimate_clock
from core.models.purchases.history import Floats, PurchaseHistory
from core.models.purchases.rhythm import Rhythm, history_of

_EDGE = 1e-6  # as the candidates of churn bound probabilities
_HISTORY = ("tenure_days", "recency_days", "order_days")


def counted_histories(features: Any, as_of_day: int) -> pl.DataFrame:
    """How many customers have each history: all that BG/NBD needs to know of them.

    Returns
    -------
    polars.DataFrame
        ``as_of_day``, ``tenure_days``, ``recency_days``, ``order_days`` and ``customers``.
    """
    counted = collected(features.groupBy(*_HISTORY).count())
    return counted.select(pl.lit(as_of_day).alias("as_of_day"), *_HISTORY, customers="count").sort(*_HISTORY)


def rhythm_of_counts(counts: pl.DataFrame, daily: pl.DataFrame, as_of_day: int) -> Rhythm:
    """The rhythm of all customers, from ``counted_histories`` and the orders of each day."""
    clock = estimate_clock(daily["order_day"].to_numpy(), daily["orders"].to_numpy(), as_of_day)
    one = history_of(counts, clock)
    weight = counts["customers"].cast(pl.Float64).to_numpy()
    fit = fit_bg_nbd(PurchaseHistory(one.repeats, one.last, one.age, weight))
    middle = (one.age - one.last, one.repeats, one.age)
    return Rhythm(fit, clock, tuple(_median(part, weight) for part in middle))  # type: ignore[arg-type]


def with_rhythm(frame: Any, rhythm: Rhythm, horizon: int) -> Any:
    """The frame with what the rhythm says of each row, calculated by Spark.

    Adds ``start`` (log-odds of no order within the horizon) and, unless the clock is flat, the columns of
    ``Rhythm.clock_columns`` but for ``clock_orders``, which needs a function that Spark does not have.
    """
    names = frame.columns
    frame = _with_times(frame, rhythm.clock, horizon)
    r, alpha, a, b = (repr(v) for v in rhythm.model.as_dict().values())
    steps = (
        ("x", "CAST(greatest(order_days - 1, 0) AS DOUBLE)"),
        ("age", "greatest(t_now - t_first, 0D)"),
        ("last", "CASE WHEN x > 0 THEN least(greatest(t_last - t_first, 0D), age) ELSE 0D END"),
        ("gone", f"CASE WHEN x > 0 THEN ln({a}D) - ln({b}D + x - 1D) + ({r}D + x) * "
                 f"(ln({alpha}D + age) - ln({alpha}D + last)) END"),
        ("log_alive", "CASE WHEN gone IS NULL THEN 0D WHEN gone > 0 THEN -gone - log1p(exp(-gone)) "
                      "ELSE -log1p(exp(gone)) END"),
        ("silence", f"1D + exp(log_alive) * expm1(-({r}D + x) * log1p(t_ahead / ({alpha}D + age)))"),
        ("bound", f"least(greatest(silence, {_EDGE!r}D), {1 - _EDGE!r}D)"),
        ("start", "ln(bound) - log1p(-bound)"),
    )  # fmt: skip
    for name, expression in steps:
        frame = frame.selectExpr("*", f"{expression} AS {name}")
    clocked = () if rhythm.clock.is_flat else (
        "age - last AS clock_recency", "age AS clock_tenure", "t_ahead AS clock_ahead",
        "silence AS clock_silence",
    )  # fmt: skip
    return frame.selectExpr(*names, "start", *clocked)


def _with_times(frame: Any, clock: CalendarClock, horizon: int) -> Any:
    """Operational times of the first and last order, of now, and until the end of the horizon."""
    if clock.is_flat:
        return frame.selectExpr(
            "*", "-CAST(tenure_days AS DOUBLE) AS t_first", "-CAST(recency_days AS DOUBLE) AS t_last",
            "0D AS t_now", f"CAST({int(horizon)} AS DOUBLE) AS t_ahead",
        )  # fmt: skip
    ends = collected(frame.selectExpr("min(as_of_day - tenure_days) AS first", "max(as_of_day) AS last"))
    days = np.arange(int(ends["first"][0]), int(ends["last"][0]) + 1)
    times = pl.DataFrame(
        {"day": days, "t": clock.operational(days), "t_ahead": clock.between(days, days + horizon)}
    )
    table = frame.sparkSession.createDataFrame(arrow_of("times", times)).hint("broadcast")
    for name, day in (("t_first", "as_of_day - tenure_days"), ("t_last", "as_of_day - recency_days")):
        frame = frame.selectExpr("*", f"{day} AS day")
        frame = frame.join(table.selectExpr("day", f"t AS {name}"), on="day", how="left").drop("day")
    now = table.selectExpr("day AS as_of_day", "t AS t_now", "t_ahead")
    return frame.join(now, on="as_of_day", how="left")


def _median(values: Floats, weight: Floats) -> float:
    """The weighted median: the mean of the two middle ones where they differ."""
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(weight[order])
    half = passed[-1] / 2.0
    low, high = (
        values[order][min(np.searchsorted(passed, half, side=side), len(order) - 1)]
        for side in ("left", "right")
    )
    return float(low + high) / 2.0
