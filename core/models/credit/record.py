"""The customer's record: how likely an invoice is paid late, given every earlier outcome of its customer.

A logistic model with a normal random effect of the customer (a generalised linear mixed model): log-odds of
being late = intercept + size effect × log(amount / typical) + country + spread × quality, and quality is
standard normal. Fitted by maximum marginal likelihood with Gauss–Hermite quadrature (Bock & Aitkin 1981);
what is known of a customer is the posterior of its quality on the nodes, updated by each known outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.calibration import expit
from core.models.credit.ledger import Floats, Ints, Ledger, Series

_NODES = 13
_RIDGE = 1.0
_EFFORT = {"maxiter": 60, "ftol": 1e-7}
_LEAST_OUTCOMES = 40
_MOST_OUTCOMES = 30_000


@dataclass(frozen=True)
class Record:
    """The fitted model; ``countries`` maps names to log-odds, unknown ones have 0."""

    intercept: float
    size_effect: float
    spread: float
    typical_log: float
    countries: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "intercept": self.intercept,
            "size_effect": self.size_effect,
            "spread": self.spread,
            "typical_log": self.typical_log,
            "countries": dict(self.countries),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Record":
        """The record that ``as_dict`` described."""
        return cls(**plain)

    def log_odds(self, amount: Floats, country: pl.Series) -> Floats:
        """Of a customer of average quality."""
        size, place = self.parts(amount, country)
        return self.intercept + size + place

    def parts(self, amount: Floats, country: pl.Series) -> tuple[Floats, Floats]:
        """What the size of an invoice and the country add to the log-odds."""
        names = country.cast(pl.String)
        known = names.replace_strict(dict(self.countries), default=0.0, return_dtype=pl.Float64)
        size = np.log(np.maximum(amount, 0.01)) - self.typical_log
        return self.size_effect * size, known.fill_null(0.0).to_numpy()

    def nodes(self) -> tuple[Floats, Floats]:
        """Log-odds added by quality at the quadrature nodes, and the logarithms of their weights."""
        return _nodes(self.spread)


def _nodes(spread: float) -> tuple[Floats, Floats]:
    x, weight = np.polynomial.hermite_e.hermegauss(_NODES)
    return spread * x, np.log(weight / weight.sum())


def fit_record(book: Ledger, countries: pl.Series, until_day: int, seed: int = 0) -> Record | None:
    """The model that fits the outcomes known before ``until_day``; ``None`` if there are too few.

    ``countries`` is by customer code. Of very many outcomes those of a random part of the customers are used.
    """
    verdicts = book.verdicts
    use = (verdicts.day < until_day) & (verdicts.sign > 0)
    row, late = verdicts.row[use], verdicts.late[use]
    if len(row) > _MOST_OUTCOMES:
        share = _MOST_OUTCOMES / len(row)
        drawn = np.random.default_rng(seed).random(len(countries)) < share
        some = drawn[book.who[row]]
        row, late = row[some], late[some]
    if len(row) < _LEAST_OUTCOMES or late.min() == late.max():
        return None
    who = book.who[row]
    order = np.argsort(who, kind="stable")
    row, late, who = row[order], late[order], who[order]
    log_amount = np.log(np.maximum(book.amount[row], 0.01))
    typical = float(np.median(log_amount))
    names = countries.fill_null("").unique().sort().to_list()
    place = countries.fill_null("").replace_strict(
        {name: i for i, name in enumerate(names)}, return_dtype=pl.Int64
    )
    found = _maximised(late, log_amount - typical, place.to_numpy()[who], len(names), who)
    return Record(
        intercept=float(found[0]),
        size_effect=float(found[1]),
        spread=float(np.exp(found[2])),
        typical_log=typical,
        countries={name: float(value) for name, value in zip(names, found[3:], strict=True) if name},
    )


def _maximised(late: Floats, size: Floats, place: Ints, places: int, who: Ints) -> Floats:
    from scipy.optimize import minimize

    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    counts = np.diff(np.r_[starts, len(who)])
    x, log_weight = _nodes(1.0)
    sign = 2 * late - 1

    def loss(theta: Floats) -> tuple[float, Floats]:
        spread = np.exp(theta[2])
        eta = (theta[0] + theta[1] * size + theta[3:][place])[:, None] + spread * x
        z = sign[:, None] * eta
        by_customer = np.add.reduceat(-np.logaddexp(0, -z), starts, axis=0) + log_weight
        top = by_customer.max(axis=1, keepdims=True)
        mass = np.exp(by_customer - top)
        total = mass.sum(axis=1, keepdims=True)
        posterior = np.repeat(mass / total, counts, axis=0)
        slope = posterior * (sign[:, None] * expit(-z))
        by_row = slope.sum(axis=1)
        value = -(np.log(total) + top).sum() + 0.5 * _RIDGE * (theta[3:] ** 2).sum() + 0.5 * theta[2] ** 2
        gradient = -np.concatenate(
            [
                [by_row.sum(), (by_row * size).sum(), (slope * x).sum() * spread],
                np.bincount(place, weights=by_row, minlength=places),
            ]
        )
        gradient[3:] += _RIDGE * theta[3:]
        gradient[2] += theta[2]
        return float(value), gradient

    rate = np.clip(late.mean(), 0.01, 0.99)
    start = np.concatenate([[np.log(rate / (1 - rate)), 0.0, 0.0], np.zeros(places)])
    bounds = [(-15, 15), (-5, 5), (-4, 2), *([(-5, 5)] * places)]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=_EFFORT).x)


@dataclass(frozen=True)
class Recollection:
    """What the record knows on any day: log-likelihoods of quality at the nodes, summed over outcomes."""

    record: Record
    known: Series

    @classmethod
    def of(cls, record: Record, book: Ledger, countries: pl.Series) -> "Recollection":
        """From all verdicts of a ledger; ``countries`` is by customer code."""
        verdicts = book.verdicts
        base = record.log_odds(book.amount, countries.gather(book.who))[verdicts.row]
        nodes, _weights = record.nodes()
        z = (2 * verdicts.late - 1)[:, None] * (base[:, None] + nodes)
        return cls(
            record,
            Series.of(book.who[verdicts.row], verdicts.day, verdicts.sign[:, None] * -np.logaddexp(0, -z)),
        )

    def late(self, customer: Ints, day: Ints, amount: Floats, country: pl.Series) -> Floats:
        """The probability that an invoice of that day and amount is paid late (customer −1: a new one)."""
        nodes, log_weight = self.record.nodes()
        belief = self.known.before(customer, day) + log_weight
        belief = np.exp(belief - belief.max(axis=1, keepdims=True))
        belief /= belief.sum(axis=1, keepdims=True)
        chance = expit(self.record.log_odds(amount, country)[:, None] + nodes)
        return np.asarray((belief * chance).sum(axis=1))
