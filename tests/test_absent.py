"""What a company's data lack is said by the charts that need it, and only by those."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from core.database import open_database
from core.demo import ensure_demo_database
from core.filters import SalesFilters
from core.sales.absent import NEEDS, what_is_needed, with_known_profit
from core.sales_data import SalesData, load_sales, revenue_by_month
from core.settings import Settings


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> SalesData:
    folder: Path = tmp_path_factory.mktemp("demo")
    with open_database(str(ensure_demo_database(Settings(data_dir=str(folder))))) as database:
        return load_sales(database)


def test_the_demo_lacks_nothing(demo: SalesData) -> None:
    assert what_is_needed(demo, NEEDS) == ""


def test_what_is_lacking_is_named_with_a_remedy(demo: SalesData) -> None:
    nothing = pl.lit(None, dtype=pl.Float64)
    poor = replace(
        demo,
        missing=("payments",),
        customers=demo.customers.with_columns(credit_limit=nothing),
        products=demo.products.with_columns(buy_price=nothing, msrp=nothing, quantity_in_stock=nothing),
        sales_reps=demo.sales_reps.tail(1),
    )
    for need in set(NEEDS) - {"countries"}:
        assert what_is_needed(poor, [need]).startswith(f"Needs {need}:\n"), need
    assert what_is_needed(poor, ["countries"]) == ""
    assert "Data page" in what_is_needed(poor, ["countries", "stock"])


def test_profit_without_any_cost_is_unknown_and_not_zero(demo: SalesData) -> None:
    months = revenue_by_month(demo, SalesFilters())
    assert with_known_profit(demo, months).equals(months)
    nothing = demo.products.with_columns(buy_price=pl.lit(None, dtype=pl.Float64))
    told = with_known_profit(replace(demo, products=nothing), months)
    assert told["gross_profit"].null_count() == months.height
    assert told["revenue"].equals(months["revenue"])
