"""Everything the prediction pages read, made in one go: models, scores, backtests, and past predictions."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.database.base import Database
from core.days import to_day
from core.errors import SalesError
from core.jobs.registry import TASKS, Progress
from core.jobs.run import (
    DEFAULT_HORIZON,
    backtest_task,
    default_as_of,
    replay_task,
    score_customers,
    silent,
    train_model,
)
from core.model_store import ModelStore

PAST_DATES = 4
_SHARES = {"training": 0.3, "scoring": 0.1, "judging": 0.4, "looking back": 0.2}


@dataclass
class Preparation:
    """What came of it: tasks that are ready, and why others are not."""

    ready: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def past_dates(as_of: dt.date, horizon: int, count: int = PAST_DATES) -> list[dt.date]:
    """Dates whose windows of ``horizon`` days are over on ``as_of``, the earliest first, one window apart."""
    return [as_of - dt.timedelta(days=horizon * step) for step in range(count, 0, -1)]


def prepare(
    database: Database,
    store: ModelStore,
    *,
    tasks: Sequence[str] = TASKS,
    horizon: int = DEFAULT_HORIZON,
    terms_days: int = 30,
    past: int = PAST_DATES,
    progress: Progress = silent,
) -> Preparation:
    """Train, score and judge every task; one that the data cannot support does not stop the others."""
    result = Preparation()
    as_of = default_as_of(database)
    dates = [day for day in past_dates(as_of, horizon, past) if to_day(day) > 0]
    for number, task in enumerate(tasks):
        done = 0.0

        def step(what: str, fraction: float, number: int = number, task: str = task) -> None:
            inner = done + _SHARES[stage] * min(1.0, fraction)  # noqa: B023 - read while this task runs
            progress(f"{task}: {what}", (number + inner) / len(tasks))

        try:
            stage = "training"
            train_model(
                database, store, task, as_of=as_of, horizon=horizon, terms_days=terms_days, progress=step
            )
            done, stage = done + _SHARES[stage], "scoring"
            score_customers(database, store, task, as_of=as_of, terms_days=terms_days, progress=step)
            done, stage = done + _SHARES[stage], "judging"
            backtest_task(database, task, horizon=horizon, terms_days=terms_days, progress=step)
            done, stage = done + _SHARES[stage], "looking back"
            replay_task(database, task, cutoffs=dates, horizon=horizon, terms_days=terms_days, progress=step)
        except SalesError as error:
            result.failed[task] = str(error)
            continue
        result.ready.append(task)
    progress("done", 1.0)
    return result
