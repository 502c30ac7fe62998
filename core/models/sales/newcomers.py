"""How much of the sales comes from customers who had not ordered before."""

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class NewShare:
    """The share of revenue that customers bring who order for the first time within the window.

    ``mean`` over past windows, ``low`` and ``high`` their tenth and ninetieth percentile, ``windows`` how
    many there were; nan where the history is shorter than a year and a window.
    """

    months: int
    mean: float
    low: float
    high: float
    windows: int


def new_customer_share(
    by_first_month: pl.DataFrame, next_month: int, months: int, windows: int = 12
) -> NewShare:
    """The share in windows of ``months`` months before ``next_month``.

    Parameters
    ----------
    by_first_month
        order_month and first_order_month (yyyymm), revenue; orders without customer count as not new.
    next_month
        The first month not counted, as year × 12 + month − 1.
    """
    order, first = (_number(by_first_month, name) for name in ("order_month", "first_order_month"))
    amounts = by_first_month["revenue"].fill_null(0.0).to_numpy()
    if not len(order):
        return NewShare(months, np.nan, np.nan, np.nan, 0)
    begins = int(np.nanmin(order)) + 12
    shares = []
    for start in range(next_month - months, max(begins, next_month - months - windows + 1) - 1, -1):
        inside = (order >= start) & (order < start + months)
        whole = float(amounts[inside].sum())
        if whole > 0:
            shares.append(float(amounts[inside & (first >= start)].sum()) / whole)
    if not shares:
        return NewShare(months, np.nan, np.nan, np.nan, 0)
    low, high = np.quantile(shares, [0.1, 0.9])
    return NewShare(months, float(np.mean(shares)), float(low), float(high), len(shares))


def _number(frame: pl.DataFrame, column: str) -> np.ndarray:
    """yyyymm as year × 12 + month − 1, nan where it is null."""
    value = pl.col(column).cast(pl.Float64)
    year = (value / 100).floor()
    return frame.select(year * 12 + value - 100 * year - 1)[column].to_numpy()
