"""Payments that say which invoices they settle: by their exact amount, as a sum, or as parts of one invoice.

Everything here follows time: a payment is judged by the invoices and payments known on its day, so what was
matched by some day never changes when later rows are added.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from core.receivables.rows import NEVER, Ints, Rows

OPEN, EXACT, SUM, PARTS, FIFO, ON_ACCOUNT, CREDIT_NOTE, NOTHING_DUE = range(8)
MOST_IN_A_SUM = 3
_SEARCHED = 10  # newest open invoices that a sum is looked for in


@dataclass
class Claims:
    """Which payment settles which invoice by a rule that needs no guessing.

    ``pairs`` are (invoice row, payment row, cents). ``rule`` and ``day`` tell by invoice how and when it was
    settled (``OPEN`` and ``NEVER`` if it was not); ``first_covered`` is the day on which the money received
    first covered it as known then, be it by a rule or as the oldest of the open ones. ``used`` tells by
    payment whether it was matched.
    """

    invoice: Ints
    payment: Ints
    cents: Ints
    rule: Ints
    day: Ints
    first_covered: Ints
    used: np.ndarray


def claim(rows: Rows, window_days: int) -> Claims:
    """Match what can be matched by amounts. Most customers pay each invoice exactly and are done at once;
    the others are followed event by event."""
    count = len(rows.invoice_amount)
    rule = np.zeros(count, dtype=np.int64)
    day = np.full(count, NEVER)
    first = np.full(count, NEVER)
    used = np.zeros(len(rows.payment_amount), dtype=bool)
    invoice, payment = _same_rank(rows)
    waited = rows.payment_day[payment] - rows.order_day[invoice]
    fits = (waited >= 0) & (waited <= window_days)
    explained = np.bincount(rows.payment_customer[payment[fits]], minlength=rows.customers)
    plain = explained == np.diff(rows.payment_start)
    odd = np.zeros(rows.customers, dtype=bool)
    odd[rows.invoice_customer[rows.invoice_amount <= 0]] = True
    odd[rows.payment_customer[rows.payment_amount <= 0]] = True
    plain &= ~odd
    keep = fits & plain[rows.payment_customer[payment]]
    invoice, payment = invoice[keep], payment[keep]
    rule[invoice], used[payment] = EXACT, True
    day[invoice] = first[invoice] = rows.payment_day[payment]
    followed = _followed(rows, np.flatnonzero(~plain), window_days, rule, day, first, used)
    return Claims(
        invoice=np.concatenate([invoice, followed[0]]),
        payment=np.concatenate([payment, followed[1]]),
        cents=np.concatenate([rows.invoice_amount[invoice], followed[2]]),
        rule=rule,
        day=day,
        first_covered=first,
        used=used,
    )


def _same_rank(rows: Rows) -> tuple[Ints, Ints]:
    """Pairs of the first, second, … invoice and payment of the same customer and amount."""
    invoice_key, invoice_rank = _ranked(rows.invoice_customer, rows.invoice_amount)
    payment_key, payment_rank = _ranked(rows.payment_customer, rows.payment_amount)
    # position of each payment's (customer, amount, rank) among the invoices'
    keys = np.concatenate([invoice_key, payment_key])
    ranks = np.concatenate([invoice_rank, payment_rank])
    customers = np.concatenate([rows.invoice_customer, rows.payment_customer])
    order = np.lexsort((ranks, keys, customers))
    same = (
        (customers[order][1:] == customers[order][:-1])
        & (keys[order][1:] == keys[order][:-1])
        & (ranks[order][1:] == ranks[order][:-1])
    )
    left, right = order[:-1][same], order[1:][same]
    return left, right - len(invoice_key)


def _ranked(customer: Ints, amount: Ints) -> tuple[Ints, Ints]:
    """The amounts, and the position of each row among those of its customer with the same amount."""
    if not len(customer):
        return amount, amount
    order = np.lexsort((np.arange(len(customer)), amount, customer))
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(customer[order]) != 0) | (np.diff(amount[order]) != 0)
    starts = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - starts
    return amount, rank


def _followed(
    rows: Rows, customers: Ints, window: int, rule: Ints, day: Ints, first: Ints, used: np.ndarray
) -> tuple[Ints, Ints, Ints]:
    """Follow these customers' invoices and payments in order of time; the pairs found."""
    pairs: list[tuple[int, int, int]] = []
    for customer in customers.tolist():
        a, b = int(rows.invoice_start[customer]), int(rows.invoice_start[customer + 1])
        p, q = int(rows.payment_start[customer]), int(rows.payment_start[customer + 1])
        account = _Account(window, a, p)
        account.follow(
            rows.order_day[a:b].tolist(),
            rows.invoice_amount[a:b].tolist(),
            rows.payment_day[p:q].tolist(),
            rows.payment_amount[p:q].tolist(),
        )
        pairs += account.pairs
        rule[a:b], day[a:b], first[a:b] = account.rule, account.day, account.first
        used[p:q] = account.used
    found = np.array(pairs, dtype=np.int64).reshape(-1, 3)
    return found[:, 0], found[:, 1], found[:, 2]


