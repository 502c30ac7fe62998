"""Training where the data are: Spark calculates features of all customers and its workers grow the trees.

BG/NBD learns from all customers too, by counts of equal histories. What remains for one machine, on a sample
of customers: the choice of the champion, calibration and intervals, and order values (Gamma-Gamma).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from core.database.base import Database
from core.database.spark.database import SparkDatabase
from core.days import LAST_DAY, to_day
from core.jobs.distributed_frames import SparkFrames, collected, some_customers
from core.jobs.distributed_rhythm import counted_histories, rhythm_of_counts, with_rhythm
from core.jobs.distributed_trees import (
    Learned,
    learned_amounts,
    learned_correction,
    varied_columns,
)
from core.jobs.purchase_frames import MOST_NOW, MOST_PAST_ROWS, OUTCOMES, described_features
from core.jobs.registry import JobError, Progress, class_path
from core.jobs.run import default_as_of, silent, train_model
from core.model_store import ModelStore, ModelVersion
from core.models.card import ModelCard, fingerprint
from core.models.churn import ChurnModel
from core.models.churn.candidates import Candidates as ChurnCandidates
from core.models.churn.judged import judge as judge_churn
from core.models.churn.model import ACTIVE_DAYS
from core.models.ladder import BaseRate, Rung, rung
from core.models.purchases.gamma_gamma import fit_gamma_gamma
from core.models.purchases.rhythm import Rhythm
from core.models.purchases.sentences import Described
from core.models.spend import SpendModel
from core.models.spend.candidates import Candidates as SpendCandidates
from core.models.spend.candidates import order_days_and_value
from core.models.spend.judged import judge as judge_spend
from core.roles import Role, require
from core.snapshots import check_no_leak, training_days

TASKS = ("churn", "spend")
"""Tasks that Spark can train."""

WORTH_ROWS = 1_000_000
"""Rows (customers × training days) above which Spark trains unless told otherwise.

