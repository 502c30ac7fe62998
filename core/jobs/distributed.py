"""Training where the data are: Spark calculates features of all customers and its workers grow the trees.

BG/NBD learns from all customers too, by counts of equal histories. What remains for one machine, on a sample
of customers: the choice of the champion, calibration and intervals, and order values (Gamma-Gamma).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
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
from core.snapshots.build import KEYS

TASKS = ("churn", "spend")
"""Tasks that Spark can train."""

WORTH_ROWS = 1_000_000
"""Rows (customers × training days) above which Spark trains unless told otherwise.

Up to there one machine reads all customers; beyond, it would learn from a part of them.
"""

_CHECKED_CUSTOMERS = 100
_SEED = 0


@dataclass(frozen=True)
class Gathered:
    """What both tasks learn from: rows of some customers here, and all rows in Spark.

    ``active`` are the training rows of those who are predicted, ``days`` their as-of days, ``counts``
    the histories of all customers of today, ``gone`` and ``events`` as in ``ChurnModel``.
    """

    as_of_day: int
    horizon: int
    workers: int
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

    @property
    def described(self) -> Described:
        """The features to learn from."""
        return {name: said for name, said in described_features().items() if name in self.past.columns}


@dataclass(frozen=True)
class Training:
    """A model, its card, and Spark's own model of the trees."""

    model: ChurnModel | SpendModel
    card: ModelCard
    learned: Learned


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
    with gathered(database, as_of_day=day, horizon=horizon, terms_days=terms_days, progress=progress) as rows:
        found = learn(rows, task, progress) if rung(rows.events) >= Rung.MEAN else None
    if found is None:
        return train_model(
            database, store, task, as_of=as_of, horizon=horizon, terms_days=terms_days,
            progress=progress, distributed=False,
        )  # fmt: skip
    about = {"class": class_path(found.model), "task": task}
    store.put(task, {**found.model.save(), "about": about}, found.card)
    stored = store.active(task)
    assert stored is not None
    return stored


def learn(rows: Gathered, task: str, progress: Progress) -> Training:
    """The model of a task; there must be events enough for trees."""
    progress("The rhythm of all customers", 0.4)
    rhythm = rhythm_of_counts(rows.counts, rows.daily, rows.as_of_day)
    progress("Growing trees", 0.45)
    found = with_rhythm(rows.active, rhythm, rows.horizon)
    model, learned = (_churn if task == "churn" else _spend)(rows, rhythm, found)
    progress("Done", 1.0)
    return Training(model, _card(task, model, rows), learned)


@contextmanager
def gathered(
    database: SparkDatabase, *, as_of_day: int, horizon: int, terms_days: int, progress: Progress
) -> Iterator[Gathered]:
    """What models learn from as of a day, kept in Spark until the block ends.

    Raises
    ------
    JobError
        Nobody has ordered before that day, or not for long enough.
    LeakError
        A feature of some customers knows the time after its as-of day.
    """
    progress("Features of all customers", 0.0)
    first_day = int(database.query("marts/order_dates", as_of_day=LAST_DAY)["first_order_day"][0])
    days = _training_days(database, as_of_day, horizon)
    if not days:
        raise JobError(
            "The history is too short for training days before that day.", "Choose a later as-of date."
        )
    frames = SparkFrames(database, terms_days, first_day)
    known = frames.features([*days, as_of_day]).persist()
    past = known.join(frames.outcomes(days, horizon), on=list(KEYS), how="inner").persist()
    try:
        now = known.where(f"as_of_day = {as_of_day}")
        total, customers = past.count(), now.count()
        progress("A sample of customers", 0.2)
        here = collected(some_customers(past, MOST_PAST_ROWS / max(total, 1)))
        progress("Looking for leaks", 0.3)
        check_no_leak(database, here, [days[-1]], _CHECKED_CUSTOMERS, terms_days=terms_days, ignore=OUTCOMES)
        active = past.where(f"recency_days <= {ACTIVE_DAYS}")
        daily = database.query("marts/orders_daily", as_of_day=as_of_day)
        yield Gathered(
            as_of_day=as_of_day,
            horizon=horizon,
            workers=database.address.workers,
            now=collected(some_customers(now, MOST_NOW / max(customers, 1))),
            past=here,
            daily=daily.group_by("order_day").agg(pl.col("orders").sum()).sort("order_day"),
            counts=counted_histories(now, as_of_day),
            days=tuple(days),
            active=active,
            **_facts(active),
        )
    finally:
        past.unpersist()
        known.unpersist()


