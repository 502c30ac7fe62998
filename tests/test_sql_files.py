"""Reading queries: headers, names, errors."""

import pytest

from core.errors import QueryError
from core.sql_files import column_type, parse_sql, read_sql, sql_names, staging_files

HEADER = """-- title: Things
-- grain: thing
-- needs: stg_sales, stg_orders
-- parameters:
--   as_of_day: day, rows on or after it are left out
-- columns:
--   thing: id, key
--   amount: number, currency
"""


def test_a_header_is_read() -> None:
    file = parse_sql("eda/things", HEADER + "SELECT thing, amount\nFROM t;\n")
    assert (file.name, file.stem, file.title, file.grain) == ("eda/things", "things", "Things", "thing")
    assert file.needs == ("stg_sales", "stg_orders")
    assert file.parameters == {"as_of_day": "day, rows on or after it are left out"}
    assert file.columns == {"thing": "id, key", "amount": "number, currency"}
    assert file.text == "SELECT thing, amount\nFROM t"
    assert column_type(file.columns["amount"]) == "number"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("SELECT 1", "header lacks title, grain, needs, columns"),
        (HEADER, "header lacks a query below it"),
        (HEADER.replace("-- grain: thing\n", "") + "SELECT 1", "header lacks grain"),
        (
            HEADER.replace("number, currency", "currency") + "SELECT 1",
            "line 8: amount must start with one of",
        ),
        (HEADER.replace("-- title", "-- titel") + "SELECT 1", "line 1: unknown entry 'titel'"),
        (HEADER.replace("-- title: Things", "-- Things") + "SELECT 1", "line 1: expected '-- key: value'"),
    ],
)
def test_a_wrong_header_is_refused(content: str, message: str) -> None:
    with pytest.raises(QueryError, match=r"things\.sql") as error:
        parse_sql("things", content)
    assert message in str(error.value)


def test_every_file_can_be_read() -> None:
    assert [read_sql(name).name for name in sql_names()] == sql_names()
    assert set(sql_names("marts")) < set(sql_names())
    assert sql_names("nowhere") == []


@pytest.mark.parametrize("name", ["marts/sales_dayly", "sales_daily", "eda/sales_daily"])
def test_an_unknown_name_gives_the_nearest(name: str) -> None:
    with pytest.raises(QueryError, match="marts/sales_daily"):
        read_sql(name)


@pytest.mark.parametrize("name", ["", "../pyproject", "/etc/passwd", "marts/../marts/sales_daily", "zzzzzz"])
def test_names_outside_are_refused(name: str) -> None:
    with pytest.raises(QueryError, match="no query called"):
        read_sql(name)


@pytest.mark.parametrize("engine", ["oracle", "", ".."])
def test_an_unknown_engine_is_refused(engine: str) -> None:
    with pytest.raises(QueryError, match=r"duckdb, .*sqlite"):
        staging_files(engine)


def test_staging_names_its_views() -> None:
    assert {file.stem for file in staging_files("sqlite")} == {
        *("stg_customers", "stg_employees", "stg_offices", "stg_products"),
        *("stg_orders", "stg_sales", "stg_payments"),
    }