class _Account:
    """One customer's open invoices and money without a purpose, from event to event.

    ``open`` holds the invoices not settled by a rule, oldest first; money in ``pool`` covers the first
    ``covered`` of them, whose amounts add up to ``covered_cents``.
    """

    def __init__(self, window: int, invoice_base: int, payment_base: int) -> None:
        self.window, self.invoice_base, self.payment_base = window, invoice_base, payment_base
        self.pairs: list[tuple[int, int, int]] = []
        self.open: list[int] = []
        self.pool: list[int] = []
        self.pool_cents = self.covered = self.covered_cents = 0

    def follow(self, arrivals: list[int], due: list[int], payment_days: list[int], paid: list[int]) -> None:
        """Take invoices and payments in order of their days, invoices of a day before its payments."""
        self.arrivals, self.due, self.payment_days, self.paid = arrivals, due, payment_days, paid
        self.rule, self.day, self.first = [OPEN] * len(due), [NEVER] * len(due), [NEVER] * len(due)
        self.used = [False] * len(paid)
        number = 0
        for payment, today in enumerate(payment_days):
            while number < len(due) and arrivals[number] <= today:
                self._invoiced(number)
                number += 1
            self._received(payment)
        for later in range(number, len(due)):
            self._invoiced(later)

    def _invoiced(self, number: int) -> None:
        amount, today = self.due[number], self.arrivals[number]
        if amount == 0:
            self.rule[number], self.day[number], self.first[number] = NOTHING_DUE, today, today
            return
        if amount < 0:
            self.pool_cents -= amount
            self._cover(today)
            return
        self.open.append(number)
        for payment in self.pool:
            if self.paid[payment] == amount and today - self.payment_days[payment] <= self.window:
                self._take(payment)
                self._settle(number, payment, amount, EXACT, today)
                break
        self._cover(today)

    def _received(self, payment: int) -> None:
        amount, today = self.paid[payment], self.payment_days[payment]
        if amount <= 0:
            self.pool_cents += amount
            self._cover(today)
            return
        due, oldest = self.due, today - self.window
        fitting = [number for number in self.open if self.arrivals[number] >= oldest]
        whole = next((number for number in fitting if due[number] == amount), None)
        if whole is not None:
            self._settle(whole, payment, amount, EXACT, today)
        elif members := _adding_up(fitting[-_SEARCHED:], due, amount):
            for number in members:
                self._settle(number, payment, due[number], SUM, today)
        elif parts := self._other_part(fitting, amount, oldest):
            number, earlier = parts
            self._take(earlier)
            self._settle(number, earlier, self.paid[earlier], PARTS, today)
            self._settle(number, payment, amount, PARTS, today)
        else:
            self.pool.append(payment)
            self.pool_cents += amount
        self._cover(today)

    def _other_part(self, fitting: list[int], amount: int, oldest: int) -> tuple[int, int] | None:
        """The oldest invoice that this amount and an earlier payment without purpose settle together."""
        earlier = {self.paid[p]: p for p in reversed(self.pool) if self.payment_days[p] >= oldest}
        for number in fitting:
            other = earlier.get(self.due[number] - amount)
            if other is not None and self.arrivals[number] <= self.payment_days[other]:
                return number, other
        return None

    def _take(self, payment: int) -> None:
        self.pool.remove(payment)
        self.pool_cents -= self.paid[payment]

    def _settle(self, number: int, payment: int, cents: int, rule: int, today: int) -> None:
        self.pairs.append((self.invoice_base + number, self.payment_base + payment, cents))
        self.used[payment] = True
        if self.rule[number] != OPEN:
            return
        self.rule[number], self.day[number] = rule, today
        self.first[number] = min(self.first[number], today)
        place = self.open.index(number)
        del self.open[place]
        if place < self.covered:
            self.covered -= 1
            self.covered_cents -= self.due[number]

    def _cover(self, today: int) -> None:
        """Note which of the oldest open invoices the money in the pool covers today."""
        while self.covered and self.covered_cents > self.pool_cents:
            self.covered -= 1
            self.covered_cents -= self.due[self.open[self.covered]]
        while self.covered < len(self.open):
            number = self.open[self.covered]
            if self.covered_cents + self.due[number] > self.pool_cents:
                break
            self.covered += 1
            self.covered_cents += self.due[number]
            self.first[number] = min(self.first[number], today)
        # covered ones that no payment can claim any more only cost time
        while self.covered and self.arrivals[self.open[0]] < today - self.window:
            cents = self.due[self.open.pop(0)]
            self.covered -= 1
            self.covered_cents -= cents
            self.pool_cents -= cents
        while self.pool and self.payment_days[self.pool[0]] < today - self.window:
            self.pool.pop(0)


def _adding_up(numbers: list[int], due: list[int], amount: int) -> tuple[int, ...]:
    """The oldest two, else three, of these invoices that add up exactly to ``amount``, if any."""
    smaller = [number for number in numbers if due[number] < amount]
    for size in range(2, MOST_IN_A_SUM + 1):
        if len(smaller) < size:
            break
        for members in combinations(smaller, size):
            if sum([due[number] for number in members]) == amount:
                return members
    return ()
