"""MariaDB as a production database: rights, lost connections, bad addresses, changes that are taken back."""

from collections.abc import Iterator
from datetime import date

import engine_contract as contract
import polars as pl
import pytest
from conftest_servers import ENCODED, PASSWORD, DatabaseServer
from sql_companies import literal_company

from core.adhoc import run_query
from core.database import Database, open_database
from core.errors import DatabaseError, QueryError


@pytest.fixture
def company_url(mariadb_url: str) -> str:
    """A small company on MariaDB."""
    contract.fill(mariadb_url, literal_company())
    return mariadb_url


@pytest.fixture
def company(company_url: str) -> Iterator[Database]:
    with open_database(company_url, read_only=False) as database:
        yield database


def test_tables_made_by_others_are_read_as_they_are(mariadb_server: DatabaseServer, mariadb_url: str) -> None:
    name = mariadb_url.rsplit("/", 1)[-1]
    mariadb_server.admin(
        "CREATE TABLE odd (n DECIMAL(10, 2), whole DECIMAL(12, 0), at TIMESTAMP, kind ENUM('a', 'b'), "
        "yes TINYINT(1), y YEAR, span TIME, `Mixed Case` VARCHAR(9)) CHARACTER SET latin1",
        name,
    )
    mariadb_server.admin(
        "INSERT INTO odd VALUES (1.10, 7, '2024-01-01 10:00:00', 'b', 1, 2024, '01:02:03', 'é')", name
    )
    with open_database(mariadb_url) as database:
        row = database.query('SELECT n, whole, kind, y, span, "Mixed Case" FROM odd').row(0)
        assert row == (1.1, 7, "b", 2024, "1:02:03", "é")
        assert database.query("SELECT SUM(whole) AS s, AVG(whole) AS a FROM odd").dtypes == [
            pl.Int64,
            pl.Float64,
        ]
        kinds = next(info.columns for info in database.tables() if info.name == "odd")
        assert (kinds["n"], kinds["whole"], kinds["yes"], kinds["at"]) == (
            "number",
            "number",
            "boolean",
            "datetime",
        )


def test_a_killed_connection_is_replaced(mariadb_server: DatabaseServer, company: Database) -> None:
    expected = company.query("marts/customers", as_of_day=20_000)
    rows = mariadb_server.admin("SELECT id FROM information_schema.processlist WHERE user = 'seller'")
    assert rows
    for (number,) in rows:
        mariadb_server.admin(f"KILL {number}")
    assert company.query("marts/customers", as_of_day=20_000).equals(expected)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (ENCODED, "wrong-s3cret", "does not let seller in"),
        ("/company", "/nowhere", "has no database nowhere|does not let seller use"),
        ("127.0.0.1", "no-such-host.invalid", "cannot be reached"),
    ],
)
def test_bad_configuration_is_one_sentence(company_url: str, old: str, new: str, says: str) -> None:
    url = company_url.replace(old, new) if old != "/company" else company_url.rsplit("/", 1)[0] + new
    with open_database(url) as database, pytest.raises(DatabaseError, match=says) as raised:
        database.query("SELECT 1 AS a")
    assert raised.value.remedy
    assert not any(secret in str(raised.value) for secret in (PASSWORD, ENCODED, "wrong-s3cret"))


def test_an_address_without_database_is_told() -> None:
    with pytest.raises(DatabaseError, match="names no database"):
        open_database("mysql://seller@127.0.0.1")


def test_a_reader_needs_no_more_than_select(mariadb_server: DatabaseServer, company_url: str) -> None:
    name = company_url.rsplit("/", 1)[-1]
    mariadb_server.admin("CREATE USER 'looker'@'%' IDENTIFIED BY 'looks'")
    mariadb_server.admin(f"GRANT SELECT, SHOW VIEW ON {name}.* TO 'looker'@'%'")
    address = mariadb_server.address(name, "looker", "looks")
    with open_database(address) as reader:
        assert reader.query("marts/customers", as_of_day=20_000).height == 4
    with (
        open_database(address, read_only=False) as writer,
        pytest.raises(DatabaseError, match="may not write"),
    ):
        writer.write("t", pl.DataFrame({"a": [1]}))


