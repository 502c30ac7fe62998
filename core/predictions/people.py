"""Scores beside what is known of each customer, restricted to the customers that the filters let pass."""

from collections.abc import Collection

import polars as pl

from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.people import passing
from core.sales.selection import resolve


def selected_customers(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """The customers that pass the filters on customers; period and products do not apply to them.

    Returns
    -------
    customer_id, key (text), customer_name, country, owner (name of the sales representative), office,
    credit_limit (current) and revenue_365 (before the as-of date; both currency), last_order_day.
    """
    mask = passing(sales, resolve(sales, filters, skip).allowed).mask()
    reps = sales.sales_reps[["employee_name", "office_name"]][
        sales.customers["sales_rep"].to_physical().cast(pl.UInt32)
    ]
    return (
        sales.customers.select(
            "customer_id",
            "key",
            pl.coalesce("customer_name", "key").alias("customer_name"),
            pl.col("country").cast(pl.String),
            "credit_limit",
            "revenue_365",
            "last_order_day",
        )
        .with_columns(owner=reps["employee_name"], office=reps["office_name"])
        .filter(pl.Series(mask))
    )


def with_customers(
    scores: pl.DataFrame, sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()
) -> pl.DataFrame:
    """The rows of ``scores`` (by ``customer_id``) of the customers that pass, with what is known of each."""
    people = selected_customers(sales, filters, skip)
    keys = pl.col("customer_id").cast(people.schema["customer_id"])
    return scores.with_columns(keys).join(people, on="customer_id", how="inner", maintain_order="left")
