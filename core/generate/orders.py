"""Orders: when customers order (BG/NBD on the seasonal clock) and what happens to each order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.generate.customers import NEW, Latent, as_dates, dropout_by_covariates
from core.generate.draws import Draws, Floats, Ints
from core.generate.season import SeasonalClock
from core.generate.world import World

ORDERS_PER_CUSTOMER = 1000
STATUSES = ("Shipped", "In Process", "Cancelled", "On Hold", "Disputed", "Resolved")
SHIPPED, IN_PROCESS, CANCELLED, ON_HOLD, DISPUTED, RESOLVED = range(6)
SHIPPING_WEIGHTS = (18, 24, 22, 16, 10, 6, 2, 1, 1)
"""Per cent of the orders that are shipped after one, two, … days."""
_COMMENTS = (
    "Please ring before delivery.",
    "Deliver to the back entrance.",
    "Customer asks for the earlier carrier.",
    "Repeat of last season's assortment.",
    "Gift wrapping for window display.",
    "Check stock before confirming.",
)
_STATUS_COMMENTS = {
    CANCELLED: "Cancelled by the customer before packing.",
    ON_HOLD: "Waiting for the customer's confirmation.",
    DISPUTED: "Customer reports damaged items; under review.",
    RESOLVED: "Damaged items replaced; customer satisfied.",
}


@dataclass(frozen=True)
class Orders:
    """Orders of a block, by customer and date; days count from the start of the window, −1 is "not yet".

    `row` points to the customer in the block, `sequence` counts the customer's orders from 1.
    """

    row: Ints
    sequence: Ints
    day: Ints
    required_day: Ints
    shipped_day: Ints
    status: Ints
    number: Ints

    def table(self, world: World, clock: SeasonalClock, latent: Latent) -> pl.DataFrame:
        """The orders table of the block."""
        draws = Draws(world.seed, "comment")
        customer = latent.index[self.row]
        pick = draws.integers(len(_COMMENTS), customer, self.sequence, 0).tolist()
        remarked = (draws.uniform(customer, self.sequence, 1) < 0.12).tolist()
        comments = [
            _STATUS_COMMENTS.get(status, _COMMENTS[i] if said else None)
            for status, i, said in zip(self.status.tolist(), pick, remarked, strict=True)
        ]
        return pl.DataFrame(
            {
                "orderNumber": self.number,
                "orderDate": as_dates(clock, self.day),
                "requiredDate": as_dates(clock, self.required_day),
                "shippedDate": as_dates(clock, self.shipped_day),
                "status": [STATUSES[i] for i in self.status],
                "comments": pl.Series(comments, dtype=pl.String),
                "customerNumber": latent.number[self.row],
            }
        )


def make_orders(world: World, clocks: Sequence[SeasonalClock], latent: Latent) -> tuple[Orders, Ints]:
    """The orders of a block and the day on which each customer dropped out (−1: not in the window)."""
    clock = clocks[0]
    row, day, death_day = _order_days(world, clocks, latent)
    by_customer = np.lexsort((day, row))
    row, day = row[by_customer], day[by_customer]
    # An order on the day of another one is part of it.
    first_of_day = np.ones(len(row), dtype=bool)
    first_of_day[1:] = (row[1:] != row[:-1]) | (day[1:] != day[:-1])
    row, day = row[first_of_day], day[first_of_day]
    starts = np.searchsorted(row, np.arange(len(latent.index)))
    sequence = np.arange(len(row)) - starts[row] + 1

    customer = latent.index[row]
    status, shipped_day = _fulfilment(world, clock, customer, sequence, day)
    required_day = day + 6 + Draws(world.seed, "required").integers(5, customer, sequence)
    number = latent.number[row] * ORDERS_PER_CUSTOMER + sequence
    return Orders(row, sequence, day, required_day, shipped_day, status, number), death_day


def _order_days(world: World, clocks: Sequence[SeasonalClock], latent: Latent) -> tuple[Ints, Ints, Ints]:
    """Row and day of every order, and the day of dropping out; one step per order, all customers at once."""
    deaths = Draws(world.seed, "dropout event")
    is_new = latent.kind == NEW
    opened_day = np.where(is_new, latent.day_of(clocks, np.arange(len(is_new)), latent.opened), -1)
    closing_day = _shock_closings(world, latent, opened_day)
    ends = np.array([clock.end for clock in clocks])[latent.clock]
    death_day = np.full(len(latent.index), -1, dtype=np.int64)
    rows, days = [np.flatnonzero(is_new)], [opened_day[is_new]]
    last_day, sequence = opened_day.copy(), is_new.astype(np.int64)
    active = np.flatnonzero(latent.rate > 0.0)
    time = latent.opened.copy()
    for event in range(1, ORDERS_PER_CUSTOMER - 1):
        time[active] += _waits(world, latent, active, event) / latent.rate[active]
        within = time[active] < ends[active]
        day = np.where(within, latent.day_of(clocks, active, time[active]), world.days)
        closed = closing_day[active] <= day
        death_day[active[closed & (closing_day[active] < world.days)]] = closing_day[
            active[closed & (closing_day[active] < world.days)]
        ]
        active, day = active[within & ~closed], day[within & ~closed]
        if not len(active):
            break
        rows.append(active)
        days.append(day)
        sequence[active] += day != last_day[active]
        last_day[active] = day
        dropout = _dropout_after(world, latent, active, sequence[active])
        dies = deaths.uniform(latent.index[active], event) < dropout
        death_day[active[dies]] = day[dies]
        active = active[~dies]
    return np.concatenate(rows), np.concatenate(days), death_day


def _waits(world: World, latent: Latent, rows: Ints, event: int) -> Floats:
    """Waits until the next order in units of the customer's mean wait."""
    draws, stages = Draws(world.seed, "wait"), world.wait_stages
    if stages == 1:
        return draws.exponential(latent.index[rows], event)
    index = latent.index[rows]
    parts = draws.exponential(index[:, None], event, np.arange(stages)) / stages
    if event == 1:
        # In the long run every stage is as probable as any other; a new account begins its first wait.
        skipped = Draws(world.seed, "first stage").integers(stages, index)
        skipped = np.where(latent.kind[rows] == NEW, 0, skipped)
        parts = np.where(np.arange(stages) < skipped[:, None], 0.0, parts)
    return parts.sum(axis=1)


