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
    currency: str = "",
    past: int = PAST_DATES,
    progress: Progress = silent,
) -> Preparation:
    """Train, score and judge every task; one that the data cannot support does not stop the others."""
    result = Preparation()
    as_of = default_as_of(database)
    dates = [day for day in past_dates(as_of, horizon, past) if to_day(day) > 0]
    bar = _Bar(progress, len(tasks))
    for number, task in enumerate(tasks):
        bar.begin(task, number)
        try:
            bar.stage("training")
            train_model(
                database, store, task, as_of=as_of, horizon=horizon, terms_days=terms_days, progress=bar
            )
            bar.stage("scoring")
            score_customers(
                database, store, task, as_of=as_of, terms_days=terms_days, currency=currency, progress=bar
            )
            bar.stage("judging")
            backtest_task(database, task, horizon=horizon, terms_days=terms_days, progress=bar)
            bar.stage("looking back")
            replay_task(
                database,
                task,
                cutoffs=dates,
                horizon=horizon,
                terms_days=terms_days,
                currency=currency,
                progress=bar,
            )
        except SalesError as error:
            result.failed[task] = str(error)
            continue
        result.ready.append(task)
    progress("done", 1.0)
    return result


class _Bar:
    """Progress of all tasks as one bar that never goes back."""

    def __init__(self, progress: Progress, tasks: int) -> None:
        self._progress, self._tasks = progress, tasks
        self._reached = self._from = self._to = 0.0
        self._task, self._number = "", 0

    def begin(self, task: str, number: int) -> None:
        """Go on to the next task."""
        self._task, self._number, self._to = task, number, 0.0

    def stage(self, name: str) -> None:
        """Go on to the next stage of the task."""
        self._from, self._to = self._to, self._to + _SHARES[name]

    def __call__(self, what: str, fraction: float) -> None:
        inside = self._from + (self._to - self._from) * min(1.0, fraction)
        self._reached = max(self._reached, (self._number + inside) / self._tasks)
        self._progress(f"{self._task}: {what}", self._reached)
