"""What the order lines of a customer say of its segment, and how much an order of each segment is worth.

The segment is hidden, but quantities, discounts and lines per order tell it. Quantities and lines per order
are used by their exact distributions; of the discounts, which agreed discounts are possible at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.generate.draws import Floats, Ints
from core.generate.lines import MOST_DISCOUNT_PERMILLE
from core.generate.urn import MOST_LINES
from core.generate.world import SEGMENTS

_QUANTITIES = np.arange(4, 100)
_QUANTITY_SPREAD = 0.42
_HABIT_SPREAD = 0.18
_BARGAINING = 20
_HAGGLING = 20
_HABITS = np.linspace(-3.5, 3.5, 57)


@dataclass(frozen=True)
class SegmentBeliefs:
    """Per customer (rows) and segment (columns): log likelihood, expected lines per order, and expected
    quantity × (1 − discount) of a line."""

    log_likelihood: Floats
    lines: Floats
    quantity: Floats


def segment_beliefs(lines: pl.DataFrame, customers: Ints) -> SegmentBeliefs:
    """Beliefs about customers (ascending) from their order lines, as `Observed.lines_of` gives them.

    A customer without lines has the log likelihood 0.
    """
    rows = np.searchsorted(customers, lines["customer_id"].to_numpy())
    count = len(customers)
    quantity = lines["quantity"].to_numpy()
    by_quantity = np.log(quantity_chances())[:, quantity - _QUANTITIES[0]]
    log_likelihood = np.stack([np.bincount(rows, part, minlength=count) for part in by_quantity], axis=1)

    agreed, possible = _agreed_discounts(lines, rows, count)
    log_likelihood += np.log(np.maximum(possible, 1e-9))

    drawn = lines.filter(~pl.col("companion")).group_by("customer_id", "order_id").len("lines")
    customer = np.searchsorted(customers, drawn["customer_id"].to_numpy())
    sizes = np.minimum(drawn["lines"].to_numpy().astype(np.int64), MOST_LINES)
    histogram = np.zeros((count, MOST_LINES + 1))
    np.add.at(histogram, (customer, sizes), 1.0)
    chances = line_count_chances()
    logs = np.einsum("cn,shn->csh", histogram, np.log(np.maximum(chances, 1e-12)))
    prior = np.exp(-0.5 * _HABITS**2)
    weighted = np.exp(logs - logs.max(axis=2, keepdims=True)) * prior
    log_likelihood += np.log(weighted.sum(axis=2)) + logs.max(axis=2)
    expected = (chances * np.arange(MOST_LINES + 1)).sum(axis=2)
    usual = (weighted * expected).sum(axis=2) / weighted.sum(axis=2)
    return SegmentBeliefs(log_likelihood, usual, _expected_quantity(agreed))


def quantity_chances() -> Floats:
    """Probability of each quantity 4 … 99 (columns) in each segment (rows)."""
    from scipy.special import ndtr

    rows = []
    for segment in SEGMENTS:
        edges = np.log((_QUANTITIES[1:] - 0.5) / segment.quantity) / _QUANTITY_SPREAD
        rows.append(np.diff(np.concatenate([[0.0], ndtr(edges), [1.0]])))
    return np.maximum(np.array(rows), 1e-15)


def line_count_chances() -> Floats:
    """Probability of 0 … 18 lines in an order by segment and habit of the customer."""
    usual = np.array([s.lines_per_order for s in SEGMENTS])[:, None] * np.exp(_HABIT_SPREAD * _HABITS)
    edges = np.arange(MOST_LINES + 2) - 0.5  # an order of n lines: n − ½ ≤ usual × spread < n + ½
    below = np.clip((edges / usual[..., None] - 0.35) / 1.3, 0.0, 1.0)
    chances = np.diff(below, axis=-1)
    chances[..., 1] += chances[..., 0]
    chances[..., 0] = 0.0
    chances[..., MOST_LINES] += 1.0 - below[..., -1]
    return chances


def _volume_discount(quantity: Ints) -> Ints:
    return np.where(quantity >= 60, 40, np.where(quantity >= 40, 20, 0))


def _agreed_discounts(lines: pl.DataFrame, rows: Ints, count: int) -> tuple[Floats, Floats]:
    """Expected agreed discount of each customer in each segment, and the probability of those possible.

    The discount of a line is what was agreed, what the quantity earns, and −20, −10, 0, 10 or 20 per mille.
    """
    permille = lines["permille"].to_numpy()
    rest = permille - _volume_discount(lines["quantity"].to_numpy())
    clear = (permille > 0) & (permille < MOST_DISCOUNT_PERMILLE)
    lowest, highest = np.full(count, -(10**6)), np.full(count, 10**6)
    np.maximum.at(lowest, rows[clear], rest[clear] - _HAGGLING)
    np.minimum.at(highest, rows[clear], rest[clear] + _HAGGLING)
    ending = np.full(count, -1)
    ending[rows[clear]] = rest[clear] % 10
    agreed, possible = [], []
    for segment in SEGMENTS:
        values = np.arange(
            segment.discount_permille - _BARGAINING, segment.discount_permille + _BARGAINING + 1
        )
        fits = (values >= lowest[:, None]) & (values <= highest[:, None])
        fits &= (ending[:, None] < 0) | (values % 10 == ending[:, None])
        number = fits.sum(axis=1)
        mean = (fits * values).sum(axis=1) / np.maximum(number, 1)
        agreed.append(np.where(number > 0, mean, segment.discount_permille))
        possible.append(number / len(values))
    return np.stack(agreed, axis=1), np.stack(possible, axis=1)


def _expected_quantity(agreed: Floats) -> Floats:
    """Expected quantity × (1 − discount) of a line, by customer and segment."""
    chances = quantity_chances()
    pieces = chances @ _QUANTITIES
    earned = chances @ (_QUANTITIES * _volume_discount(_QUANTITIES))
    return np.asarray(pieces * (1.0 - agreed / 1000.0) - earned / 1000.0)