def _dropout_after(world: World, latent: Latent, rows: Ints, sequence: Ints) -> Floats:
    """Probability of dropping out after the order with this number."""
    if not world.covariate_dropout:
        return latent.dropout[rows]
    late = _shipping_delay(world, latent.index[rows], sequence) >= world.late_delivery_days
    return dropout_by_covariates(world, latent.country[rows], late)


def _shock_closings(world: World, latent: Latent, opened_day: Ints) -> Ints:
    """The first day of the shock that closes each account; the end of the window where none does."""
    closing = np.full(len(latent.index), world.days, dtype=np.int64)
    draws = Draws(world.seed, "shock closing")
    for number, first in reversed(list(enumerate(world.shock_starts))):
        closes = (draws.uniform(latent.index, number) < world.shock_dropout) & (opened_day < first)
        closing[closes] = first
    return closing


def _shipping_delay(world: World, customer: Ints, sequence: Ints) -> Ints:
    """Days from an order to its shipping."""
    return 1 + Draws(world.seed, "shipping").choice(SHIPPING_WEIGHTS, customer, sequence)


def _fulfilment(
    world: World, clock: SeasonalClock, customer: Ints, sequence: Ints, day: Ints
) -> tuple[Ints, Ints]:
    """Status and day of shipping at the end of the window."""
    fate = Draws(world.seed, "fate").uniform(customer, sequence)
    delay = _shipping_delay(world, customer, sequence)
    age = clock.days - day
    status = np.full(len(day), SHIPPED, dtype=np.int64)
    status[fate < world.disputed_share] = RESOLVED
    status[(fate < world.disputed_share) & (age <= 75)] = DISPUTED
    status[day + delay >= clock.days] = IN_PROCESS
    status[(age <= 40) & (fate > 1.0 - world.on_hold_share)] = ON_HOLD
    cancelled = (fate >= 0.5) & (fate < 0.5 + world.cancelled_share)
    status[cancelled] = CANCELLED
    return status, np.where(np.isin(status, [IN_PROCESS, CANCELLED, ON_HOLD]), -1, day + delay)
