"""What every engine must do alike: SQLite, DuckDB, PostgreSQL and MariaDB side by side."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import engine_contract as contract
import polars as pl
import pytest
from conftest_servers import DatabaseServer
from sql_companies import literal_company, random_company
from test_model_store import _card

from core.database import Database, open_database
from core.model_store import DatabaseModelStore

ENGINES = ["sqlite", "duckdb", "postgres", "mariadb"]
SERVERS = ["postgres", "mariadb"]


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each engine."""
    if request.param in SERVERS:
        return str(request.getfixturevalue(f"{request.param}_url"))
    return f"{request.param}:///{tmp_path / 'company'}.{request.param}"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each kind of server."""
    found: DatabaseServer = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def server_url(server: DatabaseServer) -> str:
    """The address of an empty database on each kind of server."""
    return server.fresh()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An empty database of each engine, for writing."""
    with open_database(url, read_only=False) as opened:
        yield opened


@pytest.mark.parametrize("company", [literal_company(), random_company(1)], ids=["literal", "random"])
def test_every_query_gives_the_rows_of_sqlite(
    server_url: str, company: dict[str, list[dict[str, object]]], tmp_path: Path
) -> None:
    sqlite = f"sqlite:///{tmp_path / 'company.sqlite'}"
    for address in (sqlite, server_url):
        contract.fill(address, company)
    with open_database(sqlite) as expected, open_database(server_url) as found:
        assert contract.same_rows(expected, found) > 30


def test_types_survive(database: Database) -> None:
    if database.engine == "sqlite":
        pytest.skip("SQLite has no types of its own; tests/test_database.py tells what it keeps")
    contract.types_survive(database)


def test_parameters_are_values(database: Database) -> None:
    contract.parameters_are_values(database)


def test_a_load_is_all_or_nothing(url: str) -> None:
    contract.loads_all_or_nothing(url)


def test_limits_hold(database: Database) -> None:
    contract.limits_hold(database)


def test_names_can_be_written_in_a_typed_query(database: Database) -> None:
    contract.names_can_be_written(database)


def test_profiles_are_the_same_everywhere(database: Database) -> None:
    contract.profiles_are_those_of_the_frame(database)


def test_errors_have_sentences(server_url: str) -> None:
    with open_database(server_url, read_only=False) as database:
        contract.errors_have_sentences(database)


def test_nothing_is_written_by_reading(url: str, database: Database) -> None:
    database.write("many", pl.DataFrame({"a": [1]}))
    contract.nothing_is_written_by_reading(database, url)


RUNNING = {
    "postgres": "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%many a, many b%'"
    " AND pid <> pg_backend_pid()",
    "mysql": "SELECT 1 FROM information_schema.processlist WHERE info LIKE '%many a, many b%'"
    " AND id <> CONNECTION_ID()",
}


def test_queries_stop_on_the_server(server: DatabaseServer, server_url: str) -> None:
    with open_database(server_url, read_only=False) as database:
        contract.stops_on_the_server(database, lambda: bool(server.admin(RUNNING[server.engine])))


def test_writes_of_others_are_noticed(server: DatabaseServer, server_url: str) -> None:
    name = server_url.rsplit("/", 1)[-1]
    contract.versions_change(server_url, lambda: server.admin("INSERT INTO t (a) VALUES (3)", name))


def test_models_are_kept_in_the_database(server_url: str, tmp_path: Path) -> None:
    """A model of several megabytes, stored by one machine, is opened by another."""
    booster = bytes(range(256)) * 20_000
    with open_database(server_url, read_only=False) as database:
        DatabaseModelStore(database, tmp_path / "here").put(
            "churn", {"tree": booster, "about": {"a": 1}}, _card()
        )
    with open_database(server_url) as database:
        store = DatabaseModelStore(database, tmp_path / "there")
        active = store.active("churn")
        assert active is not None
        assert store.read("churn", active.version) == {"tree": booster, "about": {"a": 1}}


def test_duckdb_is_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "company.duckdb"
    contract.fill(f"duckdb:///{file}", literal_company())
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("SELECT COUNT(*) FROM orders").fetchall() == [(6,)]


def test_checks_notice_what_is_wrong(tmp_path: Path) -> None:
    """The comparison of two engines fails if one row differs."""
    left, right = (f"sqlite:///{tmp_path / name}.sqlite" for name in ("left", "right"))
    contract.fill(left, literal_company())
    changed = literal_company()
    changed["payments"][0]["amount"] = 50.01
    contract.fill(right, changed)
    with open_database(left) as a, open_database(right) as b, pytest.raises(AssertionError, match="payments"):
        contract.same_rows(a, b)
