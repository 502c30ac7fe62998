"""Training, scoring and backtesting: what commands, pages and schedules call."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from core.database.base import Database
from core.days import to_date, to_day
from core.errors import SalesError
from core.evaluation import Evaluation
from core.jobs.registry import JobError, Progress, class_path, job_of, load_model
from core.jobs.results import read_table, write_tables
from core.model_store import ModelStore, ModelVersion
from core.models.card import ModelCard
from core.models.model import Model, values
from core.models.purchases.wording import with_currency
from core.roles import Role, require

DEFAULT_HORIZON = 90
_ABOUT = "about"  # the piece of a stored model that says what it is


@dataclass(frozen=True)
class LoadedModel:
    """A stored model that is ready to score."""

    version: ModelVersion
    model: Model


def silent(_what: str, _fraction: float) -> None:
    """Progress that nobody watches."""


def default_as_of(database: Database) -> dt.date:
    """The day after the last order.

    Raises
    ------
    JobError
        There are no orders.
    """
    last = database.query("marts/order_dates", as_of_day=to_day(dt.date(9999, 1, 1)))["last_order_day"][0]
    if last is None:
        raise JobError("There are no orders to learn from.", "Load orders with: sales-dashboard ingest PATH")
    return to_date(int(last) + 1)


def train_model(
    database: Database,
    store: ModelStore,
    task: str,
    *,
    as_of: dt.date | None = None,
    horizon: int = DEFAULT_HORIZON,
    terms_days: int = 30,
    progress: Progress = silent,
    distributed: bool | None = None,
) -> ModelVersion:
    """Train a model on what was known before ``as_of``, store it and make it the active one of its task.

    ``distributed``: whether the workers of Spark train; by default they do where the data are many.
    """
    require(Role.ADMIN, "training models")
    if database.engine == "mssql":
        from core.database.server.repeated_keys import require_unique_keys

        require_unique_keys(database)
    day = to_day(as_of or default_as_of(database))
    if distributed or (distributed is None and database.engine == "spark"):
        from core.jobs.distributed import is_worthwhile, train_model_distributed

        if distributed or is_worthwhile(database, task, as_of_day=day, horizon=horizon):
            return train_model_distributed(
                database, store, task, as_of=to_date(day), horizon=horizon, terms_days=terms_days,
                progress=progress,
            )  # fmt: skip
    model, card = job_of(task).train(
        database, as_of_day=day, horizon=horizon, terms_days=terms_days, progress=progress
    )
    parts = dict(model.save())
    if _ABOUT in parts:
        raise ValueError(f"A model may not call a piece {_ABOUT!r}.")
    parts[_ABOUT] = {"class": class_path(model), "task": task}
    store.put(task, parts, card)
    stored = store.active(task)
    assert stored is not None
    return stored


def active_model(store: ModelStore, task: str) -> LoadedModel:
    """The model in use.

    Raises
    ------
    JobError
        None was trained yet.
    """
    version = store.active(task)
    if version is None:
        raise JobError(
            f"There is no {task} model yet.", f"Train it with: sales-dashboard train --task {task}"
        )
    parts = store.read(task, version.version)
    about: Any = values(parts.pop(_ABOUT))
    return LoadedModel(version, load_model(about["class"], parts))


def score_table(task: str) -> str:
    """The table that holds the scores of a task."""
    return f"scores_{task}"


def score_customers(
    database: Database,
    store: ModelStore,
    task: str,
    *,
    as_of: dt.date | None = None,
    terms_days: int = 30,
    currency: str = "",
    write: bool = True,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Score with the model in use, and store the rows in ``scores_<task>`` in place of those of this day.

    ``currency`` is named before amounts in the reasons.

    Returns
    -------
    The scores with ``as_of`` (date) and ``model_version`` instead of ``as_of_day``.

    Raises
    ------
    JobError
        The model was trained on data on or after ``as_of``: its scores would not be predictions.
    """
    require(Role.ADMIN, "scoring")
    loaded = active_model(store, task)
    day = to_day(as_of or default_as_of(database))
    card: ModelCard = loaded.version.card
    if day < card.as_of_day:
        raise JobError(
            f"The {task} model knows the data up to {to_date(card.as_of_day)}: it cannot say what was to be "
            f"expected on {to_date(day)}.",
            f"Train one as of that day: sales-dashboard train --task {task} --as-of {to_date(day)}",
        )
    scores = job_of(task).score(
        database, loaded.model, as_of_day=day, terms_days=terms_days, progress=progress
    )
    scored = (
        _named(scores, currency)
        .with_columns(as_of=pl.lit(to_date(day)), model_version=pl.lit(loaded.version.version))
        .drop("as_of_day", strict=False)
    )
    if write:
        _keep_scores(database, task, scored)
    return scored


