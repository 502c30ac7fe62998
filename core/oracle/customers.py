"""Churn and spend: probability of no order in the window, and expected revenue in it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from core.generate.draws import Floats, Ints
from core.generate.season import clocks_of
from core.generate.world import SEGMENTS, World
from core.oracle.observed import Observed
from core.oracle.ordering import Beliefs, beliefs, history, later_dropout, rate_grid
from core.oracle.segments import SegmentBeliefs, segment_beliefs
from core.oracle.window import Window, window

_AT_ONCE = 400  # customers whose likelihood grid is in memory


def churn_and_orders(
    seen: Observed, customers: Ints, cutoff: int, horizon: int, lines: pl.DataFrame
) -> tuple[Ints, Floats, Floats, SegmentBeliefs]:
    """What is to be expected of the customers of a block who ordered before the cutoff (ascending).

    Parameters
    ----------
    cutoff, horizon
        In days of the window; `lines` are the lines of the block before the cutoff.

    Returns
    -------
    customers, probability of no order, expected orders by segment (weighted with the probability of the
    segment: the sum over segments is the expected number), and beliefs about their segments
    """
    orders = seen.orders_of(customers)
    known, _past = history(seen.world, orders, cutoff)
    segments = segment_beliefs(lines, known)
    evidence = np.exp(segments.log_likelihood - segments.log_likelihood.max(axis=1, keepdims=True))
    evidence *= [segment.share for segment in SEGMENTS]
    place = seen.customers.filter(pl.col("customer_id").is_in(known.tolist())).sort("customer_id")
    country = place["country"].to_numpy()
    silent = np.empty(len(known))
    expected = np.empty((len(known), len(SEGMENTS)))
    for code in np.unique(country).tolist():
        group = _clock(place, code)
        grid, clock = rate_grid(seen.world, code), seen.clocks[group]
        dropouts = tuple(later_dropout(seen.world, code).tolist())
        ahead = _window(seen.world, group, cutoff, horizon, tuple(grid.rates.tolist()), dropouts)
        of_country = np.flatnonzero(country == code)
        for start in range(0, len(of_country), _AT_ONCE):
            rows = of_country[start : start + _AT_ONCE]
            subset = orders.filter(pl.col("customer_id").is_in(known[rows].tolist()))
            _who, past = history(seen.world, subset, cutoff)
            found = beliefs(seen.world, clock, past, code, cutoff, grid.rates)
            silent[rows], expected[rows] = _ahead(found, evidence[rows], grid.weights, ahead)
    return known, silent, expected, segments


@lru_cache(maxsize=32)
def _window(
    world: World,
    group: int,
    cutoff: int,
    horizon: int,
    rates: tuple[float, ...],
    dropouts: tuple[float, ...],
) -> Window:
    """The tables of a window: many countries share them."""
    clock = clocks_of(world)[group]
    return window(world, clock, cutoff, horizon, np.array(rates), np.array(dropouts))


def _clock(place: pl.DataFrame, country: int) -> int:
    return int(place.filter(pl.col("country") == country)["clock"].item(0))


def _ahead(found: Beliefs, segments: Floats, rate_weights: Floats, ahead: Window) -> tuple[Floats, Floats]:
    """Probability of no order, and expected orders by segment, given the likelihoods of one country."""
    alive = found.active.sum(axis=2)  # customers × rates, as all of these
    quiet = (found.active * np.einsum("ckr,krm->crm", found.stage, ahead.silent)).sum(axis=2)
    orders = (found.active * np.einsum("ckr,krm->crm", found.stage, ahead.orders)).sum(axis=2)
    weights = segments @ rate_weights
    total = ((alive + found.gone) * weights).sum(axis=1)
    silent = ((quiet + found.gone) * weights).sum(axis=1) / total
    by_segment = segments * (orders @ rate_weights.T) / total[:, None]
    return silent, by_segment