Up to there one machine reads all customers; beyond, it would learn from a part of them.
"""

_CHECKED_CUSTOMERS = 100
_SEED = 0


@dataclass(frozen=True)
class Sample:
    """Rows of some customers on this machine, and facts of all rows, which stay in Spark."""

    now: pl.DataFrame
    past: pl.DataFrame
    daily: pl.DataFrame
    counts: pl.DataFrame
    days: tuple[int, ...]
    active: Any
    rows: int
    gone: int
    events: int
    mean_revenue: float


def is_worthwhile(database: Database, task: str, *, as_of_day: int, horizon: int) -> bool:
    """Whether Spark should train: its database, a task it can, and more rows than one machine reads."""
    if not isinstance(database, SparkDatabase) or task not in TASKS:
        return False
    customers = int(database.query("features/coverage", as_of_day=as_of_day)["customers"].item())
    return customers * len(_training_days(database, as_of_day, horizon)) > WORTH_ROWS


def train_model_distributed(
    database: Database,
    store: ModelStore,
    task: str,
    *,
    as_of: dt.date | None = None,
    horizon: int = 90,
    terms_days: int = 30,
    progress: Progress = silent,
) -> ModelVersion:
    """As ``train_model``, by the workers of Spark.

    Where the ladder allows no trees (fewer than 100 events) there is nothing to distribute, and this machine
    trains.

    Raises
    ------
    JobError
        The database is not on Spark, or the task is none of ``TASKS``.
    """
    require(Role.ADMIN, "training models")
    if not isinstance(database, SparkDatabase):
        raise JobError(
            "Only Spark trains on several machines, and this database is not opened through it.",
            "Leave out --distributed, or give the address of a Spark server (sc://…).",
        )
    if task not in TASKS:
        raise JobError(f"{task} is trained on one machine.", f"Spark trains {' and '.join(TASKS)}.")
    day = to_day(as_of or default_as_of(database))
    model, card, _learned = train(
        database, task, as_of_day=day, horizon=horizon, terms_days=terms_days, progress=progress
    )
    if model is None:
        return train_model(
            database, store, task, as_of=as_of, horizon=horizon, terms_days=terms_days,
            progress=progress, distributed=False,
        )  # fmt: skip
    store.put(task, {**model.save(), "about": {"class": class_path(model), "task": task}}, card)
    stored = store.active(task)
    assert stored is not None
    return stored


def train(
    database: SparkDatabase, task: str, *, as_of_day: int, horizon: int, terms_days: int, progress: Progress
) -> tuple[Any, Any, Any]:
    """Model, card, and what Spark learned; all ``None`` where the data bear no trees."""
    progress("Features of all customers", 0.0)
    sample, past = _sampled(database, as_of_day, horizon, terms_days, progress)
    try:
        step = rung(sample.events)
        if step < Rung.MEAN:
            return None, None, None
        described = {name: said for name, said in described_features().items() if name in past.columns}
        progress("The rhythm of all customers", 0.4)
        rhythm = rhythm_of_counts(sample.counts, sample.daily, as_of_day)
        rows = with_rhythm(sample.active, rhythm, horizon)
        progress("Growing trees", 0.45)
        build = _churn if task == "churn" else _spend
        model, learned = build(sample, rhythm, rows, described, as_of_day, horizon, database.address.workers)
        progress("Done", 1.0)
        return model, _card(task, model, sample, database.address.workers), learned
    finally:
        past.unpersist()


def _sampled(
    database: SparkDatabase, as_of_day: int, horizon: int, terms_days: int, progress: Progress
) -> tuple[Sample, Any]:
    dates = database.query("marts/order_dates", as_of_day=LAST_DAY)
    days = _training_days(database, as_of_day, horizon)
    if not days:
        raise JobError(
            "The history is too short for training days before that day.", "Choose a later as-of date."
        )
    frames = SparkFrames(database, terms_days, int(dates["first_order_day"][0]))
    past, now = frames.past(days, horizon), frames.features([as_of_day]).persist()
    total, customers = past.count(), now.count()
    progress("A sample of customers", 0.2)
    here = collected(some_customers(past, MOST_PAST_ROWS / max(total, 1)))
    now_here = collected(some_customers(now, MOST_NOW / max(customers, 1)))
    progress("Looking for leaks", 0.3)
    check_no_leak(database, here, [days[-1]], _CHECKED_CUSTOMERS, terms_days=terms_days, ignore=OUTCOMES)
    active = past.where(f"recency_days <= {ACTIVE_DAYS}")
    facts = collected(
        active.selectExpr(
            "count(*) AS n", "sum(1 - ordered) AS gone", "avg(window_revenue) AS revenue",
            "count(DISTINCT CASE WHEN ordered = 1 THEN customer_id END) AS came",
            "count(DISTINCT CASE WHEN ordered = 0 THEN customer_id END) AS stayed_away",
        )
    ).row(0, named=True)  # fmt: skip
    gone, rows = int(facts["gone"] or 0), int(facts["n"])
    daily = database.query("marts/orders_daily", as_of_day=as_of_day)
    sample = Sample(
        now=now_here,
        past=here,
        daily=daily.group_by("order_day").agg(pl.col("orders").sum()).sort("order_day"),
        counts=counted_histories(now, as_of_day),
        days=tuple(days),
        active=active,
        rows=rows,
        gone=gone,
        events=int(facts["came"] if rows - gone <= gone else facts["stayed_away"]),
        mean_revenue=float(facts["revenue"] or 0.0),
    )
    now.unpersist()
    return sample, past


def _training_days(database: Database, as_of_day: int, horizon: int) -> list[int]:
    first, last = database.query("marts/order_dates", as_of_day=as_of_day).row(0)[:2]
    if first is None:
        raise JobError("Nobody has ordered before that day.", "Choose a later as-of date, or load orders.")
    return training_days(int(first), int(last), as_of_day, horizon)


def _churn(
    sample: Sample,
    rhythm: Rhythm,
    rows: Any,
    described: Described,
    as_of_day: int,
    horizon: int,
    workers: int,
) -> tuple[ChurnModel, Learned]:
    model = ChurnModel(horizon=horizon, seed=_SEED)
    here = model.members(sample.past)
    rows = rows.selectExpr("*", "1 - ordered AS gone")
    learned = learned_correction(
        rows, varied_columns(rows, described), rhythm.clock_columns(here.head(5_000), horizon),
        described=described, workers=workers, seed=_SEED,
    )  # fmt: skip
    model.as_of_day_, model.described_ = as_of_day, described
    model.trained_rows_, model.events_, model.rung_ = sample.rows, sample.events, rung(sample.events)
    model.base_rate_ = BaseRate(sample.gone, sample.rows)
    model.judgement_ = judge_churn(
        sample.past, here, sample.daily, model.rung_, horizon, described, seed=_SEED
    )
    model.candidates_ = ChurnCandidates(horizon, rhythm, trees=learned.trees)
    return model, learned


def _spend(
    sample: Sample,
    rhythm: Rhythm,
    rows: Any,
    described: Described,
    as_of_day: int,
    horizon: int,
    workers: int,
) -> tuple[SpendModel, Learned]:
    model = SpendModel(horizon=horizon, seed=_SEED)
    here = model.members(sample.past)
    unit = max(sample.mean_revenue, 1e-9)
    rows = rows.selectExpr("*", f"greatest(window_revenue, 0D) / {unit!r}D AS amount")
    learned = learned_amounts(
        rows, varied_columns(rows, described), rhythm.clock_columns(here.head(5_000), horizon), unit,
        described=described, workers=workers, seed=_SEED,
    )  # fmt: skip
    model.as_of_day_, model.described_ = as_of_day, described
    model.trained_rows_, model.events_, model.rung_ = sample.rows, sample.events, rung(sample.events)
    model.mean_ = sample.mean_revenue
    model.judgement_ = judge_spend(
        sample.past, here, sample.daily, model.rung_, horizon, described, seed=_SEED
    )
    values = fit_gamma_gamma(*order_days_and_value(sample.now))
    model.candidates_ = SpendCandidates(horizon, rhythm, values, learned.trees)
    return model, learned


def _card(task: str, model: ChurnModel | SpendModel, sample: Sample, workers: int) -> ModelCard:
    judged = model.judgement_
    population: str = model.population
    settings = {
        "task": task, "horizon": model.horizon, "population": population, "as_of_day": model.as_of_day_,
        "workers": workers, "days": list(sample.days), "rows": sample.rows,
    }  # fmt: skip
    notes = [
        *judged.notes,
        f"Trees and BG/NBD learned from all {sample.rows:,} rows, on Spark with {workers} workers; the "
        f"champion was chosen on one machine from {model.members(sample.past).height:,} rows.",
    ]
    if isinstance(model, ChurnModel):
        notes.append(model.base_rate_.sentence("customers in training did not order in the horizon"))
    if model.candidates_ is not None and model.candidates_.rhythm.clock.is_flat:
        notes.append("Less than two years of orders: seasons are not taken into account.")
    return ModelCard(
        task=task,
        horizon_days=model.horizon,
        as_of_day=model.as_of_day_,
        trained_rows=model.trained_rows_,
        events=model.events_,
        rung=int(model.rung_),
        badge=model.badge,
        champion=model.champion,
        decision=judged.decision,
        metrics=judged.metrics,
        features=tuple(model.described_),
        fingerprint=fingerprint(sample.counts, sample.past, sample.daily, settings=settings),
        notes=tuple(notes),
    )
