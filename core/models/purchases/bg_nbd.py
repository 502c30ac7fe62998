"""BG/NBD: how often customers buy while active, and how likely they have quietly left.

Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science 24(2). While active, a
customer buys at random times with a rate of their own, Gamma(``r``, ``alpha``) over customers; after each
repeat purchase they leave for good with a probability of their own, Beta(``a``, ``b``) over customers.
Everything is computed on logarithms, so that customers with thousands of purchases do no harm.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from core.models.purchases.history import Floats, PurchaseHistory

_WIDE = 50.0  # parameters beyond it make the hypergeometric series long or its terms huge
_NEAR = 1e-6  # the closed form of expected purchases has removable poles at a = 1 and a + b + x = 1


@dataclass(frozen=True)
class BgNbd:
    """The parameters of the population; ``alpha`` is in the unit of time of the histories."""

    r: float
    alpha: float
    a: float
    b: float

    def as_dict(self) -> dict[str, float]:
        """The parameters as plain values for JSON."""
        return asdict(self)

    def logs(self) -> Floats:
        """Logarithms of r, alpha, a and b: the scale on which the model is fitted."""
        return np.log([self.r, self.alpha, self.a, self.b])

    @classmethod
    def from_logs(cls, logs: Floats) -> BgNbd:
        """The model with these logarithms of its parameters."""
        r, alpha, a, b = np.exp(np.asarray(logs, dtype=np.float64)).tolist()
        return cls(r, alpha, a, b)

    @property
    def mean_rate(self) -> float:
        """Purchases per unit of time of the average customer while active."""
        return self.r / self.alpha

    @property
    def mean_dropout(self) -> float:
        """Probability that the average customer leaves after a repeat purchase."""
        return self.a / (self.a + self.b)

    def _log_odds_gone(self, history: PurchaseHistory) -> Floats:
        """Logarithm of P(gone) / P(alive); minus infinity without repeats, as nobody leaves before one."""
        x = history.repeats
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = (
                np.log(self.a)
                - np.log(self.b + x - 1.0)
                + (self.r + x) * (np.log(self.alpha + history.age) - np.log(self.alpha + history.last))
            )
        return np.where(x > 0, odds, -np.inf)

    def log_likelihood(self, history: PurchaseHistory) -> float:
        """Log-likelihood of the histories, weighted (equation 6 of the paper)."""
        return self.log_likelihood_and_gradient(history)[0]

    def log_likelihood_and_gradient(self, history: PurchaseHistory) -> tuple[float, Floats]:
        """Log-likelihood and its derivatives by the logarithms of r, alpha, a and b."""
        from scipy.special import digamma, gammaln

        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        weight, counted = history.weight, history.repeats
        log_age = np.log(alpha + history.age)
        gone_odds = self._log_odds_gone(history)
        # log(alive + gone) = (alive term) + log(1 + odds); its derivatives weigh both by their share.
        share_gone = 1.0 / (1.0 + np.exp(-np.clip(gone_odds, -700.0, 700.0)))
        share_gone = np.where(counted > 0, share_gone, 0.0)
        share_alive = 1.0 - share_gone
        common = np.logaddexp(0.0, gone_odds) - (r + counted) * log_age

        # Gamma functions depend on the number of repeats alone, and few different numbers occur.
        x, place = np.unique(counted, return_inverse=True)
        n = np.bincount(place, weights=weight, minlength=len(x))
        per_count = (
            gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) - gammaln(a + b + x) + gammaln(b + x) - gammaln(b)
        )  # fmt: skip
        value = float(n @ per_count + weight @ common)

        inverse_age, inverse_last = 1.0 / (alpha + history.age), 1.0 / (alpha + history.last)
        log_last = np.log(alpha + history.last)
        mixed_log = share_alive * log_age + share_gone * log_last
        mixed_inverse = share_alive * inverse_age + share_gone * inverse_last
        gone = float(weight @ share_gone)
        repeat = counted > 0
        by_r = float(n @ (digamma(r + x) - digamma(r) + np.log(alpha)) - weight @ mixed_log)
        by_alpha = float(weight.sum() * r / alpha - weight @ ((r + counted) * mixed_inverse))
        beta_part = digamma(a + b) - digamma(a + b + x)
        by_a = float(n @ beta_part) + gone / a
        by_b = float(
            n @ (beta_part + digamma(b + x) - digamma(b))
            - (weight * share_gone)[repeat] @ (1.0 / (b + counted[repeat] - 1.0))
        )
        return value, np.array([by_r * r, by_alpha * alpha, by_a * a, by_b * b])

    def p_alive(self, history: PurchaseHistory) -> Floats:
        """Probability that a customer has not left (Fader, Hardie & Lee 2008, note on P(alive))."""
        odds = self._log_odds_gone(history)
        return np.exp(-np.logaddexp(0.0, odds))

    def _log_silence(self, history: PurchaseHistory, ahead: Floats | float) -> Floats:
        """Logarithm of the probability that an active customer buys nothing for ``ahead``."""
        now = self.alpha + history.age
        return -(self.r + history.repeats) * np.log1p(np.asarray(ahead, dtype=np.float64) / now)

    def p_purchase(self, history: PurchaseHistory, ahead: Floats | float) -> Floats:
        """Probability of at least one purchase within ``ahead``.

        Closed form: an active customer's rate is Gamma(r + x, alpha + T) given the history, and leaving
        happens only after a purchase.
        """
        return self.p_alive(history) * -np.expm1(self._log_silence(history, ahead))

    def expected_purchases(self, history: PurchaseHistory, ahead: Floats | float) -> Floats:
        """Expected number of purchases within ``ahead`` (equation 10 of the paper).

        The hypergeometric function is evaluated after Euler's transformation: its arguments then stay small
        and only its denominator grows with the number of purchases, so that nothing overflows.
        """
        from scipy.special import hyp2f1

        a, b, x = self.a, self.b, history.repeats
        if abs(a - 1.0) < _NEAR:
            a = 1.0 + _NEAR
        c = a + b + x - 1.0
        c = np.where(np.abs(c) < _NEAR, _NEAR, c)
        time = np.asarray(ahead, dtype=np.float64)
        now = self.alpha + history.age
        z = time / (now + time)
        log_power = (a - 1.0) * np.log(now / (now + time))
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            ratio = hyp2f1(a - 1.0, a + b - 1.0 - self.r, c, z)
            expected = c / (a - 1.0) * (1.0 - np.exp(log_power) * ratio)
        # Where customers leave almost surely or never, terms may overflow: integrate instead.
        odd = ~np.isfinite(expected) | (expected < 0) | (max(a, b) > _WIDE)
        if odd.any():
            at = np.broadcast_to(time, odd.shape)[odd] / now[odd]
            expected = np.where(odd, 0.0, expected)
            expected[odd] = self._integrated_purchases(x[odd], at)
        return self.p_alive(history) * expected

    def _integrated_purchases(self, x: Floats, share: Floats) -> Floats:
        """Expected purchases of active customers as the mean of (1 − (1 + p s)^−(r + x)) / p over dropouts.

        ``share``: time ahead over alpha + T. The mean is over p ~ Beta(a, b + x), by its quantiles.
        """
        from scipy.special import betaincinv

        nodes, weights = np.polynomial.legendre.leggauss(48)
        distinct, place = np.unique(x, return_inverse=True)  # few numbers of purchases, costly quantiles
        total = np.zeros(len(x))
        for node, weight in zip((nodes + 1.0) / 2.0, weights / 2.0, strict=True):
            p = np.maximum(betaincinv(self.a, self.b + distinct, node), 1e-12)[place]
            total += weight * -np.expm1(-(self.r + x) * np.log1p(p * share)) / p
        return total

    def waiting_time(self, history: PurchaseHistory, share: float = 0.5) -> Floats:
        """Time until the next purchase of an active customer that is exceeded with probability 1 − ``share``.

        The waiting time is Lomax(r + x, alpha + T); its median always exists, its mean only if r + x > 1.
        """
        shape = self.r + history.repeats
        with np.errstate(over="ignore"):
            return (self.alpha + history.age) * np.expm1(-np.log1p(-share) / shape)

    def mean_waiting_time(self, history: PurchaseHistory) -> Floats:
        """Mean time until the next purchase of an active customer; infinite where r + x <= 1."""
        shape = self.r + history.repeats
        with np.errstate(divide="ignore"):
            return np.where(shape > 1.0, (self.alpha + history.age) / np.maximum(shape - 1.0, 0.0), np.inf)
