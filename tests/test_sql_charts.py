"""The SQL shown behind a chart gives the figures that the chart shows."""

from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest
from sql_companies import random_company, write_sqlite

from core.database import Database, open_database
from core.days import from_yyyymm
from core.filters import SalesFilters
from core.sales.frames import named
from core.sales_data import (
    SalesData,
    payments_and_invoices,
    price_against_msrp,
    purchasing_power,
    read_sales,
    revenue_by_month,
    sales_by_dimension,
    sales_by_product,
    seasonality,
)
from core.sql_files import read_sql

AS_OF = date(2024, 11, 20)
PERIODS = [None, (date(2023, 2, 11), date(2024, 5, 3)), (date(2024, 1, 1), date(2024, 12, 31))]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("company") / "company.sqlite"
    with open_database(str(write_sqlite(random_company(7), file))) as opened:
        yield opened


@pytest.fixture(scope="module")
def sales(database: Database) -> SalesData:
    return read_sales(database, AS_OF)


@pytest.fixture(params=PERIODS)
def chosen(request: pytest.FixtureRequest) -> SalesFilters:
    return SalesFilters(period=request.param)


def _asked(database: Database, name: str, chosen: SalesFilters) -> pl.DataFrame:
    params = chosen.sql_parameters(AS_OF)
    return database.query(name, **{key: params[key] for key in read_sql(name).parameters})


def _same(found: pl.DataFrame, asked: pl.DataFrame, key: str, *columns: str) -> None:
    assert len(asked) == len(found)
    one, other = found.sort(key), asked.sort(key)
    assert one[key].to_list() == other[key].to_list()
    for column in columns:
        assert one[column].to_list() == pytest.approx(other[column].to_list(), abs=0.005), column


@pytest.mark.parametrize(
    ("name", "dimension"), [("revenue_by_country", "country"), ("revenue_by_product_line", "product_line")]
)
def test_places_and_lines(
    name: str, dimension: str, database: Database, sales: SalesData, chosen: SalesFilters
) -> None:
    asked = _asked(database, f"eda/{name}", chosen)
    asked = asked.with_columns(named(asked[dimension]).alias("label"))
    found = sales_by_dimension(sales, chosen, dimension)
    _same(found, asked, "label", "revenue", "gross_profit", "quantity", "customers")


def test_offices_and_employees(database: Database, sales: SalesData, chosen: SalesFilters) -> None:
    asked = _asked(database, "eda/offices_and_employees", chosen)
    value = pl.col("sales_rep_id").cast(pl.String).fill_null("No sales rep").alias("value")
    found = sales_by_dimension(sales, chosen, "sales_rep")
    _same(found, asked.with_columns(value), "value", "revenue", "gross_profit", "quantity", "customers")


def test_months_and_seasons(database: Database, sales: SalesData, chosen: SalesFilters) -> None:
    asked = _asked(database, "eda/revenue_by_month", chosen)
    dates = pl.Series("month", [from_yyyymm(month) for month in asked["order_month"]], dtype=pl.Date)
    months = revenue_by_month(sales, chosen).join(dates.to_frame(), on="month", how="semi")
    _same(months, asked.with_columns(dates), "month", "revenue", "gross_profit", "quantity")
    seasons = _asked(database, "eda/seasonality", chosen)
    number = pl.col("month_of_year") + 100 * pl.first()
    found = seasonality(sales, chosen).with_columns(number=number)
    _same(found, seasons.with_columns(number=number), "number", "revenue", "year_index")


def test_products(database: Database, sales: SalesData, chosen: SalesFilters) -> None:
    pareto = _asked(database, "eda/pareto_products", chosen)
    found = sales_by_product(sales, chosen)
    _same(found, pareto, "product_id", "revenue", "gross_profit", "quantity", "cumulative_share")
    prices = _asked(database, "eda/price_against_msrp", chosen).drop_nulls("price_to_msrp")
    found = price_against_msrp(sales, chosen)
    _same(found, prices, "product_id", "average_price", "price_to_msrp", "quantity")


def test_customers(database: Database, sales: SalesData) -> None:
    asked = _asked(database, "eda/customers_by_country", SalesFilters())
    asked = asked.with_columns(named(asked["country"]).alias("country"))
    found = purchasing_power(sales, SalesFilters())
    # a customer known only from orders is counted in memory, but is in no customer table
    known = found.filter(pl.col("country") != "Unknown")
    _same(
        known,
        asked.filter(pl.col("country") != "Unknown"),
        "country",
        "customers",
        "credit_limit",
        "revenue_365",
    )


def test_payments(database: Database, sales: SalesData) -> None:
    asked = _asked(database, "eda/payments_and_invoices", SalesFilters())
    by_month = asked.select(
        month=(pl.lit(date(1970, 1, 1)) + pl.duration(days="day")).dt.truncate("1mo"),
        invoiced="invoiced",
        received="received",
    )
    by_month = by_month.group_by("month").sum()
    _same(payments_and_invoices(sales, SalesFilters()), by_month, "month", "invoiced", "received")
