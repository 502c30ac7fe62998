"""Filters applied to the cubes: which rows a chart sums, and whether they are exact or a sample."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from core.days import month_end, month_start, to_date, to_day
from core.filters import DIMENSIONS, SalesFilters
from core.sales.columns import Columns, Part, Rows, month_number, part_between
from core.sales.frames import SalesData
from core.sales.people import Buyers, customers_with, passing, places_of, values_of

MEASURES = ("revenue", "gross_profit", "quantity")
CUSTOMER_DIMENSIONS = ("customer", "credit_limit", "spend")
_SUBJECTS: dict[str, tuple[str, ...]] = {
    "sales": DIMENSIONS,
    "balances": ("country", "office", "sales_rep", *CUSTOMER_DIMENSIONS),
    "payments": ("period", "country", "office", "sales_rep"),
    "stock": ("product_line", "product"),
}


def ignored_filters(filters: SalesFilters, subject: str, skip: Collection[str] = ()) -> tuple[str, ...]:
    """The restricted dimensions that figures about ``subject`` cannot take into account.

    ``subject`` is ``sales`` (none; also customers and their limits), ``balances`` (receivables by customer),
    ``payments`` (payments and invoices by month) or ``stock`` (stock cover, dead stock).
    """
    return tuple(name for name in filters.active(skip) if name not in _SUBJECTS[subject])


@dataclass(frozen=True)
class Selection:
    """Filters in the codes of the cubes.

    Attributes
    ----------
    first, last
        Days (since 1970-01-01) of the period, both included, within those of the data.
    allowed
        For restricted columns (country, sales_rep, product_line, product, customer): which codes pass.
        ``customer`` holds the restrictions on single customers, credit limit and spend.
    """

    first: int
    last: int
    allowed: Mapping[str, np.ndarray] = field(default_factory=dict)

    def restricts(self, *columns: str) -> bool:
        """Whether any of these columns is restricted."""
        return any(column in self.allowed for column in columns)


def resolve(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> Selection:
    """``filters`` without the dimensions in ``skip``, in the codes of the cubes of ``sales``."""
    active = filters.active(skip)
    first, last = to_day(sales.first_day), to_day(sales.last_day)
    if "period" in active:
        start, end = filters.values_of("period")
        first, last = max(first, to_day(start)), min(last, to_day(end))
    allowed: dict[str, np.ndarray] = {}
    for dimension in ("country", "product_line", "sales_rep", "product"):
        if dimension in active:
            allowed[dimension] = _allowed(sales.positions(dimension), filters.values_of(dimension))
    if "office" in active:
        reps = sales.sales_reps["office_name"].is_in(list(filters.values_of("office"))).to_numpy()
        allowed["sales_rep"] = allowed["sales_rep"] & reps if "sales_rep" in allowed else reps
    people = _people(sales, filters, active)
    if people is not None:
        allowed["customer"] = people
    return Selection(first, last, allowed)


def _allowed(positions: Mapping[str, int], values: Collection[str]) -> np.ndarray:
    """Which codes belong to ``values``; values that are not in the data match nothing."""
    table = np.zeros(len(positions), dtype=bool)
    table[[positions[value] for value in values if value in positions]] = True
    return table


def _people(sales: SalesData, filters: SalesFilters, active: Collection[str]) -> np.ndarray | None:
    passes: np.ndarray | None = None
    for dimension, column in (("credit_limit", "credit_limit"), ("spend", "revenue_365")):
        if dimension in active:
            low, high = filters.values_of(dimension)
            values = values_of(sales, column)
            within = (values >= low) & (values <= high)  # customers without a limit are NaN here: outside
            passes = within if passes is None else passes & within
    if "customer" in active:
        named = np.zeros(sales.customers.height, dtype=bool)
        named[customers_with(sales, filters.values_of("customer"))] = True
        passes = named if passes is None else passes & named
    return passes


def buyers(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> Buyers:
    """The customers of a selection."""
    chosen = resolve(sales, filters, skip)
    if not set(filters.active(skip)) & {"period", "product_line", "product"}:
        return passing(sales, chosen.allowed)
    lines = line_rows(sales, chosen)  # of customers that pass
    bought = np.zeros(sales.customers.height, dtype=bool)
    bought[lines.take("customer")] = True
    return Buyers(sales, places_of(sales).passing(chosen.allowed), np.flatnonzero(bought), lines.scale)


def _whole_months(sales: SalesData, first: int, last: int) -> tuple[int, int]:
    """First and last day of the whole months within a period; months cut by the data's ends are whole."""
    start, end = to_date(first), to_date(last)
    if start > max(month_start(start), sales.first_day):
        start = month_end(start) + timedelta(days=1)
    if end < min(month_end(end), sales.last_day):
        end = month_start(end) - timedelta(days=1)
    return to_day(start), to_day(end)


