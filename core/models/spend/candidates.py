"""The models that compete to predict what customers spend, trained together on the same snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.ladder import Rung
from core.models.model import Part, Parts, values
from core.models.purchases.gamma_gamma import GammaGamma, fit_gamma_gamma
from core.models.purchases.history import Floats
from core.models.purchases.reasons import Shares, mixing_weight, shares_of_parts
from core.models.purchases.rhythm import Rhythm, history_of_parts
from core.models.purchases.sentences import Described
from core.models.purchases.trees import MOST_ROWS, Trees

SIMPLE = "BG/NBD × Gamma-Gamma"
TREES = "trees"
WITH_TREES = "mean of BG/NBD × Gamma-Gamma and trees"
_LEAST = 1e-9  # amounts below it are told as it on the logarithmic scale


@dataclass(frozen=True)
class Candidates:
    """BG/NBD × Gamma-Gamma and, as far as the ladder allows, trees for the amount (Tweedie) beside it."""

    horizon: int
    rhythm: Rhythm
    values: GammaGamma
    trees: Trees | None = None

    @classmethod
    def learned(
        cls,
        snapshot: pl.DataFrame,
        daily: pl.DataFrame,
        past: pl.DataFrame,
        step: Rung,
        horizon: int,
        described: Described,
        *,
        as_of_day: int,
        seed: int = 0,
        most_rows: int = MOST_ROWS,
    ) -> Candidates | None:
        """The candidates that ``step`` allows; ``None`` where no customer ever had a positive amount.

        ``snapshot``: all customers seen before ``as_of_day``; ``past``: snapshots with ``window_revenue``.
        """
        days, amount = order_days_and_value(snapshot)
        if not np.any(amount > 0):
            return None
        rhythm, order_values = Rhythm.learned(snapshot, daily, as_of_day), fit_gamma_gamma(days, amount)
        trees = None
        if step >= Rung.MEAN and past["window_revenue"].max() > 0:  # type: ignore[operator]
            trees = Trees.learned(
                rhythm.clock_columns(past, horizon),
                past["window_revenue"].to_numpy(),
                described,
                seed=seed,
                most_rows=most_rows,
            )
        return cls(horizon, rhythm, order_values, trees)

    @property
    def challenger(self) -> str | None:
        """The model that must prove to be better than the simple one."""
        return WITH_TREES if self.trees is not None else None

    def order_value(self, frame: pl.DataFrame) -> Floats:
        """Expected amount of a day with orders, for each customer."""
        return self.values.expected_value(*order_days_and_value(frame))

    def predict(self, frame: pl.DataFrame) -> dict[str, Floats]:
        """Expected revenue within the horizon by each candidate, and by the halves of the challenger."""
        simple = self.rhythm.expected_orders(frame, self.horizon) * self.order_value(frame)
        if self.trees is None:
            return {SIMPLE: simple}
        other = self.trees.predict(self.rhythm.clock_columns(frame, self.horizon))
        return {SIMPLE: simple, TREES: other, WITH_TREES: (simple + other) / 2.0}

    def shares(
        self, frame: pl.DataFrame, champion: str, predicted: Mapping[str, Floats], described: Described
    ) -> Shares:
        """What adds up to the logarithm of the champion's prediction."""
        orders = shares_of_parts(
            lambda parts: _log(
                self.rhythm.model.expected_purchases(history_of_parts(parts), np.maximum(parts[3], 0.0))
            ),
            self.rhythm.parts(frame, self.horizon),
            self.rhythm.reference_parts(frame.height, self.horizon),
        )
        own = _log(self.order_value(frame))
        usual = float(_log(self.values.expected_value(np.zeros(1), np.zeros(1)))[0])
        simple = Shares(orders.base + usual, orders.groups | {"monetary": own - usual})
        target = _log(predicted[champion])
        if champion == SIMPLE or self.trees is None:
            return simple.moved_to(target)
        other = self.trees.shares(self.rhythm.clock_columns(frame, self.horizon), described)
        return simple.plus(other, mixing_weight(target, simple.total, other.total)).moved_to(target)

    def save(self) -> Parts:
        """The pieces from which ``load`` makes the same candidates."""
        plain: dict[str, Any] = {
            "horizon": self.horizon,
            "rhythm": self.rhythm.as_dict(),
            "values": self.values.as_dict(),
            "trees": self.trees.as_dict() if self.trees else None,
        }
        parts: Parts = {"candidates": plain}
        if self.trees is not None:
            parts["trees"] = self.trees.booster.raw
        return parts

    @classmethod
    def load(cls, parts: Mapping[str, Part]) -> Candidates:
        """The candidates that ``save`` took apart."""
        plain = values(parts["candidates"])
        trees, raw = None, parts.get("trees")
        if plain["trees"] is not None:
            assert isinstance(raw, bytes)
            trees = Trees.from_dict(plain["trees"], raw)
        return cls(plain["horizon"], Rhythm.from_dict(plain["rhythm"]), GammaGamma(**plain["values"]), trees)


def order_days_and_value(frame: pl.DataFrame) -> tuple[Floats, Floats]:
    """Days with orders of each customer, and the mean amount of one; 0 where returns exceed purchases."""
    days = frame["order_days"].cast(pl.Float64).to_numpy()
    revenue = frame["revenue"].fill_null(0.0).to_numpy()
    return days, np.maximum(revenue, 0.0) / np.maximum(days, 1.0)


def _log(amount: Floats) -> Floats:
    return np.log(np.maximum(amount, _LEAST))
