"""Who buys: credit limits, purchasing power, the customer scatter, and the rows behind a selection."""

from collections.abc import Collection

import numpy as np
import polars as pl

from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.selection import buyers, line_rows, resolve

MAX_POINTS = 5_000
"""Customers that are drawn one by one; more are counted in bins."""


def credit_limit_histogram(
    sales: SalesData, filters: SalesFilters, skip: Collection[str] = (), bins: int = 20
) -> pl.DataFrame:
    """Customers of the selection by current credit limit; with a period or products, those that bought then.

    Returns
    -------
    bin_start, bin_end (currency), customers (scaled up where lines are a sample). The bins are those of all
    customers whatever the filters, so a figure keeps its axis; empty only if no customer has a credit limit.
    """
    limits = sales.customers["credit_limit"]
    edges = bin_edges(limits, bins, from_zero=True)
    if edges is None:
        return pl.DataFrame(schema={"bin_start": pl.Float64, "bin_end": pl.Float64, "customers": pl.Int64})
    chosen = buyers(sales, filters, skip)
    counts, _ = np.histogram(limits.to_numpy()[chosen.mask & limits.is_not_null().to_numpy()], edges)
    customers = np.rint(counts * chosen.scale).astype(np.int64)
    return pl.DataFrame({"bin_start": edges[:-1], "bin_end": edges[1:], "customers": customers})


def bin_edges(values: pl.Series, bins: int, from_zero: bool = False) -> np.ndarray | None:
    """Edges of equal bins on round numbers over all ``values``, about ``bins``; ``None`` without values."""
    given = values.drop_nulls()
    if given.is_empty():
        return None
    low, high = float(given.min()), float(given.max())  # type: ignore[arg-type]
    low = min(low, 0.0) if from_zero else low
    span = (high - low) or abs(high) or 1.0
    step = 10.0 ** np.floor(np.log10(span / bins))
    step *= next(nice for nice in (1, 2, 2.5, 5, 10) if span / (step * nice) <= bins)
    first, last = np.floor(low / step), np.floor(high / step) + 1
    return np.arange(first, last + 1) * step


def purchasing_power(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Purchasing power by country: current credit limits and trailing revenue of the customers selected.

    With a period or products restricted, the customers that bought then.

    Returns
    -------
    country, customers, credit_limit (sum, currency), revenue_365 (of the 365 days before the as-of date,
    currency), active_customers (with an order in these days). Largest revenue first. Sums and counts are
    scaled up where lines are a sample.
    """
    chosen = buyers(sales, filters, skip)
    count = (pl.len() * chosen.scale).round().cast(pl.Int64)
    active = ((pl.col("orders_365") > 0).sum() * chosen.scale).round().cast(pl.Int64)
    return (
        sales.customers.filter(chosen.mask)
        .group_by("country")
        .agg(
            count.alias("customers"),
            pl.col("credit_limit", "revenue_365").sum() * chosen.scale,
            active.alias("active_customers"),
        )
        .with_columns(pl.col("country").cast(pl.String))
        .sort("revenue_365", "country", descending=[True, False])
    )


def customer_points(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """The scatter of all customers by credit limit and trailing revenue, with those selected marked.

    Returns
    -------
    customer_id, key (its text, as filters take it), customer_name, country, credit_limit, revenue_365
    (currency), selected (1 or 0). With more than ``MAX_POINTS`` customers the frame of
    ``customer_density`` instead, which has no column ``key``. Customers without a credit limit are left out.
    """
    if sales.customers.height > MAX_POINTS:
        return customer_density(sales, filters, skip)
    mask = buyers(sales, filters, skip).mask
    return (
        sales.customers.with_columns(pl.Series("selected", mask.astype(np.int64)))
        .filter(pl.col("credit_limit").is_not_null())
        .select(
            "customer_id",
            "key",
            pl.coalesce("customer_name", "key").alias("customer_name"),
            pl.col("country").cast(pl.String),
            *("credit_limit", "revenue_365", "selected"),
        )
    )


def customer_density(
    sales: SalesData, filters: SalesFilters, skip: Collection[str] = (), bins: int = 60
) -> pl.DataFrame:
    """Customers counted in bins of credit limit and trailing revenue.

    Returns
    -------
    credit_limit, revenue_365 (middle of the bin, currency), credit_limit_width, revenue_365_width, customers
    (all), selected (those of the selection, scaled up where lines are a sample). Bins without customers are
    left out.
    """
    placed = sales.customers["credit_limit"].is_not_null().to_numpy()
    x, y = sales.customers["credit_limit"], sales.customers["revenue_365"]
    x_edges, y_edges = bin_edges(x, bins, from_zero=True), bin_edges(y.filter(placed), bins, from_zero=True)
    if x_edges is None or y_edges is None:
        columns = ("credit_limit", "revenue_365", "credit_limit_width", "revenue_365_width")
        counts = ("customers", "selected")
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Float64) | dict.fromkeys(counts, pl.Int64))
    chosen = buyers(sales, filters, skip)
    mask = chosen.mask[placed]
    xs, ys = x.to_numpy()[placed], y.to_numpy()[placed]
    width, height = x_edges[1] - x_edges[0], y_edges[1] - y_edges[0]
    columns_count, rows_count = len(x_edges) - 1, len(y_edges) - 1
    column = np.clip(((xs - x_edges[0]) / width).astype(np.int64), 0, columns_count - 1)
    row = np.clip(((ys - y_edges[0]) / height).astype(np.int64), 0, rows_count - 1)
    cell = column * rows_count + row
    size = columns_count * rows_count
    everyone, selected = np.bincount(cell, minlength=size), np.bincount(cell[mask], minlength=size)
    filled = np.flatnonzero(everyone)
    return pl.DataFrame(
        {
            "credit_limit": x_edges[0] + (filled // rows_count + 0.5) * width,
            "revenue_365": y_edges[0] + (filled % rows_count + 0.5) * height,
            "credit_limit_width": np.full(len(filled), width),
            "revenue_365_width": np.full(len(filled), height),
            "customers": everyone[filled].astype(np.int64),
            "selected": np.rint(selected[filled] * chosen.scale).astype(np.int64),
        }
    )


def order_rows(
    sales: SalesData,
    filters: SalesFilters,
    skip: Collection[str] = (),
    limit: int | None = None,
    offset: int = 0,
) -> pl.DataFrame:
    """The order lines behind a selection, newest first, ``limit`` of them from ``offset`` on.

    Of a company with more lines than fit in memory, those of the sampled customers (``sales.is_sampled``).

    Returns
    -------
    order_date, order_id, customer_id, customer_name, country, product_id, product_name, product_line,
    quantity (pieces), revenue, gross_profit (currency).
    """
    (part,) = line_rows(sales, resolve(sales, filters, skip), by_product=True).parts
    kept = np.arange(part.start, part.stop) if part.kept is None else part.kept + part.start
    newest_first = kept[::-1][offset : None if limit is None else offset + limit]
    page = sales.lines[newest_first]
    customers = sales.customers[["customer_id", "customer_name", "key"]][page["customer"]]
    products = sales.products[["product_id", "product_name", "key"]][page["product"]]
    return page.select(
        "order_date",
        "order_id",
        customers["customer_id"],
        customers.select(pl.coalesce("customer_name", "key").alias("customer_name")).to_series(),
        pl.col("country").cast(pl.String),
        products["product_id"],
        products.select(pl.coalesce("product_name", "key").alias("product_name")).to_series(),
        pl.col("product_line").cast(pl.String),
        "quantity",
        "revenue",
        "gross_profit",
    )
