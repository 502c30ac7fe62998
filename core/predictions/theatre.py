"""The backtest theatre: what was predicted at past cutoffs, and what happened after."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl

from core.days import to_day
from core.predictions.backtests import StoredBacktest


def cutoffs_of(backtest: StoredBacktest) -> list[str]:
    """The cutoffs of a backtest as ISO dates, ascending."""
    found = backtest.scores["cutoff"].unique().to_list()
    return sorted(cutoff for cutoff in found if cutoff != "mean")


def judged(backtest: StoredBacktest) -> str:
    """The model whose predictions are shown: what would have been used at each cutoff."""
    return backtest.champion or (backtest.models[0] if backtest.models else "")


def metric_by_cutoff(backtest: StoredBacktest, metric: str, models: Sequence[str] = ()) -> pl.DataFrame:
    """A metric of each model over the cutoffs.

    Returns
    -------
    cutoff (date), model, value, low, high (95 %); in the order of the backtest, cutoffs ascending.
    """
    wanted = list(models) or [*backtest.models, *backtest.baselines]
    rows = backtest.scores.filter(
        pl.col("metric") == metric, pl.col("cutoff") != "mean", pl.col("model").is_in(wanted)
    )
    return (
        rows.with_columns(pl.col("cutoff").str.to_date(), order=pl.col("model").replace_strict(
            {name: place for place, name in enumerate(wanted)}, return_dtype=pl.Int64))
        .sort("order", "cutoff")
        .select("cutoff", "model", "value", "low", "high")
    )  # fmt: skip


def summary(backtest: StoredBacktest) -> pl.DataFrame:
    """One row per model: model, kind (model or baseline), and each metric as text with its interval."""
    rows = []
    for name in (*backtest.models, *backtest.baselines):
        row = {"model": name, "kind": "baseline" if name in backtest.baselines else "model"}
        for metric in backtest.metrics:
            found = backtest.score(name, metric)
            row[metric] = (
                "–"
                if found.value != found.value
                else f"{found.value:.3f}"
                if found.low != found.low
                else f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
            )
        rows.append(row)
    return pl.DataFrame(rows)


def groups_at(backtest: StoredBacktest, cutoff: str, groups: int = 10) -> pl.DataFrame:
    """Predictions of one cutoff in groups of equal size by what was predicted, the lowest first.

    Returns
    -------
    group (1 …), customers (or invoices), predicted and actual (means), low and high (95 % of the mean that
    happened). Empty where the backtest holds no such predictions.
    """
    model, rows = judged(backtest), backtest.predictions
    if rows.is_empty() or model not in rows.columns:
        return pl.DataFrame()
    at = rows.filter(pl.col("cutoff_day") == _day(cutoff)).drop_nulls([model, "actual"])
    if at.is_empty():
        return pl.DataFrame()
    order = at[model].rank("ordinal").to_numpy()
    number = np.minimum(((order - 1) * groups) // at.height, groups - 1).astype(np.int64) + 1
    return (
        at.with_columns(group=pl.Series(number))
        .group_by("group")
        .agg(
            customers=pl.len(),
            predicted=pl.col(model).mean(),
            actual=pl.col("actual").cast(pl.Float64).mean(),
            error=(pl.col("actual").cast(pl.Float64).std() / pl.len().sqrt()).fill_null(0.0),
        )
        .with_columns(
            low=(pl.col("actual") - 1.96 * pl.col("error")).clip(lower_bound=0.0),
            high=pl.col("actual") + 1.96 * pl.col("error"),
        )
        .drop("error")
        .sort("group")
    )


def models_at(backtest: StoredBacktest, cutoff: str, metric: str) -> pl.DataFrame:
    """A metric of every model at one cutoff: name, actual (the value), low and high (95 %)."""
    rows = backtest.scores.filter(pl.col("cutoff") == cutoff, pl.col("metric") == metric)
    return rows.drop_nulls("value").select(
        pl.col("model").alias("name"), pl.col("value").alias("actual"), "low", "high"
    )


def series_at(backtest: StoredBacktest, cutoff: str, series: str | None = None) -> pl.DataFrame:
    """The forecast of one series at a cutoff beside what happened.

    Returns
    -------
    month (date), actual, predicted, low80, high80, low95, high95; months ascending. ``series`` defaults to
    the first of the backtest, the total.
    """
    rows = backtest.predictions
    model = judged(backtest)
    if rows.is_empty() or "series" not in rows.columns:
        return pl.DataFrame()
    wanted = series or rows["series"][0]
    at = rows.filter(pl.col("cutoff_day") == _day(cutoff), pl.col("series") == wanted)
    return at.select(
        "month", "actual", pl.col(model).alias("predicted"), "low80", "high80", "low95", "high95"
    ).sort("month")


def _day(cutoff: str) -> int:
    return to_day(dt.date.fromisoformat(cutoff))