def _months(months: Columns, start: int, end: int) -> Part:
    return part_between(months, month_number(to_date(start)), month_number(to_date(end)))


def _period(sales: SalesData, days: Columns, months: Columns, chosen: Selection) -> Rows:
    """Rows of a selection: whole months from the cube by month, the days at both ends from that by day."""
    first, last = chosen.first, chosen.last
    if first > last:
        return Rows([part_between(months, 0, -1)])
    start, end = _whole_months(sales, first, last)
    if start > end:
        return Rows([part_between(days, first, last).where(chosen.allowed)])
    parts = [_months(months, start, end)]
    if first < start:
        parts.append(part_between(days, first, start - 1))
    if end < last:
        parts.append(part_between(days, end + 1, last))
    return Rows([part.where(chosen.allowed) for part in parts])


def line_rows(sales: SalesData, chosen: Selection, by_product: bool = False) -> Rows:
    """Rows with customer and order, exact or of a sample to be scaled.

    They are order lines where products matter, else these summed by order and product line.
    """
    name = "lines" if by_product or chosen.restricts("product") else "order_product_lines"
    part = part_between(sales.cubes[name], chosen.first, chosen.last).where(chosen.allowed)
    if not sales.is_sampled:
        return Rows([part])
    who = passing(sales, chosen.allowed)
    matching = int(who.sums("with lines", lambda: values_of(sales, "order_lines") > 0)[0])
    kept = int(who.sums("in sample", lambda: sales.customers["in_sample"].to_numpy())[0])
    if kept == matching:  # every customer concerned happens to be in the sample
        return Rows([part])
    return Rows([part], matching / kept if kept else 0.0, is_estimate=True, unknown=kept == 0)


def sales_rows(sales: SalesData, chosen: Selection, by_product: bool = False) -> Rows:
    """Rows with ``MEASURES``, month, product_line; with ``by_product`` product, else country and sales_rep.

    They come from the smallest cube that is exact for the selection; else from the sample of lines.
    """
    cubes = sales.cubes
    if chosen.restricts("customer"):
        return line_rows(sales, chosen, by_product)
    if not (by_product or chosen.restricts("product")):
        return _period(sales, cubes["daily"], cubes["monthly"], chosen)
    if chosen.first > chosen.last:
        return Rows([part_between(cubes["lines"], 0, -1)])
    start, end = _whole_months(sales, chosen.first, chosen.last)
    months_suffice = start <= chosen.first and chosen.last <= end
    if months_suffice and by_product and not chosen.restricts("country", "sales_rep"):
        return Rows([_months(cubes["product_months"], start, end).where(chosen.allowed)])
    if months_suffice and (sales.is_sampled or cubes["product_monthly"].height < cubes["lines"].height):
        return Rows([_months(cubes["product_monthly"], start, end).where(chosen.allowed)])
    return line_rows(sales, chosen, by_product=True)


def order_rows_exact(sales: SalesData, chosen: Selection) -> Rows | None:
    """Rows whose column ``orders`` sums to the number of orders; ``None`` if products or customers are
    restricted, so that orders must be counted among the lines."""
    if chosen.restricts("customer", "product", "product_line"):
        return None
    return _period(sales, sales.cubes["orders_daily"], sales.cubes["orders_monthly"], chosen)
