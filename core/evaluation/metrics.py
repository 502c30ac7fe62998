"""Measures of predictions: numpy arrays in, one float out, nan where a measure is not defined.

Every measure takes a ``weight`` (one per row, default 1), so that a bootstrap repeats rows
by weighing them. What does not depend on the weights, such as sorting, is done once: ``Metric.prepared``
gives a function of the weights alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Weighted = Callable[[Floats], float]
NOTHING = float("nan")


@dataclass(frozen=True)
class Metric:
    """A measure with its name and direction; call it as ``metric(actual, predicted, weight)``."""

    name: str
    prepare: Callable[[Floats, Floats], Weighted]
    larger_is_better: bool

    def __call__(
        self, actual: npt.ArrayLike, predicted: npt.ArrayLike, weight: npt.ArrayLike | None = None
    ) -> float:
        y = np.asarray(actual, dtype=np.float64)
        w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
        return self.prepared(y, predicted)(w)

    def prepared(self, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> Weighted:
        """The measure of these rows as a function of their weights."""
        y, p = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
        return self.prepare(y, p) if len(y) else lambda _weight: NOTHING


def _auc(y: Floats, p: Floats) -> Weighted:
    _values, place = np.unique(p, return_inverse=True)
    is_positive = y > 0

    def measure(w: Floats) -> float:
        positive = np.bincount(place, weights=w * is_positive)
        negative = np.bincount(place, weights=w * ~is_positive)
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative
        return float((positive * (below + 0.5 * negative)).sum() / pairs) if pairs > 0 else NOTHING

    return measure


def _brier(y: Floats, p: Floats) -> Weighted:
    squared = (p - y) ** 2
    return lambda w: _ratio((w * squared).sum(), w.sum())


def _ece(y: Floats, p: Floats, bins: int = 10) -> Weighted:
    order = np.argsort(p, kind="stable")
    gap = (y - p)[order]

    def measure(weight: Floats) -> float:
        w = weight[order]
        if w.sum() == 0:
            return NOTHING
        place = np.minimum((bins * (np.cumsum(w) - 0.5 * w) / w.sum()).astype(np.int64), bins - 1)
        return float(np.abs(np.bincount(place, weights=w * gap, minlength=bins)).sum() / w.sum())

    return measure


def _lift_at(share: float) -> Callable[[Floats, Floats], Weighted]:
    def prepare(y: Floats, p: Floats) -> Weighted:
        order = np.argsort(-p, kind="stable")
        sorted_y = y[order]

        def measure(weight: Floats) -> float:
            w = weight[order]
            if (w * sorted_y).sum() == 0:
                return NOTHING
            inside = np.clip(share * w.sum() - (np.cumsum(w) - w), 0.0, w)
            return float((inside * sorted_y).sum() / inside.sum() * w.sum() / (w * sorted_y).sum())

        return measure

    return prepare


def _gini(y: Floats, p: Floats) -> Weighted:
    by_prediction, by_amount = _concentration(y, p), _concentration(y, y)

    def measure(w: Floats) -> float:
        best = by_amount(w)
        return by_prediction(w) / best if best > 0 else NOTHING

    return measure


def _concentration(y: Floats, by: Floats) -> Weighted:
    """Twice the area between the diagonal and the Lorenz curve of y in ascending order of ``by``."""
    _values, place = np.unique(by, return_inverse=True)

    def measure(w: Floats) -> float:
        amount = np.bincount(place, weights=w * y)
        people = np.bincount(place, weights=w)
        total = amount.sum()
        if total <= 0:
            return NOTHING
        curve = np.concatenate([[0.0], np.cumsum(amount)]) / total
        return float(1.0 - (people / people.sum() * (curve[1:] + curve[:-1])).sum())

    return measure


def _absolute_bias(y: Floats, p: Floats) -> Weighted:
    def measure(w: Floats) -> float:
        total = (w * y).sum()
        return float(abs((w * p).sum() / total - 1.0)) if total != 0 else NOTHING

    return measure


def _wape(y: Floats, p: Floats) -> Weighted:
    error, size = np.abs(y - p), np.abs(y)
    return lambda w: _ratio((w * error).sum(), (w * size).sum())


def _mean_value(_y: Floats, p: Floats) -> Weighted:
    known, value = np.isfinite(p), np.nan_to_num(p)
    return lambda w: _ratio((w * value)[known].sum(), w[known].sum())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else NOTHING


AUC = Metric("AUC", _auc, larger_is_better=True)
"""Area under the ROC curve: the chance that a positive is ranked above a negative; ties count half."""
BRIER = Metric("Brier", _brier, larger_is_better=False)
"""Mean squared error of probabilities (Brier 1950)."""
ECE = Metric("ECE", _ece, larger_is_better=False)
"""Expected calibration error: mean |observed − predicted| over ten groups of equal size."""
LIFT = Metric("lift at 10 %", _lift_at(0.1), larger_is_better=True)
"""Rate of positives among the highest tenth of predictions over the rate of all."""
GINI = Metric("Gini", _gini, larger_is_better=True)
"""Gini coefficient of amounts in the order predicted over that in the perfect order; 0 is a random order."""
ABSOLUTE_BIAS = Metric("|bias|", _absolute_bias, larger_is_better=False)
"""|Σ predicted / Σ actual − 1|."""
WAPE = Metric("WAPE", _wape, larger_is_better=False)
"""Weighted absolute percentage error: Σ|actual − predicted| / Σ|actual|."""
NDCG = Metric("NDCG@10", _mean_value, larger_is_better=True)
"""Mean of scores computed per customer by ``ndcg``; customers without one (nan) are left out."""

CLASSIFICATION = {metric.name: metric for metric in (AUC, BRIER, ECE, LIFT)}
AMOUNTS = {metric.name: metric for metric in (GINI, ABSOLUTE_BIAS)}

auc, brier, ece, gini, absolute_bias, wape, mean_value = AUC, BRIER, ECE, GINI, ABSOLUTE_BIAS, WAPE, NDCG


def lift_at(share: float) -> Metric:
    """The lift among the highest ``share`` of predictions."""
    return Metric(f"lift at {share:.0%}", _lift_at(share), larger_is_better=True)


def mase(actual: npt.ArrayLike, predicted: npt.ArrayLike, naive_error: float) -> float:
    """Mean absolute error over the naive method's in training (Hyndman & Koehler 2006)."""
    y, p = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    return float(np.abs(y - p).mean() / naive_error) if naive_error > 0 and len(y) else NOTHING


def coverage(actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> float:
    """Share of ``actual`` that lies within ``low`` and ``high``, both included."""
    y = np.asarray(actual, dtype=np.float64)
    if not len(y):
        return NOTHING
    return float(((y >= np.asarray(low, dtype=float)) & (y <= np.asarray(high, dtype=float))).mean())


def ndcg(relevance: npt.ArrayLike, ideal_count: int, k: int = 10) -> float:
    """Normalised discounted cumulative gain of one ranking with 0/1 relevance (Järvelin & Kekäläinen 2002).

    Parameters
    ----------
    relevance
        Whether each recommended item was relevant, best rank first.
    ideal_count
        Number of relevant items in all; nan where there is none.
    """
    if ideal_count <= 0:
        return NOTHING
    gains = np.asarray(relevance, dtype=np.float64)[:k]
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    return float((gains * discount[: len(gains)]).sum() / discount[: min(k, ideal_count)].sum())
