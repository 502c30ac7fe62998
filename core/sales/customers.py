"""Who buys: credit limits, purchasing power, the customer scatter, and the rows behind a selection."""

from collections.abc import Callable, Collection

import numpy as np
import polars as pl

from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.people import passing, values_of
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
    name = ("credit limits", bins)
    edges = sales.once(
        (name, "edges"), lambda: bin_edges(sales.customers["credit_limit"], bins, from_zero=True)
    )
    if edges is None:
        return pl.DataFrame(schema={"bin_start": pl.Float64, "bin_end": pl.Float64, "customers": pl.Int64})
    chosen = buyers(sales, filters, skip)
    counts = chosen.sums(name, None, lambda: _bins(values_of(sales, "credit_limit"), edges), len(edges) - 1)
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


def _bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The equal bin that each value is in, -1 for those that are not known."""
    last = len(edges) - 2
    known = np.isfinite(values)
    places = np.floor((np.where(known, values, edges[0]) - edges[0]) / (edges[1] - edges[0]))
    return np.where(known, np.clip(places, 0, last), -1).astype(np.int64)


def _grid(sales: SalesData, bins: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Edges of the bins of credit limit and trailing revenue."""
    placed = sales.customers.filter(pl.col("credit_limit").is_not_null())
    x, y = (bin_edges(placed[of], bins, from_zero=True) for of in ("credit_limit", "revenue_365"))
    return None if x is None or y is None else (x, y)


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

    def codes() -> np.ndarray:
        return sales.customers["country"].to_physical().to_numpy()

    def sums(name: str, weights: Callable[[], np.ndarray] | None) -> np.ndarray:
        return chosen.sums(("by country", name), weights, codes, len(sales.countries)) * chosen.scale

    counts = sums("customers", None)
    present = np.flatnonzero(counts)
    active = sums("active", lambda: values_of(sales, "orders_365") > 0)
    return pl.DataFrame(
        {
            "country": [sales.countries[code] for code in present],
            "customers": np.rint(counts[present]).astype(np.int64),
            "credit_limit": sums("limit", lambda: np.nan_to_num(values_of(sales, "credit_limit")))[present],
            "revenue_365": sums("revenue", lambda: np.nan_to_num(values_of(sales, "revenue_365")))[present],
            "active_customers": np.rint(active[present]).astype(np.int64),
        },
        schema_overrides={"country": pl.String},
    ).sort("revenue_365", "country", descending=[True, False])


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
    mask = buyers(sales, filters, skip).mask()
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
    name = ("density", bins)
    grid = sales.once((name, "grid"), lambda: _grid(sales, bins))
    if grid is None:
        columns = ("credit_limit", "revenue_365", "credit_limit_width", "revenue_365_width")
        counts = ("customers", "selected")
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Float64) | dict.fromkeys(counts, pl.Int64))
    x_edges, y_edges = grid
    width, height = x_edges[1] - x_edges[0], y_edges[1] - y_edges[0]
    rows_count, size = len(y_edges) - 1, (len(x_edges) - 1) * (len(y_edges) - 1)

    def cells() -> np.ndarray:
        column, row = (
            _bins(values_of(sales, of), edges)
            for of, edges in (("credit_limit", x_edges), ("revenue_365", y_edges))
        )
        return np.where((column < 0) | (row < 0), -1, column * rows_count + row)

    chosen = buyers(sales, filters, skip)
    everyone = passing(sales, {}).sums(name, None, cells, size)
    selected = chosen.sums(name, None, cells, size)
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
