"""Ridge logistic regression on four figures of a customer: what few events can bear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.calibration import expit
from core.models.purchases.history import Floats
from core.models.purchases.reasons import Shares

COLUMNS = ("recency_days", "order_days", "tenure_days", "revenue_365")
GROUPS = ("recency", "frequency", "recency", "monetary")
_RIDGE = 2.0


@dataclass(frozen=True)
class RidgeLogistic:
    """Weights of the standardised logarithms of ``COLUMNS``, and of the constant (first)."""

    mean: Floats
    deviation: Floats
    weights: Floats

    @classmethod
    def learned(cls, frame: pl.DataFrame, target: Floats, ridge: float = _RIDGE) -> RidgeLogistic:
        """Weights for the probability of ``target`` = 1, found by Newton's method; the constant is free."""
        raw = _logs(frame)
        mean, deviation = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)
        x = np.column_stack([np.ones(len(raw)), (raw - mean) / deviation])
        penalty = np.array([1e-6, *[ridge] * len(COLUMNS)])
        weights = np.zeros(x.shape[1])
        for _ in range(50):
            p = expit(x @ weights)
            slope = x.T @ (target - p) - penalty * weights
            curve = (x * (p * (1.0 - p))[:, None]).T @ x + np.diag(penalty)
            step = np.linalg.solve(curve, slope)
            weights = weights + np.clip(step, -2.0, 2.0)
            if np.abs(step).max() < 1e-8:
                break
        return cls(mean, deviation, weights)

    def predict(self, frame: pl.DataFrame) -> Floats:
        """Probability for each row."""
        return expit(self.weights[0] + self._moved(frame).sum(axis=1))

    def shares(self, frame: pl.DataFrame) -> Shares:
        """What each group adds to the log-odds, from the average customer on."""
        moved = self._moved(frame)
        groups: dict[str, Floats] = {}
        for place, group in enumerate(GROUPS):
            groups[group] = groups.get(group, 0.0) + moved[:, place]
        return Shares(np.full(len(moved), self.weights[0]), groups)

    def _moved(self, frame: pl.DataFrame) -> Floats:
        return (_logs(frame) - self.mean) / self.deviation * self.weights[1:]

    def as_dict(self) -> dict[str, Any]:
        """The weights as plain values for JSON."""
        return {
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RidgeLogistic:
        """The weights that ``as_dict`` wrote."""
        return cls(np.array(plain["mean"]), np.array(plain["deviation"]), np.array(plain["weights"]))


def _logs(frame: pl.DataFrame) -> Floats:
    table = frame.select(pl.col(COLUMNS).cast(pl.Float64).fill_null(0.0)).to_numpy()
    return np.log1p(np.maximum(table, 0.0))
