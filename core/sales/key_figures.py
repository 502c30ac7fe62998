"""The headline figures of a period against the period before."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from core.days import month_end, month_start, previous_period, to_day, trailing_period
from core.filters import SalesFilters
from core.sales.balance_history import balances_between
from core.sales.columns import Rows, month_number
from core.sales.frames import SalesData
from core.sales.receivables import totals_of
from core.sales.selection import (
    Selection,
    ignored_filters,
    line_rows,
    order_rows_exact,
    resolve,
    sales_rows,
)


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
        Values by calendar month over the period (whole months as far as they are known); of balances those at
        the ends of the months, empty where customers are restricted one by one.
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
    now = _flows(sales, _within(sales, chosen, first, last))
    then = None if before is None else _flows(sales, _within(sales, chosen, *before))
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
    history: dict[str, tuple[float, ...]] = {}
    if not chosen.restricts("customer"):
        start, end = max(month_start(first), month_start(sales.first_day)), min(last, sales.as_of)
        history = balances_between(sales.balance_history, dict(chosen.allowed), start, end)
    return KeyFigures(first, last, before, (*figures, *_balances(sales, filters, skip, trailing, history)))


def _within(sales: SalesData, chosen: Selection, first: date, last: date) -> Selection:
    """The selection in another period, cut to that of the data."""
    return replace(chosen, first=to_day(max(first, sales.first_day)), last=to_day(min(last, sales.last_day)))


def _flows(sales: SalesData, chosen: Selection) -> dict[str, tuple[float | None, bool]]:
    """Value and estimate flag of the figures that add up over a period."""
    rows = sales_rows(sales, chosen)
    lines = rows if rows.has("customer") else line_rows(sales, chosen)
    exact = order_rows_exact(sales, chosen)
    orders = lines.distinct("order", sales.order_count) if exact is None else round(exact.total("orders"))
    return {
        "revenue": _told(rows.total("revenue"), rows),
        "gross_profit": _told(rows.total("gross_profit"), rows),
        "orders": _told(orders, exact or lines),
        "active_customers": _told(lines.distinct("buyer", sales.buyer_count), lines),
    }


def _told(value: float, rows: Rows) -> tuple[float | None, bool]:
    return None if rows.unknown else value, rows.is_estimate


def _sparklines(sales: SalesData, chosen: Selection, first: date, last: date) -> dict[str, tuple[float, ...]]:
    """Monthly values of the months that a period touches, as far as there are data."""
    start, end = max(month_start(first), sales.first_day), min(month_end(last), sales.last_day)
    if start > end:
        return {}
    base = month_number(start)
    count = month_number(end) - base + 1
    whole = replace(chosen, first=to_day(start), last=to_day(end))
    rows = sales_rows(sales, whole)
    values = rows.sums_by(["revenue", "gross_profit"], rows.take("month") - base, count)
    lines = rows if rows.has("customer") else line_rows(sales, whole)
    months = lines.take("month") - base
    values["active_customers"] = lines.distinct_by("buyer", sales.buyer_count, months, count)
    exact = order_rows_exact(sales, whole)
    if exact is None:
        values["orders"] = lines.distinct_by("order", sales.order_count, months, count)
    else:
        values["orders"] = exact.sums_by(["orders"], exact.take("month") - base, count)["orders"]
    return {name: tuple(by_month.tolist()) for name, by_month in values.items()}


def _balances(
    sales: SalesData,
    filters: SalesFilters,
    skip: tuple[str, ...],
    trailing: bool,
    history: dict[str, tuple[float, ...]],
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
            history.get(key, ()),
            ignored_filters=ignored,
        )
        for key, label in (("outstanding", "Outstanding receivables"), ("overdue", "Overdue receivables"))
    )
