"""Everything charts ask of the sales data: load once, then pure functions of ``(sales, filters, skip)``.

Every function leaves out the dimensions named in ``skip``: a chart skips its own dimension, so that a click
on one bar keeps the others. An empty selection gives an empty frame with the same columns.
"""

from core.sales.customers import (
    MAX_POINTS,
    credit_limit_histogram,
    customer_density,
    customer_points,
    order_rows,
    purchasing_power,
)
from core.sales.frames import NO_OFFICE, NO_SALES_REP, UNKNOWN, SalesData
from core.sales.key_figures import KeyFigure, KeyFigures, key_figures
from core.sales.load import forget_sales, load_sales, read_sales
from core.sales.products import dead_stock, price_against_msrp, sales_by_product, stock_cover
from core.sales.receivables import ReceivableTotals, payments_and_invoices, receivable_totals
from core.sales.selection import ignored_filters
from core.sales.trends import SALES_DIMENSIONS, revenue_by_month, sales_by_dimension, seasonality

__all__ = [
    "MAX_POINTS",
    "NO_OFFICE",
    "NO_SALES_REP",
    "SALES_DIMENSIONS",
    "UNKNOWN",
    "KeyFigure",
    "KeyFigures",
    "ReceivableTotals",
    "SalesData",
    "credit_limit_histogram",
    "customer_density",
    "customer_points",
    "dead_stock",
    "forget_sales",
    "ignored_filters",
    "key_figures",
    "load_sales",
    "order_rows",
    "payments_and_invoices",
    "price_against_msrp",
    "purchasing_power",
    "read_sales",
    "receivable_totals",
    "revenue_by_month",
    "sales_by_dimension",
    "sales_by_product",
    "seasonality",
    "stock_cover",
]
