"""PostgreSQL as a production database: rights, lost connections, bad addresses, views, attacks."""

import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import engine_contract as contract
import polars as pl
import pytest
from click.testing import CliRunner
from conftest_servers import ENCODED, PASSWORD, DatabaseServer, free_port
from sql_companies import literal_company

from core.adhoc import run_query
from core.database import Database, open_database, shown_url
from core.database.server.database import ServerDatabase
from core.errors import DatabaseError, QueryError
from core.sql_guard import StatementError, check_statement
from dashboard.cli import cli

MADE_FROM = "CREATE TABLE made AS SELECT 1 AS a"


@pytest.fixture
def company_url(postgres_url: str) -> str:
    """A small company on PostgreSQL."""
    contract.fill(postgres_url, literal_company())
    return postgres_url


@pytest.fixture
def company(company_url: str) -> Iterator[Database]:
    with open_database(company_url) as database:
        yield database


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def test_tables_made_by_others_are_read_as_they_are(
    postgres_server: DatabaseServer, postgres_url: str
) -> None:
    """Exact numbers, times with zones, arrays and JSON come as the kinds that the product knows."""
    postgres_server.admin(
        "CREATE TABLE odd (n numeric(10, 2), big numeric(30, 4), whole numeric(12), at timestamptz, "
        'list int[], doc jsonb, span interval, "Mixed Case" text)',
        name_of(postgres_url),
    )
    postgres_server.admin(
        "INSERT INTO odd VALUES (1.10, 12345678901234567890123.4567, 7, '2024-01-01 12:00+02', '{1,2}', "
        "'{\"a\": 1}', '1 day', 'x'); GRANT SELECT ON odd TO seller",
        name_of(postgres_url),
    )
    with open_database(postgres_url) as database:
        row = database.query('SELECT n, whole, at, list, span, "Mixed Case" FROM odd').row(0)
        assert row[:2] == (1.1, 7)
        assert str(row[2]) == "2024-01-01 10:00:00"
        assert row[3:] == ("[1, 2]", "1 day, 0:00:00", "x")
        assert database.query("SELECT SUM(whole) AS s, AVG(whole) AS a FROM odd").dtypes == [
            pl.Int64,
            pl.Float64,
        ]
        batch = next(database.read_batches("odd", ["n", "big"]))
        assert batch.dtypes == [pl.Float64, pl.Decimal(38, 4)]
        assert str(batch["big"][0]) == "12345678901234567890123.4567"


def test_a_killed_connection_is_replaced(postgres_server: DatabaseServer, company: Database) -> None:
    """A server that drops all connections between or within queries is not noticed by who reads."""
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'seller'"
    expected = company.query("marts/customers", as_of_day=20_000)
    postgres_server.admin(kill)
    assert company.query("marts/customers", as_of_day=20_000).equals(expected)
    killed: list[object] = []

    def kill_once() -> None:
        until = time.monotonic() + 60
        running = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE '%pg_sleep(4)%' AND state = 'active' AND pid <> pg_backend_pid()"
        )
        while not killed and time.monotonic() < until:
            killed.extend(postgres_server.admin(running))

    killer = threading.Thread(target=kill_once)
    killer.start()
    assert company.query("SELECT 5 AS five FROM (SELECT pg_sleep(4)) AS waited")["five"].item() == 5
    killer.join()
    assert killed == [(True,)]


def test_a_server_that_stays_away_is_one_sentence(company_url: str) -> None:
    place = company_url.rsplit(":", 1)[0] + f":{free_port()}/company"
    with open_database(place) as database:
        health = database.health()
        assert not health.ok
        assert "cannot be reached" in health.message
        assert "Check host and port" in health.message
        with pytest.raises(DatabaseError, match="cannot be reached"):
            database.query("SELECT 1 AS a")


