"""Sales forecasts: total and product lines, reconciled, with intervals."""

from core.models.sales.backtest import backtest_sales
from core.models.sales.model import LEAST_PERIODS, SalesForecaster
from core.models.sales.periods import TOTAL
from core.models.sales.reconcile import reconcile, reconcile_customers
from core.models.sales.window import sales_within

__all__ = [
    "LEAST_PERIODS",
    "TOTAL",
    "SalesForecaster",
    "backtest_sales",
    "reconcile",
    "reconcile_customers",
    "sales_within",
]
