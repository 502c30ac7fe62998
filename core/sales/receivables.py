"""What customers owe and pay."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.days import FIRST_DAY, LAST_DAY, to_day
from core.filters import SalesFilters
from core.sales.columns import Rows, month_date, part_between
from core.sales.frames import SalesData
from core.sales.people import passing
from core.sales.selection import ignored_filters, resolve

_AMOUNTS = ("invoiced", "paid", "outstanding", "overdue", "on_account")


@dataclass(frozen=True)
class ReceivableTotals:
    """Balances at the as-of date in currency; payments settle a customer's oldest invoices first.

    ``ignored_filters`` names the restrictions that balances cannot be split by.
    """

    invoiced: float
    paid: float
    outstanding: float
    overdue: float
    on_account: float
    customers_owing: int
    customers_overdue: int
    ignored_filters: tuple[str, ...]


def payments_and_invoices(
    sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()
) -> pl.DataFrame:
    """Invoiced and received by month.

    Filters on products and single customers cannot apply (``ignored_filters(filters, "payments")``).

    Returns
    -------
    month (first day), invoiced, received (currency). Months without either are left out.
    """
    first, last = FIRST_DAY, LAST_DAY
    if "period" in filters.active(skip):
        first, last = (to_day(end) for end in filters.values_of("period"))
    part = part_between(sales.cubes["receivables"], first, last)
    rows = Rows([part.where(resolve(sales, filters, skip).allowed)])
    months = rows.take("month").astype(np.int64)
    base = int(months.min()) if len(months) else 0
    sums = rows.sums_by(["invoiced", "received"], months - base, 0)
    present = np.flatnonzero(np.bincount(months - base))
    starts = pl.Series("month", [month_date(base + int(i)) for i in present], dtype=pl.Date)
    return pl.DataFrame([starts, *(pl.Series(name, values[present]) for name, values in sums.items())])


def receivable_totals(
    sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()
) -> ReceivableTotals:
    """The balances of all customers that pass the filters on customers; period and products are ignored."""
    ignored = ignored_filters(filters, "balances", skip)
    return totals_of(sales, sales.customer_receivables, filters, skip, ignored)


def totals_of(
    sales: SalesData,
    balances: pl.DataFrame,
    filters: SalesFilters,
    skip: Collection[str],
    ignored: tuple[str, ...] = (),
) -> ReceivableTotals:
    """The sums of a frame of balances by customer."""
    which = "now" if balances is sales.customer_receivables else "a year before"
    who = passing(sales, resolve(sales, filters, skip).allowed)
    amounts = {name: float(who.sums((which, name), _amount(sales, balances, name))[0]) for name in _AMOUNTS}
    owing, overdue = (
        round(float(who.sums((which, name, "> 0"), _amount(sales, balances, name, positive=True))[0]))
        for name in ("outstanding", "overdue")
    )
    return ReceivableTotals(
        **amounts, customers_owing=owing, customers_overdue=overdue, ignored_filters=ignored
    )


def _amount(
    sales: SalesData, balances: pl.DataFrame, name: str, positive: bool = False
) -> Callable[[], np.ndarray]:
    """Gives a balance of each customer, or whether it is above 0."""

    def make() -> np.ndarray:
        amounts = np.zeros(sales.customers.height)
        np.add.at(amounts, balances["customer"].to_numpy(), balances[name].to_numpy())
        return (amounts > 0).astype(float) if positive else amounts

    return make
