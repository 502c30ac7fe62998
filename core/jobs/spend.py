"""Spend: train, score and judge from the database; see ``core.models.spend``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from core.database.base import Database
from core.days import to_date
from core.evaluation import Evaluation, evaluate
from core.evaluation.metrics import AMOUNTS, coverage
from core.jobs.purchase_frames import MOST_NOW, known_features, purchase_frames, usable_cutoffs
from core.jobs.registry import Progress
from core.models.card import ModelCard, fingerprint
from core.models.model import Model
from core.models.spend import SpendModel
from core.models.spend.candidates import SIMPLE, TREES, WITH_TREES
from core.snapshots import labels

CHAMPION = "champion"
BASELINES = ("trailing spend", "mean")


def train(
    database: Database,
    *,
    as_of_day: int,
    horizon: int,
    terms_days: int,
    progress: Progress,
    population: str = "active",
) -> tuple[SpendModel, ModelCard]:
    """A spend model of what was known before the as-of day, and its card.

    Raises
    ------
    JobError
        Nobody has ordered before that day.
    """
    frames = purchase_frames(
        database,
        as_of_day=as_of_day,
        horizon=horizon,
        terms_days=terms_days,
        progress=progress,
        most_now=MOST_NOW,
    )
    progress("Learning", 0.5)
    model = SpendModel(horizon=horizon, population=population)
    model.fit(frames.now, frames.past, frames.daily, as_of_day=as_of_day, described=frames.described)
    progress("Done", 1.0)
    notes = list(model.judgement_.notes)
    if model.candidates_ is not None and model.candidates_.rhythm.clock.is_flat:
        notes.append("Less than two years of orders: seasons are not taken into account.")
    settings = {"task": "spend", "horizon": horizon, "population": population, "as_of_day": as_of_day}
    card = ModelCard(
        task="spend",
        horizon_days=horizon,
        as_of_day=as_of_day,
        trained_rows=model.trained_rows_,
        events=model.events_,
        rung=int(model.rung_),
        badge=model.badge,
        champion=model.champion,
        decision=model.judgement_.decision,
        metrics=model.judgement_.metrics,
        features=tuple(model.described_),
        fingerprint=fingerprint(frames.now, frames.past, frames.daily, settings=settings),
        notes=tuple(notes),
    )
    return model, card


def score(
    database: Database, model: Model, *, as_of_day: int, terms_days: int, progress: Progress
) -> pl.DataFrame:
    """Scores of the customers as of a day; see ``SpendModel.score`` for the columns."""
    progress("Customers today", 0.0)
    frame = known_features(database, as_of_day, terms_days)
    progress("Scoring", 0.6)
    return model.score(frame)


def backtest(
    database: Database,
    *,
    horizon: int,
    cutoffs: Sequence[int] | None,
    terms_days: int,
    progress: Progress,
    population: str = "active",
) -> Evaluation:
    """How well spend would have been predicted at past cutoffs, beside simple baselines.

    ``champion`` is what the model chosen before each cutoff said, other models are its candidates. The
    predictions keep the champion's ``low`` and ``high``; ``details["deciles"]`` has expected and actual
    revenue per tenth of the customers, and ``details["coverage"]`` the share within the intervals.

    Raises
    ------
    JobError
        No cutoff has customers before it and a complete window after it.
    """
    usable = usable_cutoffs(database, cutoffs, horizon)
    found: list[pl.DataFrame] = []
    notes: list[str] = []
    for number, day in enumerate(usable):

        def step(what: str, fraction: float, number: int = number, day: int = day) -> None:
            progress(f"{to_date(day)}: {what}", (number + fraction) / len(usable))

        frames = purchase_frames(
            database, as_of_day=day, horizon=horizon, terms_days=terms_days, progress=step
        )
        model = SpendModel(horizon=horizon, population=population)
        model.fit(frames.now, frames.past, frames.daily, as_of_day=day, described=frames.described)
        outcome = labels(database, [day], horizon).select("customer_id", actual="revenue")
        judged = model.members(frames.now).join(outcome, on="customer_id", how="inner")
        predicted = model.predict(judged)
        low, high = model.interval(predicted["champion"])
        found.append(
            judged.select("customer_id", "actual", cutoff_day="as_of_day").with_columns(
                [pl.Series(name, amounts) for name, amounts in predicted.items()]
                + [pl.Series("low", low).fill_nan(None), pl.Series("high", high).fill_nan(None)]
                + [pl.Series(name, p) for name, p in _baselines(model, judged, horizon).items()]
            )
        )
        decision = model.judgement_.decision
        told = decision.reason if decision else "; ".join(model.judgement_.notes)
        notes.append(
            f"{to_date(day)}: {model.badge}, {model.events_:,} events, {model.champion}. {told}".strip()
        )
    shared = set.intersection(*(set(frame.columns) for frame in found))
    models = [CHAMPION, *(name for name in (SIMPLE, TREES, WITH_TREES) if name in shared)]
    columns = ["customer_id", "cutoff_day", "actual", *models, *BASELINES, "low", "high"]
    table = pl.concat([frame.select(columns) for frame in found])
    covered = table.drop_nulls(["low", "high"])
    share = coverage(covered["actual"], covered["low"], covered["high"])
    if covered.height:
        notes.append(f"The 80 % intervals held {share:.0%} of the amounts.")
    judged_table = evaluate(
        table, models=models, baselines=BASELINES, metrics=AMOUNTS, notes=notes, champion=CHAMPION
    )
    details = {"coverage": share, "deciles": deciles(table).to_dicts()}
    return replace(judged_table, details=details)


def deciles(table: pl.DataFrame) -> pl.DataFrame:
    """Expected and actual revenue per customer in tenths of the customers by expectation, at each cutoff.

    Returns
    -------
    polars.DataFrame
        ``cutoff_day``, ``decile`` (1 is the lowest), ``customers``, ``expected``, ``actual`` (mean amounts).
    """
    rank = pl.col(CHAMPION).rank("ordinal").over("cutoff_day") - 1
    tenth = (rank * 10 // pl.len().over("cutoff_day") + 1).alias("decile")
    return (
        table.with_columns(tenth)
        .group_by("cutoff_day", "decile")
        .agg(
            pl.len().alias("customers"),
            pl.col(CHAMPION).mean().alias("expected"),
            pl.col("actual").mean().alias("actual"),
        )
        .sort("cutoff_day", "decile")
    )


def _baselines(model: SpendModel, frame: pl.DataFrame, horizon: int) -> dict[str, np.ndarray]:
    """What simpler ways would have said: the last year's revenue per day, and the mean of the past."""
    days = frame["tenure_days"].clip(1, 365).cast(pl.Float64).to_numpy()
    trailing = np.maximum(frame["revenue_365"].fill_null(0.0).to_numpy(), 0.0) * horizon / days
    return {"trailing spend": trailing, "mean": np.full(frame.height, model.mean_)}
