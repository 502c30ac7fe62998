"""Fitting BG/NBD: maximum likelihood, with weak beliefs about plausible companies for small data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.models.purchases.bg_nbd import BgNbd
from core.models.purchases.history import Floats, PurchaseHistory

# Beliefs as (weights of log r, log alpha, log a, log b), mean, standard deviation. Rates differ between
# customers about as an exponential distribution does; 5–50 % leave after a purchase. The mean rate itself is
# only held near the crude rate of the data, by four standard errors of nature's own making.
_SHAPE = (np.array([1.0, 0.0, 0.0, 0.0]), 0.0, 1.0)
_DROPOUT_ODDS = (np.array([0.0, 0.0, 1.0, -1.0]), -1.7, 1.2)
_STEP = 1e-4
_BOUNDS = ((-7.0, 7.0), (-12.0, 12.0), (-8.0, 8.0), (-8.0, 10.0))


@dataclass(frozen=True)
class BgNbdFit:
    """A fitted model and the covariance of the logarithms of its parameters (inverse curvature)."""

    model: BgNbd
    covariance: Floats
    log_likelihood: float
    customers: float

    def draws(self, count: int, seed: int = 0) -> list[BgNbd]:
        """Models that the data allow as well: draws from the normal approximation of what was fitted."""
        values, vectors = np.linalg.eigh(self.covariance)
        spread = vectors * np.sqrt(np.maximum(values, 0.0))
        normal = np.random.default_rng(seed).standard_normal((count, 4))
        limits = np.array(_BOUNDS)
        logs = np.clip(self.model.logs() + normal @ spread.T, limits[:, 0], limits[:, 1])
        return [BgNbd.from_logs(row) for row in logs]


def fit_bg_nbd(history: PurchaseHistory, *, prior_weight: float = 1.0) -> BgNbdFit:
    """The BG/NBD of the histories.

    Parameters
    ----------
    history
        Customers; equal histories are put together first.
    prior_weight
        How much the beliefs about plausible companies count; 0 gives plain maximum likelihood. At 1 they
        weigh about as much as a handful of customers and vanish in thousands.

    Raises
    ------
    ValueError
        There are no customers, or no time has passed for any of them.
    """
    from scipy.optimize import minimize

    distinct, _ = history.distinct()
    unit = float(distinct.weight @ distinct.age / max(distinct.customers, 1e-12))
    if not len(distinct) or unit <= 0:
        raise ValueError("a BG/NBD needs customers with some time behind them")
    scaled = distinct.scaled(unit)  # mean age 1: the logarithms then have about the same size
    crude = (float(scaled.weight @ scaled.repeats) + 0.5) / (float(scaled.weight @ scaled.age) + 0.5)
    beliefs = (_SHAPE, _DROPOUT_ODDS, (np.array([1.0, -1.0, 0.0, 0.0]), float(np.log(crude) + 0.5), 1.5))

    def objective(logs: Floats) -> tuple[float, Floats]:
        value, gradient = BgNbd.from_logs(logs).log_likelihood_and_gradient(scaled)
        cost, slope = _belief_cost(logs, beliefs)
        return (
            (prior_weight * cost - value) / scaled.customers,
            (prior_weight * slope - gradient) / scaled.customers,
        )

    options = {"maxiter": 500, "ftol": 1e-12}
    starts = (np.log([0.5, 0.5 / crude, 0.6, 2.4]), np.log([1.5, 1.5 / crude, 0.3, 3.0]))
    best = None
    for start in starts:
        found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS, options=options)
        if best is None or found.fun < best.fun:
            best = found
        if scaled.customers > 20_000:
            break  # one hill only: a second climb would tell nothing new
    assert best is not None
    curvature = _curvature(lambda logs: objective(logs)[1], best.x) * scaled.customers
    model = BgNbd.from_logs(best.x + np.array([0.0, np.log(unit), 0.0, 0.0]))
    return BgNbdFit(model, _inverse(curvature), model.log_likelihood(distinct), distinct.customers)


def _belief_cost(logs: Floats, beliefs: tuple[tuple[Floats, float, float], ...]) -> tuple[float, Floats]:
    """Half the squared distance from the beliefs in standard deviations, and its gradient."""
    cost, slope = 0.0, np.zeros(4)
    for weights, mean, deviation in beliefs:
        distance = (float(weights @ logs) - mean) / deviation
        cost += 0.5 * distance**2
        slope += distance / deviation * weights
    # How strongly customers differ in leaving: a + b around 4, within a factor of e.
    a, b = np.exp(logs[2]), np.exp(logs[3])
    distance = float(np.log(a + b) - np.log(4.0))
    return cost + 0.5 * distance**2, slope + distance * np.array([0.0, 0.0, a, b]) / (a + b)


def _curvature(gradient: object, at: Floats) -> Floats:
    """Second derivatives by central differences of the exact gradient."""
    assert callable(gradient)
    rows = []
    for i in range(len(at)):
        step = np.zeros(len(at))
        step[i] = _STEP
        rows.append((gradient(at + step) - gradient(at - step)) / (2 * _STEP))
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2


def _inverse(curvature: Floats) -> Floats:
    """Covariance; directions in which the data say nothing get a standard deviation of 2."""
    values, vectors = np.linalg.eigh(curvature)
    return (vectors / np.maximum(values, 0.25)) @ vectors.T
