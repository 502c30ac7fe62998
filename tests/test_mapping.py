"""Mapping of a company's own tables: suggestion, validation with counts, storing and restoring."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.database import Database, open_database
from core.database.base import TableInfo
from core.mapping import (
    ENTITIES,
    Mapping,
    MappingError,
    current_mapping,
    mapping_history,
    remove_mapping,
    restore_mapping,
    store_mapping,
    suggest_columns,
    suggest_entity,
    suggest_mapping,
    validate_mapping,
)
from core.sales_data import load_sales
from core.sql_files import parse_sql, read_sql

FLAT = Mapping.of(
    sales=("shop", {"customer_id": "buyer", "order_date": "bought", "product_line": "kind", "amount": "paid"})
)
_SHOP = [  # buyer, bought, kind, pieces, price, paid, place
    (1, "2024-01-05", "Books", 2, 10.0, 18.0, "North"),
    (1, "2024-01-05", "Toys", 1, 5.0, None, "North"),
    (1, "2024-03-01", "Books", 1, 10.0, 10.0, "South"),
    (2, "2024-02-29", None, 4, 2.5, 9.0, None),
    (3, "2024-03-01", "Toys", 1, 5.0, -5.0, " East "),
    (None, "2024-03-02", "Toys", 1, 5.0, 5.0, "East"),
    (4, None, "Toys", 1, 5.0, 5.0, "East"),
]
_COLUMNS = "buyer INTEGER, bought DATE, kind TEXT, pieces INTEGER, price REAL, paid REAL, place TEXT"
FULL = Mapping.of(
    sales=(
        "shop",
        {"customer_id": "buyer", "order_date": "bought", "product_line": "kind", "quantity": "pieces",
         "unit_price": "price", "amount": "paid", "country": "place"},
    )
)  # fmt: skip


def fill(file: Path, table: str, columns: str, rows: list[tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"CREATE TABLE {table} ({columns})")
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


@pytest.fixture
def shop(tmp_path: Path):
    file = tmp_path / "shop.sqlite"
    fill(file, "shop", _COLUMNS, _SHOP)
    with open_database(str(file)) as database:
        yield database


def told(database: Database, mapping: Mapping, severity: str) -> str:
    return " ".join(f.message for f in validate_mapping(database, mapping).findings if f.severity == severity)


def _tables(entity: str) -> st.SearchStrategy[tuple[str, dict[str, str]]]:
    fields = [field.name for field in ENTITIES[entity].fields]
    return st.tuples(st.text(min_size=1), st.dictionaries(st.sampled_from(fields), st.text(min_size=1)))


@given(st.fixed_dictionaries({}, optional={entity: _tables(entity) for entity in ENTITIES}))
def test_a_mapping_survives_json(tables: dict[str, tuple[str, dict[str, str]]]) -> None:
    mapping = Mapping.of(**tables)
    assert Mapping.from_json(mapping.to_json()) == mapping


@pytest.mark.parametrize("text", ["", "[]", "{", '{"sales": 1}', '{"sales": {"table": "t"}}', '{"x": {}}'])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(MappingError):
        Mapping.from_json(text)


def test_unknown_fields_and_tables_are_refused() -> None:
    with pytest.raises(MappingError, match="no field colour"):
        Mapping.of(sales=("t", {"colour": "c"}))
    with pytest.raises(MappingError, match="no canonical table"):
        Mapping.of(animals=("t", {}))


def test_columns_are_suggested_by_name_and_type() -> None:
    kinds = {
        "customer_id": "integer", "age": "integer", "income": "number", "region": "text",
        "product_category": "text", "purchase_date": "date", "quantity": "integer",
        "unit_price": "number", "total_sales": "number",
    }  # fmt: skip
    assert suggest_columns("sales", TableInfo("sales_data", "table", kinds)) == {
        "customer_id": "customer_id", "order_date": "purchase_date", "product_line": "product_category",
        "quantity": "quantity", "unit_price": "unit_price", "amount": "total_sales", "country": "region",
    }  # fmt: skip
    retail = {
        "InvoiceNo": "text", "StockCode": "text", "Description": "text", "Quantity": "integer",
        "InvoiceDate": "datetime", "UnitPrice": "number", "CustomerID": "integer", "Country": "text",
    }  # fmt: skip
    assert suggest_columns("sales", TableInfo("online_retail", "table", retail)) == {
        "customer_id": "CustomerID", "order_date": "InvoiceDate", "order_id": "InvoiceNo",
        "product_id": "StockCode", "product_name": "Description", "quantity": "Quantity",
        "unit_price": "UnitPrice", "country": "Country",
    }  # fmt: skip


def test_a_number_is_not_suggested_as_a_date() -> None:
    found = suggest_columns("sales", TableInfo("t", "table", {"date": "number", "customer": "integer"}))
    assert found == {"customer_id": "customer"}


def test_the_table_that_looks_most_like_sales_is_suggested() -> None:
    notes = TableInfo("notes", "table", {"customer_id": "integer", "date": "date", "text": "text"}, 9)
    sales = TableInfo("till", "table", {"client_id": "integer", "day": "date", "amount": "number"}, 5)
    mapping = suggest_mapping([notes, sales])
    assert mapping is not None
    assert [table.table for table in mapping.tables] == ["till"]
    assert suggest_mapping([notes]) is None
    payments = TableInfo(
        "payments", "table", {"customer_id": "integer", "payment_date": "date", "amount": "number"}
    )
    assert suggest_entity(payments) == "payments"


def test_one_flat_table_is_enough(shop: Database) -> None:
    validation = store_mapping(shop, FULL)
    assert validation.counts is not None
    assert (validation.counts.rows, validation.counts.lines, validation.counts.orders) == (7, 5, 4)
    sales = load_sales(shop)
    assert (sales.first_day, sales.last_day) == (date(2024, 1, 5), date(2024, 3, 1))
    assert sales.daily["revenue"].sum() == 18 + 5 + 10 + 9 - 5
    assert sales.orders_daily["orders"].sum() == 4
    assert dict(sales.customers.select("key", pl.col("country").cast(pl.String)).iter_rows()) == {
        "1": "South", "2": "Unknown", "3": "East",
    }  # fmt: skip
    assert set(sales.product_lines) == {"Books", "Toys", "Unknown"}
    assert sales.daily["gross_profit"].sum() == 0
    assert set(sales.missing) == {"employees", "payments"}


def test_joins_of_mapped_views_go_by_an_index(tmp_path: Path) -> None:
    """Without one the rows of every customer are compared with those of every other."""
    file = tmp_path / "n.sqlite"
    fill(
        file, "t", "o INTEGER, c INTEGER, d DATE, a REAL", [(n, n % 9, "2024-01-05", 1.0) for n in range(50)]
    )
    columns = {"order_id": "o", "customer_id": "c", "order_date": "d", "amount": "a"}
    with open_database(str(file)) as database:
        store_mapping(database, Mapping.of(sales=("t", columns)))
    with closing(sqlite3.connect(file)) as connection:
        query = f"EXPLAIN QUERY PLAN {read_sql('marts/customers').text}"
        steps = [row[3] for row in connection.execute(query, {"as_of_day": 99999})]
        joins = [step for step in steps if "LEFT-JOIN" in step]
        assert len(joins) == 3
        assert all("INDEX" in step for step in joins), joins
        indexes = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        ]
        assert indexes == ["of_t_c"]


def test_a_mapped_amount_wins_over_quantity_times_price(shop: Database) -> None:
    lines = FULL.tables[0].columns
    without = Mapping.of(sales=("shop", {f: c for f, c in lines if f != "amount"}))
    counts = validate_mapping(shop, without).counts
    assert counts is not None
    assert counts.revenue == 20 + 5 + 10 + 10 + 5
    counts = validate_mapping(shop, FULL).counts
    assert counts is not None
    assert counts.revenue == 37


def test_without_any_product_all_lines_are_one(shop: Database) -> None:
    store_mapping(
        shop,
        Mapping.of(sales=("shop", {"customer_id": "buyer", "order_date": "bought", "amount": "paid"})),
    )
    assert load_sales(shop).products["product_name"].to_list() == ["All products"]


def test_rows_that_are_left_out_are_counted(shop: Database) -> None:
    warnings = told(shop, FULL, "warning")
    assert "shop.buyer is empty in 1 row of 7" in warnings
    assert "shop.bought is empty in 1 row of 7" in warnings
    assert "1 line of 5 have an amount below 0" in told(shop, FULL, "info")
    assert "1 line of 5 have no amount" in told(shop, FLAT, "warning")


def test_what_is_essential_keeps_a_mapping_from_being_stored(shop: Database) -> None:
    poor = Mapping.of(sales=("shop", {"customer_id": "buyer", "quantity": "pieces"}))
    errors = told(shop, poor, "error")
    assert "need a column for the order date" in errors
    assert "need an amount, or a quantity and a unit price" in errors
    with pytest.raises(MappingError, match="Nothing was mapped") as caught:
        store_mapping(shop, poor)
    assert caught.value.remedy
    assert current_mapping(shop) is None
    wrong = Mapping.of(sales=("shop", {"customer_id": "buyer", "order_date": "price", "amount": "kind"}))
    assert "shop.price is number and cannot be the order date" in told(shop, wrong, "error")
    wordy = Mapping.of(sales=("shop", {"customer_id": "buyer", "order_date": "bought", "amount": "kind"}))
    assert "shop.kind holds no number in 6 rows" in told(shop, wordy, "error")


def test_names_that_are_not_there_are_told_with_the_nearest(shop: Database) -> None:
    with pytest.raises(MappingError, match="no table called 'shopp'") as caught:
        validate_mapping(shop, Mapping.of(sales=("shopp", {})))
    assert "shop" in caught.value.remedy
    with pytest.raises(MappingError, match="no column of shop called 'boght'") as caught:
        validate_mapping(shop, Mapping.of(sales=("SHOP", {"order_date": "boght"})))
    assert "bought" in caught.value.remedy


@pytest.mark.parametrize(
    ("column", "values", "readable"),
    [
        ("TEXT", ["2024-01-05", "2024-01-05 10:00", "5.1.2024", "2024-13-40", " ", None], 2),
        ("INTEGER", [20240105, 20241231, 1704412800, 45000, 0, None], 2),
        ("DATETIME", ["2024-01-05 23:59:59", "2024-01-06T00:00:00"], 2),
    ],
)
def test_dates_are_read_as_they_are_stored(
    tmp_path: Path, column: str, values: list[object], readable: int
) -> None:
    fill(tmp_path / "d.sqlite", "t", f"c INTEGER, d {column}, a REAL", [(1, value, 1.0) for value in values])
    with open_database(str(tmp_path / "d.sqlite")) as database:
        mapping = Mapping.of(sales=("t", {"customer_id": "c", "order_date": "d", "amount": "a"}))
        validation = validate_mapping(database, mapping)
        assert validation.counts is not None
        assert validation.counts.lines == readable
        store_mapping(database, mapping)
        assert load_sales(database).line_count == readable


def test_text_is_read_as_numbers_where_it_holds_some(tmp_path: Path) -> None:
    rows = [(1, "2024-01-05", amount) for amount in ("12.50", " -3 ", "1e2", "12,50", "x", "")]
    fill(tmp_path / "n.sqlite", "t", "c INTEGER, d DATE, a TEXT", rows)
    with open_database(str(tmp_path / "n.sqlite")) as database:
        mapping = Mapping.of(sales=("t", {"customer_id": "c", "order_date": "d", "amount": "a"}))
        validation = validate_mapping(database, mapping)
        assert validation.counts is not None
        assert validation.counts.revenue == 12.5 - 3 + 100
        assert "t.a holds no number in 2 rows" in told(database, mapping, "warning")


def test_mappings_are_kept_and_can_be_restored(shop: Database) -> None:
    store_mapping(shop, FLAT)
    store_mapping(shop, FULL)
    current = current_mapping(shop)
    assert current is not None
    assert current.mapping == FULL
    remove_mapping(shop)
    assert current_mapping(shop) is None
    assert [(state.entry, state.action) for state in mapping_history(shop)] == [
        (3, "removed"), (2, "mapped"), (1, "mapped"),
    ]  # fmt: skip
    restore_mapping(shop, 1)
    current = current_mapping(shop)
    assert current is not None
    assert current.mapping == FLAT
    assert load_sales(shop).daily["revenue"].sum() == 32
    with pytest.raises(MappingError, match="no stored mapping 99"):
        restore_mapping(shop, 99)


def test_the_stored_sql_is_readable_and_has_its_header(shop: Database) -> None:
    store_mapping(shop, FULL)
    current = current_mapping(shop)
    assert current is not None
    for name, text in current.views.items():
        file = parse_sql(name, text)
        assert file.title.endswith("mapped from shop")
        assert file.needs == ("shop",)
    assert 't."paid" * 1.0 AS amount' in current.views["stg_sales"]


def test_views_written_by_hand_are_kept_as_text(shop: Database, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection, connection:
        connection.execute("CREATE VIEW stg_payments AS SELECT 1 AS customer_id -- by hand")
    current = current_mapping(shop)
    assert current is not None
    assert (current.action, current.mapping) == ("found", None)
    store_mapping(shop, FULL)
    assert [state.action for state in mapping_history(shop)] == ["mapped", "found"]
    assert "by hand" in mapping_history(shop)[1].views["stg_payments"]
    restore_mapping(shop, 1)
    assert [view.name for view in shop.tables() if view.kind == "view"] == ["stg_payments"]


def test_a_restored_view_must_fit_the_present_tables(shop: Database, tmp_path: Path) -> None:
    store_mapping(shop, FULL)
    remove_mapping(shop)
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection, connection:
        connection.execute("ALTER TABLE shop RENAME COLUMN paid TO money")
    with pytest.raises(MappingError, match="does not work on the present tables"):
        restore_mapping(shop, 1)
    assert current_mapping(shop) is None


def test_a_name_taken_by_a_table_changes_nothing(shop: Database, tmp_path: Path) -> None:
    fill(tmp_path / "shop.sqlite", "stg_orders", "a INTEGER", [(1,)])
    with pytest.raises(MappingError, match="stg_orders is taken by a table"):
        store_mapping(shop, FULL)
    assert "stg_sales" not in [table.name for table in shop.tables()]
    assert mapping_history(shop) == []


def test_strange_names_are_no_danger(tmp_path: Path) -> None:
    columns = '"customer ""id""" INTEGER, "on; DROP TABLE x" DATE, "a -- b" REAL'
    fill(tmp_path / "s.sqlite", '"my ""sales""\n2024"', columns, [(1, "2024-01-05", 5.0)])
    with open_database(str(tmp_path / "s.sqlite")) as database:
        mapping = Mapping.of(
            sales=(
                'my "sales"\n2024',
                {"customer_id": 'customer "id"', "order_date": "on; DROP TABLE x", "amount": "a -- b"},
            )
        )
        store_mapping(database, mapping)
        assert load_sales(database).daily["revenue"].sum() == 5
        current = current_mapping(database)
        assert current is not None
        assert parse_sql("x", current.views["stg_sales"]).needs


