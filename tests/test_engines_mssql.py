"""Acceptance on a real SQL Server, Azure SQL or Synapse pool; ``SALES_TEST_MSSQL_URL`` names its database.

    SALES_TEST_MSSQL_URL='mssql://sa:password@host/sales_test?trust_server_certificate=yes' make engines

The database is for these tests alone: it has to be empty at the beginning and is emptied at the end. What a
run that was killed has left is removed by the next, which knows it by the table ``sales_test_database``. The
user has to own the database (``db_owner``). The tests of connections that are killed need the rights to see
and end sessions (``VIEW SERVER STATE`` and ``ALTER ANY CONNECTION``; on Azure ``VIEW DATABASE STATE`` and
``KILL DATABASE CONNECTION``) and are skipped without.
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

import engine_contract as contract
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import comparable, literal_company, random_company, write_sqlite
from sql_reference import REFERENCES, Company
from tsql_attacks import ATTACKS

from core.adhoc.run import explain, run_query
from core.database import Database, open_database
from core.database.adhoc import QueryCancelled, QueryLimits, QueryTimeout
from core.database.schema import Column, TableSchema
from core.database.server.database import ServerDatabase
from core.database.server.mssql import MssqlDialect
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
MARK = "sales_test_database"
ENDLESS = """SELECT COUNT_BIG(*) AS n FROM many AS a, many AS b, many AS c, many AS d
WHERE a.a + b.a + c.a + d.a = -1"""
"""Without the condition the server may multiply the counts of the tables."""
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


def raw(database: Database, *statements: str) -> list[tuple[object, ...]]:
    """Run statements of the server's own SQL on a connection of its own; gives the rows of the last."""
    rows: list[tuple[object, ...]] = []
    with database._pool.writing() as connection:  # type: ignore[attr-defined]
        connection.autocommit = True
        for statement in statements:
            rows = database.dialect.fetch(connection, statement)  # type: ignore[attr-defined]
    return rows


def empty(database: Database) -> None:
    """Drop every table and view but those that count changes."""
    with database.changing() as changes:
        for name, kind in changes.relations().items():
            if kind == "view":
                changes.drop_view(name)
        for name, kind in changes.relations().items():
            if kind == "table" and not name.startswith("_sales_") and name != MARK:
                changes.drop_table(name)


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with open_database(URL, read_only=False) as opened:
        health = opened.health()
        assert health.ok, health.message
        own = [info.name for info in opened.tables() if not info.name.startswith("stg_")]
        if MARK in own:
            empty(opened)
        else:
            assert not own, f"the database of SALES_TEST_MSSQL_URL is not empty: {', '.join(own)}"
            opened.write(MARK, pl.DataFrame({"note": ["for tests alone, everything in here is removed"]}))
        try:
            yield opened
        finally:
            empty(opened)
            drop = opened.dialect.drop_table  # type: ignore[attr-defined]
            raw(opened, *(drop(name) for name in (MARK, "_sales_changes", "_sales_view_texts")))


@pytest.fixture
def busy(database: Database) -> Database:
    """The database with a table whose product with itself is never counted."""
    if "many" not in {info.name for info in database.tables()}:
        database.write("many", pl.DataFrame({"a": range(5_000)}))
    return database


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


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_every_mart_gives_what_polars_computes_of_the_raw_tables(
    company: tuple[str, Database], name: str, request: pytest.FixtureRequest
) -> None:
    file = read_sql(name)
    for day in (19_764, 20_089):
        days = {"as_of_day": day, "terms_days": 30, "from_day": day - 500, "until_day": day}
        expected = REFERENCES[name](Company(COMPANIES[request.node.callspec.params["company"]], **days))
        found = company[1].query(name, **{key: days[key] for key in file.parameters})
        assert_frame_equal(
            comparable(found, file), comparable(expected, file), check_exact=False, abs_tol=0.005, rel_tol=0
        )


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


