"""Who owes: balances customer by customer."""

from collections.abc import Collection

import polars as pl

from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.selection import customer_mask, resolve


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
    mask = customer_mask(sales, resolve(sales, filters, skip))
    balances = sales.customer_receivables
    owing = balances.filter(
        pl.Series(mask[balances["customer"].to_numpy()], dtype=pl.Boolean), pl.col("outstanding") > 0
    )
    people = sales.customers[["customer_id", "key", "customer_name", "country", "credit_limit"]][
        owing["customer"]
    ]
    frame = pl.concat([people, owing.select("outstanding", "overdue")], how="horizontal").sort(
        "outstanding", "key", descending=[True, False]
    )
    frame = frame if limit is None else frame.head(limit)
    name = pl.coalesce("customer_name", "key")
    return frame.with_columns(
        customer_name=pl.when(name.is_duplicated()).then(pl.format("{} ({})", name, "key")).otherwise(name),
        country=pl.col("country").cast(pl.String),
    ).select("customer_id", "key", "customer_name", "country", "outstanding", "overdue", "credit_limit")
