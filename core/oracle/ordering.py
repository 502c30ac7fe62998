"""What the orders of a customer before a day say of its rate, its dropout and whether it is still active.

The likelihood of the model that made the data (BG/NBD in operational time, Fader, Hardie & Lee 2005, with
the variants of the world), integrated over the population: rates on a grid of bins of the Gamma distribution,
dropout by Gauss-Jacobi quadrature of the Beta, kind of account and closing at shocks by summing. Days are
what is observed: with exponential waits the likelihood is that of days with and without an order; with Erlang
waits an order counts as made in the middle of its day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.generate.customers import dropout_by_covariates
from core.generate.draws import Floats, Ints
from core.generate.orders import SHIPPING_WEIGHTS
from core.generate.places import COUNTRIES
from core.generate.season import SeasonalClock
from core.generate.world import SEGMENTS, World

RATES = 80
DROPOUTS = 14
SMALLEST_RATE = 1e-4


@dataclass(frozen=True)
class History:
    """Orders of customers of one country before a day, sorted by customer and day; `first` starts each."""

    row: Ints
    day: Ints
    shipped_late: Floats  # probability that the order was shipped late, given what is known on the day
    first: Ints
    last: Ints

    @property
    def count(self) -> Ints:
        """Days with an order of each customer."""
        return self.last - self.first + 1


def history(world: World, orders: pl.DataFrame, cutoff: int) -> tuple[Ints, History]:
    """Customers with an order before the cutoff (ascending) and their orders."""
    past = orders.filter(pl.col("day") < cutoff)
    customers, first = np.unique(past["customer_id"].to_numpy(), return_index=True)
    day = past["day"].to_numpy()
    last = np.append(first[1:], len(day)) - 1
    row = np.repeat(np.arange(len(customers)), np.diff(np.append(first, len(day))))
    shipped = past["shipped_day"].fill_null(10**6).to_numpy()
    delay = np.arange(1, len(SHIPPING_WEIGHTS) + 1)
    weight = np.array(SHIPPING_WEIGHTS, dtype=np.float64)
    # Not shipped after e days: the delay is e days or more; without an answer after all, as for any order.
    open_for = np.minimum(cutoff - day, len(delay) + 1)
    at_least = np.append(0.0, np.append(np.cumsum(weight[::-1])[::-1], weight.sum()))
    late_and = [weight[(delay >= e) & (delay >= world.late_delivery_days)].sum() for e in delay]
    both = np.array([0.0, *late_and, weight[delay >= world.late_delivery_days].sum()])
    unknown = both[open_for] / at_least[open_for]
    late = np.where(shipped < cutoff, shipped - day >= world.late_delivery_days, unknown)
    return customers, History(row, day, late.astype(np.float64), first, last)


@dataclass(frozen=True)
class RateGrid:
    """Rates per operational day and their probabilities for each segment (rows) in one country."""

    rates: Floats
    weights: Floats


def rate_grid(world: World, country: int) -> RateGrid:
    """Bins of the Gamma distribution of rates; the last one holds all rates cut to the largest."""
    from scipy.special import gammainc

    edges = np.geomspace(SMALLEST_RATE, world.largest_rate, RATES)
    rates = np.append(np.sqrt(edges[1:] * edges[:-1]), world.largest_rate)
    rates = np.append(0.55 * SMALLEST_RATE, rates)
    weights = []
    for segment in SEGMENTS:
        factor = segment.rate_factor * COUNTRIES[country].rate_factor
        below = gammainc(world.rate_shape, edges * world.rate_shape / (world.mean_rate * factor))
        weights.append(np.diff(np.concatenate([[0.0], below, [1.0]])))
    return RateGrid(rates, np.array(weights))


def dropout_nodes(world: World, country: int) -> tuple[Floats, Floats, Floats]:
    """Dropout probability after an order shipped in time, after a late one, and the weights of the nodes."""
    if world.covariate_dropout:
        place = np.array([country])
        prompt, late = (dropout_by_covariates(world, place, np.array([late])) for late in (False, True))
        return prompt, late, np.ones(1)
    from scipy.special import roots_jacobi

    nodes, weights = roots_jacobi(DROPOUTS, world.dropout_b - 1.0, world.dropout_a - 1.0)
    p = 0.5 * (1.0 + nodes)
    return p, p, weights / weights.sum()


def later_dropout(world: World, country: int) -> Floats:
    """Dropout probability after an order to come, by node."""
    prompt, late, _weights = dropout_nodes(world, country)
    weight = np.array(SHIPPING_WEIGHTS, dtype=np.float64)
    share = weight[world.late_delivery_days - 1 :].sum() / weight.sum()
    return (1.0 - share) * prompt + share * late


@dataclass(frozen=True)
class Beliefs:
    """Likelihood of each customer's orders, up to a factor per customer; kinds of account are summed.

    `active` is with the customer active at the cutoff: customers × rates × dropouts, weighted by the dropout
    nodes; `gone` with the customer gone: customers × rates, summed over the dropout nodes. `stage` is the
    probability of each stage of the current wait of an active customer: customers × stages × rates.
    """

    active: Floats
    gone: Floats
    stage: Floats


def beliefs(
    world: World, clock: SeasonalClock, past: History, country: int, cutoff: int, rates: Floats
) -> Beliefs:
    """The likelihood of the orders of customers of one country, all before the cutoff."""
    prompt, late, node_weights = dropout_nodes(world, country)
    new_share = 1.0 - world.established_share - world.prospect_share
    kinds = []
    # All orders count per unit of operational time, the opening of a new account as well.
    for is_new, prior in ((False, world.established_share), (True, new_share / clock.end)):
        likelihood = _with_stages if world.wait_stages > 1 else _by_days
        active, gone = likelihood(world, clock, past, cutoff, rates, (prompt, late), is_new)
        weight = np.log(prior) + np.log(node_weights)
        kinds.append((active + weight, gone + weight))
    highest = np.max([np.maximum(a.max(axis=(1, 2)), g.max(axis=(1, 2))) for a, g in kinds], axis=0)
    top = highest[:, None, None]
    return Beliefs(
        np.sum([np.exp(active - top) for active, _gone in kinds], axis=0),
        np.sum([np.exp(gone - top).sum(axis=2) for _active, gone in kinds], axis=0),
        _stages(world, clock, past, cutoff, rates),
    )


def _stages(world: World, clock: SeasonalClock, past: History, cutoff: int, rates: Floats) -> Floats:
    """Probability of each stage of the wait that began with the last order and is not over."""
    from scipy.special import gammaln

    wait = np.maximum(clock.cumulated[cutoff] - _middle(clock, past.day[past.last]), 1e-9)
    passed = world.wait_stages * rates * wait[:, None, None]
    steps = np.arange(world.wait_stages)[:, None]
    stage = np.exp(steps * np.log(passed) - gammaln(steps + 1.0))
    return np.asarray(stage / stage.sum(axis=1, keepdims=True))


def _middle(clock: SeasonalClock, day: Ints) -> Floats:
    """Operational time in the middle of days."""
    return np.asarray(0.5 * (clock.cumulated[day] + clock.cumulated[day + 1]))


def _dropout_of_orders(past: History, nodes: tuple[Floats, Floats]) -> Floats:
    """Dropout probability after each order (rows) by node."""
    prompt, late = nodes
    return prompt + past.shipped_late[:, None] * (late - prompt)


def _sums(past: History, values: Floats, is_new: bool) -> Floats:
    """Sum of the values of each customer's orders, without the opening order of a new account."""
    values = values.copy()
    if is_new:
        values[past.first] = 0.0
    return np.add.reduceat(values, past.first, axis=0)


