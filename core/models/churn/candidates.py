"""The models that compete to predict churn, trained together on the same snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.errors import SalesError
from core.models.calibration import logit
from core.models.ladder import Rung
from core.models.model import Part, Parts, values
from core.models.purchases.correction import corrected
from core.models.purchases.history import Floats
from core.models.purchases.logistic import RidgeLogistic
from core.models.purchases.reasons import Shares, mixing_weight, shares_of_parts
from core.models.purchases.rhythm import Rhythm, history_of_parts
from core.models.purchases.sentences import Described
from core.models.purchases.trees import MOST_ROWS, Trees

SIMPLE = "BG/NBD"
WITH_TREES = "mean of BG/NBD with and without trees"
WITH_LOGISTIC = "mean of BG/NBD and logistic"
TREES, LOGISTIC = "BG/NBD corrected by trees", "logistic"
_EDGE = 1e-6


@dataclass(frozen=True)
class Candidates:
    """BG/NBD and, as far as the ladder allows, a logistic regression beside it or trees that correct it."""

    horizon: int
    rhythm: Rhythm
    logistic: RidgeLogistic | None = None
    trees: Trees | None = None

    @classmethod
    def learned(
        cls,
        rhythm: Rhythm,
        past: pl.DataFrame,
        step: Rung,
        horizon: int,
        described: Described,
        *,
        seed: int = 0,
        most_rows: int = MOST_ROWS,
    ) -> Candidates:
        """The candidates that ``step`` allows, from snapshots with ``ordered`` (0 or 1)."""
        gone = 1.0 - past["ordered"].cast(pl.Float64).to_numpy()
        if step < Rung.SIMPLE or past.is_empty() or np.ptp(gone) == 0:
            return cls(horizon, rhythm)
        if step == Rung.SIMPLE:
            return cls(horizon, rhythm, logistic=RidgeLogistic.learned(past, gone))
        start = _log_odds(rhythm.no_order(past, horizon))
        seen = rhythm.clock_columns(past, horizon)
        trees = Trees.learned(seen, gone, described, start=start, seed=seed, most_rows=most_rows)
        return cls(horizon, rhythm, trees=trees)

    @property
    def challenger(self) -> str | None:
        """The model that must prove to be better than the simple one."""
        if self.trees is not None:
            return WITH_TREES
        return WITH_LOGISTIC if self.logistic is not None else None

    def predict(self, frame: pl.DataFrame) -> dict[str, Floats]:
        """P(no order within the horizon) by each candidate, and by the halves of the challenger."""
        simple = self.rhythm.no_order(frame, self.horizon)
        if self.trees is not None:
            name, margin = TREES, self.trees.margin(self.rhythm.clock_columns(frame, self.horizon))
            other = corrected(_log_odds(simple), margin)
        elif self.logistic is not None:
            name, other = LOGISTIC, self.logistic.predict(frame)
        else:
            return {SIMPLE: simple}
        return {SIMPLE: simple, name: other, str(self.challenger): (simple + other) / 2.0}

    def shares(self, frame: pl.DataFrame, champion: str, described: Described) -> Shares:
        """What adds up to the log-odds of the champion's prediction."""
        simple = shares_of_parts(
            lambda parts: _log_odds(
                1.0 - self.rhythm.model.p_purchase(history_of_parts(parts), np.maximum(parts[3], 0.0))
            ),
            self.rhythm.parts(frame, self.horizon),
            self.rhythm.reference_parts(frame.height, self.horizon),
        )
        if champion == SIMPLE:
            return simple
        if self.trees is not None:
            added = self.trees.shares(self.rhythm.clock_columns(frame, self.horizon), described)
            other = simple.and_also(added)
        else:
            assert self.logistic is not None
            other = self.logistic.shares(frame)
        target = _log_odds(self.predict(frame)[champion])
        return simple.plus(other, mixing_weight(target, simple.total, other.total)).moved_to(target)

    def save(self) -> Parts:
        """The pieces from which ``load`` makes the same candidates."""
        plain: dict[str, Any] = {
            "horizon": self.horizon,
            "rhythm": self.rhythm.as_dict(),
            "logistic": self.logistic.as_dict() if self.logistic else None,
            "corrections": self.trees.as_dict() if self.trees else None,
        }
        parts: Parts = {"candidates": plain}
        if self.trees is not None:
            parts["trees"] = self.trees.booster.raw
        return parts

    @classmethod
    def load(cls, parts: Mapping[str, Part]) -> Candidates:
        """The candidates that ``save`` took apart.

        Raises
        ------
        SalesError
            An earlier version of the product took them apart.
        """
        plain = values(parts["candidates"])
        if "corrections" not in plain:
            raise SalesError("The churn model was trained by an earlier version.", "Train it again.")
        trees, raw = None, parts.get("trees")
        if plain["corrections"] is not None:
            assert isinstance(raw, bytes)
            trees = Trees.from_dict(plain["corrections"], raw)
        logistic = RidgeLogistic.from_dict(plain["logistic"]) if plain["logistic"] else None
        return cls(plain["horizon"], Rhythm.from_dict(plain["rhythm"]), logistic, trees)


def _log_odds(p: Floats) -> Floats:
    return logit(np.clip(p, _EDGE, 1.0 - _EDGE))