def _facts(active: Any) -> dict[str, Any]:
    """Rows, outcomes and mean revenue of the training rows, counted by Spark."""
    found = collected(
        active.selectExpr(
            "count(*) AS n", "sum(1 - ordered) AS gone", "avg(window_revenue) AS revenue",
            "count(DISTINCT CASE WHEN ordered = 1 THEN customer_id END) AS came",
            "count(DISTINCT CASE WHEN ordered = 0 THEN customer_id END) AS stayed_away",
        )
    ).row(0, named=True)  # fmt: skip
    rows, gone = int(found["n"]), int(found["gone"] or 0)
    events = found["came"] if rows - gone <= gone else found["stayed_away"]
    mean = float(found["revenue"] or 0.0)
    return {"rows": rows, "gone": gone, "events": int(events), "mean_revenue": mean}


def _training_days(database: Database, as_of_day: int, horizon: int) -> list[int]:
    first, last = database.query("marts/order_dates", as_of_day=as_of_day).row(0)[:2]
    if first is None:
        raise JobError("Nobody has ordered before that day.", "Choose a later as-of date, or load orders.")
    return training_days(int(first), int(last), as_of_day, horizon)


def _churn(rows: Gathered, rhythm: Rhythm, found: Any) -> tuple[ChurnModel, Learned]:
    model = ChurnModel(horizon=rows.horizon, seed=_SEED)
    here = model.members(rows.past)
    found = found.selectExpr("*", "1 - ordered AS gone")
    learned = learned_correction(
        found, varied_columns(found, rows.described), rhythm.clock_columns(here.head(5_000), rows.horizon),
        described=rows.described, workers=rows.workers, seed=_SEED,
    )  # fmt: skip
    _begin(model, rows)
    model.base_rate_ = BaseRate(rows.gone, rows.rows)
    model.judgement_ = judge_churn(
        rows.past, here, rows.daily, model.rung_, rows.horizon, rows.described, seed=_SEED
    )
    model.candidates_ = ChurnCandidates(rows.horizon, rhythm, trees=learned.trees)
    return model, learned


def _spend(rows: Gathered, rhythm: Rhythm, found: Any) -> tuple[SpendModel, Learned]:
    model = SpendModel(horizon=rows.horizon, seed=_SEED)
    here = model.members(rows.past)
    unit = max(rows.mean_revenue, 1e-9)
    found = found.selectExpr("*", f"greatest(window_revenue, 0D) / {unit!r}D AS amount")
    learned = learned_amounts(
        found, varied_columns(found, rows.described), rhythm.clock_columns(here.head(5_000), rows.horizon),
        unit, described=rows.described, workers=rows.workers, seed=_SEED,
    )  # fmt: skip
    _begin(model, rows)
    model.mean_ = rows.mean_revenue
    model.judgement_ = judge_spend(
        rows.past, here, rows.daily, model.rung_, rows.horizon, rows.described, seed=_SEED
    )
    values = fit_gamma_gamma(*order_days_and_value(rows.now))
    model.candidates_ = SpendCandidates(rows.horizon, rhythm, values, learned.trees)
    return model, learned


def _begin(model: ChurnModel | SpendModel, rows: Gathered) -> None:
    """What ``fit`` notes of the training rows."""
    model.as_of_day_, model.described_ = rows.as_of_day, rows.described
    model.trained_rows_, model.events_, model.rung_ = rows.rows, rows.events, rung(rows.events)


def _card(task: str, model: ChurnModel | SpendModel, rows: Gathered) -> ModelCard:
    judged = model.judgement_
    population: str = model.population
    settings = {
        "task": task, "horizon": model.horizon, "population": population, "as_of_day": model.as_of_day_,
        "workers": rows.workers, "days": list(rows.days), "rows": rows.rows,
    }  # fmt: skip
    notes = [
        *judged.notes,
        f"Trees and BG/NBD learned from all {rows.rows:,} rows, on Spark with {rows.workers} workers; the "
        f"champion was chosen on one machine from {model.members(rows.past).height:,} rows.",
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
        fingerprint=fingerprint(rows.counts, rows.past, rows.daily, settings=settings),
        notes=tuple(notes),
    )
