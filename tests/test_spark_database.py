"""A Spark Connect server as the database: the same queries, writing, typed SQL, and plain errors."""

import datetime as dt
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import comparable, literal_company, write_sqlite

from core.adhoc.run import run_query
from core.database import Database, open_database, shown_url
from core.database.adhoc import QueryCancelled, QueryLimits, QueryTimeout
from core.database.spark import SparkDatabase
from core.database.spark.address import spark_address
from core.days import to_day
from core.doctor import examine
from core.errors import DatabaseError, MissingDataError, QueryError
from core.settings import Settings
from core.sql_files import read_sql, sql_names

AS_OF = to_day(dt.date(2024, 2, 25))
PARAMETERS: dict[str, object] = {
    "as_of_day": AS_OF, "terms_days": 30, "from_day": AS_OF - 500, "until_day": AS_OF, "horizon_days": 60,
    "slice_size": 2, "first_customer_id": 1, "last_customer_id": 3,
    **{f"as_of_day_{number}": AS_OF - 10 * number for number in range(1, 25)},
}  # fmt: skip
QUERIES = [name for name in sql_names() if not name.startswith(("staging/", "operations/"))]


@pytest.fixture(scope="module")
def database(spark_company: str) -> Iterator[Database]:
    """The literal company, open for writing."""
    with open_database(spark_company, read_only=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same company in SQLite."""
    file = write_sqlite(literal_company(), tmp_path_factory.mktemp("sqlite") / "company.sqlite")
    with open_database(str(file)) as opened:
        yield opened


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_gives_the_rows_that_sqlite_gives(
    name: str, database: Database, sqlite: Database
) -> None:
    file = read_sql(name)
    given = {parameter: PARAMETERS[parameter] for parameter in file.parameters}
    found, expected = database.query(name, **given), sqlite.query(name, **given)
    assert found.schema == expected.schema
    assert_frame_equal(comparable(found, file), comparable(expected, file), check_exact=False, abs_tol=1e-6)


def test_the_tables_of_the_folder_and_the_staging_views_are_listed(database: Database) -> None:
    tables = {table.name: table for table in database.tables()}
    assert tables["orderdetails"].rows == 6
    assert tables["customers"].columns["creditLimit"] == "number"
    assert tables["orders"].columns["orderDate"] == "text"
    assert tables["stg_sales"].kind == "view"
    assert database.health().ok
    assert database.health().message.startswith("Spark ")


def test_the_doctor_examines_a_company_whose_dates_are_of_two_kinds(spark: str, tmp_path: Path) -> None:
    """A payment before the first order, whose date is a text in its Parquet file."""
    pl.DataFrame(
        {"orderNumber": [1], "customerNumber": [7], "orderDate": ["2024-02-01"], "status": ["Shipped"]}
    ).write_parquet(tmp_path / "orders.parquet")
    pl.DataFrame(
        {"customerNumber": [7], "paymentDate": [dt.date(2024, 1, 1)], "amount": [5.0]}
    ).write_parquet(tmp_path / "payments.parquet")
    with open_database(f"{spark}/;tables={tmp_path}") as opened:
        findings = examine(opened, Settings(data_dir=str(tmp_path)))
    assert any("orders" in finding.message for finding in findings)


def test_what_is_written_is_read_again_with_the_same_types(database: Database) -> None:
    scores = pl.DataFrame(
        {
            "customer_id": [1, 2],
            "score": [0.25, None],
            "reasons": ["It's late; \\ ü", None],
            "as_of": [dt.date(2024, 2, 25)] * 2,
            "written": [dt.datetime(2024, 2, 25, 1, 2, 3, 456_789), None],
            "content": [b"\x00\xff", b""],
            "first": [True, False],
        }
    )
    before = database.data_version()
    database.write("scores_test", scores)
    database.write("scores_test", scores.head(1), mode="append")
    assert_frame_equal(
        database.query("SELECT * FROM scores_test ORDER BY customer_id, first"),
        pl.concat([scores.head(1), scores]),
    )
    database.write("scores_test", scores.tail(1))
    assert database.query("SELECT COUNT(*) AS n FROM scores_test").item() == 1
    assert database.data_version() != before
    batches = list(database.read_batches("scores_test", ["customer_id", "as_of"], rows=1))
    assert_frame_equal(pl.concat(batches), scores.tail(1).select("customer_id", "as_of"))


def test_an_interrupted_load_leaves_the_old_table(database: Database) -> None:
    database.write("kept", pl.DataFrame({"n": [1]}))
    with database.bulk_load() as load:
        existing = load.existing("kept")
        assert existing is not None
        load.create(existing)
        load.insert("kept", [pl.Series("n", [2, 3])])
        load.install("kept", "replace")
    assert database.query("SELECT n FROM kept")["n"].to_list() == [1]
    assert not [table.name for table in database.tables() if table.name.startswith("_")]


def test_tables_of_the_folder_are_not_replaced(database: Database) -> None:
    with pytest.raises(DatabaseError, match="customers is read from files"):
        database.write("customers", pl.DataFrame({"customerNumber": [1]}))
    with pytest.raises(DatabaseError, match="Spark's own tools"):
        database.changing()


def test_reading_only_is_kept(spark_company: str) -> None:
    with open_database(spark_company) as reading:
        with pytest.raises(DatabaseError, match="open for reading only"):
            reading.write("scores_test", pl.DataFrame({"n": [1]}))
        with pytest.raises(QueryError, match="cannot be run"):
            reading.query("DROP TABLE scores_test")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nothing FROM customers", "nothing"),
        ("SELECT * FROM custmers", "There is no table custmers.*customers"),
        ("SELECT 1 +", "(?i)syntax"),
        ("SELECT :missing AS a", "(?i)missing"),
    ],
)
def test_a_faulty_query_is_explained_in_a_sentence(database: Database, sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=said) as caught:
        database.query(sql)
    assert "JVM" not in str(caught.value)
    assert "SQLSTATE" not in str(caught.value)


def test_tables_that_a_query_needs_are_named(spark: str, tmp_path: Path) -> None:
    pl.DataFrame({"customerNumber": [1]}).write_parquet(tmp_path / "customers.parquet")
    with (
        open_database(f"{spark}/;tables={tmp_path}") as poor,
        pytest.raises(MissingDataError, match="orders") as caught,
    ):
        poor.query("marts/order_dates", as_of_day=AS_OF)
    assert "orders" in caught.value.needs


def test_typed_sql_keeps_to_its_limits(database: Database) -> None:
    found = run_query(database, "SELECT orderNumber FROM orders ORDER BY 1", limits=QueryLimits(max_rows=2))
    assert found.frame["orderNumber"].to_list() == [100, 101]
    assert found.truncated_by == "rows"


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE kept",
        "INSERT INTO kept VALUES (9)",
        "SELECT * FROM text.`/etc/passwd`",
        "SELECT reflect('java.lang.System', 'getenv')",
        "SELECT java_method('java.util.UUID', 'randomUUID')",
    ],
)
def test_typed_sql_can_only_read_tables(database: Database, sql: str) -> None:
    with pytest.raises(QueryError):
        run_query(database, sql)


def test_typed_sql_is_stopped(database: Database) -> None:
    crossed = ", ".join(f"orders AS o{number}" for number in range(10))
    slow = f"SELECT COUNT(*) AS n FROM {crossed} WHERE o1.orderNumber + o9.orderNumber > 1"  # about a minute
    with pytest.raises(QueryTimeout, match="stopped after 5 s"):
        run_query(database, slow, limits=QueryLimits(max_seconds=5))
    cancel = threading.Event()
    threading.Timer(5.0, cancel.set).start()
    with pytest.raises(QueryCancelled):
        run_query(database, slow, cancel=cancel)
    limits = QueryLimits(max_seconds=180)
    assert run_query(database, "SELECT COUNT(*) AS n FROM orders", limits=limits).frame["n"].item() == 6


def test_a_query_that_is_stopped_while_spark_plans_it_does_not_go_on(spark_company: str) -> None:
    """Its subquery is planned by another thread of the server, which starts tasks even after an interrupt.

    Spark promises nothing, so one of five may go on; without the moment that queries are given most do.
    """
    crossed = ", ".join(f"orders AS o{number}" for number in range(10))
    slow = f"SELECT COUNT(*) AS n FROM {crossed} WHERE o1.orderNumber + o9.orderNumber > 1"
    with open_database(spark_company) as opened:
        assert isinstance(opened, SparkDatabase)
        run_query(opened, "SELECT 1 AS n", limits=QueryLimits(max_seconds=180))
        went_on = 0
        for seconds in (0.1, 0.3, 0.5, 0.7, 0.9):
            cancel = threading.Event()
            threading.Timer(seconds, cancel.set).start()
            with pytest.raises(QueryCancelled):
                run_query(opened, f"SELECT 1 AS n FROM orders WHERE orderNumber > ({slow})", cancel=cancel)
            time.sleep(2)  # in which the server may start what it has planned
            went_on += bool(_jobs(opened))
            until = time.monotonic() + 120
            while _jobs(opened) and time.monotonic() < until:
                time.sleep(0.5)
    assert went_on <= 1


def _jobs(database: SparkDatabase) -> list[int]:
    """Numbers of the jobs of typed queries of this session that Spark is at work on, as it tells itself."""
    session = database.current().session
    place = f"http://127.0.0.1:{session.conf.get('spark.ui.port')}/api/v1/applications"
    with urllib.request.urlopen(
        f"{place}/{session.conf.get('spark.app.id')}/jobs?status=running", timeout=60
    ) as answer:
        found = json.load(answer)
    tag = f"_Session_{session.session_id}_Tag_typed-"
    return [job["jobId"] for job in found if any(tag in each for each in job["jobTags"])]


def test_a_forgotten_session_is_taken_anew(spark_company: str) -> None:
    with open_database(spark_company) as opened:
        opened.current().session.client.release_session()  # type: ignore[attr-defined]
        assert opened.query("SELECT COUNT(*) AS n FROM stg_orders").item() == 6


def test_an_unreachable_server_and_a_wrong_address_are_said_at_once(spark: str) -> None:
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1 cannot be reached") as caught:
        open_database("sc://127.0.0.1:1/;token=secret-token;tables=/x")
    assert "secret-token" not in str(caught.value)
    with pytest.raises(DatabaseError, match="The folder /nowhere cannot be read"):
        open_database(f"{spark}/;tables=/nowhere")
    with pytest.raises(DatabaseError, match="has no schema nothing"):
        open_database(f"{spark}/;schema=nothing")


def test_the_address_keeps_its_token_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_DATABASE_PASSWORD", "s3cret")
    address = spark_address("sc://spark.example/;use_ssl=true;tables=/data/;schema=sales;workers=8")
    assert (address.port, address.tables, address.schema, address.workers) == (15002, "/data", "sales", 8)
    assert address.remote == "sc://spark.example:15002/;use_ssl=true;token=s3cret"
    assert "s3cret" not in repr(address)
    assert shown_url("sc://spark.example:1/;token=s3cret") == "sc://spark.example:1"
    with pytest.raises(DatabaseError, match="no host and port"):
        spark_address("sc:///;token=s3cret")
