"""How far the models of a task are: trained, judged, scored, and what pages say of it."""

import datetime as dt
from dataclasses import dataclass

from core.database.base import Database
from core.evaluation import Estimate
from core.model_store import ModelStore, ModelVersion
from core.models.card import estimate_of
from core.predictions.backtests import StoredBacktest, stored_backtest
from core.predictions.scores import dates_scored

LEADING_METRIC = {
    "churn": "AUC",
    "spend": "Gini",
    "sales": "WAPE total",
    "recommend": "NDCG@10 joint",
    "credit": "AUC",
}
"""The metric that a page shows first."""


@dataclass(frozen=True)
class TaskStatus:
    """What is there for a task.

    ``dates`` are the days for which scores are stored, ascending.
    """

    task: str
    model: ModelVersion | None
    backtest: StoredBacktest | None
    dates: tuple[dt.date, ...]

    @property
    def is_ready(self) -> bool:
        """Whether there are scores to show."""
        return self.model is not None and bool(self.dates)

    @property
    def badge(self) -> str:
        """What the ladder says: "enough data", "thin", "not enough data", or "no model"."""
        return self.model.card.badge if self.model else "no model"

    @property
    def metric(self) -> str:
        """The metric that is shown first."""
        return LEADING_METRIC[self.task]

    def measured(self) -> Estimate:
        """The leading metric of the champion in the backtest, else that of the card."""
        if self.backtest is not None:
            # Backtests list first what would have been used at each cutoff.
            found = self.backtest.score(self.backtest.champion or self.backtest.models[0], self.metric)
            if found.value == found.value:
                return found
        card = self.model.card.metrics if self.model else {}
        return estimate_of(card.get(self.metric, {}))

    def best_baseline(self) -> tuple[str, Estimate] | None:
        """The baseline that did best in the leading metric, with its figure."""
        if self.backtest is None:
            return None
        found = [(name, self.backtest.score(name, self.metric)) for name in self.backtest.baselines]
        known = [(name, value) for name, value in found if value.value == value.value]
        smaller_is_better = self.metric.startswith("WAPE")
        best = min if smaller_is_better else max
        return best(known, key=lambda pair: pair[1].value) if known else None


def task_status(database: Database, store: ModelStore, task: str) -> TaskStatus:
    """What is there for a task now."""
    return TaskStatus(
        task, store.active(task), stored_backtest(database, task), tuple(dates_scored(database, task))
    )
