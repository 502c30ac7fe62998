"""Who comes back: cohorts by the quarter of the first order, active customers, time since the last order."""

import datetime as dt

import numpy as np
import polars as pl

from core.days import to_day
from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.people import passing
from core.sales.selection import resolve

ACTIVE_DAYS = 365
_RECENT_DAYS = 90
_BINS = ((0, 30), (31, 60), (61, 90), (91, 180), (181, 365), (366, None))


def cohort_triangle(sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
    """Which share of the customers of each quarter of first order ordered again in the quarters after it.

    Filters on customers apply, those on period and products do not. Quarters that are not over are left out.

    Returns
    -------
    cohort (such as ``2024 Q1``), quarter (0: that of the first order), customers (of the cohort), ordered (of
    them, in that quarter), share (ordered over customers); sorted by cohort and quarter. Of a company whose
    lines are a sample, counts are those of the sample.
    """
    orders = _orders(sales, filters).with_columns(number=_quarter_number("order_date")).unique(
        ["customer", "number"]
    )  # fmt: skip
    over = _quarter(sales.as_of)  # the quarter of the as-of day is not over: rows end before that day
    first = pl.col("number").min().over("customer").alias("first")
    cells = (
        orders.with_columns(first)
        .filter(pl.col("number") < over)
        .group_by("first", "number")
        .agg(ordered=pl.len())
    )
    sizes = cells.filter(pl.col("number") == pl.col("first")).select("first", customers="ordered")
    return (
        sizes.select("first", "customers", number=pl.int_ranges("first", over))
        .explode("number", empty_as_null=False)
        .join(cells, on=["first", "number"], how="left")
        .with_columns(pl.col("ordered").fill_null(0))
        .sort("first", "number")
        .select(
            cohort=pl.format("{} Q{}", pl.col("first") // 4, pl.col("first") % 4 + 1),
            quarter=(pl.col("number") - pl.col("first")).cast(pl.Int64),
            customers="customers",
            ordered="ordered",
            share=pl.col("ordered") / pl.col("customers"),
        )
    )


def active_customers(sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
    """Customers at the end of each month who had ordered in the year, and in the 90 days, before.

    Returns
    -------
    month (first day), active, recent (customers; scaled up where lines are a sample), new (customers with
    their first order in the month). The month of the as-of day is counted up to that day.
    """
    days = _orders(sales, filters).unique()
    if days.is_empty():
        return pl.DataFrame(
            schema={"month": pl.Date, "active": pl.Int64, "recent": pl.Int64, "new": pl.Int64}
        )
    last = sales.as_of - dt.timedelta(days=1)
    months = pl.date_range(sales.first_day.replace(day=1), last, "1mo", eager=True).alias("month")
    ends = pl.DataFrame({"month": months}).with_columns(
        end=pl.min_horizontal(pl.col("month").dt.month_end(), pl.lit(last))
    )
    end = np.array([to_day(day) for day in ends["end"]])
    ordered = days.sort("customer", "order_date")
    customer = ordered["customer"].to_numpy()
    day = ordered["order_date"].cast(pl.Int32).to_numpy().astype(np.int64)
    same = np.append(customer[1:] == customer[:-1], False)
    until = np.where(same, np.append(day[1:], 0), np.iinfo(np.int64).max)
    scale = 1 / sales.sampled_share
    found = {
        name: np.rint(_alive(day, until, width, end) * scale).astype(np.int64)
        for name, width in (("active", ACTIVE_DAYS), ("recent", _RECENT_DAYS))
    }
    first = days.group_by("customer").agg(pl.col("order_date").min().dt.truncate("1mo").alias("month"))
    new = ends.select("month").join(
        first.group_by("month").agg(new=pl.len()), on="month", how="left", maintain_order="left"
    )  # fmt: skip
    return ends.select("month").with_columns(
        pl.Series("active", found["active"]),
        pl.Series("recent", found["recent"]),
        (new["new"].fill_null(0) * scale).round(0).cast(pl.Int64),
    )


def _alive(day: np.ndarray, until: np.ndarray, width: int, ends: np.ndarray) -> np.ndarray:
    """How many stretches ``[day, min(until, day + width))`` hold each of the days ``ends``."""
    stops = np.sort(np.minimum(until, day + width))
    return np.searchsorted(np.sort(day), ends, side="right") - np.searchsorted(stops, ends, side="right")


def silence(sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
    """All customers who ever ordered, by the days since their last order.

    Returns
    -------
    label (such as ``31–60 days``), first, last (days; the last is null beyond), customers, revenue_365 (of
    them, before the as-of date, currency).
    """
    mask = passing(sales, resolve(sales, filters).allowed).mask()
    known = sales.customers.filter(pl.Series(mask) & pl.col("last_order_day").is_not_null())
    gap = to_day(sales.as_of) - known["last_order_day"].cast(pl.Int64)
    rows = []
    for first, last in _BINS:
        inside = known.filter((gap >= first) & (gap <= last if last is not None else True))
        label = f"{first}–{last} days" if last is not None else "over a year"
        rows.append((label, first, last, inside.height, float(inside["revenue_365"].fill_null(0).sum())))
    names = ["label", "first", "last", "customers", "revenue_365"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _orders(sales: SalesData, filters: SalesFilters) -> pl.DataFrame:
    """customer (row number) and order_date of the lines of the customers that pass."""
    mask = passing(sales, resolve(sales, filters).allowed).mask()
    rows = sales.lines.select("customer", "order_date")
    if mask.all():
        return rows
    return rows.filter(pl.Series(mask[rows["customer"].to_numpy()]))


def _quarter_number(column: str) -> pl.Expr:
    day = pl.col(column)
    return day.dt.year().cast(pl.Int64) * 4 + day.dt.quarter().cast(pl.Int64) - 1


def _quarter(day: dt.date) -> int:
    return day.year * 4 + (day.month - 1) // 3
