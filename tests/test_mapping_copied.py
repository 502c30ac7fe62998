"""Mapped tables of SQLite are read from a copy that gives the same rows and is never older than the data."""

import logging
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from core.database import Database, open_database
from core.database.base import Queries
from core.ingest import ingest
from core.mapping import Mapping, copied, store_mapping
from core.sales.load import read_sales
from core.sales_data import SalesData, load_sales

COLUMNS = {"customer_id": "c", "order_date": "d", "product_line": "k", "quantity": "q", "unit_price": "p",
           "country": "r", "status": "s"}  # fmt: skip
MAPPING = Mapping.of(sales=("t", COLUMNS))
AS_OF = date(2024, 1, 1)
ROWS = [
    {
        "c": None if n % 97 == 0 else n * 7 % 60,
        "d": None if n % 89 == 0 else date(2023, 1 + n % 12, 1 + n * 5 % 28),
        "k": None if n % 50 == 0 else f" line {n % 7}",
        "q": n % 5 - 1,
        "p": round(0.37 * (n % 11), 2),
        "r": None if n % 5 else ["Norway", "Peru", ""][n % 3],
        "s": "Cancelled" if n % 40 == 0 else "done",
    }
    for n in range(600)
]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(copied, "LEAST_ROWS", 1)
    copied.forget_copies()
    with open_database(str(tmp_path / "t.sqlite"), read_only=False) as opened:
        opened.write("t", pl.DataFrame(ROWS))
        yield opened
    copied.forget_copies()


def is_copied(database: Database) -> bool:
    return not isinstance(copied.quick_reader(database), Database)


def run(database: Database, *statements: str) -> None:
    with closing(sqlite3.connect(database.file)) as connection, connection:  # type: ignore[attr-defined]
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("columns", [COLUMNS, {**COLUMNS, "order_id": "q"}, {**COLUMNS, "product_id": "p"}])
@pytest.mark.parametrize("max_lines", [10_000, 200])
def test_the_copy_gives_what_the_database_gives(
    database: Database, columns: dict[str, str], max_lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_mapping(database, Mapping.of(sales=("t", columns)))
    assert is_copied(database)
    copy = read_sales(database, AS_OF, max_lines=max_lines)
    monkeypatch.setattr(copied, "LEAST_ROWS", 1_000_000)
    copied.forget_copies()
    assert not is_copied(database)
    straight = read_sales(database, AS_OF, max_lines=max_lines)
    assert_same(copy, straight)


def assert_same(one: SalesData, other: SalesData) -> None:
    """The same rows in any order, with keys in place of row numbers."""
    for name in ("daily", "monthly", "orders_daily", "product_monthly", "lines", "customers", "products"):
        here, there = (_with_keys(sales, getattr(sales, name)) for sales in (one, other))
        by = [column for column, kind in here.schema.items() if not kind.is_float()]
        assert_frame_equal(here.sort(by), there.sort(by))
    for name in ("first_day", "last_day", "line_count", "sampled_share", "missing"):
        assert getattr(one, name) == getattr(other, name)


def _with_keys(sales: SalesData, frame: pl.DataFrame) -> pl.DataFrame:
    keys = [
        table["key"].gather(frame[name]).alias(name)
        for name, table in (("product", sales.products), ("customer", sales.customers))
        if name in frame.columns
    ]
    return frame.with_columns(keys)


def test_what_is_loaded_anew_is_copied_anew_and_said(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "core.mapping.copied")
    store_mapping(database, MAPPING)
    before = load_sales(database).daily["revenue"].sum()
    assert "Copied 600 rows of t for reading" in caplog.text
    caplog.clear()
    load_sales(database, AS_OF)
    assert "Copied" not in caplog.text
    (tmp_path / "t.csv").write_text("c,d,k,q,p,r,s\n1,2023-05-01,a,2,10.5,Peru,done\n")
    ingest([tmp_path / "t.csv"], str(tmp_path / "t.sqlite"))
    assert load_sales(database).daily["revenue"].sum() == 21 != before
    assert "Copied 1 row of t" in caplog.text
    run(database, "UPDATE t SET q = 4")
    assert load_sales(database).daily["revenue"].sum() == 42


def test_data_that_change_while_they_are_copied_are_copied_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_mapping(database, MAPPING)
    original, changes = copied._copy_columns, iter(["UPDATE t SET q = 3 WHERE c IS NOT NULL"])

    def disturbed(*arguments: object) -> int:
        rows = original(*arguments)  # type: ignore[arg-type]
        for statement in changes:
            run(database, statement)
        return rows

    monkeypatch.setattr(copied, "_copy_columns", disturbed)
    assert load_sales(database).lines["quantity"].unique().to_list() == [3]


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE t SET q = 'many' WHERE rowid = 5"],
        ["DROP VIEW stg_products", "CREATE VIEW stg_products AS SELECT 1 AS product_id"],
        ["ALTER TABLE t RENAME TO u", "CREATE VIEW t AS SELECT * FROM u"],
        ["DROP VIEW stg_sales"],
    ],
)
def test_what_may_differ_is_read_in_place(database: Database, statements: list[str]) -> None:
    store_mapping(database, MAPPING)
    run(database, *statements)
    assert not is_copied(database)


def test_unmapped_tables_are_read_in_place(database: Database) -> None:
    assert not is_copied(database)
    reader: Queries = copied.quick_reader(database)
    assert reader is database
