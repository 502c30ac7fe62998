"""Which products a customer takes next: the predictive distribution of the urn given its order lines.

Tastes are integrated by importance sampling: the likelihood of the lines, drawn in turn without replacement
from an urn that is known but for the taste, is exact; the proposal is the Dirichlet distribution that follows
when each line is attributed to taste or to habit. The standard error of the integration is returned with it.
Lines that companions of a bundle explain say nothing of the taste here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.generate.catalogue import LINES
from core.generate.draws import Floats, Ints
from core.generate.products import Catalogue
from core.generate.urn import drifted_taste
from core.generate.world import World

SAMPLES = 96
_ROUNDS = 12
_AT_ONCE = 250  # customers whose samples are in memory


@dataclass(frozen=True)
class NextProducts:
    """Customers × products: probability that the next line (of those the customer chooses) is the product,
    averaged over the days asked for; its standard error; how often it was bought."""

    customers: Ints
    chance: Floats
    standard_error: Floats
    bought: Ints


def next_products(
    world: World, catalogue: Catalogue, lines: pl.DataFrame, customers: Ints, days: Sequence[int]
) -> NextProducts:
    """The predictive distribution on these days for customers (ascending), given all their lines before them.

    `lines` as `Observed.lines_of` gives them, cut at the cutoff.
    """
    parts = [
        _block(world, catalogue, lines, customers[start : start + _AT_ONCE], days)
        for start in range(0, len(customers), _AT_ONCE)
    ]
    return NextProducts(customers, *(np.concatenate(part) for part in zip(*parts, strict=True)))


def line_popularity(catalogue: Catalogue, day: int) -> Floats:
    """Popularity of the products on sale on a day as a matrix: product lines × products."""
    on_sale = (catalogue.first_day <= day) & (day < catalogue.end_day)
    matrix = np.zeros((len(LINES), len(catalogue.codes)))
    matrix[catalogue.line, np.arange(len(catalogue.codes))] = catalogue.popularity * on_sale
    return matrix


def _block(
    world: World, catalogue: Catalogue, lines: pl.DataFrame, customers: Ints, days: Sequence[int]
) -> tuple[Floats, Floats, Ints]:
    count, products = len(customers), len(catalogue.codes)
    lines = lines.filter(pl.col("customer_id").is_between(int(customers[0]), int(customers[-1])))
    rows = np.searchsorted(customers, lines["customer_id"].to_numpy())
    product = lines["product"].to_numpy()
    bought = np.zeros((count, products), dtype=np.int64)
    np.add.at(bought, (rows, product), 1)
    theta, weight = _posterior(world, catalogue, lines, rows, count)

    chance, variance = np.zeros((count, products)), np.zeros((count, products))
    habit = bought.astype(np.float64)
    for when in days:
        popularity = line_popularity(catalogue, when)
        taste = drifted_taste(theta) if when >= world.drift_day else theta
        memory = _inherited(catalogue, habit, when)
        urn = world.urn_strength * (taste @ popularity) + memory[:, None, :]
        urn /= urn.sum(axis=2, keepdims=True)
        mean = np.einsum("cs,csp->cp", weight, urn)
        chance += mean / len(days)
        variance += np.einsum("cs,csp->cp", weight**2, (urn - mean[:, None]) ** 2) / len(days)
    return chance, np.sqrt(variance), bought


def _inherited(catalogue: Catalogue, bought: Floats, day: int) -> Floats:
    """Purchases that count on a day: those of products that are gone pass to what replaced them."""
    bought = bought.copy()
    for old in np.flatnonzero((catalogue.successor >= 0) & (catalogue.end_day <= day)).tolist():
        bought[:, catalogue.successor[old]] += bought[:, old]
        bought[:, old] = 0.0
    return bought


def _posterior(
    world: World, catalogue: Catalogue, lines: pl.DataFrame, rows: Ints, count: int
) -> tuple[Floats, Floats]:
    """Samples of tastes (customers × samples × product lines) and their weights (sum to 1 per customer)."""
    day, product = lines["day"].to_numpy(), lines["product"].to_numpy()
    kind, popularity = catalogue.line[product], catalogue.popularity[product]
    order = lines["order_id"].to_numpy()
    starts = np.flatnonzero(np.append(True, order[1:] != order[:-1])) if len(order) else np.empty(0, np.int64)
    of_order = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    habit, earlier = _memory(catalogue, lines, rows, starts, of_order)
    drifted = day >= world.drift_day
    own = ~lines["companion"].to_numpy()
    on_sale = _line_totals(catalogue, day[starts])[of_order] if len(starts) else np.zeros((0, len(LINES)))

    concentration = np.array(world.taste_concentration)
    taste = np.tile(concentration / concentration.sum(), (count, 1))
    attributed = np.zeros((count, len(LINES)))
    for _round in range(_ROUNDS):
        now = np.where(drifted[:, None], drifted_taste(taste)[rows], taste[rows])
        chosen = world.urn_strength * now[np.arange(len(rows)), kind] * popularity
        share = own * chosen / (chosen + habit)
        attributed[:] = 0.0
        np.add.at(attributed, (rows, kind), share)
        taste = concentration + attributed
        taste /= taste.sum(axis=1, keepdims=True)
    draws = np.random.default_rng(world.seed).gamma(
        np.repeat((concentration + attributed)[:, None], SAMPLES, axis=1)
    )
    theta = np.maximum(draws, 1e-12)
    theta /= theta.sum(axis=2, keepdims=True)

    log_weight = -np.einsum("csl,cl->cs", np.log(theta), attributed)
    if len(rows):
        before = theta[rows]  # lines × samples × product lines
        if drifted.any():
            before[drifted] = drifted_taste(before[drifted])
        urn = world.urn_strength * np.take_along_axis(before, kind[:, None, None], axis=2)[:, :, 0]
        urn = urn * popularity[:, None] + habit[:, None]
        total = world.urn_strength * np.einsum("nsl,nl->ns", before, on_sale) + earlier[:, None]
        taken = np.cumsum(urn, axis=0)
        taken = taken - urn - (taken - urn)[starts][of_order]
        log_likelihood = np.where(own[:, None], np.log(urn) - np.log(np.maximum(total - taken, 1e-9)), 0.0)
        np.add.at(log_weight, rows, log_likelihood)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    return theta, weight / weight.sum(axis=1, keepdims=True)


def _memory(
    catalogue: Catalogue, lines: pl.DataFrame, rows: Ints, starts: Ints, of_order: Ints
) -> tuple[Floats, Floats]:
    """For each line: earlier orders with its product or its predecessor, and all lines of earlier orders."""
    counted = lines.select(
        habit=pl.int_range(pl.len()).over("customer_id", "product"),
        number=pl.int_range(pl.len()).over("customer_id"),
    )
    habit = counted["habit"].to_numpy().astype(np.float64)
    product, day = lines["product"].to_numpy(), lines["day"].to_numpy()
    for old in np.flatnonzero(catalogue.successor >= 0).tolist():
        took_over = (product == catalogue.successor[old]) & (day >= catalogue.end_day[old])
        before = np.bincount(rows[product == old], minlength=int(rows.max(initial=0)) + 1)
        habit[took_over] += before[rows[took_over]]
    earlier = counted["number"].to_numpy().astype(np.float64)
    return habit, earlier[starts][of_order] if len(starts) else earlier


def _line_totals(catalogue: Catalogue, days: Ints) -> Floats:
    """Popularity on sale of each product line (columns) on each of the days (rows)."""
    different, place = np.unique(days, return_inverse=True)
    totals = [line_popularity(catalogue, day).sum(axis=1) for day in different.tolist()]
    return np.array(totals)[place]
