"""What prediction pages read: stored scores, what happened after, cards and backtests."""

from core.predictions.backtests import StoredBacktest, stored_backtest
from core.predictions.scores import Scores, dates_scored, outcomes_after, scores_on
from core.predictions.status import TaskStatus, task_status

__all__ = [
    "Scores",
    "StoredBacktest",
    "TaskStatus",
    "dates_scored",
    "outcomes_after",
    "scores_on",
    "stored_backtest",
    "task_status",
]
