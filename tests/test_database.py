"""Reading a company's SQLite file: typed columns, staging views, and errors that say what to do."""

import sqlite3
import threading
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from core.database import open_database, shown_url
from core.errors import DatabaseError, MissingDataError, QueryError


def make_file(path: Path, script: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return f"sqlite:///{path}"


ORDERS = """
CREATE TABLE orders (orderNumber INTEGER, orderDate DATE, requiredDate DATE, shippedDate DATE,
                     status TEXT, comments TEXT, customerNumber INTEGER);
INSERT INTO orders VALUES (1, '2024-03-01', '2024-03-08', NULL, 'In Process', NULL, 7),
                          (2, '2024-03-02', '2024-03-09', '2024-03-04', 'Cancelled', 'late', 8);
"""


def test_staging_views_are_there_without_changing_the_file(tmp_path: Path) -> None:
    url = make_file(tmp_path / "company.sqlite", ORDERS)
    before = (tmp_path / "company.sqlite").read_bytes()
    with open_database(url) as database:
        orders = database.query("SELECT order_id, order_day, is_cancelled FROM stg_orders ORDER BY order_id")
    assert orders.rows() == [(1, 19783, 0), (2, 19784, 1)]
    assert (tmp_path / "company.sqlite").read_bytes() == before


def test_a_named_query_has_its_declared_types_even_without_rows(tmp_path: Path) -> None:
    url = make_file(tmp_path / "company.sqlite", ORDERS)
    with open_database(url) as full:
        filled = full.query("staging/sqlite/stg_orders").schema
    url = make_file(tmp_path / "empty.sqlite", ORDERS + "DELETE FROM orders;")
    with open_database(url) as empty:
        assert empty.query("staging/sqlite/stg_orders").schema == filled
    assert filled["order_day"] == pl.Int64
    assert filled["status"] == pl.String


def test_types_come_from_all_rows_not_the_first(tmp_path: Path) -> None:
    rows = ", ".join(f"({i}, NULL, NULL, NULL)" for i in range(25_000))
    script = f"""CREATE TABLE t (id, day, price, code);
                 INSERT INTO t VALUES {rows}, (25000, '2024-02-29', 9.5, 'x'), (25001, NULL, 3, 17);"""
    with open_database(make_file(tmp_path / "late.sqlite", script)) as database:
        frame = database.query("SELECT * FROM t ORDER BY id")
    assert frame.schema == {"id": pl.Int64, "day": pl.Date, "price": pl.Float64, "code": pl.String}
    assert frame.row(25_000) == (25_000, date(2024, 2, 29), 9.5, "x")
    assert frame.row(25_001) == (25_001, None, 3.0, "17")


def test_empty_columns_keep_the_type_of_their_table(tmp_path: Path) -> None:
    with open_database(make_file(tmp_path / "company.sqlite", ORDERS)) as database:
        frame = database.query("SELECT orderDate, status, customerNumber FROM orders WHERE 1 = 0")
        staged = database.query("SELECT order_id, order_day, status FROM stg_orders WHERE 1 = 0")
    assert frame.dtypes == [pl.Date, pl.String, pl.Int64]
    assert staged.dtypes == [pl.Int64, pl.Int64, pl.String]


def test_parameters_take_dates_decimals_and_nulls(tmp_path: Path) -> None:
    with open_database(make_file(tmp_path / "company.sqlite", ORDERS)) as database:
        frame = database.query(
            "SELECT orderNumber, :price AS price, :unknown AS unknown FROM orders WHERE orderDate >= :start",
            start=date(2024, 3, 2),
            price=Decimal("9.99"),
            unknown=None,
        )
        assert frame.rows() == [(2, 9.99, None)]
        with pytest.raises(QueryError, match="start"):
            database.query("SELECT * FROM orders WHERE orderDate >= :start")
        with pytest.raises(QueryError, match="parameter start has a value of type list"):
            database.query("SELECT * FROM orders WHERE orderDate >= :start", start=[1])


def test_repeated_column_names_are_numbered(tmp_path: Path) -> None:
    with open_database(make_file(tmp_path / "company.sqlite", ORDERS)) as database:
        assert database.query("SELECT 1 AS a, 2 AS b, 3 AS a").columns == ["a", "b", "a_2"]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC * FROM orders", "syntax error"),
        ("SELECT nonsense FROM orders", "no such column: nonsense"),
        ("SELECT * FROM order", "syntax error"),
        ("SELECT * FROM ordrs", "Nearest names: orders"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("DELETE FROM orders", "may only read"),
        ("DROP TABLE orders", "may only read"),
        ("CREATE TEMP TABLE x (a)", "may only read"),
        ("PRAGMA query_only = OFF", "may only read"),
        ("ATTACH 'other.sqlite' AS other", "may only read"),
    ],
)
def test_a_query_that_cannot_be_run_says_why(tmp_path: Path, sql: str, reason: str) -> None:
    with open_database(make_file(tmp_path / "company.sqlite", ORDERS)) as database:
        with pytest.raises(QueryError, match=reason):
            database.query(sql)
        assert database.query("SELECT COUNT(*) AS n FROM orders").item() == 2