def _named(scores: pl.DataFrame, currency: str) -> pl.DataFrame:
    """The scores with the currency named in their reasons."""
    told = [name for name in ("reasons",) if scores.schema.get(name) == pl.String]
    return scores.with_columns(with_currency(pl.col(name), currency) for name in told)


def _keep_scores(database: Database, task: str, scored: pl.DataFrame) -> None:
    """Put rows in place of those of the same days."""
    others = read_table(database, score_table(task))
    days = scored["as_of"].unique().implode()
    kept = [] if others is None or others.is_empty() else [others.filter(~pl.col("as_of").is_in(days))]
    write_tables(database, {score_table(task): pl.concat([*kept, scored], how="diagonal_relaxed")})


def replay_task(
    database: Database,
    task: str,
    *,
    cutoffs: Sequence[dt.date],
    horizon: int = DEFAULT_HORIZON,
    terms_days: int = 30,
    currency: str = "",
    progress: Progress = silent,
) -> pl.DataFrame:
    """What would have been predicted at past dates, stored as scores of these dates.

    Each is by a model that knew nothing later. The models are not kept; ``model_version`` of their rows is
    ``as of <date>``. Dates at which the data could not support a model are left out.
    """
    require(Role.ADMIN, "scoring")
    job, frames = job_of(task), []
    for number, cutoff in enumerate(cutoffs):

        def step(what: str, fraction: float, number: int = number) -> None:
            progress(f"{what}, as of {cutoffs[number]}", (number + fraction) / len(cutoffs))

        day = to_day(cutoff)
        try:
            model, _card = job.train(
                database, as_of_day=day, horizon=horizon, terms_days=terms_days, progress=step
            )
            rows = job.score(database, model, as_of_day=day, terms_days=terms_days, progress=step)
        except SalesError as error:
            progress(f"{cutoff}: {error}", (number + 1) / len(cutoffs))
            continue
        named = _named(rows, currency).with_columns(
            as_of=pl.lit(cutoff), model_version=pl.lit(f"as of {cutoff}")
        )
        frames.append(named.drop("as_of_day", strict=False))
    if not frames:
        return pl.DataFrame()
    scored = pl.concat(frames, how="diagonal_relaxed")
    _keep_scores(database, task, scored)
    return scored


def backtest_tables(task: str) -> dict[str, str]:
    """The tables that hold the latest backtest of a task, by what is in them."""
    return {part: f"backtest_{task}_{part}" for part in ("scores", "differences", "predictions", "about")}


def backtest_task(
    database: Database,
    task: str,
    *,
    horizon: int = DEFAULT_HORIZON,
    cutoffs: Sequence[dt.date] | None = None,
    terms_days: int = 30,
    write: bool = True,
    progress: Progress = silent,
) -> Evaluation:
    """Judge the models of a task at past cutoffs; store the tables for the Models page."""
    if write:
        require(Role.ADMIN, "storing backtests")
    days = sorted({to_day(cutoff) for cutoff in cutoffs}) if cutoffs else None
    found = job_of(task).backtest(
        database, horizon=horizon, cutoffs=days, terms_days=terms_days, progress=progress
    )
    if write:
        names = backtest_tables(task)
        about = pl.DataFrame(
            {
                "task": [task],
                "horizon_days": [horizon],
                "written_at": [f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"],
                "champion": pl.Series([found.champion], dtype=pl.String),
                "models": ["\n".join(found.models)],
                "baselines": ["\n".join(found.baselines)],
                "notes": ["\n".join(found.notes)],
            }
        )
        frames = {
            "scores": found.scores,
            "differences": found.differences,
            "predictions": found.predictions,
            "about": about,
        }
        filled = {
            part: frame.with_columns(pl.col(pl.Float64).fill_nan(None)) for part, frame in frames.items()
        }
        write_tables(database, {names[part]: frame for part, frame in filled.items() if frame.width})
    return found
