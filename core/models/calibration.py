"""Making scores probabilities: isotonic regression where there are enough events, Platt scaling below."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.models.ladder import Rung, isotonic_is_allowed, rung

Floats = npt.NDArray[np.float64]
_EDGE = 1e-6


@dataclass(frozen=True)
class Calibration:
    """A map from raw to calibrated probabilities.

    ``kind`` is "none", "platt" (slope and intercept on log-odds) or "isotonic" (a line through points).
    """

    kind: str = "none"
    slope: float = 1.0
    intercept: float = 0.0
    points: tuple[tuple[float, float], ...] = ()

    def apply(self, probability: npt.ArrayLike) -> Floats:
        """Calibrated probabilities, in the order given."""
        p = np.clip(np.asarray(probability, dtype=np.float64), _EDGE, 1 - _EDGE)
        if self.kind == "platt":
            return expit(self.intercept + self.slope * logit(p))
        if self.kind == "isotonic":
            raw, calibrated = np.array(self.points).T
            return np.clip(np.interp(p, raw, calibrated), _EDGE, 1 - _EDGE)
        return p

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"kind": self.kind, "slope": self.slope, "intercept": self.intercept, "points": self.points}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Calibration":
        """The calibration that ``as_dict`` described."""
        points = tuple((float(x), float(y)) for x, y in plain["points"])
        return cls(plain["kind"], plain["slope"], plain["intercept"], points)


def fit_calibration(probability: npt.ArrayLike, outcome: npt.ArrayLike) -> Calibration:
    """The calibration that held-out outcomes bear.

    Fewer than 20 events of either kind: none. Up to 1 000: Platt scaling (Platt 1999) with his
    smoothed targets. More: isotonic regression (Zadrozny & Elkan 2002).
    """
    p = np.clip(np.asarray(probability, dtype=np.float64), _EDGE, 1 - _EDGE)
    y = np.asarray(outcome, dtype=np.float64)
    events = int(min((y > 0).sum(), (y <= 0).sum()))
    if rung(events) == Rung.BASE_RATE:
        return Calibration()
    if isotonic_is_allowed(events):
        from sklearn.isotonic import IsotonicRegression

        fitted = IsotonicRegression(out_of_bounds="clip").fit(p, y)
        points = zip(fitted.X_thresholds_, fitted.y_thresholds_, strict=True)
        return Calibration("isotonic", points=tuple((float(a), float(b)) for a, b in points))
    return _platt(p, y)


def _platt(p: Floats, y: Floats) -> Calibration:
    from scipy.optimize import minimize

    positives = (y > 0).sum()
    target = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (len(y) - positives + 2))
    x = logit(p)

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = theta[0] + theta[1] * x
        q = expit(z)
        value = float((np.logaddexp(0, z) - target * z).sum())
        return value, np.array([(q - target).sum(), ((q - target) * x).sum()])

    best = minimize(loss, np.array([0.0, 1.0]), jac=True, method="BFGS").x
    return Calibration("platt", slope=float(best[1]), intercept=float(best[0]))


def logit(p: npt.ArrayLike) -> Floats:
    """Log-odds of probabilities."""
    q = np.asarray(p, dtype=np.float64)
    return np.asarray(np.log(q) - np.log1p(-q))


def expit(z: npt.ArrayLike) -> Floats:
    """Probabilities of log-odds."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(z, dtype=np.float64))))
