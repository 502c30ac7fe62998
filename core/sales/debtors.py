"""Who owes: balances customer by customer."""

from collections.abc import Collection

import polars as pl

from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.people import passing
from core.sales.selection import resolve


def largest_debtors(
    sales: SalesData, filters: SalesFilters, skip: Collection[str] = (), limit: int | None = None
) -> pl.DataFrame:
    """Customers with outstanding invoices at the as-of date, largest balance first.

    Only filters on customers apply (``ignored_filters(filters, "balances")``).

    Returns
    -------
    customer_id, key (its text, as filters take it), customer_name (with the key where names repeat), country,
    outstanding, overdue, credit_limit (currency).
    """
    owing = sales.once("debtors", lambda: _owing(sales))
    who = passing(sales, resolve(sales, filters, skip).allowed)
    if not (who.rows is None and who.places.all()):
        owing = owing.filter(pl.Series(who.mask()[owing["customer"].to_numpy()], dtype=pl.Boolean))
    frame = owing.drop("customer")
    frame = frame if limit is None else frame.head(limit)
    name = pl.coalesce("customer_name", "key")
    return frame.with_columns(
        customer_name=pl.when(name.is_duplicated()).then(pl.format("{} ({})", name, "key")).otherwise(name),
        country=pl.col("country").cast(pl.String),
    ).select("customer_id", "key", "customer_name", "country", "outstanding", "overdue", "credit_limit")


def _owing(sales: SalesData) -> pl.DataFrame:
    """All customers with outstanding invoices, largest balance first."""
    owing = sales.customer_receivables.filter(pl.col("outstanding") > 0)
    people = sales.customers[["customer_id", "key", "customer_name", "country", "credit_limit"]]
    return pl.concat(
        [people[owing["customer"]], owing.select("customer", "outstanding", "overdue")], how="horizontal"
    ).sort("outstanding", "key", descending=[True, False])
