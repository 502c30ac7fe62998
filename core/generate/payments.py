"""Payments: when each invoice is settled, from a latent credit quality; all amounts in cents.

An invoice is an order that is not cancelled; it is dated on the day of shipping and due `terms_days` later.
It is never paid with probability `p_default`, else paid late with probability `p_late`; orders on hold are
not paid yet. Paying several invoices at once or one in two parts never turns an invoice on time into a late
one or the reverse, so both probabilities stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from string import ascii_uppercase

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.generate.customers import Latent, as_dates
from core.generate.draws import Draws, Floats, Ints
from core.generate.orders import CANCELLED, DISPUTED, ON_HOLD, RESOLVED, SHIPPED, Orders
from core.generate.season import SeasonalClock
from core.generate.world import World

_SETTLED_IN_ONE = 3  # at most so many invoices in one payment


@dataclass(frozen=True)
class Invoices:
    """What is true of the invoices of a block; `order` points to the order, days count from the start.

    `paid_day` is the day on which the last cent arrives (also beyond the window), −1 for defaults and
    orders on hold.
    """

    order: Ints
    invoice_day: Ints
    due_day: Ints
    amount: Ints
    p_late: Floats
    p_default: Floats
    defaulted: NDArray[np.bool_]
    paid_day: Ints

    def truth(self, clock: SeasonalClock, orders: Orders) -> pl.DataFrame:
        """One row per invoice."""
        return pl.DataFrame(
            {
                "orderNumber": orders.number[self.order],
                "invoiceDate": as_dates(clock, self.invoice_day),
                "dueDate": as_dates(clock, self.due_day),
                "amount": self.amount / 100,
                "pLate": self.p_late,
                "pDefault": self.p_default,
                "defaulted": self.defaulted.astype(np.int64),
                "paidDate": as_dates(clock, self.paid_day),
            }
        )


def make_payments(
    world: World, clock: SeasonalClock, latent: Latent, orders: Orders, amounts: Ints
) -> tuple[pl.DataFrame, Invoices]:
    """The payments table of a block and the truth behind it."""
    invoices = _invoices(world, latent, orders, amounts)
    invoices, group = _settled_together(world, latent, orders, invoices)
    return _payment_table(world, clock, latent, orders, invoices, group), invoices


def _invoices(world: World, latent: Latent, orders: Orders, amounts: Ints) -> Invoices:
    order = np.flatnonzero(orders.status != CANCELLED)
    row, status, amount = orders.row[order], orders.status[order], amounts[order]
    key = (latent.index[row], orders.sequence[order])
    shipped = orders.shipped_day[order]
    invoice_day = np.where(shipped >= 0, shipped, orders.day[order])
    due_day = invoice_day + world.terms_days

    quality = latent.credit_quality[row]
    size = world.amount_effect * np.log(amount / world.typical_amount)
    dispute = world.dispute_effect * np.isin(status, [DISPUTED, RESOLVED])
    drifted = invoice_day >= world.drift_day
    late_intercept = world.late_intercept + world.drift_late * drifted
    default_intercept = world.default_intercept + world.drift_default * drifted
    p_late = _logistic(late_intercept + world.late_slope * quality + size + dispute)
    p_default = _logistic(default_intercept + world.default_slope * quality + size)
    on_hold = status == ON_HOLD
    late = Draws(world.seed, "late").uniform(*key) < p_late
    defaulted = (Draws(world.seed, "default").uniform(*key) < p_default) & ~on_hold

    days_late = 1 + np.floor(world.late_days * Draws(world.seed, "days late").exponential(*key)).astype(
        np.int64
    )
    early = np.floor(np.abs(4.0 + 6.0 * Draws(world.seed, "days early").normal(*key))).astype(np.int64)
    paid_day = due_day + np.where(late, days_late, -np.minimum(early, world.terms_days - 2))
    paid_day = np.where(defaulted | on_hold, -1, paid_day)
    return Invoices(order, invoice_day, due_day, amount, p_late, p_default, defaulted, paid_day)


def _settled_together(
    world: World, latent: Latent, orders: Orders, invoices: Invoices
) -> tuple[Invoices, Ints]:
    """Let some customers pay neighbouring invoices with the first of them; the position of that first one."""
    row, sequence = orders.row[invoices.order], orders.sequence[invoices.order]
    consolidates = Draws(world.seed, "consolidates").uniform(latent.index) < world.consolidating_share
    on_time = (invoices.paid_day >= 0) & (invoices.paid_day <= invoices.due_day)
    group = np.arange(len(row))
    for back in range(1, _SETTLED_IN_ONE):
        # Runs of neighbouring order numbers go together, so that a group never depends on later orders.
        head = np.maximum(np.arange(len(row)) - back, 0)
        first_of_run = sequence - (sequence - 1) % _SETTLED_IN_ONE
        joins = (row[head] == row) & (sequence[head] == first_of_run) & (sequence != first_of_run)
        joins &= (
            consolidates[row] & on_time & on_time[head] & (invoices.invoice_day < invoices.paid_day[head])
        )
        group[joins] = head[joins]
    return replace(invoices, paid_day=invoices.paid_day[group]), group


def _payment_table(
    world: World, clock: SeasonalClock, latent: Latent, orders: Orders, invoices: Invoices, group: Ints
) -> pl.DataFrame:
    """Payments that arrived within the window, by customer and date."""
    total = np.zeros(len(group), dtype=np.int64)
    np.add.at(total, group, invoices.amount)
    paying = np.flatnonzero((group == np.arange(len(group))) & (invoices.paid_day >= 0))
    row, sequence = orders.row[invoices.order[paying]], orders.sequence[invoices.order[paying]]
    key = (latent.index[row], sequence)

    # Some who settle late have paid a first part in time.
    late = invoices.paid_day[paying] > invoices.due_day[paying]
    shipped = orders.status[invoices.order[paying]] == SHIPPED
    parted = late & shipped & (Draws(world.seed, "parted").uniform(*key) < world.partial_share_of_late)
    percent = 30 + Draws(world.seed, "first part").integers(41, *key)
    first_part = np.where(parted, total[paying] * percent // 100, 0)
    first_day = invoices.due_day[paying] - 2

    payments = pl.DataFrame(
        {
            "customerNumber": np.concatenate([latent.number[row], latent.number[row[parted]]]),
            "checkNumber": _check_numbers(world, *key, part=0)
            + _check_numbers(world, key[0][parted], key[1][parted], part=1),
            "day": np.concatenate([invoices.paid_day[paying], first_day[parted]]),
            "amount": np.concatenate([total[paying] - first_part, first_part[parted]]),
        }
    )
    if world.lost_payment_share:
        kept = [Draws(world.seed, "lost payment").uniform(*key, 0) >= world.lost_payment_share]
        kept.append(Draws(world.seed, "lost payment").uniform(*key, 1)[parted] >= world.lost_payment_share)
        payments = payments.filter(pl.Series(np.concatenate(kept)))
    payments = payments.filter(pl.col("day") < clock.days).sort("customerNumber", "day", "checkNumber")
    return payments.select(
        "customerNumber",
        "checkNumber",
        as_dates(clock, payments["day"].to_numpy()).alias("paymentDate"),
        pl.col("amount") / 100,
    )


def _check_numbers(world: World, customer: Ints, sequence: Ints, part: int) -> list[str]:
    """Two letters of the customer's bank and six digits, unique within the customer."""
    draws = Draws(world.seed, "check number")
    first, second = draws.integers(26, customer, 0).tolist(), draws.integers(26, customer, 1).tolist()
    # 7 919 has no factor in common with a million: no two orders of a customer share their digits.
    digits = (draws.integers(1_000_000, customer, 2) + 7919 * (2 * sequence + part)) % 1_000_000
    return [
        f"{ascii_uppercase[a]}{ascii_uppercase[b]}{number:06d}"
        for a, b, number in zip(first, second, digits.tolist(), strict=True)
    ]


def _logistic(x: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-x))
