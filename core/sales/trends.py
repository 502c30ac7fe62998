"""Revenue over time and by place, person and product line."""

from collections.abc import Collection

import numpy as np
import polars as pl

from core.days import to_date
from core.filters import SalesFilters
from core.sales.columns import Rows, month_date, month_number
from core.sales.frames import SalesData
from core.sales.selection import MEASURES, line_rows, order_rows_exact, resolve, sales_rows

SALES_DIMENSIONS = ("country", "product_line", "office", "sales_rep")


def revenue_by_month(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Revenue of every month of the period.

    Returns
    -------
    month (first day), revenue, gross_profit (currency), quantity (pieces). Months between without sales are
    there with zeros; the first and last month may be cut by the period.
    """
    chosen = resolve(sales, filters, skip)
    rows = sales_rows(sales, chosen)
    months = rows.take("month")
    if not len(months):
        first, count = 0, 0
        months = months.astype(np.int64)
    else:
        first = month_number(to_date(chosen.first))
        count = month_number(to_date(chosen.last)) - first + 1
    sums = rows.sums_by(MEASURES, months - first, count)
    starts = pl.Series("month", [month_date(first + i) for i in range(count)], dtype=pl.Date)
    return pl.DataFrame([starts, *(pl.Series(name, sums[name]) for name in MEASURES)])


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
    labels, values = sales.labels(dimension)
    count = len(labels)

    rows = sales_rows(sales, chosen)
    groups = _groups(sales, rows, dimension)
    sums = rows.sums_by(MEASURES, groups, count)
    lines = rows if rows.has("customer") else line_rows(sales, chosen)
    line_groups = groups if lines is rows else _groups(sales, lines, dimension)
    customers = lines.distinct_by("buyer", sales.buyer_count, line_groups, count)
    exact = None if dimension == "product_line" else order_rows_exact(sales, chosen)
    if exact is not None:
        orders = exact.sums_by(["orders"], _groups(sales, exact, dimension), count)["orders"]
    else:
        orders = lines.distinct_by("order", sales.order_count, line_groups, count)

    present = np.flatnonzero(np.bincount(groups, minlength=count))
    order = present[np.argsort(-sums["revenue"][present], kind="stable")]
    return pl.DataFrame(
        {
            "label": pl.Series([labels[i] for i in order], dtype=pl.String),
            "value": pl.Series([values[i] for i in order], dtype=pl.String),
            **{name: sums[name][order] for name in MEASURES},
            "customers": customers[order],
            "orders": orders[order],
        }
    )


def _groups(sales: SalesData, rows: Rows, dimension: str) -> np.ndarray:
    """The group of each row: the code of the dimension."""
    if dimension == "office":
        return sales.office_of_sales_rep[rows.take("sales_rep")]
    return rows.take(dimension)


def seasonality(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> pl.DataFrame:
    """Revenue by year and month of the year.

    Returns
    -------
    year, month_of_year (1 to 12), revenue (currency), year_index (revenue by the mean of the year's months
    with sales; null where that mean is not positive).
    """
    rows = sales_rows(sales, resolve(sales, filters, skip))
    months = rows.take("month").astype(np.int64)
    first = int(months.min()) if len(months) else 0
    revenue = rows.sums_by(["revenue"], months - first, 0)["revenue"]
    present = np.flatnonzero(np.bincount(months - first))
    years, revenue = (present + first) // 12, revenue[present]
    base = int(years[0]) if len(years) else 0
    counts = np.maximum(np.bincount(years - base), 1)
    mean = (np.bincount(years - base, weights=revenue) / counts)[years - base]
    index = np.divide(revenue, mean, out=np.full(len(mean), np.nan), where=mean > 0)
    return pl.DataFrame(
        {
            "year": years,
            "month_of_year": (present + first) % 12 + 1,
            "revenue": revenue,
            "year_index": pl.Series(index).fill_nan(None),
        }
    )