OTHERS = """CREATE TABLE made_by_others (
    id INT NOT NULL, part DECIMAL(10, 2), huge DECIMAL(30, 10), whole NUMERIC(12, 0), price MONEY,
    tiny TINYINT, small SMALLINT, single REAL, [at] DATETIME, [minute] SMALLDATETIME, fine DATETIME2(7),
    zoned DATETIMEOFFSET, clock TIME(3), padded CHAR(5), wide NCHAR(3), plain VARCHAR(20),
    guid UNIQUEIDENTIFIER, yes BIT, code VARBINARY(8), [Mixed Case] NVARCHAR(20))"""
FILLED = """INSERT INTO made_by_others VALUES (
    1, 1.10, 12345678901234567890.0123456789, 7, 922.3371, 255, -32768, 1.5, '2024-02-29T23:59:59.997',
    '2024-02-29T23:59:00', '2024-02-29T23:59:59.1234567', '2024-01-01T12:00:00.5+02:00', '01:02:03.004', 'ab',
    N'é', 'plain', '6F9619FF-8B86-D011-B42D-00C04FC964FF', 1, 0x00FF, N'\U0001f30d x')"""
EMPTY = "INSERT INTO made_by_others (id) VALUES (2)"
EXPECTED = {
    "id": 1, "part": 1.1, "huge": 12345678901234567890.0123456789, "whole": 7, "price": 922.3371, "tiny": 255,
    "small": -32768, "single": 1.5, "at": datetime(2024, 2, 29, 23, 59, 59, 997_000),
    "minute": datetime(2024, 2, 29, 23, 59), "fine": datetime(2024, 2, 29, 23, 59, 59, 123_456),
    "zoned": datetime(2024, 1, 1, 10, 0, 0, 500_000), "clock": "01:02:03.004000", "padded": "ab   ",
    "wide": "é  ", "plain": "plain", "guid": "6F9619FF-8B86-D011-B42D-00C04FC964FF", "yes": True,
    "code": b"\x00\xff", "Mixed Case": "\U0001f30d x",
}  # fmt: skip


def test_tables_made_by_others_are_read_alike_by_both_drivers_and_copied(
    database: Database, tmp_path: Path
) -> None:
    """Every type that companies have, with and without a value; columns are compared one by one."""
    raw(database, "DROP TABLE IF EXISTS made_by_others", OTHERS, FILLED, EMPTY)
    dialect, address = MssqlDialect(), database.address  # type: ignore[attr-defined]
    with ServerDatabase(dialect, address) as by_rows:
        for column, value in EXPECTED.items():
            sql = f"SELECT [{column}] FROM made_by_others ORDER BY id"
            whole, rows = database.query(sql), by_rows.query(sql)
            assert_frame_equal(whole, rows)
            found = rows.to_series()
            assert found[0].upper() == value if column == "guid" else found[0] == value, column
            assert found[1] == (2 if column == "id" else None), column
        assert by_rows.query("SELECT SUM(part) AS s, AVG(whole) AS a, COUNT(*) AS n FROM made_by_others").row(
            0
        ) == (1.1, 7, 2)
    kinds = next(info.columns for info in database.tables() if info.name == "made_by_others")
    assert (kinds["part"], kinds["yes"], kinds["zoned"], kinds["guid"]) == (
        "number", "boolean", "datetime", "text",
    )  # fmt: skip
    back = f"sqlite:///{tmp_path / 'others.sqlite'}"
    assert copy_database(URL, back, CopyOptions(tables=("made_by_others",))).verified
    with open_database(back) as copied:
        row = copied.query("SELECT part, huge, fine, clock FROM made_by_others WHERE id = 1").row(0)
    assert row == (
        1.1, "12345678901234567890.0123456789", datetime(2024, 2, 29, 23, 59, 59, 123_456), "01:02:03.004000",
    )  # fmt: skip


def test_names_and_profiles_are_as_on_the_other_engines(database: Database) -> None:
    contract.names_can_be_written(database)
    contract.profiles_are_those_of_the_frame(database)


def test_limits_hold_and_parameters_are_values(database: Database) -> None:
    contract.limits_hold(database)
    contract.parameters_are_values(database)


