"""Making forecasts of the total, of product lines and of customers say the same.

Product lines and total: minimum trace with the variances of the base forecasts (Wickramasuriya,
Athanasopoulos & Hyndman 2019; here one level, so that the solution is closed): the gap between the total
and the sum of the lines is shared out in proportion to the variances.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.models.sales.periods import Floats


@dataclass(frozen=True)
class Reconciled:
    """Forecasts that add up.

    ``values`` has the total first; ``total_factor`` and ``lines_factor`` say by what the base forecasts of
    the total and of the sum of the lines were multiplied, over all periods.
    """

    values: Floats
    total_factor: float
    lines_factor: float


def reconcile(base: Floats, variance: Floats, *, nonnegative: bool = True) -> Reconciled:
    """Forecasts (series × periods, the total first) that add up.

    Parameters
    ----------
    variance
        Of the base forecast of each series; equal for all if none is known.
    nonnegative
        Whether lines must not be negative: what is below zero is taken from the other lines of the period.
    """
    if len(base) == 1:
        values = np.maximum(base, 0.0) if nonnegative else base.copy()
        return Reconciled(values, _factor(values[0], base[0]), 1.0)
    gap = base[0] - base[1:].sum(axis=0)
    whole = float(variance.sum())
    share = variance / whole if whole > 0 else np.full(len(base), 1.0 / len(base))
    lines = base[1:] + share[1:, None] * gap
    if nonnegative:
        total = np.maximum(lines.sum(axis=0), 0.0)
        positive = np.maximum(lines, 0.0)
        sums = positive.sum(axis=0)
        lines = positive * np.where(sums > 0, total / np.where(sums > 0, sums, 1.0), 0.0)
    values = np.vstack([lines.sum(axis=0), lines])
    return Reconciled(values, _factor(values[0], base[0]), _factor(values[0], base[1:].sum(axis=0)))


def _factor(after: Floats, before: Floats) -> float:
    whole = float(before.sum())
    return float(after.sum()) / whole if whole != 0 else 1.0


@dataclass(frozen=True)
class CustomerFactor:
    """By what the expected spend of all customers is multiplied so that it agrees with the sales forecast.

    ``sales`` is the forecast of the horizon, ``new_share`` the part of it that new customers bring,
    ``expected`` the sum over present customers; ``factor`` is (sales × (1 − new_share)) / expected.
    """

    sales: float
    new_share: float
    expected: float
    factor: float


def reconcile_customers(
    expected: pl.DataFrame, sales: float, new_share: float, column: str = "expected_spend"
) -> tuple[pl.DataFrame, CustomerFactor]:
    """``expected`` with ``column`` multiplied so that its sum is the sales forecast less new customers' part.

    Nothing is changed (factor 1) where nothing is expected of the customers, or of the sales.
    """
    whole = float(expected[column].fill_nan(None).fill_null(0.0).sum()) if expected.height else 0.0
    share = float(np.clip(new_share, 0.0, 1.0))
    target = sales * (1.0 - share)
    factor = target / whole if whole > 0 and target > 0 else 1.0
    return expected.with_columns(pl.col(column) * factor), CustomerFactor(sales, share, whole, factor)
