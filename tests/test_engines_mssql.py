"""Acceptance on a real SQL Server, Azure SQL or Synapse pool; ``SALES_TEST_MSSQL_URL`` names its database.

    SALES_TEST_MSSQL_URL='mssql://sa:password@host/sales_test?trust_server_certificate=yes' make engines

The database is for these tests alone: it has to be empty at the beginning and is emptied at the end.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import comparable, literal_company, random_company, write_sqlite
from tsql_attacks import ATTACKS

from core.adhoc.run import explain, run_query
from core.database import Database, open_database
from core.database.adhoc import QueryCancelled, QueryLimits, QueryTimeout
from core.database.schema import Column, TableSchema
from core.errors import DatabaseError, MissingDataError, SalesError
from core.sql_files import read_sql, sql_names, staging_files
from core.transfer import CopyOptions, copy_database

URL = os.environ.get("SALES_TEST_MSSQL_URL", "")
if not URL:
    pytest.skip("SALES_TEST_MSSQL_URL names no SQL Server", allow_module_level=True)

PORTABLE = [name for name in sql_names() if not name.startswith(("staging/", "operations/"))]
COMPANIES = {"literal": literal_company(), "random": random_company(1, customers=60, orders=500)}
DAYS = [19_144, 19_417, 19_609, 19_764, 19_778, 20_089]
PARAMETERS = {f"as_of_day_{i}": DAYS[min(i, len(DAYS)) - 1] for i in range(1, 25)} | {
    "as_of_day": 19_764, "terms_days": 30, "from_day": 19_100, "until_day": 19_764, "horizon_days": 90,
    "slice_size": 7, "first_customer_id": 1, "last_customer_id": 40,
}  # fmt: skip
ENDLESS = "SELECT COUNT_BIG(*) AS n FROM {t} AS a, {t} AS b, {t} AS c, {t} AS d, {t} AS e, {t} AS f"
TYPES = pl.DataFrame(
    {
        "id": [1, 2, 3],
        "big": [2**62, -(2**62), None],
        "number": [0.1, -1e15 + 0.5, None],
        "text": ["naïve 🌍 'single' [x] \\ tab\t\nline", "", None],
        "long": ["é" * 9_000, None, "x"],
        "day": [date(2024, 2, 29), date(1970, 1, 1), None],
        "moment": [datetime(2024, 2, 29, 23, 59, 59, 123456), datetime(1999, 12, 31), None],
        "paid": [True, False, None],
        "raw": [b"\x00\xff'", b"x" * 9_000, None],
    }
)


def empty(database: Database) -> None:
    """Drop every table and view."""
    with database.changing() as changes:
        for name, kind in changes.relations().items():
            if kind == "view":
                changes.drop_view(name)
        for name, kind in changes.relations().items():
            if kind == "table" and not name.startswith("_sales_"):
                changes.drop_table(name)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with open_database(URL, read_only=False) as opened:
        health = opened.health()
        assert health.ok, health.message
        own = [info.name for info in opened.tables()]
        assert not own, f"the database of SALES_TEST_MSSQL_URL is not empty: {', '.join(own)}"
        try:
            yield opened
        finally:
            empty(opened)


@pytest.fixture(scope="module", params=COMPANIES)
def company(
    request: pytest.FixtureRequest, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Database]]:
    """The company in an SQLite file, and copied to the server: address of the one, the other opened."""
    file = write_sqlite(COMPANIES[request.param], tmp_path_factory.mktemp("company") / "company.sqlite")
    report = copy_database(f"sqlite:///{file}", URL, CopyOptions(replace=True))
    assert report.verified
    yield f"sqlite:///{file}", database
    empty(database)


def rows_of(url: str, name: str, values: dict[str, int]) -> pl.DataFrame:
    with open_database(url) as sqlite:
        return sqlite.query(name, **values)


@pytest.mark.parametrize("name", PORTABLE)
def test_every_query_gives_the_rows_of_sqlite(company: tuple[str, Database], name: str) -> None:
    url, database = company
    file = read_sql(name)
    values = {key: PARAMETERS[key] for key in file.parameters}
    found, expected = database.query(name, **values), rows_of(url, name, values)
    assert found.schema == expected.schema
    assert_frame_equal(comparable(found, file), comparable(expected, file), check_exact=False, abs_tol=1e-5)


@pytest.mark.parametrize("file", staging_files("mssql"), ids=lambda file: file.stem)
def test_every_staging_view_gives_the_rows_of_sqlite(company: tuple[str, Database], file: object) -> None:
    url, database = company
    stem = file.stem  # type: ignore[attr-defined]
    found = database.query(f"SELECT * FROM {stem}")
    expected = rows_of(url, f"SELECT * FROM {stem}", {})
    view = read_sql(f"staging/mssql/{stem}")
    assert found.columns == expected.columns
    assert_frame_equal(comparable(found, view), comparable(expected, view), check_exact=False, abs_tol=1e-9)


def test_a_copy_back_is_the_same(company: tuple[str, Database], tmp_path: Path) -> None:
    url, _ = company
    back = f"sqlite:///{tmp_path / 'back.sqlite'}"
    assert copy_database(URL, back).verified
    with open_database(url) as first, open_database(back) as second:
        for info in first.tables():
            if info.kind == "table":
                rows = [d.query(f"SELECT * FROM {info.name}").rename(str.lower) for d in (first, second)]
                assert_frame_equal(
                    rows[0], rows[1].select(rows[0].columns), check_row_order=False, check_dtypes=False
                )


def test_every_type_comes_back_as_it_was_written(database: Database) -> None:
    database.write("every_type", TYPES)
    found = database.query("SELECT * FROM every_type ORDER BY id")
    assert found.schema == TYPES.schema
    assert_frame_equal(found, TYPES)
    database.write("every_type", TYPES.with_columns(id=pl.col("id") + 10), mode="append")
    assert database.query("SELECT COUNT(*) AS n FROM every_type")["n"].item() == 6
    database.write("every_type", TYPES.clear())
    assert database.query("SELECT * FROM every_type").is_empty()


def test_batches_are_typed_and_of_one_state(company: tuple[str, Database]) -> None:
    url, database = company
    batches = list(database.read_batches("orderdetails", rows=100))
    assert all(batch.height <= 100 for batch in batches)
    with open_database(url) as sqlite:
        expected = pl.concat(sqlite.read_batches("orderdetails")).rename(str.lower)
    whole = pl.concat(batches).rename(str.lower)
    assert_frame_equal(whole.select(expected.columns), expected, check_row_order=False, check_dtypes=False)


@pytest.mark.parametrize("sql", ATTACKS)
def test_typed_statements_only_read(company: tuple[str, Database], sql: str) -> None:
    _, database = company
    before = {info.name: info.rows for info in database.tables()}
    with pytest.raises(SalesError):
        run_query(database, sql)
    assert {info.name: info.rows for info in database.tables()} == before


def test_a_typed_query_runs_within_its_limits(company: tuple[str, Database]) -> None:
    _, database = company
    result = run_query(database, "SELECT TOP 3 * FROM stg_orders ORDER BY order_id")
    assert result.rows == 3
    cut = run_query(database, "SELECT * FROM stg_sales", limits=QueryLimits(max_rows=2))
    assert (cut.rows, cut.truncated_by) == (2, "rows")
    found = run_query(
        database, "SELECT order_id FROM stg_orders WHERE status = :status", params={"status": "Cancelled"}
    )
    assert found.rows >= 1
    assert "orders" in explain(database, "SELECT order_id FROM stg_orders WHERE order_day > :day").lower()


def test_a_typed_query_is_cancelled_on_the_server(company: tuple[str, Database]) -> None:
    _, database = company
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    begun = time.monotonic()
    with pytest.raises(QueryCancelled):
        run_query(database, ENDLESS.format(t="stg_sales"), cancel=cancel)
    assert time.monotonic() - begun < 15
    assert run_query(database, "SELECT 1 AS a").rows == 1


def test_a_typed_query_is_stopped_after_its_seconds(company: tuple[str, Database]) -> None:
    _, database = company
    begun = time.monotonic()
    with pytest.raises(QueryTimeout):
        run_query(database, ENDLESS.format(t="stg_sales"), limits=QueryLimits(max_seconds=1))
    assert time.monotonic() - begun < 15


def test_faulty_statements_say_what_and_where(company: tuple[str, Database]) -> None:
    _, database = company
    with pytest.raises(SalesError, match=r"no column statuss.*status"):
        run_query(database, "SELECT statuss FROM stg_orders")
    with pytest.raises(SalesError, match=r"no table stg_order\b.*stg_orders"):
        run_query(database, "SELECT 1 AS a FROM stg_order")


def test_a_connection_that_is_killed_is_replaced(company: tuple[str, Database]) -> None:
    """The running query is repeated or told in one sentence; the next one works. Needs the right to KILL."""
    _, database = company
    found: list[object] = []

    def run() -> None:
        try:
            found.append(
                run_query(database, ENDLESS.format(t="stg_sales"), limits=QueryLimits(max_seconds=8))
            )
        except SalesError as error:
            found.append(error)

    running = threading.Thread(target=run)
    running.start()
    time.sleep(2)
    with database._pool.writing() as connection:  # type: ignore[attr-defined]
        connection.autocommit = True
        cursor = connection.cursor()
        sessions = cursor.execute(
            "SELECT session_id FROM sys.dm_exec_requests WHERE session_id <> @@SPID AND database_id = DB_ID()"
            " AND command = 'SELECT'"
        ).fetchall()
        for (session,) in sessions:
            cursor.execute(f"KILL {int(session)}")
    running.join(60)
    assert sessions
    assert isinstance(found[0], SalesError)
    assert "Traceback" not in str(found[0])
    assert database.query("SELECT 1 AS a")["a"].item() == 1


def test_a_load_with_repeated_keys_leaves_the_old_table(database: Database) -> None:
    database.write("parents", pl.DataFrame({"code": ["old"]}))
    schema = TableSchema("parents", (Column("code", "text", True),), ("code",))
    with database.bulk_load() as load:
        load.create(schema)
        load.insert("parents", [pl.Series("code", ["a", "b", "a"])])
        assert not load.add_key("parents")
    assert database.query("SELECT code FROM parents")["code"].to_list() == ["old"]
    with database.bulk_load() as load:
        load.create(schema)
        load.insert("parents", [pl.Series("code", ["a", "b", "A"])])
        assert load.add_key("parents"), "keys compare by code point, as in every other engine"
        load.install("parents", "replace")
        load.commit()
    assert sorted(database.query("SELECT code FROM parents")["code"]) == ["A", "a", "b"]


def test_the_version_of_the_data_changes_with_every_write(database: Database) -> None:
    database.write("versions", pl.DataFrame({"a": [1]}))
    first = database.data_version()
    assert database.data_version() == first
    database.write("versions", pl.DataFrame({"a": [2]}))
    assert database.data_version() != first


def test_what_is_missing_is_named(database: Database) -> None:
    with suppress(SalesError):
        empty(database)
    with pytest.raises(MissingDataError) as caught:
        database.query("marts/order_dates", as_of_day=20_000)
    assert "orders" in caught.value.needs


def test_a_wrong_password_is_one_sentence() -> None:
    scheme, _, rest = URL.partition("://")
    if "@" not in rest:
        pytest.skip("the address signs in by Entra ID")
    user = rest.split(":", 1)[0]
    wrong = f"{scheme}://{user}:not-it-4711@{rest.rsplit('@', 1)[1]}"
    with open_database(wrong) as database, pytest.raises(DatabaseError, match="does not let") as caught:
        database.query("SELECT 1 AS a")
    assert "not-it-4711" not in str(caught.value)


def test_models_are_trained_stored_and_score_on_the_server(company: tuple[str, Database]) -> None:
    """By the command line, with the models and scores in the database itself."""
    _, database = company
    orders = database.query("SELECT COUNT(*) AS n FROM orders")["n"].item()
    if orders < 100:
        pytest.skip("the literal company is too small to learn from")
    command = [sys.executable, "-c", "import sys; from dashboard.cli import main; sys.exit(main())"]
    for arguments in (["train", "--task", "churn", "--horizon", "60"], ["score", "--task", "churn"]):
        done = subprocess.run(
            [*command, *arguments, "--database", URL],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [*command, "query", "SELECT COUNT(*) AS n FROM stg_orders", "--database", URL, "--format", "json"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [{"n": orders}]
    with open_database(URL) as opened:
        assert [info.name for info in opened.tables() if info.name.startswith("sales_")]