def _by_days(
    world: World,
    clock: SeasonalClock,
    past: History,
    cutoff: int,
    rates: Floats,
    nodes: tuple[Floats, Floats],
    is_new: bool,
) -> tuple[Floats, Floats]:
    """Log likelihood with exponential waits, of active and of gone customers.

    On a day of intensity w a customer with rate r and dropout p orders and stays with probability
    exp(-r w p) - exp(-r w) = r w (1 - p) exp(-r w (1 + p) / 2) sinh(x) / x with x = r w (1 - p) / 2, of which
    the logarithm is summed with log(sinh(x) / x) = x² / 6, and orders and drops out with 1 - exp(-r w p).
    """
    p, w = _dropout_of_orders(past, nodes), clock.intensity[past.day]
    first, last = past.day[past.first], past.day[past.last]
    w_last, p_last = w[past.last][:, None, None], p[past.last][:, None, :]
    rate = rates[:, None]
    half = 0.5 * w[past.first][:, None] * p[past.first] if is_new else np.zeros((len(first), p.shape[1]))
    start = clock.cumulated[first + 1] if is_new else np.zeros(len(first))
    count = (past.count - is_new)[:, None, None]
    kept = _sums(past, np.log1p(-p), is_new)[:, None, :]
    linear = _sums(past, w[:, None] * (1.0 + p) / 2.0, is_new) + half
    linear = (linear - _sums(past, w, is_new)[:, None] - start[:, None])[:, None, :]
    square = _sums(past, (w[:, None] * (1.0 - p)) ** 2 / 24.0, is_new)[:, None, :]
    path = count * np.log(rate) + kept - rate * linear + rate**2 * square

    # Leaving after the last order: its factor is another, and what comes after says nothing.
    stay = np.log(rate) + np.log1p(-p_last) - rate * w_last * (1.0 + p_last) / 2.0
    stay = stay + (rate * w_last * (1.0 - p_last)) ** 2 / 24.0
    leave = np.log(-np.expm1(-rate * w_last * p_last))
    # The weight of the day itself was left out of the path above, as that of every order.
    leave = leave - np.log(w_last)
    left = path - stay + leave - rate * (clock.cumulated[last + 1])[:, None, None]
    if is_new:
        only = (past.count == 1)[:, None, None]
        opening = np.log(-np.expm1(-rate * 0.5 * w_last * p_last))
        left = np.where(only, opening, left)

    def silent(until: Ints | int) -> Floats:
        return np.asarray(-rate * np.broadcast_to(clock.cumulated[until], len(first))[:, None, None])

    return _with_shocks(world, past, cutoff, is_new, path, left, silent)


