"""Jobs: data from the database to models, and scores and backtests back into it."""

from core.jobs.registry import TASKS, JobError, Progress
from core.jobs.run import (
    DEFAULT_HORIZON,
    LoadedModel,
    active_model,
    backtest_tables,
    backtest_task,
    default_as_of,
    replay_task,
    score_customers,
    score_table,
    train_model,
)

__all__ = [
    "DEFAULT_HORIZON",
    "TASKS",
    "JobError",
    "LoadedModel",
    "Progress",
    "active_model",
    "backtest_tables",
    "backtest_task",
    "default_as_of",
    "replay_task",
    "score_customers",
    "score_table",
    "train_model",
]
