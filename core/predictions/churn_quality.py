"""How good churn predictions were at past dates: calibration, lift, and counts; averaged within dates.

Dates differ in their level, so figures are made at each date and averaged: pooling all rows would reward a
model for knowing the season.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from core.days import to_date
from core.evaluation.evaluation import MEAN
from core.predictions.backtests import StoredBacktest
from core.predictions.campaign import Floats, customer_groups, drawn_weights

BINS = 10
AVERAGE = "Average of the dates"
_DRAWS = 300
_TAILS = (2.5, 97.5)
_RANKS = 50
_LEAST_PER_BIN = 8
_THEN = (pl.String, pl.Int64, *[pl.Float64] * 4)


def reliability(rows: pl.DataFrame, model: str, bins: int = BINS, seed: int = 0) -> pl.DataFrame:
    """What share did not order among customers of similar predictions.

    ``rows``: customer_id, cutoff_day, actual (1: no order), and a column of predictions called ``model``.
    Customers of each date are cut into equal groups by their prediction; small data make fewer groups.

    Returns
    -------
    date (as text, or ``AVERAGE``), bin (0: the lowest predictions), predicted, observed (means), low, high
    (95 % of ``observed`` over customers; nan for single dates), customers (per date).
    """
    days = rows["cutoff_day"].unique().sort().to_list()
    if not days:
        return pl.DataFrame(
            schema={"date": pl.String, "bin": pl.Int64}
            | dict.fromkeys(("predicted", "observed", "low", "high", "customers"), pl.Float64)
        )
    smallest = int(rows.group_by("cutoff_day").agg(n=pl.len())["n"].min())  # type: ignore[arg-type]
    bins = max(1, min(bins, smallest // _LEAST_PER_BIN))
    placed = rows.with_columns(place=_place(model, bins))
    date = np.searchsorted(days, placed["cutoff_day"].to_numpy())
    cell = date * bins + placed["place"].to_numpy()
    size = len(days) * bins
    group = customer_groups(placed["customer_id"])
    groups = int(group.max()) + 1

    def sums(weight: Floats) -> Floats:
        table = np.bincount(group * size + cell, weights=weight, minlength=groups * size)
        return table.reshape(groups, size)

    ones = sums(np.ones(len(cell)))
    gone = sums(placed["actual"].to_numpy().astype(np.float64))
    told = sums(placed[model].to_numpy())
    count, happened, predicted = (table.sum(axis=0).reshape(len(days), bins) for table in (ones, gone, told))
    weights = drawn_weights(groups, _DRAWS, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = ((weights @ gone) / (weights @ ones)).reshape(_DRAWS, len(days), bins)
    averaged = np.nanmean(np.where(np.isnan(drawn), (happened / count)[None], drawn), axis=1)
    low, high = np.percentile(averaged, _TAILS, axis=0)
    frames = [
        _bins_of(str(to_date(int(day))), predicted[i] / count[i], happened[i] / count[i], count[i])
        for i, day in enumerate(days)
    ]
    mean = _bins_of(
        AVERAGE, (predicted / count).mean(axis=0), (happened / count).mean(axis=0), count.mean(axis=0)
    )
    return pl.concat([*frames, mean.with_columns(pl.Series("low", low), pl.Series("high", high))])


def _bins_of(date: str, predicted: Floats, observed: Floats, customers: Floats) -> pl.DataFrame:
    nothing = np.full(len(predicted), np.nan)
    return pl.DataFrame(
        {
            "date": [date] * len(predicted), "bin": np.arange(len(predicted)), "predicted": predicted,
            "observed": observed, "low": nothing, "high": nothing, "customers": customers,
        }
    )  # fmt: skip


def _place(model: str, bins: int) -> pl.Expr:
    rank = pl.col(model).rank("ordinal").over("cutoff_day") - 1
    return (rank * bins // pl.len().over("cutoff_day")).cast(pl.Int64)


def gains(rows: pl.DataFrame, models: Sequence[str], seed: int = 0) -> pl.DataFrame:
    """Which share of those who did not order is met by contacting a share of all, the riskiest first.

    Returns
    -------
    share (of the customers, 0 to 1), a column per model, low and high (95 % of the first model over
    customers); averages over dates. No rows where nobody or everybody ordered at some date.
    """
    grid = np.arange(_RANKS + 1) / _RANKS
    days = rows["cutoff_day"].unique().sort().to_list()
    varied = rows.group_by("cutoff_day").agg(pl.col("actual").n_unique() > 1)["actual"].all()
    if not days or not varied:
        return pl.DataFrame(schema=dict.fromkeys(("share", *models, "low", "high"), pl.Float64))
    date = np.searchsorted(days, rows["cutoff_day"].to_numpy())
    gone = rows["actual"].to_numpy().astype(np.float64)
    group = customer_groups(rows["customer_id"])
    groups, size = int(group.max()) + 1, len(days) * _RANKS
    found: dict[str, Floats] = {"share": grid}
    for number, model in enumerate(models):
        rank = rows.select(
            ((-pl.col(model)).rank("random", seed=seed).over("cutoff_day") - 1)
            * _RANKS
            // pl.len().over("cutoff_day")
        ).to_series()
        cell = date * _RANKS + rank.to_numpy().astype(np.int64)
        counted, met = (
            np.bincount(group * size + cell, weights=weight, minlength=groups * size).reshape(groups, size)
            for weight in (np.ones(len(cell)), gone)
        )
        found[model] = _met(counted.sum(axis=0)[None], met.sum(axis=0)[None], len(days), grid)[0]
        if number == 0:
            weights = drawn_weights(groups, _DRAWS, seed)
            drawn = _met(weights @ counted, weights @ met, len(days), grid)
            found["low"], found["high"] = np.percentile(drawn, _TAILS, axis=0)
    return pl.DataFrame(found).select("share", *models, "low", "high")


def _met(customers: Floats, gone: Floats, dates: int, grid: Floats) -> Floats:
    """For each draw (first dimension) the share met at each point of the grid, averaged over dates."""
    shape = (len(customers), dates, _RANKS)
    met = np.zeros((len(customers), len(grid)))
    for n, y, out in zip(customers.reshape(shape), gone.reshape(shape), met, strict=True):
        for date in range(dates):
            reached = np.concatenate([[0.0], np.cumsum(n[date])])
            seen = np.concatenate([[0.0], np.cumsum(y[date])])
            out += np.interp(grid, reached / max(reached[-1], 1e-12), seen / max(seen[-1], 1e-12)) / dates
    return met


def by_date(stored: StoredBacktest, rows: pl.DataFrame, model: str) -> pl.DataFrame:
    """What was predicted and what happened at each past date, and the measured quality there.

    Returns
    -------
    date (text, or ``AVERAGE``), customers, predicted, happened (customers without an order; means over dates
    for the average), auc, brier, lift (texts with the 95 % interval).
    """
    counted = (
        rows.group_by("cutoff_day")
        .agg(customers=pl.len(), predicted=pl.col(model).sum(), happened=pl.col("actual").sum())
        .sort("cutoff_day")
    )
    found = [
        {
            "date": str(to_date(row["cutoff_day"])),
            **row,
            **_measured(stored, model, str(to_date(row["cutoff_day"]))),
        }
        for row in counted.to_dicts()
    ]
    if not found:
        return pl.DataFrame()
    means = {name: counted[name].mean() for name in ("customers", "predicted", "happened")}
    found.append({"date": AVERAGE, "cutoff_day": None, **means, **_measured(stored, model, MEAN)})
    frame = pl.DataFrame(found, infer_schema_length=None, strict=False)
    return frame.drop("cutoff_day").with_columns(
        pl.col("customers", "predicted", "happened").cast(pl.Float64)
    )


def _measured(stored: StoredBacktest, model: str, cutoff: str) -> Mapping[str, str]:
    texts = {}
    for name, metric, digits in (("auc", "AUC", 3), ("brier", "Brier", 3), ("lift", "lift at 10 %", 2)):
        figure = stored.score(model, metric, cutoff)
        texts[name] = (
            "–" if figure.value != figure.value
            else f"{figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
        )  # fmt: skip
    return texts


def then_and_after(
    predicted: Sequence[tuple[str, pl.DataFrame, pl.DataFrame | None]],
) -> pl.DataFrame:
    """How many were predicted not to order at each date, and how many then did not.

    ``predicted``: date as text, scores (customer_id, score), outcomes (customer_id, ordered) or ``None``
    while the window is not over.

    Returns
    -------
    date, customers, predicted (sum of the risks), low, high (95 %, chance of single customers only), happened
    (nan while not known).
    """
    found = []
    for date, scores, outcomes in predicted:
        risk = scores["score"].to_numpy()
        middle, spread = float(risk.sum()), 1.96 * float(np.sqrt((risk * (1 - risk)).sum()))
        happened = float("nan")
        if outcomes is not None:
            ids = outcomes["customer_id"].cast(scores.schema["customer_id"])
            ordered = outcomes.with_columns(customer_id=ids).filter(pl.col("ordered") == 1)
            happened = float(scores.join(ordered, on="customer_id", how="anti").height)
        found.append(
            {"date": date, "customers": scores.height, "predicted": middle, "low": max(middle - spread, 0.0),
             "high": min(middle + spread, float(scores.height)), "happened": happened}
        )  # fmt: skip
    names = ("date", "customers", "predicted", "low", "high", "happened")
    return pl.DataFrame(found, schema=dict(zip(names, _THEN, strict=True)))