def _with_stages(
    world: World,
    clock: SeasonalClock,
    past: History,
    cutoff: int,
    rates: Floats,
    nodes: tuple[Floats, Floats],
    is_new: bool,
) -> tuple[Floats, Floats]:
    """Log likelihood with Erlang waits, of active and of gone customers."""
    from scipy.special import gammaincc, gammaln

    stages, p = world.wait_stages, _dropout_of_orders(past, nodes)
    speed = stages * rates
    middle = _middle(clock, past.day)
    waits = np.diff(middle, prepend=0.0)
    waits[past.first] = 1.0  # the first wait is apart
    gaps = past.count - 1
    total = np.add.reduceat(waits, past.first) - 1.0
    logs = np.add.reduceat(np.log(waits), past.first)
    path = (
        gaps[:, None] * (stages * np.log(speed) - gammaln(stages))
        + (stages - 1) * logs[:, None]
        - total[:, None] * speed
    )
    if not is_new:
        steps = np.arange(stages)[:, None, None]
        since = speed * middle[past.first][:, None]
        begun = np.exp(steps * np.log(since) - gammaln(steps + 1.0)).sum(axis=0) / stages
        path = path + np.log(speed) + np.log(begun) - since
    kept = _sums(past, np.log1p(-p), is_new)
    path = path[:, :, None] + kept[:, None, :]
    p_last = p[past.last]
    left = path + (np.log(p_last) - np.log1p(-p_last))[:, None, :]
    if is_new:
        left = np.where((past.count == 1)[:, None, None], -np.inf, left)
    last_time = middle[past.last]

    def silent(until: Ints | int) -> Floats:
        wait = np.broadcast_to(clock.cumulated[until], len(last_time)) - last_time
        passed = gammaincc(stages, speed * np.maximum(wait, 1e-9)[:, None])
        return np.asarray(np.log(passed)[:, :, None])

    return _with_shocks(world, past, cutoff, is_new, path, left, silent)


def _with_shocks(
    world: World,
    past: History,
    cutoff: int,
    is_new: bool,
    path: Floats,
    left: Floats,
    silent: Callable[[Ints | int], Floats],
) -> tuple[Floats, Floats]:
    """Log likelihood of being active and of being gone, with accounts that close at shocks."""
    first, last = past.day[past.first], past.day[past.last]
    stays, closes = np.log1p(-world.shock_dropout), np.log(world.shock_dropout)
    survived = np.zeros(len(first))
    gone = [left]
    for shock in world.shock_starts:
        if shock >= cutoff:
            continue
        concerned = (first < shock) if is_new else np.full(len(first), True)
        before_last = concerned & (shock <= last)
        gone = [g + (stays * before_last)[:, None, None] for g in gone[:1]] + gone[1:]
        after_last = concerned & (last < shock)
        # Closing at this shock, having survived those before it.
        survived_now = np.where(after_last, survived + closes, -np.inf)
        gone.append(path + silent(np.maximum(shock, last + 1)) + survived_now[:, None, None])
        survived = survived + stays * concerned
    active = path + silent(cutoff) + survived[:, None, None]
    return active, np.logaddexp.reduce(gone)
