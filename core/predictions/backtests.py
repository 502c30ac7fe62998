"""The latest backtest of each task, as it was stored."""

from dataclasses import dataclass

import polars as pl

from core.database.base import Database
from core.evaluation import Estimate
from core.evaluation.evaluation import MEAN
from core.jobs.results import read_table
from core.jobs.run import backtest_tables
from core.single_flight import SingleFlightCache

_CACHE: SingleFlightCache["StoredBacktest | None"] = SingleFlightCache(maxsize=12)


@dataclass(frozen=True)
class StoredBacktest:
    """How good the models of a task were at past cutoffs; columns as in ``core.evaluation.Evaluation``."""

    task: str
    horizon: int
    written_at: str
    champion: str | None
    models: tuple[str, ...]
    baselines: tuple[str, ...]
    notes: tuple[str, ...]
    scores: pl.DataFrame
    differences: pl.DataFrame
    predictions: pl.DataFrame

    def score(self, model: str, metric: str, cutoff: str = MEAN) -> Estimate:
        """A figure of a model, averaged over cutoffs or at one; nan if it was not measured."""
        rows = self.scores.filter(
            pl.col("model") == model, pl.col("metric") == metric, pl.col("cutoff") == cutoff
        )
        names = ("value", "low", "high", "standard_error")
        found = [rows[name][0] if rows.height else None for name in names]
        return Estimate(*(float("nan") if value is None else float(value) for value in found))

    @property
    def metrics(self) -> list[str]:
        """The names of the metrics, in the order of the tables."""
        return self.scores["metric"].unique(maintain_order=True).to_list()


def stored_backtest(database: Database, task: str) -> StoredBacktest | None:
    """The latest backtest of a task; ``None`` if none was stored."""
    return _CACHE.get((id(database), database.data_version(), task), lambda: _read(database, task))


def _read(database: Database, task: str) -> StoredBacktest | None:
    names = backtest_tables(task)
    found = {part: read_table(database, name) for part, name in names.items()}
    about, scores = found["about"], found["scores"]
    if about is None or scores is None or about.is_empty():
        return None
    row = about.row(0, named=True)

    def listed(name: str) -> tuple[str, ...]:
        return tuple(part for part in (row[name] or "").split("\n") if part)

    differences, predictions = (
        frame if (frame := found[part]) is not None else pl.DataFrame()
        for part in ("differences", "predictions")
    )
    return StoredBacktest(
        task,
        int(row["horizon_days"]),
        row["written_at"],
        row["champion"],
        listed("models"),
        listed("baselines"),
        listed("notes"),
        scores,
        differences,
        predictions,
    )