def test_missing_tables_are_named_with_the_way_to_load_them(tmp_path: Path) -> None:
    with open_database(make_file(tmp_path / "company.sqlite", ORDERS)) as database:
        with pytest.raises(MissingDataError, match="lacks the tables orderdetails, products") as caught:
            database.query("SELECT * FROM stg_sales")
        assert caught.value.needs == ("orderdetails", "products")
        assert "sales-dashboard ingest" in caught.value.remedy


def test_a_table_without_its_columns_is_named_with_them(tmp_path: Path) -> None:
    script = "CREATE TABLE payments (customerNumber INTEGER, paidOn DATE, amount REAL);"
    lacking = pytest.raises(MissingDataError, match="payments lacks checkNumber, paymentDate")
    with open_database(make_file(tmp_path / "odd.sqlite", script)) as database, lacking:
        database.query("SELECT * FROM stg_payments")


def test_views_of_the_company_itself_come_first(tmp_path: Path) -> None:
    script = "CREATE VIEW stg_orders AS SELECT 1 AS order_id, 19783 AS order_day;"
    with open_database(make_file(tmp_path / "own.sqlite", ORDERS + script)) as database:
        assert database.query("SELECT * FROM stg_orders").rows() == [(1, 19783)]


def test_tables_lists_columns_types_and_rows(tmp_path: Path) -> None:
    with open_database(make_file(tmp_path / "company.sqlite", ORDERS)) as database:
        tables = {table.name: table for table in database.tables()}
    assert tables["orders"].kind == "table"
    assert tables["orders"].rows == 2
    assert tables["orders"].columns["orderDate"] == "date"
    assert tables["stg_orders"].kind == "view"
    assert tables["stg_orders"].columns["order_day"] == "day"


def test_written_frames_come_back_as_they_were(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "customer": [1, 2, None],
            "score": [0.25, None, 1.0],
            "name": ['O"Hara, ü', None, "two\nlines"],
            "since": [date(2024, 1, 31), None, date(1999, 12, 31)],
            "seen": [datetime(2024, 1, 31, 12, 30, 1, 250_000), None, datetime(2000, 1, 1)],
        }
    )
    with open_database(str(tmp_path / "new.sqlite"), read_only=False) as database:
        database.write("scores", frame)
        assert database.query("SELECT * FROM scores").equals(frame)
        database.write("scores", frame.head(1), mode="append")
        assert database.query("SELECT COUNT(*) AS n FROM scores").item() == 4
        database.write("scores", frame.head(1))
        assert database.query("SELECT * FROM scores").equals(frame.head(1))