@pytest.fixture
def several(tmp_path: Path) -> Callable[..., Database]:
    """A company whose orders, lines, customers, products and payments are tables of their own."""
    file = tmp_path / "several.sqlite"
    fill(file, "bills", "no TEXT, client TEXT, at DATETIME, state TEXT", [
        ("B1", "ann", "2024-01-05 10:00:00", "Shipped"), ("B2", "bob", "2024-02-01 09:00:00", "cancelled "),
        ("B3", "cy", "2024-03-01 08:00:00", "Shipped"),
    ])  # fmt: skip
    fill(file, "items", "bill TEXT, sku INTEGER, n REAL, each REAL", [
        ("B1", 7, 2.0, 10.0), ("B1", 8, 1.0, 4.0), ("B2", 7, 1.0, 10.0), ("B3", 9, 3.0, 1.0),
        ("B9", 7, 1.0, 1.0),
    ])  # fmt: skip
    fill(file, "people", "id TEXT, full_name TEXT, land TEXT", [("ann", "Ann", "FR"), ("bob", "Bob", "DE")])
    fill(file, "goods", "sku INTEGER, label TEXT, line TEXT, cost REAL, left INTEGER", [
        (7, "Ball", "Toys", 6.0, 3), (8, "Book", "Books", None, 1),
    ])  # fmt: skip
    fill(
        file,
        "receipts",
        "client TEXT, day DATE, amount REAL",
        [("ann", "2024-02-01", 24.0), ("zoe", "2024-02-02", 1.0)],
    )
    return lambda: open_database(str(file))


