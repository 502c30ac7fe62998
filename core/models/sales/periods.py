"""Sales by month or week as of a day: whole periods, and what is known of the current one."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from core.days import to_date, to_day

Floats = npt.NDArray[np.float64]
GrainName = Literal["month", "week"]
TOTAL = "total"
UNKNOWN_LINE = "unknown"
SETTLED_DAYS = 90
"""The status of orders older than this is final: nobody cancels them any more."""


@dataclass(frozen=True)
class Grain:
    """Months, or weeks from Monday to Sunday, numbered without gaps."""

    name: GrainName
    season: int

    def number(self, day: int) -> int:
        """The period of a day."""
        if self.name == "week":
            return (day + 3) // 7
        when = to_date(day)
        return when.year * 12 + when.month - 1

    def first_day(self, number: int) -> int:
        """The first day of a period."""
        if self.name == "week":
            return number * 7 - 3
        return to_day(date(number // 12, number % 12 + 1, 1))

    def start(self, number: int) -> date:
        """The first day of a period as a date."""
        return to_date(self.first_day(number))


MONTH, WEEK = Grain("month", 12), Grain("week", 52)
GRAINS = {grain.name: grain for grain in (MONTH, WEEK)}


@dataclass(frozen=True)
class History:
    """What is known of sales as of a day.

    Attributes
    ----------
    names
        The total first, then the product lines.
    values
        Series × whole periods before the as-of day; the first period is ``first``.
    observed
        Of each series, what was sold in the current period before the as-of day.
    remaining
        The share of a period that is usually sold after the current place in it; 1 at its beginning.
    kept_share
        The share of ordered amounts that is not cancelled later. What was ordered in the last
        ``SETTLED_DAYS`` days counts with this share, since nobody knows as of the day which of it will be
        cancelled; older orders count as they turned out.
    """

    grain: Grain
    names: tuple[str, ...]
    first: int
    values: Floats
    observed: Floats
    remaining: float
    kept_share: float
    as_of_day: int

    @property
    def periods(self) -> int:
        """Number of whole periods."""
        return self.values.shape[1]

    @property
    def next(self) -> int:
        """The first period that is not whole as of the day."""
        return self.first + self.periods

    @property
    def is_within_period(self) -> bool:
        """Whether the as-of day is not the first of its period."""
        return self.as_of_day > self.grain.first_day(self.next)


def history(daily: pl.DataFrame, as_of_day: int, grain: Grain = MONTH) -> History:
    """Sales by period from sales by day.

    Parameters
    ----------
    daily
        order_day, product_line, revenue, and ``ordered`` where cancelled orders are known; rows on or after
        the as-of day are ignored. Days without sales may be missing.
    """
    known = daily.filter(pl.col("order_day") < as_of_day, pl.col("order_day").is_not_null())
    if "ordered" not in known.columns:
        known = known.with_columns(ordered="revenue")
    known = known.with_columns(
        pl.col("product_line").cast(pl.String).fill_null(UNKNOWN_LINE), pl.col("ordered").fill_null(0.0)
    ).sort("order_day", "product_line")  # sums of the same numbers in the same order are the same
    kept = _kept_share(known, as_of_day)
    lines = known["product_line"].unique().sort().to_list()
    names = (TOTAL, *lines) if len(lines) > 1 else (TOTAL,)
    current = grain.number(as_of_day)
    first = _first_whole(known, grain, current)
    row = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(names), max(current - first, 0) + 1))
    settled = pl.col("order_day") < as_of_day - SETTLED_DAYS
    sold = pl.when(settled).then(pl.col("revenue").fill_null(0.0)).otherwise(pl.col("ordered") * kept)
    by_day = known.group_by("order_day", "product_line").agg(sold.sum().alias("sold"))
    by_day = by_day.sort("order_day", "product_line")
    for day, line, amount in by_day.iter_rows():
        place = grain.number(day) - first
        if place >= 0:
            table[0, place] += amount
            if line in row:
                table[row[line], place] += amount
    return History(
        grain, names, first, table[:, :-1], table[:, -1], _remaining(known, as_of_day, grain), kept, as_of_day
    )


def _kept_share(known: pl.DataFrame, as_of_day: int) -> float:
    settled = known.filter(pl.col("order_day") < as_of_day - SETTLED_DAYS)
    ordered, revenue = (float(settled[name].sum() or 0.0) for name in ("ordered", "revenue"))
    return float(np.clip(revenue / ordered, 0.0, 1.0)) if ordered > 0 else 1.0


def _first_whole(known: pl.DataFrame, grain: Grain, current: int) -> int:
    """The first period that counts: that of the first sale, unless most of it was over by then."""
    if known.is_empty():
        return current
    day = int(known["order_day"].min())  # type: ignore[arg-type]  # days are integers
    number = grain.number(day)
    start, end = grain.first_day(number), grain.first_day(number + 1)
    late = (day - start) > (end - start) / 3
    return min(number + 1 if late else number, current)


def _remaining(known: pl.DataFrame, as_of_day: int, grain: Grain, periods: int = 24) -> float:
    """The share of earlier periods' sales that came after the same place in the period."""
    current = grain.number(as_of_day)
    start, end = grain.first_day(current), grain.first_day(current + 1)
    passed = (as_of_day - start) / (end - start)
    if passed == 0:
        return 1.0
    by_day = known.group_by("order_day", maintain_order=True).agg(pl.col("ordered").sum())
    days, amounts = by_day["order_day"].to_numpy(), by_day["ordered"].to_numpy()
    after = whole = 0.0
    for number in range(current - periods, current):
        begin, stop = grain.first_day(number), grain.first_day(number + 1)
        inside = (days >= begin) & (days < stop)
        whole += float(amounts[inside].sum())
        after += float(amounts[inside & (days >= begin + passed * (stop - begin))].sum())
    return float(np.clip(after / whole, 0.0, 1.0)) if whole > 0 else 1.0 - passed


def actual(daily: pl.DataFrame, names: tuple[str, ...], first: int, count: int, grain: Grain) -> Floats:
    """Revenue (without cancelled orders) of each series in ``count`` periods from ``first``."""
    start, end = grain.first_day(first), grain.first_day(first + count)
    inside = daily.filter(pl.col("order_day") >= start, pl.col("order_day") < end)
    row = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(names), count))
    for day, line, amount in inside.select("order_day", "product_line", "revenue").iter_rows():
        place = grain.number(day) - first
        table[0, place] += amount or 0.0
        name = UNKNOWN_LINE if line is None else str(line)
        if name in row and name != TOTAL:
            table[row[name], place] += amount or 0.0
    return table
