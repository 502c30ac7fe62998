"""Revenue over time and by place, person and product line."""

from collections.abc import Collection

import numpy as np
import polars as pl

from core.days import month_starts
from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.selection import (
    Rows,
    Selection,
    counts_orders_exactly,
    distinct_by,
    line_rows,
    order_cube_rows,
    resolve,
    sales_rows,
)

SALES_DIMENSIONS = ("country", "product_line", "office", "sales_rep")


def sums(scale: float) -> list[pl.Expr]:
    """The sums of revenue, gross_profit and quantity, scaled."""
    if scale == 1:
        return [pl.col("revenue", "gross_profit", "quantity").sum()]
    return [
        pl.col("revenue", "gross_profit").sum() * scale,
        (pl.col("quantity").sum() * scale).round().cast(pl.Int64),
    ]


def revenue_by_month(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Revenue of every month of the period.

    Returns
    -------
    month (first day), revenue, gross_profit (currency), quantity (pieces). Months between without sales are
    there with zeros; the first and last month may be cut by the period.
    """
    return months_of(sales, resolve(sales, filters, skip))


def months_of(sales: SalesData, chosen: Selection) -> pl.DataFrame:
    """As ``revenue_by_month`` for a selection."""
    rows = sales_rows(sales, chosen)
    by_month = rows.frame.group_by("month").agg(sums(rows.scale))
    if by_month.is_empty():
        return by_month.select("month", "revenue", "gross_profit", "quantity")
    every = pl.DataFrame({"month": month_starts(chosen.first, chosen.last)}, schema={"month": pl.Date})
    return (
        every.join(by_month, on="month", how="left", maintain_order="left")
        .fill_null(0)
        .select("month", "revenue", "gross_profit", "quantity")
    )


def sales_by_dimension(
    sales: SalesData, filters: SalesFilters, dimension: str, skip: Collection[str] = ()
) -> pl.DataFrame:
    """Sales by ``country``, ``product_line``, ``office`` or ``sales_rep``, largest revenue first.

    Returns
    -------
    label (name to show), value (what a filter on the dimension takes), revenue, gross_profit (currency),
    quantity (pieces), customers, orders (distinct; orders with lines of several product lines count in each).

    Raises
    ------
    ValueError
        Another dimension.
    """
    if dimension not in SALES_DIMENSIONS:
        raise ValueError(f"Sales cannot be split by {dimension!r}, only by {', '.join(SALES_DIMENSIONS)}.")
    chosen = resolve(sales, filters, skip)
    names, values, group_of = _groups(sales, dimension)
    column = "sales_rep" if dimension == "office" else dimension

    rows = sales_rows(sales, chosen)
    summed = _by_group(rows.frame, column, group_of).group_by("group").agg(sums(rows.scale))
    lines = rows if "customer" in rows.frame.columns else line_rows(sales, chosen)
    counts = {"customers": _distinct(sales, lines, "customer", column, group_of, len(names))}
    if dimension != "product_line" and counts_orders_exactly(chosen):
        cube = _by_group(order_cube_rows(sales, chosen), column, group_of)
        orders = cube.group_by("group").agg(pl.col("orders").sum())
        counts["orders"] = np.zeros(len(names), dtype=np.int64)
        counts["orders"][orders["group"].to_numpy()] = orders["orders"].to_numpy()
    else:
        counts["orders"] = _distinct(sales, lines, "order", column, group_of, len(names))
    groups = summed["group"].to_numpy()
    return summed.select(
        pl.Series("label", names).gather(groups),
        pl.Series("value", values).gather(groups),
        "revenue",
        "gross_profit",
        "quantity",
        *(pl.Series(name, count[groups]) for name, count in counts.items()),
    ).sort("revenue", "label", descending=[True, False])


def _groups(sales: SalesData, dimension: str) -> tuple[list[str], list[str], np.ndarray | None]:
    """Names and filter values of the groups, and the group of each code where they differ (offices)."""
    if dimension == "country":
        return sales.countries, sales.countries, None
    if dimension == "product_line":
        return sales.product_lines, sales.product_lines, None
    if dimension == "sales_rep":
        return sales.sales_reps["employee_name"].to_list(), sales.sales_reps["key"].to_list(), None
    offices = sales.offices
    group_of = sales.sales_reps["office_name"].replace_strict(
        offices, range(len(offices)), return_dtype=pl.UInt32
    )
    return offices, offices, group_of.to_numpy()


def _group_codes(frame: pl.DataFrame, column: str, group_of: np.ndarray | None) -> np.ndarray:
    codes = frame[column].to_physical().to_numpy()
    return codes if group_of is None else group_of[codes]


def _by_group(frame: pl.DataFrame, column: str, group_of: np.ndarray | None) -> pl.DataFrame:
    return frame.with_columns(pl.Series("group", _group_codes(frame, column, group_of), dtype=pl.UInt32))


def _distinct(
    sales: SalesData, lines: Rows, what: str, column: str, group_of: np.ndarray | None, group_count: int
) -> np.ndarray:
    size = sales.customers.height if what == "customer" else sales.order_count
    return distinct_by(lines, what, size, _group_codes(lines.frame, column, group_of), group_count)


def seasonality(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Revenue by year and month of the year.

    Returns
    -------
    year, month_of_year (1 to 12), revenue (currency), year_index (revenue by the mean of the year's months
    with sales; null where that mean is not positive).
    """
    chosen = resolve(sales, filters, skip)
    rows = sales_rows(sales, chosen)
    months = rows.frame.group_by("month").agg(sums(rows.scale)).sort("month")
    mean = pl.col("revenue").mean().over("year")
    return months.select(
        pl.col("month").dt.year().cast(pl.Int64).alias("year"),
        pl.col("month").dt.month().cast(pl.Int64).alias("month_of_year"),
        "revenue",
    ).with_columns(year_index=pl.when(mean > 0).then(pl.col("revenue") / mean))
