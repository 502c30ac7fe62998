"""What the data of a company do not hold, so that a chart can say what it needs instead of showing zeros."""

from collections.abc import Callable, Iterable

import polars as pl

from core.geography import country_code
from core.sales.frames import SalesData


def _empty(column: pl.Series) -> bool:
    return column.null_count() == len(column)


_ABSENT: dict[str, tuple[Callable[[SalesData], bool], str]] = {
    "payments": (lambda sales: "payments" in sales.missing, "load or map a table of payments"),
    "employees": (
        lambda sales: sales.sales_reps.height <= 1,  # nobody but the row of customers without one
        "load or map employees, and customers with their sales representative",
    ),
    "credit limits": (
        lambda sales: _empty(sales.customers["credit_limit"]),
        "load or map customers with a credit limit",
    ),
    "stock": (
        lambda sales: _empty(sales.products["quantity_in_stock"]),
        "load or map products with the quantity in stock",
    ),
    "purchase prices": (
        lambda sales: _empty(sales.products["buy_price"]),
        "map a unit cost, or products with a purchase price",
    ),
    "retail prices": (
        lambda sales: _empty(sales.products["msrp"]),
        "load or map products with a suggested retail price",
    ),
    "countries": (
        lambda sales: all(country_code(name) is None for name in sales.countries),
        "load or map customers with a country; no name in these data is one",
    ),
}
NEEDS = tuple(_ABSENT)
"""What can be needed: payments, employees, credit limits, …"""


def what_is_needed(sales: SalesData, needs: Iterable[str]) -> str:
    """What to do so that the data hold the first of ``needs`` that they lack; empty if they hold all."""
    for name in needs:
        is_absent, remedy = _ABSENT[name]
        if is_absent(sales):
            return f"Needs {name}:\n{remedy} (Data page)."
    return ""


def with_known_profit(sales: SalesData, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with nothing in place of gross profits of 0 where no cost of the company is known."""
    if not what_is_needed(sales, ("purchase prices",)):
        return frame
    return frame.with_columns(gross_profit=pl.lit(None, dtype=pl.Float64))
