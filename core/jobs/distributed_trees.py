"""Boosted trees learned by all workers of Spark together, as the same ``Trees`` that one machine learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.jobs.distributed_frames import collected
from core.models.boosting import Booster, matrix, source_column
from core.models.purchases.sentences import CLOCK_FEATURES, Described
from core.models.purchases.trees import Trees
from core.snapshots.build import KEYS

_MOST_ROUNDS = 400
_PATIENCE = 15
_HELD_OUT = 3  # every third customer says when to stop
_MOST_VALUES = 30
_SHALLOW = {
    "max_depth": 3,
    "learning_rate": 0.1,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 10,
    "reg_lambda": 5.0,
    "tree_method": "hist",
    "max_bin": 128,
}
_TWEEDIE_POWER = 1.5
_EXPLAINED_ROWS = 2_000


@dataclass(frozen=True)
class Columns:
    """What trees are told of a row: columns of the snapshot that vary, and the values of those with text."""

    names: tuple[str, ...]
    codes: Mapping[str, Sequence[str]]

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns of ``core.models.boosting.matrix``, in order."""
        return tuple(
            label
            for name in self.names
            for label in ([f"{name}={v}" for v in self.codes[name]] if name in self.codes else [name])
        )

    def numbers(self, kept: Sequence[str]) -> list[str]:
        """Expressions of Spark for these columns as numbers, called ``f0``, ``f1`` ..., and ``kept``."""
        made = []
        for name in self.names:
            if name in self.codes:
                made += [f"CASE WHEN {name} = {_text(v)} THEN 1D ELSE 0D END" for v in self.codes[name]]
            else:
                made.append(f"CAST({name} AS DOUBLE)")
        return [f"{text} AS f{place}" for place, text in enumerate(made)] + list(kept)


@dataclass(frozen=True)
class Learned:
    """Trees, and Spark's own model of them with the data frame of numbers that it takes."""

    trees: Trees
    model: Any
    numbers: Any


def varied_columns(frame: Any, described: Described) -> Columns:
    """The described columns (and those of the clock) that are not the same in all rows."""
    names = [name for name in (*described, *CLOCK_FEATURES) if name in frame.columns]
    texts = {name for name, kind in frame.dtypes if kind == "string"}
    asked = ["count(*) AS n"]
    for place, name in enumerate(names):
        asked += [f"min({name}) < max({name}) AS v{place}", f"count({name}) AS n{place}"]
    facts = collected(frame.selectExpr(*asked)).row(0, named=True)
    kept = [
        name for place, name in enumerate(names) if facts[f"v{place}"] or 0 < facts[f"n{place}"] < facts["n"]
    ]
    codes = {name: _values(frame, name) for name in kept if name in texts}
    return Columns(tuple(kept), codes)


def learned_correction(frame: Any, columns: Columns, part: pl.DataFrame, **told: Any) -> Learned:
    """Trees that correct the log-odds ``start`` of the outcome ``gone`` (0 or 1); see ``correction``."""
    from xgboost.spark import SparkXGBClassifier

    fixed = {"base_margin_col": "start", "base_score": 0.5, "eval_metric": "logloss"}
    return _learned(SparkXGBClassifier, fixed, frame, "gone", columns, part, 1.0, **told)


def learned_amounts(frame: Any, columns: Columns, part: pl.DataFrame, unit: float, **told: Any) -> Learned:
    """Trees for the amount ``amount``, which is in units of ``unit``: Tweedie, often zero, never negative."""
    from xgboost.spark import SparkXGBRegressor

    fixed = {
        "objective": "reg:tweedie",
        "tweedie_variance_power": _TWEEDIE_POWER,
        "eval_metric": f"tweedie-nloglik@{_TWEEDIE_POWER}",
    }
    return _learned(SparkXGBRegressor, fixed, frame, "amount", columns, part, unit, **told)


def _learned(
    estimator: Any,
    fixed: Mapping[str, Any],
    frame: Any,
    label: str,
    columns: Columns,
    part: pl.DataFrame,
    unit: float,
    *,
    described: Described,
    workers: int,
    seed: int,
) -> Learned:
    """Find the number of rounds on held-out customers, then learn from all rows.

    ``part`` are some rows here, with the columns of the clock, on which features are weighed.
    """
    margin = [fixed["base_margin_col"]] if "base_margin_col" in fixed else []
    held = f"pmod(xxhash64(customer_id, {seed}), {_HELD_OUT}) = 0 AS held_out"
    numbers = frame.selectExpr(*columns.numbers([*KEYS, *margin, label, held])).persist()
    inputs = [f"f{place}" for place in range(len(columns.labels))]
    settings: dict[str, Any] = {
        **_SHALLOW, **fixed, "features_col": inputs, "label_col": label, "num_workers": workers,
        "random_state": seed, "verbosity": 1,
    }  # fmt: skip
    trial = estimator(
        **settings, n_estimators=_MOST_ROUNDS, early_stopping_rounds=_PATIENCE,
        validation_indicator_col="held_out",
    ).fit(numbers)  # fmt: skip
    rounds = int(trial.get_booster().best_iteration) + 1
    model = estimator(**settings, n_estimators=rounds).fit(numbers)
    plain = model.get_booster()
    plain.feature_names = None
    plain.feature_types = None
    booster = Booster(bytes(plain.save_raw("ubj")), columns.labels)
    important = _important(booster, columns, part, described)
    return Learned(Trees(booster, columns.names, columns.codes, unit, important), model, numbers)


def _important(
    booster: Booster, columns: Columns, part: pl.DataFrame, described: Described
) -> dict[str, str]:
    """By group, the feature that moves most in some rows."""
    x, names = matrix(part.head(_EXPLAINED_ROWS), columns.names, columns.codes)
    size = np.abs(booster.contributions(x)[0]).mean(axis=0)
    important: dict[str, str] = {}
    for place in np.argsort(-size):
        name = source_column(names[place])
        important.setdefault((described.get(name) or CLOCK_FEATURES[name])[2], name)
    return important


def _values(frame: Any, name: str) -> list[str]:
    """The values of a text column, the most frequent first."""
    counted = frame.where(f"{name} IS NOT NULL").groupBy(name).count()
    return [str(row[0]) for row in counted.selectExpr(name, "count").orderBy(
        "count", name, ascending=[False, True]
    ).limit(_MOST_VALUES).collect()]  # fmt: skip


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
