"""Churn: train, score and judge from the database; see ``core.models.churn``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from core.database.base import Database
from core.days import to_date
from core.evaluation import Evaluation, evaluate
from core.evaluation.metrics import CLASSIFICATION
from core.jobs.purchase_frames import MOST_NOW, known_features, purchase_frames, usable_cutoffs
from core.jobs.registry import Progress
from core.models.card import ModelCard, fingerprint
from core.models.churn import ChurnModel
from core.models.churn.candidates import LOGISTIC, SIMPLE, TREES, WITH_LOGISTIC, WITH_TREES
from core.models.model import Model
from core.models.purchases.logistic import RidgeLogistic
from core.snapshots import labels

CHAMPION = "champion"
BASELINES = ("recency only", "base rate", "RFM logistic")


def train(
    database: Database,
    *,
    as_of_day: int,
    horizon: int,
    terms_days: int,
    progress: Progress,
    population: str = "active",
) -> tuple[ChurnModel, ModelCard]:
    """A churn model of what was known before the as-of day, and its card.

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
    model = ChurnModel(horizon=horizon, population=population)
    model.fit(frames.now, frames.past, frames.daily, as_of_day=as_of_day, described=frames.described)
    progress("Done", 1.0)
    judged = model.judgement_
    settings = {"task": "churn", "horizon": horizon, "population": population, "as_of_day": as_of_day}
    notes = [*judged.notes, model.base_rate_.sentence("customers in training did not order in the horizon")]
    if model.candidates_ is not None and model.candidates_.rhythm.clock.is_flat:
        notes.append("Less than two years of orders: seasons are not taken into account.")
    card = ModelCard(
        task="churn",
        horizon_days=horizon,
        as_of_day=as_of_day,
        trained_rows=model.trained_rows_,
        events=model.events_,
        rung=int(model.rung_),
        badge=model.badge,
        champion=model.champion,
        decision=judged.decision,
        metrics=judged.metrics,
        features=tuple(model.described_),
        fingerprint=fingerprint(frames.now, frames.past, frames.daily, settings=settings),
        notes=tuple(notes),
    )
    return model, card


def score(
    database: Database, model: Model, *, as_of_day: int, terms_days: int, progress: Progress
) -> pl.DataFrame:
    """Scores of the customers as of a day; see ``ChurnModel.score`` for the columns."""
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
    """How well churn would have been predicted at past cutoffs, beside simple baselines.

    ``champion`` is what the model chosen before each cutoff said, other models are its candidates. Models
    that the ladder did not allow at every cutoff are left out. The predictions keep the champion's ``low``
    and ``high``.

    Raises
    ------
    JobError
        No cutoff has customers before it and a complete window after it.
    """
    usable = usable_cutoffs(database, cutoffs, horizon)
    found, notes = [], []
    for number, day in enumerate(usable):

        def step(what: str, fraction: float, number: int = number, day: int = day) -> None:
            progress(f"{to_date(day)}: {what}", (number + fraction) / len(usable))

        frames = purchase_frames(
            database, as_of_day=day, horizon=horizon, terms_days=terms_days, progress=step
        )
        model = ChurnModel(horizon=horizon, population=population)
        model.fit(frames.now, frames.past, frames.daily, as_of_day=day, described=frames.described)
        judged = model.members(frames.now).join(
            labels(database, [day], horizon).select("customer_id", "ordered"), on="customer_id", how="inner"
        )
        past = model.members(frames.past)
        predicted = model.predict(judged)
        low, high = model.interval(judged, predicted)
        columns = predicted | _baselines(past, judged) | {"low": low, "high": high}
        found.append(
            judged.select("customer_id", cutoff_day="as_of_day", actual=1.0 - pl.col("ordered")).with_columns(
                pl.Series(name, values) for name, values in columns.items()
            )
        )
        decision = model.judgement_.decision
        told = decision.reason if decision else "; ".join(model.judgement_.notes)
        notes.append(
            f"{to_date(day)}: {model.badge}, {model.events_:,} events, {model.champion}. {told}".strip()
        )
    shared = set.intersection(*(set(frame.columns) for frame in found))
    models = [CHAMPION, *(n for n in (SIMPLE, LOGISTIC, TREES, WITH_LOGISTIC, WITH_TREES) if n in shared)]
    kept = ["customer_id", "cutoff_day", "actual", *models, *BASELINES, "low", "high"]
    table = pl.concat([frame.select(kept) for frame in found])
    return evaluate(
        table, models=models, baselines=BASELINES, metrics=CLASSIFICATION, notes=notes, champion=CHAMPION
    )


def _baselines(past: pl.DataFrame, frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """What simpler ways would have said: time since the last order, the base rate, a logistic regression."""
    gone = 1.0 - past["ordered"].cast(pl.Float64).to_numpy()
    rate = float(gone.mean()) if len(gone) else 0.5
    flat = np.full(frame.height, rate)
    if len(gone) == 0 or np.ptp(gone) == 0:
        return dict(zip(BASELINES, (flat, flat, flat), strict=True))
    return {
        "recency only": _by_recency(past, gone, frame),
        "base rate": flat,
        "RFM logistic": RidgeLogistic.learned(past, gone).predict(frame),
    }


def _by_recency(past: pl.DataFrame, gone: np.ndarray, frame: pl.DataFrame) -> np.ndarray:
    """Probability from the days since the last order alone: isotonic, ties broken by recency."""
    from sklearn.isotonic import IsotonicRegression

    seen, asked = past["recency_days"].to_numpy(), frame["recency_days"].to_numpy()
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(seen, gone)
    return np.clip(fitted.predict(asked), 1e-3, 1 - 1e-3) + asked * 1e-9