@pytest.mark.parametrize(
    ("change", "says", "remedy"),
    [
        (lambda s: s.replace(ENCODED, "wrong-s3cret"), "does not let seller in", "SALES_DATABASE_PASSWORD"),
        (lambda s: s.rsplit("/", 1)[0] + "/nowhere", "has no database nowhere", "create it"),
        (lambda s: s.replace("127.0.0.1", "no-such-host.invalid"), "cannot be reached", "Check host"),
        (lambda s: s + "?colour=red", "unknown option colour", "sslmode"),
        (lambda s: s.replace("postgresql:", "postgresql+odbc:"), "No driver odbc", "postgresql://"),
        (lambda s: s.replace("postgresql:", "oracle:"), "No engine is known", "postgresql"),
        (lambda s: s.replace(":" + ENCODED, ""), "does not let seller in", "SALES_DATABASE_PASSWORD"),
    ],
)
def test_bad_configuration_is_one_sentence(company_url: str, change: object, says: str, remedy: str) -> None:
    """The command line fails with what is wrong and what to do; no password in it, no traceback."""
    url = change(company_url)  # type: ignore[operator]
    result = CliRunner().invoke(cli, ["query", "SELECT 1 AS a", "--database", url], catch_exceptions=True)
    told = f"{result.output} {result.exception or ''} {result.exception!r}"
    assert result.exit_code != 0
    assert says in told
    assert remedy in told
    for secret in (PASSWORD, ENCODED, "wrong-s3cret"):
        assert secret not in told


