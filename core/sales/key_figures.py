"""The headline figures of a period against the period before."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import polars as pl

from core.days import month_end, month_start, month_starts, previous_period, trailing_period
from core.filters import SalesFilters
from core.sales.frames import SalesData
from core.sales.receivables import totals_of
from core.sales.selection import (
    Rows,
    Selection,
    counts_orders_exactly,
    distinct,
    distinct_by,
    ignored_filters,
    line_rows,
    order_cube_rows,
    resolve,
    sales_rows,
)
from core.sales.trends import sums


@dataclass(frozen=True)
class KeyFigure:
    """One headline figure.

    Attributes
    ----------
    value
        Of the period, or at the as-of date for balances; ``None`` if a sample cannot tell.
    previous
        Of the period of equal length directly before; ``None`` if the data do not reach back that far.
    sparkline
        Values by calendar month over the period (whole months as far as they are known); empty for balances.
    is_estimate
        Whether the value is scaled up from a sample of customers.
    ignored_filters
        Restrictions that the figure cannot take into account.
    """

    key: str
    label: str
    unit: Literal["money", "count"]
    value: float | None
    previous: float | None
    sparkline: tuple[float, ...]
    is_estimate: bool = False
    ignored_filters: tuple[str, ...] = ()

    @property
    def change(self) -> float | None:
        """Relative change against the previous period; ``None`` if unknown or that was not positive."""
        if self.value is None or self.previous is None or self.previous <= 0:
            return None
        return self.value / self.previous - 1


@dataclass(frozen=True)
class KeyFigures:
    """All headline figures with the periods they belong to (both ends included)."""

    first: date
    last: date
    previous: tuple[date, date] | None
    figures: tuple[KeyFigure, ...]

    def __getitem__(self, key: str) -> KeyFigure:
        return next(figure for figure in self.figures if figure.key == key)


def key_figures(sales: SalesData, filters: SalesFilters, skip: tuple[str, ...] = ()) -> KeyFigures:
    """Revenue, gross profit, orders, active customers, outstanding and overdue receivables.

    The period is the chosen one up to the as-of date, else the 365 days before the as-of date. Receivables
    are balances at the as-of date; their previous value is that of 365 days before and only given when the
    period has 365 days and ends at the as-of date. A customer is active if it ordered in the period.
    """
    chosen = resolve(sales, filters, skip)
    first, last = trailing_period(sales.as_of)
    trailing = True
    if "period" in filters.active(skip):
        start, end = filters.values_of("period")
        trailing = (start, min(end, last)) == (first, last)
        first, last = start, min(end, last)
    before = previous_period(first, last) if first <= last and first > date(1000, 1, 1) else None
    if before is not None and before[0] < sales.first_day:
        before = None
    now = _flows(sales, replace(chosen, first=max(first, sales.first_day), last=min(last, sales.last_day)))
    then = None if before is None else _flows(sales, replace(chosen, first=before[0], last=before[1]))
    sparks = _sparklines(sales, chosen, first, last)
    figures = [
        KeyFigure(
            key,
            label,
            unit,  # type: ignore[arg-type]
            now[key][0],
            None if then is None else then[key][0],
            sparks.get(key, ()),
            is_estimate=now[key][1],
        )
        for key, label, unit in (
            ("revenue", "Revenue", "money"),
            ("gross_profit", "Gross profit", "money"),
            ("orders", "Orders", "count"),
            ("active_customers", "Active customers", "count"),
        )
    ]
    return KeyFigures(first, last, before, (*figures, *_balances(sales, filters, skip, trailing)))


def _flows(sales: SalesData, chosen: Selection) -> dict[str, tuple[float | None, bool]]:
    """Value and estimate flag of the figures that add up over a period."""
    rows = sales_rows(sales, chosen)
    row = rows.frame.select(sums(rows.scale)).row(0, named=True)
    lines = rows if "customer" in rows.frame.columns else line_rows(sales, chosen)
    if counts_orders_exactly(chosen):
        orders: tuple[float | None, bool] = (int(order_cube_rows(sales, chosen)["orders"].sum()), False)
    else:
        orders = _told(distinct(lines, "order", sales.order_count), lines)
    return {
        "revenue": _told(row["revenue"], rows),
        "gross_profit": _told(row["gross_profit"], rows),
        "orders": orders,
        "active_customers": _told(distinct(lines, "customer", sales.customers.height), lines),
    }


def _told(value: float, rows: Rows) -> tuple[float | None, bool]:
    return None if rows.unknown else value, rows.is_estimate


def _sparklines(sales: SalesData, chosen: Selection, first: date, last: date) -> dict[str, tuple[float, ...]]:
    """Monthly values of the months that a period touches, as far as there are data."""
    start, end = max(month_start(first), month_start(sales.first_day)), min(month_end(last), sales.last_day)
    if start > end:
        return {}
    months = pl.DataFrame({"month": month_starts(start, end)}, schema={"month": pl.Date})
    whole = replace(chosen, first=max(start, sales.first_day), last=end)
    rows = sales_rows(sales, whole)
    values = months.join(rows.frame.group_by("month").agg(sums(rows.scale)), on="month", how="left")
    lines = rows if "customer" in rows.frame.columns else line_rows(sales, whole)
    number = lines.frame.select(
        ((pl.col("month").dt.year() - start.year) * 12 + pl.col("month").dt.month() - start.month).cast(
            pl.Int64
        )
    )
    group = number.to_series().to_numpy()
    counted = {"active_customers": distinct_by(lines, "customer", sales.customers.height, group, len(months))}
    if counts_orders_exactly(chosen):
        cube = order_cube_rows(sales, whole).group_by("month").agg(pl.col("orders").sum())
        values = values.join(cube, on="month", how="left")
    else:
        counted["orders"] = distinct_by(lines, "order", sales.order_count, group, len(months))
    values = values.sort("month").fill_null(0)
    result = {name: tuple(values[name].to_list()) for name in values.columns if name != "month"}
    return result | {name: tuple(int(n) for n in counts) for name, counts in counted.items()}


def _balances(
    sales: SalesData, filters: SalesFilters, skip: tuple[str, ...], trailing: bool
) -> tuple[KeyFigure, ...]:
    ignored = ignored_filters(filters, "balances", skip)
    now = totals_of(sales, sales.customer_receivables, filters, skip)
    earlier = sales.receivables_year_before if trailing else None
    then = None if earlier is None else totals_of(sales, earlier, filters, skip)
    return tuple(
        KeyFigure(
            key,
            label,
            "money",
            getattr(now, key),
            None if then is None else getattr(then, key),
            (),
            ignored_filters=ignored,
        )
        for key, label in (("outstanding", "Outstanding receivables"), ("overdue", "Overdue receivables"))
    )
