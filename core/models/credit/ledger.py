"""A customer's payment behaviour as it was known on any day: sums of everything that had happened before it.

Every invoice makes a few dated events: ordered, covered by money, found late, in default. What was known on a
day is the sum of the events before it, so that looking back never sees what came later. An invoice is dated
on its order until it is shipped; what was thought of it till then is undone on the day of shipping.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.models.credit.outcomes import OUTCOMES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_NEVER = 10**7
_DAYS = 10**8  # longer than any calendar: customer and day in one number
_EARLIEST, _LATEST = -30, 120
"""Days past due are cut to this range before they are averaged."""


@dataclass(frozen=True)
class Series:
    """Events sorted by customer and day, and their running sums (one row more than events)."""

    keys: Ints
    sums: Floats

    @classmethod
    def of(cls, customer: Ints, day: Ints, values: Floats) -> "Series":
        """From events in any order; ``values`` has one row per event."""
        keys = customer * _DAYS + day
        order = np.argsort(keys, kind="stable")
        sums = np.zeros((len(order) + 1, values.shape[1]))
        np.cumsum(values[order], axis=0, out=sums[1:])
        return cls(keys[order], sums)

    def before(self, customer: Ints, day: Ints) -> Floats:
        """The sums of each customer's events before its day."""
        start, stop = self._range(customer, day)
        return np.asarray(self.sums[stop] - self.sums[start])

    def first_and_last(self, customer: Ints, day: Ints) -> tuple[Floats, Floats]:
        """The days of the first and the last event before a day; nan where there is none."""
        start, stop = self._range(customer, day)
        first, last = np.full(len(day), np.nan), np.full(len(day), np.nan)
        some = stop > start
        first[some], last[some] = self.keys[start[some]] % _DAYS, self.keys[stop[some] - 1] % _DAYS
        return first, last

    def _range(self, customer: Ints, day: Ints) -> tuple[Ints, Ints]:
        start = np.searchsorted(self.keys, customer * _DAYS)
        stop = np.searchsorted(self.keys, customer * _DAYS + np.maximum(day, 0))
        return start, np.where(customer < 0, start, stop)


@dataclass(frozen=True)
class Verdicts:
    """When it became known of invoices (``row``) that they were late or not; ``sign`` −1 takes it back."""

    row: Ints
    day: Ints
    late: Floats
    sign: Floats


@dataclass(frozen=True)
class Ledger:
    """All customers' events; ``customers`` are the keys behind the codes 0, 1, …

    ``ordered`` sums orders and amount; ``covered`` amount, invoices and days past due of invoices covered by
    money; ``judged`` outcomes known, late ones, overdue amount, overdue invoices and defaults. ``who`` and
    ``amount`` are by invoice, as ``verdicts.row`` counts them.
    """

    customers: pl.Series
    ordered: Series
    covered: Series
    judged: Series
    who: Ints
    amount: Floats
    verdicts: Verdicts

    def codes(self, keys: pl.Series) -> Ints:
        """The code of each customer; −1 for those without invoices."""
        table = pl.DataFrame({"key": self.customers, "code": np.arange(len(self.customers))})
        found = pl.DataFrame({"key": keys}).join(table, on="key", how="left", maintain_order="left")
        return found["code"].fill_null(-1).cast(pl.Int64).to_numpy()


