"""Generated staging views say the same on SQLite and DuckDB as a calculation in Polars."""

import re
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from core.database import Database, open_database
from core.database.base import TableInfo
from core.ingest import ingest
from core.mapping import (
    Mapping,
    MappingError,
    current_mapping,
    mapping_history,
    remove_mapping,
    restore_mapping,
    staging_views,
    store_mapping,
    suggest_mapping,
)
from core.sales_data import load_sales
from core.sql_files import parse_sql
from dashboard.cli import cli

FLAT_FILE = Path(__file__).resolve().parents[2] / "shared" / "flat_sales" / "sales_data.csv"
MAPPING = Mapping.of(
    sales=("t", {"customer_id": "c", "order_date": "d", "product_line": "k", "quantity": "q",
                 "unit_price": "p", "amount": "a", "country": "r"}),
)  # fmt: skip
TABLE = TableInfo(
    "t",
    "table",
    {"c": "integer", "d": "date", "k": "text", "q": "integer", "p": "number", "a": "number", "r": "text"},
)


@pytest.fixture(scope="module")
def flat_file() -> Path:
    if not FLAT_FILE.is_file():
        pytest.skip("the flat sales file is not beside this checkout (shared/flat_sales)")
    return FLAT_FILE


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    n = 500
    return pl.DataFrame(
        {
            "c": [None if i % 97 == 0 else i % 60 for i in range(n)],
            "d": [None if i % 89 == 0 else date(2023, 1, 1 + i % 28) for i in range(n)],
            "k": [None if i % 50 == 0 else f"line {i % 7}" for i in range(n)],
            "q": [i % 5 - 1 for i in range(n)],
            "p": [round(0.37 * (i % 11), 2) for i in range(n)],
            "a": [None if i % 3 else round(1.1 * i, 2) for i in range(n)],
            "r": [None if i % 5 else f"region {i % 3}" for i in range(n)],
        }
    )


def results(rows: pl.DataFrame, engine: str) -> dict[str, list[tuple[object, ...]]]:
    """The rows of every generated view on an engine, sorted."""
    views = staging_views(MAPPING, [TABLE], engine)
    if engine == "sqlite":
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute(
                "CREATE TABLE t (c INTEGER, d DATE, k TEXT, q INTEGER, p REAL, a REAL, r TEXT)"
            )
            values = rows.with_columns(pl.col("d").cast(pl.String)).rows()
            connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            found = {name: connection.execute(text).fetchall() for name, text in views.items()}
    else:
        with duckdb.connect(":memory:") as connection:
            connection.execute(
                "CREATE TABLE t (c BIGINT, d DATE, k VARCHAR, q BIGINT, p DOUBLE, a DOUBLE, r VARCHAR)"
            )
            connection.register("incoming", rows)
            connection.execute("INSERT INTO t SELECT * FROM incoming")
            found = {name: connection.execute(text).fetchall() for name, text in views.items()}
    return {name: sorted(values, key=repr) for name, values in found.items()}


