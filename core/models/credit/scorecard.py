"""A scorecard: points for each bin of each feature, added up; more points are safer.

Logistic regression on the weights of evidence, scaled so that 600 points are odds of 50 good to 1 bad and 20
points double the odds (Siddiqi 2006). Points are whole numbers and the probability is that of their sum, so
that a reader can add up what is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import polars as pl

from core.models.calibration import expit
from core.models.credit.binning import Bins, Floats, cut_all

FACTOR = 20 / log(2)
OFFSET = 600 - FACTOR * log(50)
_LEAST_VALUE = 0.005
_RIDGE = 1.0


@dataclass(frozen=True)
class Scorecard:
    """``base`` points for everyone and ``points`` by feature and bin."""

    base: int
    features: tuple[Bins, ...]
    points: tuple[tuple[int, ...], ...]

    @classmethod
    def train(
        cls,
        frame: pl.DataFrame,
        happened: Floats,
        names: Sequence[str],
        directions: Mapping[str, int] | None = None,
        most: int | None = None,
    ) -> "Scorecard":
        """The card for an event (0 or 1 by row), of at most ``most`` features.

        Features without information and those whose points would run against their evidence are left out.
        """
        from sklearn.linear_model import LogisticRegression

        bins = cut_all(frame, happened, names, directions or {})
        chosen = [one for one in bins if one.value >= _LEAST_VALUE][:most]
        rate = float(np.clip(happened.mean(), 1e-6, 1 - 1e-6))
        intercept, weights = log(rate / (1 - rate)), np.empty(0)
        while chosen:
            x = np.column_stack([np.array(one.evidence)[one.place(frame[one.name])] for one in chosen])
            fitted = LogisticRegression(C=1 / _RIDGE, max_iter=200).fit(x, happened)
            intercept, weights = float(fitted.intercept_[0]), fitted.coef_[0]
            if weights.min() > 0:
                break
            del chosen[int(weights.argmin())]
            weights = np.empty(0)
        # each feature's points are counted from its safest bin's side of zero: none are negative
        raw = [-FACTOR * weight * np.array(one.evidence) for weight, one in zip(weights, chosen, strict=True)]
        lowest = [points.min() for points in raw]
        base = OFFSET - FACTOR * intercept + sum(lowest)
        return cls(
            base=round(base),
            features=tuple(chosen),
            points=tuple(
                tuple(int(p) for p in np.round(points - low)) for points, low in zip(raw, lowest, strict=True)
            ),
        )

    def by_feature(self, frame: pl.DataFrame) -> Floats:
        """Points of each row for each feature."""
        columns = [
            np.array(points)[bins.place(frame[bins.name])]
            for bins, points in zip(self.features, self.points, strict=True)
        ]
        return np.column_stack(columns).astype(np.float64) if columns else np.empty((frame.height, 0))

    def score(self, frame: pl.DataFrame) -> Floats:
        """The sum of points of each row."""
        return np.asarray(self.base + self.by_feature(frame).sum(axis=1))

    def log_odds(self, frame: pl.DataFrame) -> Floats:
        """Log-odds of the event."""
        return (OFFSET - self.score(frame)) / FACTOR

    def probability(self, frame: pl.DataFrame) -> Floats:
        """The probability of the event."""
        return expit(self.log_odds(frame))

    def contributions(self, frame: pl.DataFrame) -> tuple[Floats, float]:
        """Log-odds that each feature adds to those of the average row, and these: together the row's."""
        average = np.array([self._average(number) for number in range(len(self.features))])
        found = -(self.by_feature(frame) - average) / FACTOR
        return found, float((OFFSET - self.base - average.sum()) / FACTOR)

    def _average(self, number: int) -> float:
        """The points that a feature gives where its evidence is nil."""
        evidence, points = np.array(self.features[number].evidence), np.array(self.points[number])
        order = np.argsort(evidence)
        return float(np.interp(0.0, evidence[order], points[order]))

    def table(self) -> pl.DataFrame:
        """The card to print: feature, bin, points, evidence."""
        rows = [
            (bins.name, bins.says(number), points[number], bins.evidence[number])
            for bins, points in zip(self.features, self.points, strict=True)
            for number in range(bins.count)
        ]
        schema = {"feature": pl.String, "bin": pl.String, "points": pl.Int64, "evidence": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "base": self.base,
            "features": [bins.as_dict() for bins in self.features],
            "points": [list(points) for points in self.points],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Scorecard":
        """The card that ``as_dict`` described."""
        features = tuple(Bins.from_dict(bins) for bins in plain["features"])
        return cls(plain["base"], features, tuple(tuple(points) for points in plain["points"]))
