"""What a purchase model needs to know of customers: how often they came back, when last, and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PurchaseHistory:
    """One entry per kind of customer; times count from the first purchase, in any one unit.

    ``repeats``: purchases after the first one. ``last``: time of the last purchase (0 without repeats).
    ``age``: time from the first purchase to now. ``weight``: customers with exactly this history.
    """

    repeats: Floats
    last: Floats
    age: Floats
    weight: Floats

    @classmethod
    def of(
        cls, repeats: ArrayLike, last: ArrayLike, age: ArrayLike, weight: ArrayLike | None = None
    ) -> PurchaseHistory:
        """Histories from array-likes; ``0 <= last <= age`` is made true where rounding broke it."""
        x = np.maximum(np.asarray(repeats, dtype=np.float64), 0.0)
        total = np.maximum(np.asarray(age, dtype=np.float64), 0.0)
        recent = np.where(x > 0, np.clip(np.asarray(last, dtype=np.float64), 0.0, total), 0.0)
        count = np.ones_like(x) if weight is None else np.asarray(weight, dtype=np.float64)
        return cls(x, recent, total, count)

    def __len__(self) -> int:
        return len(self.repeats)

    @property
    def customers(self) -> float:
        """Number of customers: the sum of the weights."""
        return float(self.weight.sum())

    def distinct(self) -> tuple[PurchaseHistory, NDArray[np.int64]]:
        """Equal histories once, with the sum of their weights, and for each entry its place among them."""
        order = np.lexsort((self.age, self.last, self.repeats))
        x, last, age = self.repeats[order], self.last[order], self.age[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (x[1:] != x[:-1]) | (last[1:] != last[:-1]) | (age[1:] != age[:-1])
        place = np.cumsum(new) - 1
        back = np.empty(len(order), dtype=np.int64)
        back[order] = place
        weight = np.bincount(place, weights=self.weight[order], minlength=int(new.sum()))
        return PurchaseHistory(x[new], last[new], age[new], weight), back

    def scaled(self, unit: float) -> PurchaseHistory:
        """The same histories with times measured in ``unit`` of the present unit."""
        return PurchaseHistory(self.repeats, self.last / unit, self.age / unit, self.weight)