def test_more_rows_than_one_statement_takes_parameters(database: Database) -> None:
    """2,100 parameters are the most of one statement: rows are sent as arrays."""
    frame = pl.DataFrame({f"c{number}": range(3_000) for number in range(30)})
    database.write("wide", frame)
    assert_frame_equal(database.query("SELECT * FROM wide ORDER BY c0"), frame)


def test_batches_are_typed_and_of_one_state(company: tuple[str, Database]) -> None:
    url, database = company
    batches = list(database.read_batches("orderdetails", rows=100))
    assert all(batch.height <= 100 for batch in batches)
    with open_database(url) as sqlite:
        expected = pl.concat(sqlite.read_batches("orderdetails")).rename(str.lower)
    whole = pl.concat(batches).rename(str.lower)
    assert_frame_equal(whole.select(expected.columns), expected, check_row_order=False, check_dtypes=False)


def test_reading_in_batches_sees_one_moment(busy: Database) -> None:
    if not raw(
        busy, "SELECT 1 FROM sys.databases WHERE database_id = DB_ID() AND snapshot_isolation_state = 1"
    ):
        pytest.skip("ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON has not been done here")
    busy.write("moment", pl.DataFrame({"a": range(2_000)}))
    batches = busy.read_batches("moment", rows=500)
    first = next(batches)
    busy.write("moment", pl.DataFrame({"a": [-1] * 10}), mode="append")
    assert first.height + sum(batch.height for batch in batches) == 2_000


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


def running(database: Database) -> bool:
    """Whether an endless query of this database runs on the server, as far as this user may see."""
    return bool(
        raw(
            database,
            "SELECT 1 FROM sys.dm_exec_requests WHERE session_id <> @@SPID AND database_id = DB_ID()"
            " AND command = 'SELECT'",
        )
    )


def stops(database: Database) -> bool:
    """Whether it has ended within fifteen seconds."""
    until = time.monotonic() + 15
    while running(database):
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def test_a_typed_query_is_cancelled_on_the_server(busy: Database) -> None:
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    begun = time.monotonic()
    with pytest.raises(QueryCancelled):
        run_query(busy, ENDLESS, cancel=cancel)
    assert time.monotonic() - begun < 15
    assert stops(busy)
    assert run_query(busy, "SELECT 1 AS a").rows == 1


def test_a_typed_query_is_stopped_after_its_seconds(busy: Database) -> None:
    begun = time.monotonic()
    with pytest.raises(QueryTimeout):
        run_query(busy, ENDLESS, limits=QueryLimits(max_seconds=1))
    assert time.monotonic() - begun < 15
    assert stops(busy)


def test_faulty_statements_say_what_and_where(company: tuple[str, Database]) -> None:
    _, database = company
    with pytest.raises(SalesError, match=r"no column statuss.*status"):
        run_query(database, "SELECT statuss FROM stg_orders")
    with pytest.raises(SalesError, match=r"no table stg_order\b.*stg_orders"):
        run_query(database, "SELECT 1 AS a FROM stg_order")


def end_sessions(database: Database, wanted: str) -> int:
    """End the sessions of others that ``wanted`` (a condition) picks; skips without the rights to."""
    found = (
        "SELECT s.session_id FROM sys.dm_exec_sessions AS s LEFT JOIN sys.dm_exec_requests AS r"
        " ON r.session_id = s.session_id WHERE s.session_id <> @@SPID AND s.database_id = DB_ID()"
        f" AND s.is_user_process = 1 AND {wanted}"
    )
    try:
        sessions = raw(database, found)
        for (number,) in sessions:
            raw(database, f"KILL {int(str(number))}")
    except database.dialect.errors as error:  # type: ignore[attr-defined]
        pytest.skip(f"the user may not see or end sessions: {database.dialect.failure(error).reason}")  # type: ignore[attr-defined]
    return len(sessions)


def test_a_connection_that_is_killed_while_idle_is_replaced(busy: Database) -> None:
    """Whoever reads does not notice."""
    assert busy.query("SELECT COUNT(*) AS n FROM many")["n"].item() == 5_000
    if not end_sessions(busy, "r.session_id IS NULL"):
        pytest.skip("the user may not see its own other sessions")
    assert busy.query("SELECT COUNT(*) AS n FROM many")["n"].item() == 5_000
    assert sum(batch.height for batch in busy.read_batches("many")) == 5_000
    busy.write("after", pl.DataFrame({"a": [1]}))