def _rounded(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Without line numbers, which each engine counts in its own way, and with amounts to the cent."""
    return [
        tuple(round(value, 6) if isinstance(value, float) else value for i, value in enumerate(row) if i != 1)
        if len(row) == 11
        else row
        for row in rows
    ]


def test_both_engines_give_the_same_rows(rows: pl.DataFrame) -> None:
    sqlite, other = results(rows, "sqlite"), results(rows, "duckdb")
    assert sqlite.keys() == other.keys() == {"stg_sales", "stg_orders", "stg_customers", "stg_products"}
    for name in sqlite:
        assert _rounded(sqlite[name]) == _rounded(other[name]), name


def test_the_views_agree_with_a_calculation_in_polars(rows: pl.DataFrame) -> None:
    usable = rows.drop_nulls(["c", "d"])
    found = results(rows, "sqlite")
    amount = usable.select(pl.coalesce("a", pl.col("q") * pl.col("p")).sum()).item()
    assert len(found["stg_sales"]) == usable.height
    assert sum(line[8] for line in found["stg_sales"]) == pytest.approx(amount)
    assert len(found["stg_orders"]) == usable.select("c", "d").n_unique()
    assert {line[4] for line in found["stg_sales"]} == {(d - date(1970, 1, 1)).days for d in usable["d"]}
    known = usable.drop_nulls("r").sort("d", "r").group_by("c").agg(pl.col("r").last())
    assert {row[0]: row[4] for row in found["stg_customers"] if row[4]} == dict(known.iter_rows())
    assert {row[0] for row in found["stg_products"]} == set(usable["k"].fill_null("Unknown"))


def test_the_flat_file_needs_nothing_else(flat_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'flat.sqlite'}"
    ingest([flat_file], url)
    expected = pl.read_csv(flat_file, try_parse_dates=True)
    with open_database(url) as database:
        mapping = suggest_mapping(database.tables())
        assert mapping is not None
        store_mapping(database, mapping)
        sales = load_sales(database)
    assert sales.daily["revenue"].sum() == pytest.approx(expected["total_sales"].sum())
    assert sales.line_count == expected.height == 2000
    assert (sales.first_day, sales.last_day) == (
        expected["purchase_date"].min(),
        expected["purchase_date"].max(),
    )
    assert set(sales.countries) == set(expected["region"])
    assert set(sales.product_lines) == set(expected["product_category"])


def address(engine: str, folder: Path) -> str:
    place = folder / f"company.{engine}"
    if engine == "parquet":
        place.mkdir()
    return f"{engine}:///{place}"


@pytest.mark.parametrize("engine", ["sqlite", "duckdb", "parquet"])
def test_a_mapping_is_stored_as_text_to_read_on_every_engine(
    engine: str, tmp_path: Path, rows: pl.DataFrame
) -> None:
    usable = rows.drop_nulls(["c", "d"])
    amount = usable.select(pl.coalesce("a", pl.col("q") * pl.col("p")).sum()).item()
    with open_database(address(engine, tmp_path), read_only=False) as database:
        database.write("t", rows)
        store_mapping(database, MAPPING)
        current = current_mapping(database)
        assert current is not None
        assert current.mapping == MAPPING
        assert load_sales(database).daily["revenue"].sum() == pytest.approx(amount)
        for name, text in database.view_texts().items():
            assert parse_sql(name, text).title.endswith("mapped from t")
            assert text == current.views[name].strip()
        remove_mapping(database)
        assert (current_mapping(database), database.view_texts()) == (None, {})
        restore_mapping(database, 1)
        assert load_sales(database).daily["revenue"].sum() == pytest.approx(amount)
        ingest_again(database, tmp_path)
        assert load_sales(database).daily["revenue"].sum() == 5
        assert [state.action for state in mapping_history(database)] == ["restored", "removed", "mapped"]


def ingest_again(database: Database, folder: Path) -> None:
    """Load other rows in place of the mapped table's."""
    (folder / "t.csv").write_text("c,d,k,q,p,a,r\n1,2024-01-01,x,1,5.0,5.0,north\n")
    scheme = "parquet" if database.file.is_dir() else database.engine  # type: ignore[attr-defined]
    ingest([folder / "t.csv"], f"{scheme}:///{database.file}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ["sqlite", "duckdb", "parquet"])
def test_views_written_or_changed_by_hand_are_kept_as_text(
    engine: str, tmp_path: Path, rows: pl.DataFrame
) -> None:
    with open_database(address(engine, tmp_path), read_only=False) as database:
        database.write("t", rows)
        with database.changing() as changes:
            changes.create_view("stg_payments", "SELECT c AS customer_id -- by hand\nFROM t")
        if engine == "duckdb":  # by other means, which keep no text
            with duckdb.connect(tmp_path / "company.duckdb") as connection:
                connection.execute("CREATE OR REPLACE VIEW stg_payments AS SELECT c AS customer_id FROM t")
        found = current_mapping(database)
        assert found is not None
        assert (found.action, found.mapping) == ("found", None)
        store_mapping(database, MAPPING)
        earlier = mapping_history(database)[1]
        assert earlier.action == "found"
        assert re.fullmatch(
            r"SELECT\s+c AS customer_id\s+(-- by hand\s+)?FROM t", earlier.views["stg_payments"]
        )
        with database.changing() as changes:
            changes.drop_view("stg_orders")
            changes.create_view("stg_orders", "SELECT 1 AS order_id, 2 AS customer_id")
        current = current_mapping(database)
        assert current is not None
        assert (current.action, current.mapping) == ("found", None)
        remove_mapping(database)
        assert [s.action for s in mapping_history(database)] == ["removed", "found", "mapped", "found"]
        assert "1 AS order_id" in mapping_history(database)[1].views["stg_orders"]


@pytest.mark.parametrize("engine", ["sqlite", "duckdb", "parquet"])
def test_what_cannot_be_mapped_changes_nothing(engine: str, tmp_path: Path, rows: pl.DataFrame) -> None:
    with open_database(address(engine, tmp_path), read_only=False) as database:
        database.write("t", rows)
        store_mapping(database, MAPPING)
        remove_mapping(database)
        database.write("t", rows.rename({"a": "money"}))
        with pytest.raises(MappingError, match="does not work on the present tables"):
            restore_mapping(database, 1)
        assert current_mapping(database) is None
        database.write("stg_products", pl.DataFrame({"product_id": [1]}))
        with pytest.raises(MappingError, match="stg_products is taken by a table"):
            restore_mapping(database, 1)


def test_the_command_line_maps_suggests_and_checks(
    flat_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SALES_DATABASE_URL", raising=False)
    monkeypatch.setenv("SALES_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, list(arguments))
        return result.exit_code, result.output

    assert run("ingest", str(flat_file))[0] == 0
    status, output = run("map", "sales_data")
    assert status == 1
    command = output.partition("sales-dashboard map")[2].split()
    status, output = run("map", *command, "--check", "--sql")
    assert status == 0
    assert "-- title: Order lines" in output
    assert "Nothing was stored." in output
    status, output = run("map", *command)
    assert status == 0
    assert "2,000 order lines of 2,000 rows" in output
    assert "revenue USD 2,528,245.78, 2024-01-01 to 2024-12-31" in output
    status, output = run("map", "sales_data", "--customer-id", "nobody", "--order-date", "purchase_date")
    assert status == 1
    assert "no column of sales_data called 'nobody'" in output
    assert "Traceback" not in output
