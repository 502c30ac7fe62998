"""The figures behind the charts of a company that is small enough to check by hand."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from sql_companies import Tables, literal_company, write_sqlite

from core.database import Database, open_database
from core.errors import DatabaseError, MissingDataError
from core.filters import SalesFilters
from core.sales import customers as customer_charts
from core.sales.debtors import largest_debtors
from core.sales_data import (
    NO_SALES_REP,
    credit_limit_histogram,
    customer_density,
    customer_points,
    dead_stock,
    forget_sales,
    ignored_filters,
    key_figures,
    load_sales,
    order_rows,
    payments_and_invoices,
    price_against_msrp,
    purchasing_power,
    read_sales,
    receivable_totals,
    revenue_by_month,
    sales_by_dimension,
    sales_by_product,
    stock_cover,
)

CENT = pytest.approx


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Database]:
    with open_database(str(write_sqlite(literal_company(), tmp_path / "small.sqlite"))) as database:
        yield database
    forget_sales()


def test_the_default_as_of_date_is_the_day_after_the_last_order(small: Database) -> None:
    sales = load_sales(small)
    assert sales.as_of == date(2024, 2, 21)
    assert (sales.first_day, sales.last_day) == (date(2023, 1, 10), date(2024, 2, 20))
    assert load_sales(small, date(2024, 2, 21)) is sales
    assert load_sales(small, terms_days=60) is not sales


def test_cancelled_orders_returns_and_missing_sales_reps(small: Database) -> None:
    sales = load_sales(small)
    countries = sales_by_dimension(sales, SalesFilters(), "country").rows_by_key(
        "label", named=True, unique=True
    )
    assert countries["France"]["revenue"] == 180.0  # 100 + 100 - 20 returned
    assert countries["France"]["gross_profit"] == 180.0 - (60 + 60 - 12)
    assert countries["France"]["quantity"] == 10
    assert countries["France"]["orders"] == 3  # one of them has no lines
    assert countries["France"]["customers"] == 1
    assert countries["USA"]["revenue"] == 220.0  # the cancelled order is left out
    assert countries["Norway"]["value"] == "Norway"  # stored with a space behind it
    offices = sales_by_dimension(sales, SalesFilters(), "office")
    assert offices["label"].to_list() == ["Boston", "Paris", NO_SALES_REP]
    alone = SalesFilters(sales_reps=[NO_SALES_REP])
    assert sales_by_dimension(sales, alone, "sales_rep")["label"].to_list() == [NO_SALES_REP]
    assert sales_by_dimension(sales, alone, "country")["revenue"].to_list() == [28.5]


def test_months_without_sales_are_zero(small: Database) -> None:
    months = revenue_by_month(load_sales(small), SalesFilters())
    assert months.height == 14
    assert months["month"][0] == date(2023, 1, 1)
    assert dict(months.filter(pl.col("revenue") != 0).select("month", "revenue").iter_rows()) == {
        date(2023, 1, 1): 200.0,
        date(2024, 1, 1): 220.0,
        date(2024, 2, 1): 8.5,
    }


def test_receivables(small: Database) -> None:
    sales = load_sales(small)
    # Alpha: 200 invoiced, 20 returned, 150 paid; Beta: 220 invoiced, 300 paid; Gamma: 28.50 invoiced
    totals = receivable_totals(sales, SalesFilters())
    assert (totals.invoiced, totals.paid) == (428.5, 450.0)
    assert totals.outstanding == CENT(30.0 + 28.5)
    assert totals.overdue == CENT(30.0)  # Alpha's 50 past due less the 20 returned; Gamma's is not due yet
    assert totals.on_account == CENT(80.0)
    assert (totals.customers_owing, totals.customers_overdue) == (2, 1)
    by_product = SalesFilters(products=["P1"], countries=["USA"])
    assert receivable_totals(sales, by_product).ignored_filters == ("product",)
    assert receivable_totals(sales, by_product).outstanding == 0
    assert ignored_filters(by_product, "sales") == ()
    months = payments_and_invoices(sales, SalesFilters())
    assert months["month"][0] == date(2022, 12, 1)  # a payment before any order
    assert months["received"].sum() == 450.0
    assert months["invoiced"].sum() == 428.5


def test_key_figures_of_the_trailing_year(small: Database) -> None:
    figures = key_figures(load_sales(small), SalesFilters())
    assert (figures.first, figures.last) == (date(2023, 2, 21), date(2024, 2, 20))
    assert figures["revenue"].value == 228.5
    assert figures["orders"].value == 4
    assert figures["active_customers"].value == 3
    assert figures.previous is None  # the data begin in January 2023: nothing to compare with
    assert figures["revenue"].previous is None
    assert figures["revenue"].sparkline[-2:] == (220.0, 8.5)
    assert figures["outstanding"].sparkline[-2:] == (50.0, 58.5)  # Alpha 200 - 150, then - 20; Gamma 28.50


def test_key_figures_of_a_chosen_period(small: Database) -> None:
    sales = load_sales(small)
    figures = key_figures(sales, SalesFilters(period=(date(2024, 2, 1), date(2024, 2, 29))))
    assert (figures.first, figures.last) == (date(2024, 2, 1), date(2024, 2, 20))
    assert figures.previous == (date(2024, 1, 12), date(2024, 1, 31))
    assert (figures["revenue"].value, figures["revenue"].previous) == (8.5, 0.0)
    assert figures["revenue"].change is None
    january = key_figures(sales, SalesFilters(period=(date(2024, 1, 1), date(2024, 1, 31))))
    assert (january["revenue"].value, january["orders"].value) == (220.0, 1)
    assert key_figures(sales, SalesFilters(period=(date(2030, 1, 1), date(2030, 1, 2))))["revenue"].value == 0


def test_products(small: Database) -> None:
    sales = load_sales(small)
    products = sales_by_product(sales, SalesFilters())
    assert products.select("key", "revenue", "quantity").rows() == [("P2", 320.0, 6), ("P1", 108.5, 11)]
    assert products["cumulative_share"].to_list() == CENT([320 / 428.5, 1.0])
    prices = price_against_msrp(sales, SalesFilters(products=["P2"]))
    assert prices.select("average_price", "price_to_msrp").rows() == [CENT((320 / 6, 320 / 360))]
    assert dead_stock(sales, SalesFilters()).select("key", "stock_value", "last_sold").rows() == [
        ("P3", 140.0, None)
    ]
    cover = stock_cover(sales, SalesFilters(product_lines=["Ships"], countries=["USA"]))
    assert cover.select("key", "stock_cover_days").rows() == [("P2", 50 * 365 / 4)]


def test_customers(small: Database) -> None:
    sales = load_sales(small)
    points = customer_points(sales, SalesFilters(countries=["France"]))
    assert points.select("customer_name", "selected").rows() == [
        ("Alpha", 1),
        ("Beta", 0),
        ("Gamma", 0),
        ("Delta", 1),
    ]
    power = purchasing_power(sales, SalesFilters()).rows_by_key("country", named=True, unique=True)
    assert power["France"] == {
        "customers": 2,
        "credit_limit": 1500.0,
        "revenue_365": -20.0,
        "active_customers": 1,
    }
    bins = credit_limit_histogram(sales, SalesFilters(countries=["France"]), bins=4)
    every = credit_limit_histogram(sales, SalesFilters(), bins=4)
    assert bins["bin_start"].to_list() == every["bin_start"].to_list()
    assert (bins["customers"].sum(), every["customers"].sum()) == (2, 4)


def test_a_period_or_products_leave_the_customers_that_bought(small: Database) -> None:
    """January 2024: only Beta bought; ships: Alpha and Beta; Delta never ordered."""
    sales = load_sales(small)

    def selected(chosen: SalesFilters) -> list[str]:
        points = customer_points(sales, chosen)
        names = points.filter(pl.col("selected") == 1)["customer_name"].to_list()
        assert credit_limit_histogram(sales, chosen)["customers"].sum() == len(names)
        assert purchasing_power(sales, chosen)["customers"].sum() == len(names)
        return names

    assert selected(SalesFilters(period=(date(2024, 1, 1), date(2024, 1, 31)))) == ["Beta"]
    assert selected(SalesFilters(product_lines=["Ships"])) == ["Alpha", "Beta"]
    assert selected(SalesFilters(product_lines=["Ships"], countries=["USA"])) == ["Beta"]
    assert selected(SalesFilters(products=["P3"])) == []
    assert selected(SalesFilters()) == ["Alpha", "Beta", "Gamma", "Delta"]


def test_the_largest_debtors_come_first(small: Database) -> None:
    sales = load_sales(small)
    owing = largest_debtors(sales, SalesFilters())
    totals = receivable_totals(sales, SalesFilters())
    assert owing["outstanding"].to_list() == sorted(owing["outstanding"].to_list(), reverse=True)
    assert owing["outstanding"].sum() == CENT(totals.outstanding)
    assert owing["overdue"].sum() == CENT(totals.overdue)
    assert largest_debtors(sales, SalesFilters(), limit=1).height == 1
    assert largest_debtors(sales, SalesFilters(countries=["Narnia"])).is_empty()


def test_a_balance_is_never_below_zero(small: Database) -> None:
    """January 2024: Beta paid 300 for an invoice of 220 and owes nothing; Alpha owes 200 less 150."""
    sales = load_sales(small)
    january = sales.balance_history.filter(pl.col("month") == date(2024, 1, 1))
    assert january["outstanding"].sum() == CENT(50)
    assert (sales.balance_history["outstanding"] >= sales.balance_history["overdue"]).all()


def test_many_customers_are_counted_in_bins(small: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sales = load_sales(small)
    monkeypatch.setattr(customer_charts, "MAX_POINTS", 3)
    dense = customer_points(sales, SalesFilters(countries=["USA"]))
    assert dense.columns == customer_density(sales, SalesFilters()).columns
    assert (dense["customers"].sum(), dense["selected"].sum()) == (4, 1)


def test_rows_come_newest_first_and_by_page(small: Database) -> None:
    sales = load_sales(small)
    rows = order_rows(sales, SalesFilters())
    assert rows["order_id"].to_list() == [105, 103, 102, 100, 100]
    pages = pl.concat([order_rows(sales, SalesFilters(), limit=2, offset=offset) for offset in (0, 2, 4, 6)])
    assert pages.equals(rows)
    assert order_rows(sales, SalesFilters(), limit=1)["customer_name"].item() == "Alpha"


def test_the_as_of_date_hides_what_came_later(small: Database) -> None:
    sales = load_sales(small, date(2024, 1, 6))
    assert sales.last_day == date(2024, 1, 5)
    assert key_figures(sales, SalesFilters())["revenue"].value == 420.0
    with pytest.raises(MissingDataError, match="no orders before 2023-01-10"):
        load_sales(small, date(2023, 1, 10))


def test_known_values_feed_the_filters(small: Database) -> None:
    known = load_sales(small).known_values()
    query = {"country": "France,Narnia", "sales_rep": "10", "customer": "1", "product": "P1"}
    chosen, problems = SalesFilters.from_query(query, known)
    assert chosen == SalesFilters(countries=["France"], sales_reps=[10], customers=[1], products=["P1"])
    assert len(problems) == 1


def test_many_sessions_load_once(small: Database) -> None:
    forget_sales()
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: load_sales(small), range(8)))
    assert len({id(sales) for sales in loaded}) == 1


def _changed(tables: Tables, tmp_path: Path) -> Database:
    return open_database(str(write_sqlite(tables, tmp_path / "changed.sqlite")))


def test_repeated_keys_are_refused(tmp_path: Path) -> None:
    tables = literal_company()
    tables["customers"] += tables["customers"][:1]
    with (
        _changed(tables, tmp_path) as database,
        pytest.raises(DatabaseError, match="customer keys occur more than"),
    ):
        load_sales(database)


def test_no_orders_is_said(tmp_path: Path) -> None:
    tables = literal_company() | {"orders": [], "orderdetails": []}
    with _changed(tables, tmp_path) as database, pytest.raises(MissingDataError, match="holds no orders"):
        load_sales(database)


def test_text_keys_work(tmp_path: Path) -> None:
    tables = literal_company()
    renamed = {1: "c-1", 2: "c,2", 3: "c'3", 4: "4"}
    columns = {"customers": "customerNumber", "orders": "customerNumber", "payments": "customerNumber"}
    for table, column in columns.items():
        tables[table] = [row | {column: renamed[row[column]]} for row in tables[table]]  # type: ignore[index]
    with _changed(tables, tmp_path) as database:
        day = date(2024, 2, 21)
        sales, sampled = read_sales(database, day), read_sales(database, day, max_lines=4)
    assert sales.customers["key"].sort().to_list() == ["4", "c'3", "c,2", "c-1"]
    chosen = SalesFilters(customers=["c,2", "c'3"])
    assert revenue_by_month(sales, chosen)["revenue"].sum() == 248.5
    assert SalesFilters.from_query(chosen.to_query(), sales.known_values()) == (chosen, [])
    assert 0 < sampled.lines.height <= 4


@pytest.mark.parametrize("table", ["payments", "employees", "offices"])
def test_a_company_without_this_table_still_has_sales(table: str, tmp_path: Path) -> None:
    import sqlite3

    file = write_sqlite(literal_company(), tmp_path / "poor.sqlite")
    connection = sqlite3.connect(file)
    connection.execute(f"DROP TABLE {table}")
    connection.commit()
    connection.close()
    with open_database(str(file)) as database:
        sales = load_sales(database)
    assert table in sales.missing
    figures = key_figures(sales, SalesFilters())
    assert figures["revenue"].value == 228.5
    assert sales_by_dimension(sales, SalesFilters(), "office")["revenue"].sum() == 428.5
    payments_and_invoices(sales, SalesFilters())
