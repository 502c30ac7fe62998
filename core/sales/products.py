"""What is sold: revenue by product, prices, stock."""

from collections.abc import Collection

import numpy as np
import polars as pl

from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.selection import MEASURES, resolve, sales_rows


def _sold(sales: SalesData, filters: SalesFilters, skip: Collection[str]) -> pl.DataFrame:
    """One row per product sold, largest revenue first: its attributes, revenue, gross_profit, quantity."""
    rows = sales_rows(sales, resolve(sales, filters, skip), by_product=True)
    groups, count = rows.take("product"), sales.products.height
    sums = rows.sums_by(MEASURES, groups, count)
    sold = np.flatnonzero(np.bincount(groups, minlength=count))
    sold = sold[np.argsort(-sums["revenue"][sold], kind="stable")]
    attributes = sales.products[["product_id", "key", "product_name", "product_line", "msrp", "buy_price"]]
    return attributes[sold].with_columns(pl.Series(name, sums[name][sold]) for name in MEASURES)


def _named(name: str = "product_name") -> pl.Expr:
    return pl.coalesce(name, "key").alias(name)


def sales_by_product(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Sales of every product sold, largest revenue first.

    Returns
    -------
    product_id, key (its text, as filters take it), product_name, product_line, revenue, gross_profit
    (currency), quantity (pieces), cumulative_share (of this and all larger products in the total, 0 to 1;
    0 where the total is not positive).
    """
    ordered = _sold(sales, filters, skip)
    total = pl.col("revenue").sum()
    return ordered.select(
        *("product_id", "key", _named(), "product_line", "revenue", "gross_profit", "quantity"),
        pl.when(total > 0).then(pl.col("revenue").cum_sum() / total).otherwise(0.0).alias("cumulative_share"),
    )


def price_against_msrp(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Average price of each product sold against its suggested retail price, largest revenue first.

    Returns
    -------
    product_id, key, product_name, product_line, msrp, buy_price, average_price (currency a piece),
    price_to_msrp (ratio), quantity (pieces), revenue (currency). Products without a suggested price, and
    those of which more came back than were sold, are left out.
    """
    sold = _sold(sales, filters, skip).filter(pl.col("quantity") > 0, pl.col("msrp") > 0)
    return (
        sold.with_columns(average_price=pl.col("revenue") / pl.col("quantity"))
        .with_columns(price_to_msrp=pl.col("average_price") / pl.col("msrp"))
        .select(
            *("product_id", "key", _named(), "product_line", "msrp", "buy_price"),
            *("average_price", "price_to_msrp", "quantity", "revenue"),
        )
    )


def _stocked(sales: SalesData, filters: SalesFilters, skip: Collection[str]) -> pl.DataFrame:
    allowed = resolve(sales, filters, skip).allowed
    wanted = allowed.get("product", np.ones(sales.products.height, dtype=bool))
    if "product_line" in allowed:
        wanted = wanted & allowed["product_line"][sales.products["product_line"].to_physical().to_numpy()]
    return sales.products.filter(pl.Series(wanted)).with_columns(
        _named(),
        stock_value=(pl.col("quantity_in_stock") * pl.col("buy_price")).fill_null(0.0),
        last_sold=pl.col("last_sold_day").cast(pl.Int32).cast(pl.Date),
    )


def stock_cover(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """How long the present stock of each product lasts at the rate of the 365 days before the as-of date.

    Only filters on product and product line apply (``ignored_filters(filters, "stock")``).

    Returns
    -------
    product_id, key, product_name, product_line, quantity_in_stock, quantity_365 (pieces), stock_value (at
    current purchase prices, currency), stock_cover_days (null if nothing was sold). Shortest cover first.
    """
    return (
        _stocked(sales, filters, skip)
        .sort("stock_cover_days", "key", nulls_last=True)
        .select(
            *("product_id", "key", "product_name", "product_line", "quantity_in_stock", "quantity_365"),
            *("stock_value", "stock_cover_days"),
        )
    )


def dead_stock(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Products in stock of which nothing was sold in the 365 days before the as-of date.

    Only filters on product and product line apply (``ignored_filters(filters, "stock")``).

    Returns
    -------
    product_id, key, product_name, product_line, quantity_in_stock (pieces), stock_value (at current purchase
    prices, currency), last_sold (date, null if never). Largest value first.
    """
    return (
        _stocked(sales, filters, skip)
        .filter(pl.col("is_dead_stock") == 1)
        .sort("stock_value", "key", descending=[True, False])
        .select(
            *("product_id", "key", "product_name", "product_line", "quantity_in_stock", "stock_value"),
            "last_sold",
        )
    )
