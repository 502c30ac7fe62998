"""What would flip a churn prediction: an order now, or a last order so many days ago."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from core.models.purchases.history import Floats

Score = Callable[[pl.DataFrame], Floats]
_STEPS = 24


def with_order_now(frame: pl.DataFrame) -> pl.DataFrame:
    """The snapshots as if each customer had ordered just now, for its mean amount and in its usual way."""
    amount = pl.col("mean_order_value").fill_null(0.0)
    gaps = pl.col("order_days").cast(pl.Float64)
    changes: dict[str, pl.Expr] = {
        "recency_days": pl.lit(0, dtype=pl.Int64),
        "order_days": pl.col("order_days") + 1,
        "orders": pl.col("orders") + 1,
        "mean_gap_days": pl.col("tenure_days") / gaps,
        "last_gap_days": pl.col("recency_days"),
        "recency_to_gap": pl.lit(0.0),
        "last_shipping_days": pl.lit(None),
        "last_days_overdue": pl.lit(0),
        "last_order_value": amount,
        "mean_order_value_365": pl.col("mean_order_value_365").fill_null(amount),
    }
    for window in (30, 90, 180, 365):
        changes[f"orders_{window}"] = pl.col(f"orders_{window}") + 1
        changes[f"revenue_{window}"] = pl.col(f"revenue_{window}") + amount
    changes["revenue"] = pl.col("revenue") + amount
    return frame.with_columns(
        change.cast(frame.schema[name]).alias(name)
        for name, change in changes.items()
        if name in frame.columns and all(used in frame.columns for used in change.meta.root_names())
    )


def with_recency(frame: pl.DataFrame, days: Floats) -> pl.DataFrame:
    """The snapshots as if the last order had been ``days`` ago (one per row, at most the present recency)."""
    recency = pl.Series(np.round(days)).cast(pl.Int64)
    changed = frame.with_columns(recency.alias("recency_days"))
    if "recency_to_gap" not in frame.columns or "mean_gap_days" not in frame.columns:
        return changed
    return changed.with_columns(
        pl.when(pl.col("mean_gap_days") > 0)
        .then(pl.col("recency_days") / pl.col("mean_gap_days"))
        .otherwise(pl.col("recency_to_gap"))
        .alias("recency_to_gap")
    )


def flips(frame: pl.DataFrame, score: Score, threshold: float) -> pl.DataFrame:
    """What would bring each customer below ``threshold``.

    Returns
    -------
    polars.DataFrame
        ``customer_id``, ``score``, ``score_after_order`` (if an order came now), ``flip_recency_days`` (the
        longest silence at which the score is below the threshold, all else equal; null if no such silence
        or already below), ``flip`` (a sentence).
    """
    now, after = score(frame), score(with_order_now(frame))
    recency = frame["recency_days"].cast(pl.Float64).to_numpy()
    longest = np.full(frame.height, np.nan)
    open_rows = np.flatnonzero(now >= threshold)
    if len(open_rows):
        part = frame[open_rows]
        tried = recency[open_rows, None] * (np.arange(_STEPS) / _STEPS)[None, :]
        below = np.column_stack([score(with_recency(part, days)) < threshold for days in tried.T])
        last = _STEPS - 1 - np.argmax(below[:, ::-1], axis=1)
        found = np.round(tried[np.arange(len(part)), last])
        longest[open_rows] = np.where(below.any(axis=1), found, np.nan)
    sentences = [
        _sentence(p, q, days, threshold, silent)
        for p, q, days, silent in zip(now, after, longest, recency, strict=True)
    ]
    return frame.select("customer_id").with_columns(
        pl.Series("score", now),
        pl.Series("score_after_order", after),
        pl.Series("flip_recency_days", longest).fill_nan(None).cast(pl.Int64),
        pl.Series("flip", sentences, dtype=pl.String),
    )


def _sentence(now: float, after: float, longest: float, threshold: float, silent: float) -> str:
    limit = f"{threshold:.0%}"
    if now < threshold:
        return f"The risk of {now:.0%} is already below {limit}."
    first = f"An order now would change the risk from {now:.0%} to {after:.0%}"
    first += f", below {limit}." if after < threshold else f", still not below {limit}."
    if np.isnan(longest):
        return f"{first} No shorter silence alone would."
    return f"{first} So would a last order at most {longest:.0f} days ago instead of {silent:.0f}."
