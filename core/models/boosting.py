"""Shallow gradient-boosted trees (XGBoost, Chen & Guestrin 2016) with the settings of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    import xgboost

Floats = npt.NDArray[np.float64]
Codes = Mapping[str, Sequence[str]]
_SHALLOW = {
    "max_depth": 3,
    "eta": 0.08,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 10,
    "lambda": 5.0,
    "tree_method": "hist",
    "max_bin": 128,
}
_MOST_ROUNDS = 400
_PATIENCE = 20
_FOLDS = 3
_WORTH_THREADS = 2_000_000  # cells


@dataclass(frozen=True)
class Booster:
    """Trees as bytes of XGBoost's own format, with the names of their inputs; made ready on first use."""

    raw: bytes
    names: tuple[str, ...]

    @cached_property
    def _ready(self) -> xgboost.Booster:
        import xgboost

        booster = xgboost.Booster(model_file=bytearray(self.raw))
        booster.set_param({"nthread": 1})
        return booster

    def predict(self, x: Floats, *, margin: bool = False) -> Floats:
        """Probability or amount for each row; with ``margin`` on the scale that contributions add up on."""
        if x.size >= _WORTH_THREADS:
            self._ready.set_param({"nthread": 0})
        found = self._ready.inplace_predict(x, predict_type="margin" if margin else "value")
        return np.asarray(found, dtype=np.float64)

    def contributions(self, x: Floats) -> tuple[Floats, float]:
        """Tree SHAP values of each row and feature (Lundberg et al. 2020), and the base they start from.

        Base plus the contributions of a row is its margin.
        """
        import xgboost

        found = self._ready.predict(xgboost.DMatrix(x), pred_contribs=True)
        return np.asarray(found[:, :-1], dtype=np.float64), float(found[0, -1]) if len(found) else 0.0


def category_codes(frame: pl.DataFrame, names: Sequence[str], most: int = 30) -> dict[str, list[str]]:
    """The values of the text columns among ``names``, the most frequent first, at most ``most`` of each."""
    texts = [name for name in names if frame.schema[name] == pl.String]
    counts = {
        name: frame[name].drop_nulls().value_counts().sort("count", name, descending=[True, False])
        for name in texts
    }
    return {name: counted[name].head(most).to_list() for name, counted in counts.items()}


def matrix(frame: pl.DataFrame, names: Sequence[str], codes: Codes) -> tuple[Floats, tuple[str, ...]]:
    """The columns as numbers: numeric ones as they are (null as nan), each known value of a text as 0 or 1.

    Returns
    -------
    An array of one row per row, and the names of its columns; a value of a text column is named
    ``column=value``, so that ``source_column`` finds the column again.
    """
    columns: list[Floats] = []
    labels: list[str] = []
    for name in names:
        if name in codes:
            for value in codes[name]:
                columns.append((frame[name] == value).fill_null(False).cast(pl.Float64).to_numpy())
                labels.append(f"{name}={value}")
        else:
            columns.append(frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy())
            labels.append(name)
    return np.column_stack(columns) if columns else np.empty((frame.height, 0)), tuple(labels)


def source_column(label: str) -> str:
    """The column of the frame that a column of ``matrix`` was made from."""
    return label.split("=", 1)[0]


def train_classifier(
    x: Floats,
    y: npt.ArrayLike,
    names: Sequence[str],
    groups: npt.ArrayLike,
    *,
    monotone: Mapping[str, int] | None = None,
    weight: npt.ArrayLike | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Booster:
    """Trees for the probability of ``y`` = 1.

    The number of rounds is found by cross-validation in which all rows of a group (a customer) stay together.

    Parameters
    ----------
    groups
        The customer of each row.
    monotone
        By column: 1 where the probability may only rise with it, −1 where it may only fall.
    """
    return _trained(x, y, names, groups, "binary:logistic", "logloss", monotone, weight, seed, settings)


def train_regression(
    x: Floats,
    y: npt.ArrayLike,
    names: Sequence[str],
    groups: npt.ArrayLike,
    *,
    weight: npt.ArrayLike | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Booster:
    """Trees for the mean of any amount, by squared error."""
    return _trained(x, y, names, groups, "reg:squarederror", "rmse", None, weight, seed, settings)


def train_amounts(
    x: Floats,
    y: npt.ArrayLike,
    names: Sequence[str],
    groups: npt.ArrayLike,
    *,
    power: float = 1.5,
    weight: npt.ArrayLike | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Booster:
    """Trees for the mean of an amount that is often zero and never negative: Tweedie with ``power``."""
    metric = f"tweedie-nloglik@{power}"
    chosen = {"tweedie_variance_power": power} | dict(settings or {})
    return _trained(x, y, names, groups, "reg:tweedie", metric, None, weight, seed, chosen)


def _trained(
    x: Floats,
    y: npt.ArrayLike,
    names: Sequence[str],
    groups: npt.ArrayLike,
    objective: str,
    metric: str,
    monotone: Mapping[str, int] | None,
    weight: npt.ArrayLike | None,
    seed: int,
    settings: Mapping[str, Any] | None,
) -> Booster:
    import xgboost

    target = np.asarray(y, dtype=np.float64)
    chosen: dict[str, Any] = _SHALLOW | {"objective": objective, "eval_metric": metric, "seed": seed}
    if monotone:
        chosen["monotone_constraints"] = tuple(monotone.get(name, 0) for name in names)
    # Threads that wait for each other cost more than they save where a round takes under a millisecond.
    chosen["nthread"] = 1 if x.size < _WORTH_THREADS else 0
    chosen |= dict(settings or {})
    data = xgboost.DMatrix(x, target, weight=None if weight is None else np.asarray(weight))
    rounds = _rounds(xgboost, data, target, np.asarray(groups), chosen, seed)
    booster = xgboost.train(chosen, data, num_boost_round=rounds)
    return Booster(bytes(booster.save_raw("ubj")), tuple(names))


def _rounds(
    xgboost: Any, data: Any, target: Floats, groups: npt.NDArray[Any], chosen: dict[str, Any], seed: int
) -> int:
    """The number of trees after which held-out customers are not predicted better."""
    _people, person = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(seed).integers(_FOLDS, size=int(person.max()) + 1)[person]
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(_FOLDS)]
    usable = [
        (train, test)
        for train, test in folds
        if len(test) and len(train) and np.ptp(target[train]) > 0 and np.ptp(target[test]) > 0
    ]
    if not usable:
        return 50
    history = xgboost.cv(
        chosen,
        data,
        num_boost_round=_MOST_ROUNDS,
        folds=usable,
        early_stopping_rounds=_PATIENCE,
        as_pandas=False,
    )
    means = next(
        values for name, values in history.items() if name.startswith("test-") and name.endswith("-mean")
    )
    return max(1, len(means))
