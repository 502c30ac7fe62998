"""Gamma-Gamma: what a customer's orders are worth on average, from few or many of them.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value". Order values of a customer are
Gamma(``p``, ν), ν varies as Gamma(``q``, ``gamma``) between customers, whatever the number of orders.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from core.models.purchases.history import Floats

_BOUNDS = ((-4.0, 8.0), (-4.0, 8.0), (-12.0, 12.0))
_LEAST = 5  # customers from which on heterogeneity is estimated at all


@dataclass(frozen=True)
class GammaGamma:
    """The parameters of the population; ``gamma`` is in currency."""

    p: float
    q: float
    gamma: float

    def as_dict(self) -> dict[str, float]:
        """The parameters as plain values for JSON."""
        return asdict(self)

    @property
    def population_mean(self) -> float:
        """Mean order value of the average customer; infinite where q <= 1."""
        return self.p * self.gamma / (self.q - 1.0) if self.q > 1.0 else float("inf")

    def log_likelihood_and_gradient(
        self, orders: Floats, mean_value: Floats, weight: Floats
    ) -> tuple[float, Floats]:
        """Log-likelihood and its derivatives by the logarithms of p, q and gamma.

        ``orders``: number of orders (> 0); ``mean_value``: their mean (> 0); ``weight``: customers.
        """
        from scipy.special import digamma, gammaln

        p, q, gamma = self.p, self.q, self.gamma
        px = p * orders
        total = np.log(gamma + mean_value * orders)
        value = weight @ (
            gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma)
            + (px - 1.0) * np.log(mean_value) + px * np.log(orders) - (px + q) * total
        )  # fmt: skip
        shared = digamma(px + q)
        by_p = weight @ (orders * (shared - digamma(px) + np.log(mean_value) + np.log(orders) - total))
        by_q = weight @ (shared - digamma(q) + np.log(gamma) - total)
        by_gamma = weight @ (q / gamma - (px + q) / (gamma + mean_value * orders))
        return float(value), np.array([by_p * p, by_q * q, by_gamma * gamma])

    def expected_value(self, orders: Floats, mean_value: Floats) -> Floats:
        """Expected mean order value of customers with this history.

        A weighted mean of the population's and the customer's own. A customer without orders of positive
        value counts as unknown. The population mean is used in the form that is finite for every q > 0.
        """
        n = np.where(np.asarray(mean_value) > 0, np.asarray(orders, dtype=np.float64), 0.0)
        own = np.where(n > 0, mean_value, 0.0)
        return self.p * (self.gamma + n * own) / np.maximum(self.p * n + self.q - 1.0, 1e-9)


def fit_gamma_gamma(
    orders: Floats, mean_value: Floats, weight: Floats | None = None, *, prior_weight: float = 1.0
) -> GammaGamma:
    """The Gamma-Gamma of customers with orders of positive value (others are left out).

    Parameters
    ----------
    orders, mean_value, weight
        Number of orders, their mean value in currency, and customers with exactly these (1 each).
    prior_weight
        How much weak beliefs (order values vary by about half of their mean, within and between customers)
        count; 0 gives plain maximum likelihood.

    Raises
    ------
    ValueError
        No customer has an order of positive value.
    """
    from scipy.optimize import minimize

    x, m = np.asarray(orders, dtype=np.float64), np.asarray(mean_value, dtype=np.float64)
    w = np.ones_like(x) if weight is None else np.asarray(weight, dtype=np.float64)
    known = (x > 0) & (m > 0) & np.isfinite(m) & (w > 0)
    x, m, w = x[known], m[known], w[known]
    if not len(x):
        raise ValueError("no customer has an order of positive value")
    unit = float(np.exp(w @ np.log(m) / w.sum()))
    m = m / unit
    centre = np.log([4.0, 4.0])
    held = prior_weight if w.sum() >= _LEAST else 100.0

    def objective(logs: Floats) -> tuple[float, Floats]:
        value, gradient = GammaGamma(*np.exp(logs).tolist()).log_likelihood_and_gradient(x, m, w)
        apart = logs[:2] - centre
        # the middle of the population stays near the middle of the data
        middle = float(logs[0] + logs[2] - logs[1])
        cost = held * (0.5 * float(apart @ apart) + 0.5 * middle**2)
        slope = held * (np.append(apart, 0.0) + middle * np.array([1.0, -1.0, 1.0]))
        return (cost - value) / w.sum(), (slope - gradient) / w.sum()

    best = minimize(
        objective, np.log([4.0, 4.0, 1.0]), jac=True, method="L-BFGS-B", bounds=_BOUNDS,
        options={"maxiter": 500, "ftol": 1e-12},
    )  # fmt: skip
    p, q, gamma = np.exp(best.x).tolist()
    return GammaGamma(p, q, gamma * unit)