def test_a_connection_that_is_killed_in_the_middle_of_a_query_is_told(busy: Database) -> None:
    """In one sentence, and the next query works."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(run_query(busy, ENDLESS, limits=QueryLimits(max_seconds=60)))
        except SalesError as error:
            found.append(error)

    asking = threading.Thread(target=run)
    asking.start()
    ended = 0
    try:
        until = time.monotonic() + 20
        while not ended and asking.is_alive() and time.monotonic() < until:
            time.sleep(0.5)
            ended = end_sessions(busy, "r.command = 'SELECT'")
    finally:
        asking.join(90)
    if not ended:
        pytest.skip("the user may not see its own other sessions")
    assert isinstance(found[0], SalesError)
    assert not isinstance(found[0], QueryTimeout)
    assert "\n" not in str(found[0])
    assert busy.query("SELECT 1 AS a")["a"].item() == 1


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
    database.write("versions", pl.DataFrame({"a": [2]}))
    second = database.data_version()
    assert second != first
    raw(database, "INSERT INTO versions (a) VALUES (3)")  # somebody else, without a word to us
    until = time.monotonic() + 30
    while database.data_version() == second:
        assert time.monotonic() < until, "the write of another was never noticed"
        time.sleep(0.2)


def test_rights_views_and_two_loads(database: Database) -> None:
    """A table that is loaded anew keeps its rights, views go on reading it, and one load runs at once."""
    database.write("granted", pl.DataFrame({"a": [1], "b": ["x"]}))
    raw(
        database,
        "IF DATABASE_PRINCIPAL_ID('sales test role') IS NULL CREATE ROLE [sales test role]",
        "GRANT SELECT ON granted TO [sales test role]",
        "DENY UPDATE ON granted (b) TO [sales test role]",
        "CREATE VIEW granted_total AS SELECT SUM(a) AS total FROM granted",
    )
    try:
        before = raw(database, RIGHTS_OF_GRANTED)
        assert len(before) == 2
        database.write("granted", pl.DataFrame({"a": [2], "b": ["y"]}))
        assert raw(database, RIGHTS_OF_GRANTED) == before
        assert database.query("SELECT total FROM granted_total")["total"].item() == 2
        with database.bulk_load(), pytest.raises(DatabaseError, match="being loaded by another"):
            database.bulk_load()
        database.bulk_load().close()
    finally:
        raw(
            database,
            "DROP VIEW IF EXISTS granted_total",
            "DROP TABLE IF EXISTS granted",
            "DROP ROLE [sales test role]",
        )


RIGHTS_OF_GRANTED = """
SELECT state_desc, permission_name, minor_id FROM sys.database_permissions
WHERE major_id = OBJECT_ID('granted') ORDER BY permission_name
"""


def change_and_fail(database: Database) -> None:
    with database.changing() as changes:
        changes.drop_table("kept")
        changes.create_view("made_view", "SELECT 1 AS a")
        raise RuntimeError("in the middle")


def test_changes_are_all_or_nothing(database: Database) -> None:
    database.write("kept", pl.DataFrame({"a": [1]}))
    with pytest.raises(RuntimeError, match="in the middle"):
        change_and_fail(database)
    names = {info.name for info in database.tables()}
    assert "kept" in names
    assert "made_view" not in names


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


def test_models_are_trained_stored_and_score_on_the_server(
    company: tuple[str, Database], tmp_path: Path
) -> None:
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
            env=os.environ | {"SALES_DATA_DIR": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [*command, "query", "SELECT COUNT(*) AS n FROM stg_orders", "--database", URL, "--format", "json"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [{"n": orders}]
    with open_database(URL) as opened:
        assert opened.query("SELECT COUNT(*) AS n FROM scores_churn")["n"].item() > 10
        assert opened.query("SELECT COUNT(*) AS n FROM model_versions")["n"].item() == 1
