"""Typed SQL keeps to the schema that is shown, also where the account may read others."""

from collections.abc import Iterator

import engine_contract as contract
import pytest
from conftest_servers import DatabaseServer
from sql_companies import literal_company

from core.adhoc.run import explain, run_query
from core.database import Database, open_database
from core.sql_guard import StatementError


def name_of(url: str) -> str:
    return url.rsplit("/", 1)[-1]


@pytest.fixture(scope="module")
def url(postgres_server: DatabaseServer) -> str:
    """A company in the schema public, and salaries in another, which the same account may read."""
    address = postgres_server.fresh()
    contract.fill(address, literal_company())
    for statement in (
        "CREATE SCHEMA staff AUTHORIZATION seller",
        "CREATE TABLE staff.salaries AS SELECT 5 AS amount",
        "CREATE TABLE staff.customers AS SELECT 6 AS amount",
        "GRANT SELECT ON ALL TABLES IN SCHEMA staff TO seller",
    ):
        postgres_server.admin(statement, name_of(address))
    return address


@pytest.fixture
def company(url: str) -> Iterator[Database]:
    with open_database(url) as database:
        yield database


def test_the_account_may_read_the_other_schema(company: Database) -> None:
    assert company.query("SELECT amount FROM staff.salaries").item() == 5


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT amount FROM staff.salaries",
        "SELECT * FROM STAFF.customers",
        'SELECT * FROM "staff"."salaries"',
        "SELECT 1 AS a UNION ALL SELECT amount FROM staff.salaries",
        "SELECT (SELECT MAX(amount) FROM staff.salaries) AS a FROM customers",
    ],
)
def test_typed_sql_is_refused_there(company: Database, sql: str) -> None:
    with pytest.raises(
        StatementError, match=r"The schema staff is not the one that is shown, public \(line 1"
    ):
        run_query(company, sql)
    with pytest.raises(StatementError, match="The schema staff is not the one"):
        explain(company, sql)


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM information_schema.tables", "SELECT * FROM pg_catalog.pg_class"]
)
def test_the_catalogue_is_closed(company: Database, sql: str) -> None:
    with pytest.raises(StatementError, match="shows the inside of the engine"):
        run_query(company, sql)


def test_the_schema_that_is_shown_may_be_named(company: Database, url: str) -> None:
    counted = "SELECT COUNT(*) AS n FROM {}"
    rows = run_query(company, counted.format("customers")).frame.item()
    assert run_query(company, counted.format("public.customers")).frame.item() == rows > 1
    with open_database(f"{url}?schema=staff") as staff:  # it is the address that chooses
        assert run_query(staff, "SELECT amount FROM staff.customers").frame.item() == 6
        with pytest.raises(StatementError, match="The schema public is not the one that is shown, staff"):
            run_query(staff, counted.format("public.customers"))


def test_another_database_of_a_mariadb_server_is_refused(mariadb_server: DatabaseServer) -> None:
    address, other = mariadb_server.fresh(), mariadb_server.fresh()
    contract.fill(address, literal_company())
    mariadb_server.admin(f"CREATE TABLE {name_of(other)}.salaries AS SELECT 5 AS amount")
    with open_database(address) as company:
        assert company.query(f"SELECT amount FROM {name_of(other)}.salaries").item() == 5
        for sql in (
            f"SELECT amount FROM {name_of(other)}.salaries",
            "SELECT table_name FROM information_schema.tables",
            "SELECT * FROM mysql.user",
        ):
            with pytest.raises(StatementError, match="outside this database"):
                run_query(company, sql)
