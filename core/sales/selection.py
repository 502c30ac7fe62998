"""Filters applied to the frames: which rows a chart sums, and whether they are exact or a sample."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from core.days import month_end, month_start
from core.filters import DIMENSIONS, SalesFilters
from core.sales.frames import SalesData

PRODUCT_DIMENSIONS = ("product_line", "product")
CUSTOMER_DIMENSIONS = ("customer", "credit_limit", "spend")
_SUBJECTS: dict[str, tuple[str, ...]] = {
    "sales": DIMENSIONS,
    "customers": ("country", "office", "sales_rep", *CUSTOMER_DIMENSIONS),
    "balances": ("country", "office", "sales_rep", *CUSTOMER_DIMENSIONS),
    "payments": ("period", "country", "office", "sales_rep"),
    "stock": PRODUCT_DIMENSIONS,
}


def ignored_filters(filters: SalesFilters, subject: str, skip: Collection[str] = ()) -> tuple[str, ...]:
    """The restricted dimensions that figures about ``subject`` cannot take into account.

    ``subject`` is ``sales`` (none), ``customers`` (credit limits, purchasing power), ``balances``
    (receivables by customer), ``payments`` (payments and invoices by month) or ``stock`` (stock cover, dead
    stock).
    """
    return tuple(name for name in filters.active(skip) if name not in _SUBJECTS[subject])


@dataclass(frozen=True)
class Selection:
    """Filters in the codes of the frames. ``None`` means not restricted; periods include both ends.

    ``people`` tells for each customer whether the restrictions on single customers, credit limit and spend
    let it pass.
    """

    first: date
    last: date
    countries: tuple[str, ...] | None = None
    sales_reps: tuple[int, ...] | None = None
    product_lines: tuple[str, ...] | None = None
    products: tuple[int, ...] | None = None
    people: np.ndarray | None = None

    @property
    def by_customer(self) -> bool:
        """Whether customers are restricted one by one, which no cube can do."""
        return self.people is not None

    @property
    def by_product(self) -> bool:
        """Whether single products are restricted."""
        return self.products is not None

    @property
    def conditions(self) -> list[pl.Expr]:
        """Conditions on the columns country, sales_rep, product_line and product."""
        return [
            pl.col(column).is_in(wanted)
            for column, wanted in (
                ("country", self.countries),
                ("sales_rep", self.sales_reps),
                ("product_line", self.product_lines),
                ("product", self.products),
            )
            if wanted is not None
        ]


@dataclass(frozen=True)
class Rows:
    """Rows to sum. ``scale`` is what sums and counts are multiplied by: above 1 for those of a sample.

    ``unknown`` tells that customers match but none of them is in the sample, so nothing can be said.
    """

    frame: pl.DataFrame
    scale: float = 1.0
    is_estimate: bool = False
    unknown: bool = False


def resolve(sales: SalesData, filters: SalesFilters, skip: Collection[str] = ()) -> Selection:
    """``filters`` without the dimensions in ``skip``, in the codes of the frames of ``sales``."""
    active = filters.active(skip)
    first, last = sales.first_day, sales.last_day
    if "period" in active:
        start, end = filters.values_of("period")
        first, last = max(first, start), min(last, end)
    return Selection(
        first=first,
        last=last,
        countries=_known(filters, "country", active, sales.countries),
        sales_reps=_sales_rep_codes(sales, filters, active),
        product_lines=_known(filters, "product_line", active, sales.product_lines),
        products=_key_codes(sales.products, filters.values_of("product")) if "product" in active else None,
        people=_people(sales, filters, active),
    )


def _known(
    filters: SalesFilters, dimension: str, active: Collection[str], known: Sequence[str]
) -> tuple[str, ...] | None:
    if dimension not in active:
        return None
    exist = set(known)
    return tuple(value for value in filters.values_of(dimension) if value in exist)


def _key_codes(frame: pl.DataFrame, keys: Sequence[str]) -> tuple[int, ...]:
    """The row numbers of ``keys`` in ``frame``."""
    return tuple(frame["key"].is_in(list(keys)).arg_true())


def _sales_rep_codes(
    sales: SalesData, filters: SalesFilters, active: Collection[str]
) -> tuple[int, ...] | None:
    if "office" not in active and "sales_rep" not in active:
        return None
    chosen = pl.lit(True)
    if "office" in active:
        chosen = chosen & pl.col("office_name").is_in(list(filters.values_of("office")))
    if "sales_rep" in active:
        chosen = chosen & pl.col("key").is_in(list(filters.values_of("sales_rep")))
    return tuple(sales.sales_reps.select(chosen.arg_true()).to_series())


def _people(sales: SalesData, filters: SalesFilters, active: Collection[str]) -> np.ndarray | None:
    chosen: pl.Expr | None = None
    for dimension, column in (("credit_limit", "credit_limit"), ("spend", "revenue_365")):
        if dimension in active:
            low, high = filters.values_of(dimension)
            within = pl.col(column).is_between(low, high).fill_null(False)
            chosen = within if chosen is None else chosen & within
    if "customer" in active:
        named = pl.col("key").is_in(list(filters.values_of("customer")))
        chosen = named if chosen is None else chosen & named
    return None if chosen is None else sales.customers.select(chosen).to_series().to_numpy()


def customer_mask(sales: SalesData, chosen: Selection) -> np.ndarray:
    """For each customer, whether all restrictions on customers let it pass (country, office, ... spend)."""
    places = Selection(chosen.first, chosen.last, chosen.countries, chosen.sales_reps).conditions
    mask = np.ones(sales.customers.height, dtype=bool)
    if places:
        mask = sales.customers.select(pl.all_horizontal(places)).to_series().to_numpy()
    return mask if chosen.people is None else mask & chosen.people


def _between(frame: pl.DataFrame, column: str, first: date, last: date) -> pl.DataFrame:
    """The rows of a frame sorted by ``column`` from ``first`` to ``last``."""
    if first > last or frame.is_empty():
        return frame.head(0)
    days = frame[column]
    start = days.search_sorted(first, side="left")
    return frame.slice(start, days.search_sorted(last, side="right") - start)


def _whole_months(sales: SalesData, first: date, last: date) -> tuple[date, date]:
    """The first and last day of the whole months within a period; months cut by the data's ends are whole."""
    start = month_start(first)
    if first > max(start, sales.first_day):
        start = date.fromordinal(month_end(first).toordinal() + 1)
    end = month_end(last)
    if last < min(end, sales.last_day):
        end = date.fromordinal(month_start(last).toordinal() - 1)
    return start, end


