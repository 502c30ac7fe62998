"""Which products an order has: a Polya urn over the products that are sold on that day.

The weight of a product is `urn_strength` times the customer's taste for its line times its popularity there,
plus 1 for each earlier order of the customer that had it (Blackwell & MacQueen 1973). The products of one
order are drawn in turn without replacement (Plackett-Luce), then companions of bundles are added at the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.generate.customers import Latent
from core.generate.draws import Draws, Floats, Ints
from core.generate.orders import Orders
from core.generate.products import Catalogue
from core.generate.world import DRIFT_TASTES, World

MOST_LINES = 18


def drifted_taste(taste: Floats) -> Floats:
    """Tastes (last axis: product lines) after the drift."""
    moved = taste * np.array(DRIFT_TASTES)
    return moved / moved.sum(axis=-1, keepdims=True)


def draw_products(
    world: World, catalogue: Catalogue, latent: Latent, orders: Orders, counts: Ints
) -> tuple[Ints, Ints]:
    """Products of each order in the order drawn, of which the first are used, and how many are used.

    `counts` is how many are drawn; companions come on top. One step per order number, all customers at once.
    Drawing without replacement is a race of exponential clocks: the products whose clocks ring first, ring in
    the order in which they would have been drawn.
    """
    draws = Draws(world.seed, "urn")
    counts = counts.copy()
    sellable = np.flatnonzero(catalogue.popularity > 0.0)
    tastes = (latent.taste, drifted_taste(latent.taste))
    prior = [
        world.urn_strength * (taste[:, catalogue.line[sellable]] * catalogue.popularity[sellable])
        for taste in tastes[: 1 if world.drift_at is None else 2]
    ]
    position = np.full(len(catalogue.codes) + 1, -1, dtype=np.int64)
    position[sellable] = np.arange(len(sellable))
    bought = np.zeros((len(latent.index), len(sellable)))
    chosen = np.empty((len(orders.row), MOST_LINES), dtype=np.int64)
    by_sequence = np.argsort(orders.sequence, kind="stable")
    ends = np.cumsum(np.bincount(orders.sequence, minlength=1))
    for step in range(1, len(ends)):
        order = by_sequence[ends[step - 1] : ends[step]]
        row, day = orders.row[order], orders.day[order]
        weights = prior[0][row]
        if len(prior) > 1:
            weights = np.where((day >= world.drift_day)[:, None], prior[1][row], weights)
        weights = weights + bought[row]
        sold = on_sale(catalogue, sellable, day)
        if sold is not None:
            _inherit(catalogue, position, bought[row], weights)
            weights = np.where(sold, weights, 1e-300)
        rings = draws.exponential(latent.index[row][:, None], step, sellable) / weights
        first = np.argpartition(rings, MOST_LINES, axis=1)[:, :MOST_LINES]
        first = np.take_along_axis(
            first, np.argsort(np.take_along_axis(rings, first, axis=1), axis=1), axis=1
        )
        used = counts[order]
        if world.bundles:
            used = _companions(world, catalogue, position, latent.index[row], step, first, used, sold)
            counts[order] = used
        chosen[order] = sellable[first]
        ordered, place = np.nonzero(np.arange(MOST_LINES) < used[:, None])
        bought[row[ordered], first[ordered, place]] += 1.0
    return chosen, counts


def on_sale(catalogue: Catalogue, products: Ints, day: Ints) -> NDArray[np.bool_] | None:
    """Which of the products are sold on each of the days (rows); None where all always are."""
    first, end = catalogue.first_day[products], catalogue.end_day[products]
    if not first.any() and (catalogue.successor < 0).all():
        return None
    return (first <= day[:, None]) & (day[:, None] < end)


def _inherit(catalogue: Catalogue, position: Ints, bought: Floats, weights: Floats) -> None:
    """Add purchases of a predecessor to the weight of its successor (which is not sold before)."""
    for old in np.flatnonzero(catalogue.successor >= 0).tolist():
        weights[:, position[catalogue.successor[old]]] += bought[:, position[old]]


def _companions(
    world: World,
    catalogue: Catalogue,
    position: Ints,
    customer: Ints,
    step: int,
    first: Ints,
    used: Ints,
    sold: NDArray[np.bool_] | None,
) -> Ints:
    """Put companions behind the products drawn (in `first`, in place); how many products there are now."""
    draws = Draws(world.seed, "bundle")
    used = used.copy()
    drawn = used.copy()
    for product in np.flatnonzero(catalogue.companion >= 0).tolist():
        companion = position[catalogue.companion[product]]
        places = np.arange(MOST_LINES)
        has = ((first == position[product]) & (places < drawn[:, None])).any(axis=1)
        already = ((first == companion) & (places < used[:, None])).any(axis=1)
        takes = has & ~already & (used < MOST_LINES)
        takes &= draws.uniform(customer, step, product) < world.bundle_share
        if sold is not None:
            takes &= sold[:, companion]
        first[takes, used[takes]] = companion
        used[takes] += 1
    return used