SEVERAL = Mapping.of(
    sales=("items", {"order_id": "bill", "product_id": "sku", "quantity": "n", "unit_price": "each"}),
    orders=("bills", {"order_id": "no", "customer_id": "client", "order_date": "at", "status": "state"}),
    customers=("people", {"customer_id": "id", "customer_name": "full_name", "country": "land"}),
    products=("goods", {"product_id": "sku", "product_name": "label", "product_line": "line",
                        "buy_price": "cost", "quantity_in_stock": "left"}),
    payments=("receipts", {"customer_id": "client", "payment_date": "day", "amount": "amount"}),
)  # fmt: skip


def test_every_canonical_table_can_come_from_its_own(several: Callable[..., Database]) -> None:
    with several() as database:
        validation = store_mapping(database, SEVERAL)
        messages = " ".join(f.message for f in validation.findings)
        assert "1 line of 5 are left out" in messages
        assert "1 row of orders name a customer that is not among the customers" in messages
        assert "1 row of order lines name a product that is not among the products" in messages
        assert "1 row of payments name a customer that is not among the customers" in messages
        sales = load_sales(database)
    assert sales.daily["revenue"].sum() == 27  # B2 is cancelled, B9 unknown
    assert sales.daily["gross_profit"].sum() == 20 - 12
    assert set(sales.customers["key"]) == {"ann", "bob", "cy"}
    assert sales.receivables["received"].sum() == 25
    assert sales.missing == ("employees",)


def test_a_key_that_comes_twice_is_an_error(several: Callable[..., Database]) -> None:
    with several() as database:
        wrong = Mapping.of(
            sales=("items", {"order_id": "bill", "quantity": "n", "unit_price": "each"}),
            orders=("bills", {"order_id": "no", "customer_id": "client", "order_date": "at"}),
            customers=("receipts", {"customer_id": "client"}),
            products=("items", {"product_id": "sku"}),
        )
        assert "products are mapped, but" in told(database, wrong, "error")
        repeated = Mapping.of(
            sales=("items", {"order_id": "bill", "product_id": "sku", "quantity": "n", "unit_price": "each"}),
            orders=("bills", {"order_id": "no", "customer_id": "client", "order_date": "at"}),
            products=("items", {"product_id": "sku"}),
        )
        assert "items.sku is no key: 1 value such as 7 come more than once" in told(
            database, repeated, "error"
        )


def test_payments_alone_need_the_rest(several: Callable[..., Database]) -> None:
    with several() as database:
        alone = Mapping.of(
            payments=("receipts", {"customer_id": "client", "payment_date": "day", "amount": "amount"})
        )
        assert "would still lack stg_sales" in told(database, alone, "error")