def test_tables_that_may_not_be_seen_are_said_so(mariadb_server: DatabaseServer, company_url: str) -> None:
    name = company_url.rsplit("/", 1)[-1]
    mariadb_server.admin("CREATE USER 'stranger'@'%' IDENTIFIED BY 'unknown-1'")
    mariadb_server.admin(f"GRANT SELECT ON {name}.offices TO 'stranger'@'%'")
    with open_database(mariadb_server.address(name, "stranger", "unknown-1")) as database:
        for ask in (
            lambda: database.query("marts/order_dates", as_of_day=20_000),
            lambda: run_query(database, "SELECT order_id FROM stg_orders"),
        ):
            with pytest.raises(DatabaseError, match=r"stranger sees no table orders in .*right to SELECT"):
                ask()


@pytest.mark.parametrize("driver", ["odbc", "mysqldb"])
def test_a_driver_that_is_not_known_is_told(company_url: str, driver: str) -> None:
    with pytest.raises(DatabaseError, match=f"No driver {driver} is known for mariadb"):
        open_database(company_url.replace("mariadb:", f"mariadb+{driver}:"))


def test_the_session_itself_refuses_to_write(company: Database) -> None:
    for statement in ("CREATE TABLE made (a INTEGER)", "DELETE FROM orders", "DROP TABLE orders"):
        with pytest.raises(QueryError, match=r"only read|read.only|READ ONLY"):
            company.query(statement)


def test_changes_are_taken_back(company: Database) -> None:
    """MySQL commits every change of a table by itself; what fails later is undone all the same."""
    before = {info.name for info in company.tables()}
    with pytest.raises(RuntimeError, match="in the middle"):
        _change_and_fail(company)
    assert {info.name for info in company.tables()} == before
    assert company.query("SELECT COUNT(*) AS n FROM orders").item() == 6
    assert company.query("SELECT COUNT(*) AS n FROM payments").item() == 3
    with company.changing() as changes:
        changes.drop_table("payments")
        changes.rename_tables({"orders": "customers", "customers": "orders"})
    assert company.query("SELECT COUNT(*) AS n FROM customers").item() == 6
    assert "payments" not in {info.name for info in company.tables()}


def test_a_view_whose_table_is_gone_is_told(mariadb_server: DatabaseServer, company_url: str) -> None:
    name = company_url.rsplit("/", 1)[-1]
    mariadb_server.admin("CREATE TABLE short (a INT)", name)
    mariadb_server.admin("CREATE VIEW lost AS SELECT a FROM short", name)
    mariadb_server.admin("DROP TABLE short", name)
    with open_database(company_url) as database:
        found = {info.name: info for info in database.tables()}
        assert "lost" in found["lost"].broken
        assert not found["orders"].broken


def test_two_loads_at_once_are_refused(company_url: str) -> None:
    with (
        open_database(company_url, read_only=False) as one,
        open_database(company_url, read_only=False) as two,
    ):
        with one.bulk_load(), pytest.raises(DatabaseError, match="being loaded by another"):
            two.bulk_load()
        two.bulk_load().close()


def test_reading_in_batches_sees_one_moment(company: Database) -> None:
    company.write("many", pl.DataFrame({"a": range(2_000)}))
    batches = company.read_batches("many", rows=500)
    first = next(batches)
    company.write("many", pl.DataFrame({"a": [-1] * 10}), mode="append")
    assert first.height + sum(batch.height for batch in batches) == 2_000
    next(company.read_batches("many", rows=500))  # who stops early leaves nothing running
    assert company.query("SELECT MAX(a) AS a FROM many").item() == 1_999


def test_dates_and_texts_that_look_alike(company: Database) -> None:
    """Case, accents and blanks at the end tell texts apart in tables made here."""
    company.write("words", pl.DataFrame({"w": ["a", "A", "á", "a "], "d": [date(2024, 1, 1)] * 4}))
    assert company.query("SELECT COUNT(DISTINCT w) AS n FROM words").item() == 4


def _change_and_fail(database: Database) -> None:
    with database.changing() as changes:
        changes.drop_table("payments")
        changes.rename_tables({"orders": "customers", "customers": "orders"})
        changes.create_view("paid", "SELECT 1 AS a")
        changes.add_rows("noted", {"n": "integer"}, [(1,)])
        assert changes.relations()["paid"] == "view"
        raise RuntimeError("in the middle")
