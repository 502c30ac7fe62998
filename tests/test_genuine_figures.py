"""The figures of the genuine Classic Models data, against plain SQL on its tables."""

import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from core.database import open_database
from core.days import to_day
from core.filters import SalesFilters
from core.sales_data import (
    SalesData,
    key_figures,
    payments_and_invoices,
    purchasing_power,
    read_sales,
    receivable_totals,
    revenue_by_month,
    sales_by_dimension,
    sales_by_product,
)

LATER = date(2006, 1, 1)
LIVE = "FROM orderdetails d JOIN orders o USING (orderNumber) WHERE o.status <> 'Cancelled'"


@pytest.fixture(scope="module")
def sales(genuine_sqlite: Path) -> SalesData:
    with open_database(str(genuine_sqlite)) as database:
        return read_sales(database, LATER)


@pytest.fixture(scope="module")
def raw(genuine_sqlite: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{genuine_sqlite}?mode=ro&immutable=1", uri=True)
    yield connection
    connection.close()


def test_totals(sales: SalesData, genuine_sqlite: Path) -> None:
    months = revenue_by_month(sales, SalesFilters())
    assert round(months["revenue"].sum(), 2) == 9_365_336.43
    assert round(months["gross_profit"].sum(), 2) == 3_731_511.97
    received = payments_and_invoices(sales, SalesFilters())
    assert round(received["received"].sum(), 2) == 8_853_839.23
    assert round(received["invoiced"].sum(), 2) == 9_365_336.43
    with open_database(str(genuine_sqlite)) as database:
        every_line = database.query("SELECT SUM(amount) AS amount FROM stg_sales").item()
        status = database.query("marts/data_status", as_of_day=to_day(LATER)).row(0, named=True)
    assert round(every_line, 2) == 9_604_190.61
    assert (status["orders"], status["cancelled_orders"], status["order_lines"]) == (326, 6, 2_996)
    assert (status["customers"], status["products"], status["payments"]) == (122, 110, 273)
    assert sales.orders_daily["orders"].sum() == 320


def test_customers_by_country(sales: SalesData, raw: sqlite3.Connection) -> None:
    found = dict(purchasing_power(sales, SalesFilters()).select("country", "customers").iter_rows())
    assert found["USA"] == 36
    assert found == dict(raw.execute("SELECT TRIM(country), COUNT(*) FROM customers GROUP BY 1"))


def test_by_product_line(sales: SalesData, raw: sqlite3.Connection) -> None:
    query = f"""SELECT p.productLine, SUM(d.quantityOrdered * d.priceEach), SUM(d.quantityOrdered),
        COUNT(DISTINCT o.customerNumber), COUNT(DISTINCT o.orderNumber)
        {LIVE.replace("WHERE", "JOIN products p USING (productCode) WHERE")} GROUP BY 1 ORDER BY 2 DESC"""
    _agree(sales, "product_line", raw.execute(query).fetchall())


def test_by_country(sales: SalesData, raw: sqlite3.Connection) -> None:
    query = f"""SELECT TRIM(c.country), SUM(d.quantityOrdered * d.priceEach), SUM(d.quantityOrdered),
        COUNT(DISTINCT o.customerNumber), COUNT(DISTINCT o.orderNumber)
        {LIVE.replace("WHERE", "JOIN customers c USING (customerNumber) WHERE")} GROUP BY 1 ORDER BY 2 DESC"""
    _agree(sales, "country", raw.execute(query).fetchall())


def test_by_office(sales: SalesData, raw: sqlite3.Connection) -> None:
    joins = """JOIN customers c USING (customerNumber)
        JOIN employees e ON e.employeeNumber = CAST(c.salesRepEmployeeNumber AS INTEGER)
        JOIN offices f USING (officeCode) WHERE"""
    query = f"""SELECT f.city, SUM(d.quantityOrdered * d.priceEach), SUM(d.quantityOrdered),
        COUNT(DISTINCT o.customerNumber), COUNT(DISTINCT o.orderNumber)
        {LIVE.replace("WHERE", joins)} GROUP BY 1 ORDER BY 2 DESC"""
    _agree(sales, "office", raw.execute(query).fetchall())


def _agree(sales: SalesData, dimension: str, expected: list[tuple[str, float, int, int, int]]) -> None:
    found = sales_by_dimension(sales, SalesFilters(), dimension)
    assert found["label"].to_list() == [row[0] for row in expected]
    assert found["revenue"].to_list() == pytest.approx([row[1] for row in expected], abs=0.005)
    assert found.select("quantity", "customers", "orders").rows() == [row[2:] for row in expected]


def test_by_month(sales: SalesData, raw: sqlite3.Connection) -> None:
    query = f"SELECT substr(o.orderDate, 1, 7), SUM(d.quantityOrdered * d.priceEach) {LIVE} GROUP BY 1"
    months = revenue_by_month(sales, SalesFilters())
    found = {f"{month:%Y-%m}": revenue for month, revenue in months.select("month", "revenue").iter_rows()}
    assert found == pytest.approx(dict(raw.execute(query)), abs=0.005)


def test_products_and_shares(sales: SalesData) -> None:
    products = sales_by_product(sales, SalesFilters())
    assert products["product_name"][0] == "1992 Ferrari 360 Spider red"
    assert products.height == 109  # one product was never sold
    assert products["cumulative_share"].is_sorted()
    assert products["cumulative_share"][-1] == pytest.approx(1)


def test_key_figures_against_plain_sql(genuine_sqlite: Path, raw: sqlite3.Connection) -> None:
    with open_database(str(genuine_sqlite)) as database:
        sales = read_sales(database, date(2005, 6, 1))
    figures = key_figures(sales, SalesFilters())
    for value, first in (("value", date(2004, 6, 1)), ("previous", date(2003, 6, 2))):
        last = first + timedelta(days=365)
        query = f"""SELECT SUM(d.quantityOrdered * d.priceEach), COUNT(DISTINCT o.orderNumber),
            COUNT(DISTINCT o.customerNumber) {LIVE} AND o.orderDate >= ? AND o.orderDate < ?"""
        revenue, orders, customers = raw.execute(query, (first.isoformat(), last.isoformat())).fetchone()
        assert getattr(figures["revenue"], value) == pytest.approx(revenue, abs=0.005)
        assert getattr(figures["orders"], value) == orders
        assert getattr(figures["active_customers"], value) == customers
    # every live order is invoiced and nobody has paid ahead
    totals = receivable_totals(sales, SalesFilters())
    paid = raw.execute("SELECT SUM(amount) FROM payments WHERE paymentDate < '2005-06-01'").fetchone()[0]
    assert totals.outstanding - totals.on_account == pytest.approx(9_365_336.43 - paid, abs=0.005)