def test_writing_is_all_or_nothing_and_must_be_asked_for(tmp_path: Path) -> None:
    url = make_file(tmp_path / "company.sqlite", ORDERS)
    with open_database(url) as database, pytest.raises(DatabaseError, match="reading only"):
        database.write("orders", pl.DataFrame({"a": [1]}))
    with open_database(url, read_only=False) as database:
        with pytest.raises(DatabaseError, match="no column named a"):
            database.write("orders", pl.DataFrame({"a": [1]}), mode="append")
        with pytest.raises(DatabaseError, match="tags"):
            database.write("orders", pl.DataFrame({"tags": [["a"]]}))
        assert database.query("SELECT COUNT(*) AS n FROM orders").item() == 2


def test_data_version_changes_with_the_data_only(tmp_path: Path) -> None:
    url = make_file(tmp_path / "company.sqlite", ORDERS)
    with open_database(url, read_only=False) as database:
        first = database.data_version()
        database.query("SELECT * FROM orders")
        assert database.data_version() == first
        versions = {first}
        for number in range(5):
            database.write("scores", pl.DataFrame({"a": [number]}))
            versions.add(database.data_version())
            assert database.query("SELECT a FROM scores").item() == number
        assert len(versions) == 6


def test_a_reader_sees_a_file_that_was_replaced_and_new_tables(tmp_path: Path) -> None:
    url = make_file(tmp_path / "company.sqlite", "CREATE TABLE t (a); INSERT INTO t VALUES (1);")
    with open_database(url) as database:
        assert database.query("SELECT a FROM t").item() == 1
        make_file(tmp_path / "next.sqlite", "CREATE TABLE t (a); INSERT INTO t VALUES (2);" + ORDERS)
        (tmp_path / "next.sqlite").replace(tmp_path / "company.sqlite")
        assert database.query("SELECT a FROM t").item() == 2
        assert database.query("SELECT COUNT(*) AS n FROM stg_orders").item() == 2


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    results: list[int] = []
    with open_database(make_file(tmp_path / "company.sqlite", ORDERS)) as database:

        def read() -> None:
            results.extend(database.query("SELECT COUNT(*) AS n FROM stg_orders").item() for _ in range(20))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [2] * 160
    with pytest.raises(DatabaseError, match="closed"):
        database.query("SELECT 1 AS a")


def test_health_is_told_and_never_raised(tmp_path: Path) -> None:
    file = tmp_path / "company.sqlite"
    with open_database(make_file(file, ORDERS)) as database:
        assert database.health().ok
        file.unlink()
        health = database.health()
    assert not health.ok
    assert "There is no database file" in health.message


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_file(tmp_path / "a b?.sqlite", ORDERS)
    monkeypatch.chdir(tmp_path)
    for address in (f"{tmp_path}/a b?.sqlite", "a b?.sqlite"):
        with open_database(address) as database:
            assert database.query("SELECT COUNT(*) AS n FROM orders").item() == 2
    make_file(tmp_path / "c.db", ORDERS)
    for address in ("sqlite:///c.db", f"sqlite:///{tmp_path}/c.db", f"sqlite://{tmp_path}/c.db"):
        with open_database(address) as database:
            assert database.health().ok


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "No database address"),
        ("oracle://scott:tiger@host/db", "No engine is known"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///missing.sqlite", "There is no database file"),
        ("some words", "neither a database address"),
    ],
)
def test_addresses_that_cannot_be_opened(address: str, reason: str) -> None:
    with pytest.raises(DatabaseError, match=reason) as caught:
        open_database(address)
    assert caught.value.remedy
    assert "tiger" not in str(caught.value)


def test_passwords_are_not_shown() -> None:
    assert shown_url("mssql://sa:secret@host/db?pwd=secret") == "mssql://sa:…@host/db"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_text("orderNumber,orderDate\n1,2024-01-01\n")
    with pytest.raises(DatabaseError, match="is not an SQLite database"):
        open_database(str(tmp_path / "x.sqlite"))


def test_genuine_data_are_read_as_they_are(genuine_sqlite: Path) -> None:
    with open_database(str(genuine_sqlite)) as database:
        revenue = database.query("SELECT SUM(amount) AS revenue FROM stg_sales WHERE is_cancelled = 0")
        assert round(revenue.item(), 2) == 9_365_336.43
