"""What customers owe and pay."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.selection import customer_mask, ignored_filters, resolve


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
    chosen = resolve(sales, filters, skip)
    rows = sales.receivables
    if "period" in filters.active(skip):
        start, end = filters.values_of("period")
        rows = rows.filter(pl.col("day").is_between(start, end))
    wanted = [c for c in chosen.conditions if c.meta.root_names()[0] in ("country", "sales_rep")]
    rows = rows.filter(*wanted) if wanted else rows
    return rows.group_by("month").agg(pl.col("invoiced", "received").sum()).sort("month")


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
    mask = customer_mask(sales, resolve(sales, filters, skip))
    shown = balances.filter(pl.Series(mask[balances["customer"].to_numpy()], dtype=pl.Boolean))
    sums = shown.select(
        pl.col("invoiced", "paid", "outstanding", "overdue", "on_account").sum(),
        (pl.col("outstanding") > 0).sum().alias("customers_owing"),
        (pl.col("overdue") > 0).sum().alias("customers_overdue"),
    ).row(0, named=True)
    return ReceivableTotals(**sums, ignored_filters=ignored)