def _cube_rows(
    sales: SalesData, days: pl.DataFrame, months: pl.DataFrame, first: date, last: date
) -> pl.DataFrame:
    """Rows of a period: whole months from the cube by month, the days at both ends from that by day."""
    if first > last:
        return months.head(0)
    start, end = _whole_months(sales, first, last)
    if start > end:
        return _between(days, "order_date", first, last).select(months.columns)
    parts = [_between(months, "month", start, end)]
    if first < start:
        parts.append(
            _between(days, "order_date", first, date.fromordinal(start.toordinal() - 1)).select(
                months.columns
            )
        )
    if end < last:
        parts.append(
            _between(days, "order_date", date.fromordinal(end.toordinal() + 1), last).select(months.columns)
        )
    return parts[0] if len(parts) == 1 else pl.concat(parts, rechunk=False)


def _filtered(frame: pl.DataFrame, conditions: list[pl.Expr]) -> pl.DataFrame:
    return frame.filter(*conditions) if conditions else frame


def line_rows(sales: SalesData, chosen: Selection) -> Rows:
    """The order lines of a selection, exact or a sample to be scaled."""
    frame = _between(sales.lines, "order_date", chosen.first, chosen.last)
    conditions: list[pl.Expr | pl.Series] = list(chosen.conditions)
    if chosen.people is not None:
        conditions.append(pl.Series(chosen.people[frame["customer"].to_numpy()]))
    frame = frame.filter(*conditions) if conditions else frame
    if not sales.is_sampled:
        return Rows(frame)
    mask = customer_mask(sales, chosen)
    matching = int((mask & (sales.customers["order_lines"] > 0).to_numpy()).sum())
    kept = int((mask & sales.customers["in_sample"].to_numpy()).sum())
    if kept == matching:  # every customer concerned happens to be in the sample
        return Rows(frame)
    return Rows(frame, matching / kept if kept else 0.0, is_estimate=True, unknown=kept == 0)


def sales_rows(sales: SalesData, chosen: Selection, by_product: bool = False) -> Rows:
    """Rows with revenue, gross_profit, quantity, month, country, sales_rep, product_line (and product).

    They come from the smallest frame that is exact for the selection; else from the sample of lines.
    """
    if chosen.by_customer:
        return line_rows(sales, chosen)
    if not (by_product or chosen.by_product):
        rows = _cube_rows(sales, sales.daily, sales.monthly, chosen.first, chosen.last)
        return Rows(_filtered(rows, chosen.conditions))
    start, end = _whole_months(sales, chosen.first, chosen.last)
    months_suffice = start <= chosen.first and chosen.last <= end
    if months_suffice and (sales.is_sampled or sales.product_monthly.height <= sales.lines.height):
        frame = _between(sales.product_monthly, "month", start, end)
        return Rows(_filtered(frame if chosen.first <= chosen.last else frame.head(0), chosen.conditions))
    return line_rows(sales, chosen)


def counts_orders_exactly(chosen: Selection) -> bool:
    """Whether ``order_cube_rows`` can count the orders of a selection (not by product or customer)."""
    return not (chosen.by_customer or chosen.by_product or chosen.product_lines is not None)


def order_cube_rows(sales: SalesData, chosen: Selection) -> pl.DataFrame:
    """Rows with orders, month, country and sales_rep, whose sum is the number of orders."""
    rows = _cube_rows(sales, sales.orders_daily, sales.orders_monthly, chosen.first, chosen.last)
    return _filtered(rows, chosen.conditions)


def distinct(rows: Rows, what: str, size: int) -> int:
    """How many different ``what`` (``customer`` or ``order``, codes below ``size``) the rows hold, scaled."""
    seen = np.zeros(size, dtype=bool)
    seen[rows.frame[what].to_numpy()] = True
    return round(int(seen.sum()) * rows.scale)


def distinct_by(rows: Rows, what: str, size: int, groups: np.ndarray, group_count: int) -> np.ndarray:
    """As ``distinct`` for each group; ``groups`` holds the group of every row."""
    cells = groups.astype(np.int64) * size + rows.frame[what].to_numpy()
    if group_count * size <= 50_000_000:
        seen = np.zeros(group_count * size, dtype=bool)
        seen[cells] = True
        counts = seen.reshape(group_count, size).sum(axis=1)
    else:
        counts = np.bincount(np.unique(cells) // size, minlength=group_count)
    return np.rint(counts * rows.scale).astype(np.int64)