def test_the_password_comes_from_the_settings(
    company_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that names a user and no password takes it from the environment or a file of a secret."""
    bare = company_url.replace(":" + ENCODED, "")
    monkeypatch.setenv("SALES_DATABASE_PASSWORD", PASSWORD)
    with open_database(bare) as database:
        assert database.health().ok
    monkeypatch.delenv("SALES_DATABASE_PASSWORD")
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    monkeypatch.setenv("SALES_DATABASE_PASSWORD_FILE", str(secret))
    with open_database(bare) as database:
        assert database.query("SELECT COUNT(*) AS n FROM orders").item() == 6


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://seller:{ENCODED}@db:5432/x?sslmode=require",
        "postgresql://seller:p@ss/w:rd@db/x",
        "mariadb://seller:p@db/x",
    ],
)
def test_addresses_are_shown_without_password(url: str) -> None:
    assert shown_url(url).split("//")[1].startswith("seller:…@db")
    with open_database(url) as database:
        assert isinstance(database, ServerDatabase)
        told = f"{database!r} {database.address!r} {database.address.shown}"
    assert not any(secret in told for secret in (ENCODED, PASSWORD, "p@ss", ":p@"))


def test_a_reader_needs_no_more_than_select(postgres_server: DatabaseServer, company_url: str) -> None:
    """The reader's role of docs/databases.md sees everything, and new tables after the next load too."""
    place = name_of(company_url)
    for statement in (
        "CREATE ROLE looker LOGIN PASSWORD 'looks'",
        "GRANT USAGE ON SCHEMA public TO looker",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker",
    ):
        postgres_server.admin(statement, place)
    with open_database(postgres_server.address(place, "looker", "looks")) as reader:
        assert reader.query("marts/customers", as_of_day=20_000).height == 4
        contract.fill(company_url, literal_company())  # tables are replaced, and rights stay
        assert reader.query("marts/customers", as_of_day=20_000).height == 4
        postgres_server.admin("REVOKE SELECT ON orders FROM looker", place)
        with pytest.raises(DatabaseError, match=r"looker may not read .*permission denied.*SELECT"):
            reader.query("SELECT COUNT(*) AS n FROM orders")
        writer = open_database(postgres_server.address(place, "looker", "looks"), read_only=False)
        with writer, pytest.raises(DatabaseError, match=r"looker may not write .*administrator"):
            writer.write("t", pl.DataFrame({"a": [1]}))


def test_tables_that_may_not_be_read_are_not_said_to_be_missing(
    postgres_server: DatabaseServer, company_url: str
) -> None:
    """Who may see none of the tables, or not even the schema, is told so by query, typed SQL and doctor."""
    place = name_of(company_url)
    postgres_server.admin("CREATE ROLE outsider LOGIN PASSWORD 'unknown-1'", place)
    address = postgres_server.address(place, "outsider", "unknown-1")
    with open_database(address) as database:
        with pytest.raises(DatabaseError, match=r"outsider may not read the table orders .*right to SELECT"):
            database.query("marts/order_dates", as_of_day=20_000)
        with pytest.raises(DatabaseError, match=r"outsider may not read the tables orderdetails, orders"):
            run_query(database, "SELECT amount FROM stg_sales")
    result = CliRunner().invoke(cli, ["doctor", "--database", address])
    assert "the table orders may not be read" in result.output
    assert "there is no table orders" not in result.output
    postgres_server.admin("REVOKE ALL ON SCHEMA public FROM PUBLIC", place)
    with (
        open_database(address) as database,
        pytest.raises(DatabaseError, match="outsider may not read the table orders"),
    ):
        database.query("marts/order_dates", as_of_day=20_000)


def test_views_survive_a_load(postgres_server: DatabaseServer, company_url: str) -> None:
    """Views over a table that is loaded anew are there afterwards, with the rights on them."""
    place = name_of(company_url)
    postgres_server.admin("SET ROLE seller; CREATE VIEW paid AS SELECT amount FROM payments", place)
    postgres_server.admin("SET ROLE seller; CREATE VIEW most AS SELECT MAX(amount) AS m FROM paid", place)
    postgres_server.admin("GRANT SELECT ON most TO PUBLIC", place)
    more = pl.DataFrame(
        {"customerNumber": [1], "checkNumber": ["Z"], "paymentDate": [date(2024, 1, 1)], "amount": [9e9]}
    )
    with open_database(company_url, read_only=False) as database:
        database.write("payments", more)
        assert database.query("SELECT m FROM most").item() == 9e9
    rights = "SELECT has_table_privilege('pg_monitor', 'most', 'SELECT')"
    assert postgres_server.admin(rights, place) == [(True,)]


def test_two_loads_at_once_are_refused(company_url: str) -> None:
    with (
        open_database(company_url, read_only=False) as one,
        open_database(company_url, read_only=False) as two,
    ):
        with one.bulk_load(), pytest.raises(DatabaseError, match="being loaded by another"):
            two.bulk_load()
        two.bulk_load().close()


def test_reading_in_batches_sees_one_moment(company_url: str) -> None:
    with open_database(company_url, read_only=False) as writer, open_database(company_url) as reader:
        writer.write("many", pl.DataFrame({"a": range(2_000)}))
        batches = reader.read_batches("many", rows=500)
        first = next(batches)
        writer.write("many", pl.DataFrame({"a": [-1] * 10}), mode="append")
        rest = list(batches)
        assert first.height + sum(batch.height for batch in rest) == 2_000


def test_the_session_itself_refuses_to_write(company: Database) -> None:
    """Should the parser ever let a statement pass, the server does not."""
    for statement in (MADE_FROM, "DELETE FROM orders", "SELECT nextval('s')", "DROP VIEW v"):
        with pytest.raises(QueryError):
            company.query(statement)
    assert company.query("SHOW default_transaction_read_only").item() == "on"


ATTACKS = Path(__file__).with_name("server_attacks.txt").read_text(encoding="utf-8").split("\n\n")


@pytest.mark.parametrize(
    ("dialect", "statement"),
    [
        (part.splitlines()[0].strip("# "), line)
        for part in ATTACKS
        for line in part.splitlines()[1:]
        if line.strip()
    ],
)
def test_attacks_are_refused_by_the_parser(dialect: str, statement: str) -> None:
    with pytest.raises(StatementError):
        check_statement(statement, dialect)


def test_what_a_comment_hides_never_reaches_mysql() -> None:
    checked = check_statement("SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */ AS a", "mysql")
    assert "OUTFILE" not in checked.sql