def ledger(invoices: pl.DataFrame, terms_days: int) -> Ledger:
    """The events of ``Matching.invoices``; credit notes are left out."""
    bills = invoices.filter(pl.col("amount") > 0)
    customers = bills["customer_id"].unique().sort()
    table = pl.DataFrame({"customer_id": customers, "code": np.arange(len(customers))})
    coded = bills.join(table, on="customer_id", how="left", maintain_order="left")
    who, order, dated, due = (
        coded[name].cast(pl.Int64).to_numpy() for name in ("code", "order_day", "invoice_day", "due_day")
    )
    paid = bills["first_covered_day"].fill_null(_NEVER).cast(pl.Int64).to_numpy()
    amount = bills["amount"].to_numpy()
    row = np.arange(len(amount))
    # something was known of it before it was shipped, by the date of its order
    odd = np.flatnonzero((dated > order) & ((paid < dated) | (order + terms_days + 1 < dated)))
    provisional = order + terms_days

    covered = _covered(row, due, paid, amount)
    judged = _judged(row, due, paid, amount)
    if len(odd):
        usual = ~np.isin(np.arange(len(amount)), odd)
        early = _covered(odd, provisional, paid, amount).where(lambda e: e.day < dated[e.row])
        later = _covered(odd, due, paid, amount).not_before(dated)
        covered = _joined([covered.where(lambda e: usual[e.row]), early, early.undone(dated), later])
        early = _judged(odd, provisional, paid, amount).where(lambda e: e.day < dated[e.row])
        later = _judged(odd, due, paid, amount).not_before(dated)
        judged = _joined([judged.where(lambda e: usual[e.row]), early, early.undone(dated), later])
    known = np.flatnonzero(judged.values[:, 0] != 0)
    verdicts = Verdicts(
        judged.row[known],
        judged.day[known],
        judged.values[known, 1] / judged.values[known, 0],
        judged.values[known, 0],
    )
    return Ledger(
        customers=customers,
        ordered=Series.of(who, order, np.column_stack([np.ones(len(amount)), amount])),
        covered=Series.of(who[covered.row], covered.day, covered.values),
        judged=Series.of(who[judged.row], judged.day, judged.values),
        who=who,
        amount=amount,
        verdicts=verdicts,
    )


@dataclass(frozen=True)
class _Events:
    """Events of invoices: their rows, days, and what each adds to the sums."""

    row: Ints
    day: Ints
    values: Floats

    def where(self, keep: Callable[["_Events"], NDArray[np.bool_]]) -> "_Events":
        """The events that ``keep`` is true of."""
        kept = keep(self)
        return _Events(self.row[kept], self.day[kept], self.values[kept])

    def undone(self, on: Ints) -> "_Events":
        """What takes these events back on a day given by invoice."""
        return _Events(self.row, on[self.row], -self.values)

    def not_before(self, first: Ints) -> "_Events":
        """These events, those before a day given by invoice put off to it."""
        return _Events(self.row, np.maximum(self.day, first[self.row]), self.values)


def _joined(parts: list[_Events]) -> _Events:
    return _Events(
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def _covered(row: Ints, due: Ints, paid: Ints, amount: Floats) -> _Events:
    done = row[paid[row] < _NEVER]
    past_due = np.clip(paid[done] - due[done], _EARLIEST, _LATEST).astype(np.float64)
    return _Events(done, paid[done], np.column_stack([amount[done], np.ones(len(done)), past_due]))


def _judged(row: Ints, due: Ints, paid: Ints, amount: Floats) -> _Events:
    """An invoice is good once paid in time, late the day after its due date, in default 60 days after it."""
    d, x, a = due[row], paid[row], amount[row]
    late = x > d
    verdict = _filled(row, np.where(late, d + 1, x), [1, late, 0, 0, 0])
    slow = np.flatnonzero(late)
    overdue = _filled(row[slow], d[slow] + 1, [0, 0, a[slow], 1, 0])
    paid_late = slow[x[slow] < _NEVER]
    over = _filled(row[paid_late], x[paid_late], [0, 0, -a[paid_late], -1, 0])
    gone = np.flatnonzero(x >= d + OUTCOMES["default"])
    default = _filled(row[gone], d[gone] + OUTCOMES["default"], [0, 0, 0, 0, 1])
    return _joined([verdict, overdue, over, default])


def _filled(row: Ints, day: Ints, values: list[Any]) -> _Events:
    columns = np.empty((len(row), len(values)))
    for number, value in enumerate(values):
        columns[:, number] = value
    return _Events(row, day, columns)
