"""A measured figure with how sure it is, from a bootstrap over customers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and standard error; nan where it is not defined."""

    value: float
    low: float
    high: float
    standard_error: float

    @classmethod
    def of(cls, value: float, repeats: npt.ArrayLike) -> "Estimate":
        """The figure with the 2.5 and 97.5 percentiles of its bootstrap repeats, less their bias.

        Repeats of some measures, such as a calibration error, are larger on average than the figure itself.
        """
        drawn = np.asarray(repeats, dtype=np.float64)
        drawn = drawn[np.isfinite(drawn)]
        if len(drawn) < 2 or not np.isfinite(value):
            return cls(float(value), float("nan"), float("nan"), float("nan"))
        low, high = np.quantile(drawn, [0.025, 0.975]) - (drawn.mean() - value)
        return cls(float(value), float(low), float(high), float(drawn.std(ddof=1)))

    @property
    def is_above_zero(self) -> bool:
        """Whether the whole interval lies above zero."""
        return bool(self.low > 0)

    def as_dict(self) -> dict[str, float | None]:
        """Plain values for JSON; what is not defined is null."""
        fields = {
            "value": self.value, "low": self.low, "high": self.high, "standard_error": self.standard_error,
        }  # fmt: skip
        return {name: value if np.isfinite(value) else None for name, value in fields.items()}


def customer_weights(customers: int, repeats: int, seed: int) -> list[Floats]:
    """How often each customer is drawn in each repeat: with replacement, as many as there are."""
    random = np.random.default_rng(seed)
    return [
        np.bincount(random.integers(customers, size=customers), minlength=customers).astype(np.float64)
        for _ in range(repeats)
    ]


def bootstrap(measure: Callable[[Floats | None], float], customers: int, repeats: int, seed: int) -> Estimate:
    """An estimate of ``measure``, which is given one weight per customer, or ``None`` for all alike."""
    drawn = [measure(weight) for weight in customer_weights(customers, repeats, seed)]
    return Estimate.of(measure(None), drawn)
