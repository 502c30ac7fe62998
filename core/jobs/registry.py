"""The tasks that models are trained for, and where the code of each is; imported when first used."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

import polars as pl

from core.database.base import Database
from core.errors import SalesError
from core.evaluation import Evaluation
from core.models.card import ModelCard
from core.models.model import Model, Part
from core.tasks import TASKS as TASKS

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done."""


class JobError(SalesError):
    """A model cannot be trained, used or judged on these data."""


class Job(Protocol):
    """What the module ``core.jobs.<task>`` offers; days count from 1970-01-01."""

    def train(
        self, database: Database, *, as_of_day: int, horizon: int, terms_days: int, progress: Progress
    ) -> tuple[Model, ModelCard]:
        """A model trained on what was known before the as-of day, and its card."""

    def score(
        self, database: Database, model: Model, *, as_of_day: int, terms_days: int, progress: Progress
    ) -> pl.DataFrame:
        """Scores as of a day: a key, ``as_of_day``, ``score``, ``low``, ``high``, ``reasons`` and more."""

    def backtest(
        self,
        database: Database,
        *,
        horizon: int,
        cutoffs: Sequence[int] | None,
        terms_days: int,
        progress: Progress,
    ) -> Evaluation:
        """How good models of this task would have been at past cutoffs."""


def job_of(task: str) -> Job:
    """The job of a task.

    Raises
    ------
    JobError
        There is no such task.
    """
    if task not in TASKS:
        raise JobError(f"There is no task {task!r}.", f"Choose one of {', '.join(TASKS)}.")
    return cast(Job, import_module(f"core.jobs.{task}"))


def class_path(model: Model) -> str:
    """The name under which ``load_model`` finds the class of a model."""
    return f"{type(model).__module__}:{type(model).__qualname__}"


def load_model(path: str, parts: Mapping[str, Part]) -> Model:
    """The model made of stored parts.

    Raises
    ------
    JobError
        The class is none of this product's models, or no longer there.
    """
    module, _, name = path.partition(":")
    if not module.startswith("core.models."):
        raise JobError(f"{path} is not a model of this product.", "Train the model again.")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise JobError(f"The stored model {path} is of another version.", "Train it again.") from error
    return cast(Model, kind.load(parts))
