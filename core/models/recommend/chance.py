"""The probability that a customer buys a product within the horizon, learned on past windows.

A customer's purchases of all products within the horizon are expected from the recent rate and the season; a
product's share of them is that of the ranking. A logistic regression on the logarithm of their product, of
the expected purchases and of the days since the last order makes it a calibrated probability, apart for
products bought again and new ones, among the products that are recommended.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.days import to_date
from core.models.recommend.purchases import RATE_HALF_LIFE, Floats, Histories

AGAIN, NEW = "buy again", "new"
_FEW_EVENTS = 100
_EVEN = (1.0,) * 12


@dataclass(frozen=True)
class Chance:
    """Coefficients by kind of recommendation; a kind that is missing had too few events to be learned.

    ``profile`` is how busy each month of the year is, 1 on average.
    """

    horizon: int
    profile: tuple[float, ...] = _EVEN
    coefficients: Mapping[str, tuple[float, ...]] | None = None

    def knows(self, kind: str) -> bool:
        """Whether probabilities can be said for a kind of recommendation."""
        return kind in (self.coefficients or {})

    def probability(self, kind: str, share: Floats, expected: Floats, idle_days: Floats) -> Floats:
        """P(bought within the horizon); it rises with ``share``, the product's share of purchases."""
        weights = np.array((self.coefficients or {})[kind])
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * (features(share, expected, idle_days) @ weights)))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "horizon": self.horizon,
            "profile": list(self.profile),
            "coefficients": {kind: list(value) for kind, value in (self.coefficients or {}).items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Chance":
        """What ``as_dict`` described."""
        coefficients = {kind: tuple(value) for kind, value in plain["coefficients"].items()}
        return cls(int(plain["horizon"]), tuple(plain["profile"]), coefficients)


def month_profile(bought: pl.DataFrame, as_of_day: int) -> tuple[float, ...]:
    """How busy each month is, from whole years before the as-of day; even with less than two of them."""
    days = bought.filter(pl.col("order_day") < as_of_day)["order_day"]
    if days.is_empty():
        return _EVEN
    years = (as_of_day - int(days.min())) // 365  # type: ignore[arg-type]  # days are integers
    if years < 2:
        return _EVEN
    first = as_of_day - 365 * years
    counts, lengths = np.zeros(12), np.zeros(12)
    by_day = days.filter(days >= first).value_counts().sort("order_day")
    months = by_day["order_day"].cast(pl.Int32).cast(pl.Date).dt.month().to_numpy() - 1
    np.add.at(counts, months, by_day["count"].to_numpy())
    for day in range(first, as_of_day):
        lengths[to_date(day).month - 1] += 1
    rate = counts / np.maximum(lengths, 1.0)
    mean = counts.sum() / lengths.sum()
    return tuple(np.maximum(rate / mean, 0.05).tolist()) if mean > 0 else _EVEN


def season_factor(profile: Sequence[float], as_of_day: int, horizon: int) -> float:
    """How busy the horizon is, compared with the days by which customers' recent rates were measured."""
    busy = np.array(profile)

    def mean(days: range, weights: Floats) -> float:
        return float(np.average(busy[[to_date(day).month - 1 for day in days]], weights=weights))

    ahead = range(as_of_day, as_of_day + horizon)
    behind = range(as_of_day - 3 * int(RATE_HALF_LIFE), as_of_day)
    fading = 0.5 ** ((as_of_day - np.array(behind)) / RATE_HALF_LIFE)
    return mean(ahead, np.ones(len(ahead))) / mean(behind, fading)


def expected_purchases(block: Histories, horizon: int, season: float) -> Floats:
    """Purchases of any product that each customer would make within the horizon at the recent rate."""
    return block.recent * math.log(2) / RATE_HALF_LIFE * horizon * season


def features(share: Floats, expected: Floats, idle_days: Floats) -> Floats:
    """The inputs of the regression, one row per pair of customer and product."""
    purchases = np.log(np.maximum(expected, 1e-6))
    mean = np.log(np.maximum(share, 1e-9)) + purchases
    return np.stack([np.ones_like(mean), mean, purchases, np.log1p(np.maximum(idle_days, 0.0))], axis=1)


def fit_coefficients(x: Floats, bought: Floats) -> tuple[float, ...] | None:
    """Logistic regression by Newton's method with a slight ridge; ``None`` with too few events of either
    kind.

    Where shares would count the wrong way they are tied to the expected purchases.
    """
    if min(bought.sum(), (1 - bought).sum()) < _FEW_EVENTS:
        return None
    columns = np.ones(x.shape[1], dtype=bool)
    weights = _newton(x, bought, columns)
    if weights[1] <= 0:
        columns[2] = False
        weights = _newton(x, bought, columns)
    return tuple(weights.tolist()) if weights[1] > 0 else None


def _newton(x: Floats, y: Floats, columns) -> Floats:  # type: ignore[no-untyped-def]
    part = x[:, columns]
    beta = np.zeros(part.shape[1])
    ridge = np.eye(len(beta))
    ridge[0, 0] = 1e-6
    for _ in range(50):
        p = 0.5 + 0.5 * np.tanh(0.5 * (part @ beta))
        step = np.linalg.solve(
            (part * (p * (1 - p))[:, None]).T @ part + ridge, part.T @ (y - p) - ridge @ beta
        )
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    full = np.zeros(x.shape[1])
    full[columns] = beta
    return full
