"""What is sent to SQL Server and Synapse, when it is tried again, and what a paused database looks like."""

import re
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scripted_odbc import Answer, Driver, ScriptedConnection, fault
from sql_companies import literal_company, write_sqlite
from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from core.database import open_database
from core.database.schema import Column, ForeignKey, TableSchema
from core.database.server import pool as pool_module
from core.database.server.address import parse_address
from core.database.server.database import ServerDatabase
from core.database.server.failures import DatabaseWakingError
from core.database.server.mssql import cancel, dialect_for, running
from core.database.server.mssql_literals import bound
from core.database.server.repeated_keys import repeated_keys, require_unique_keys
from core.database.server.serverless import ServerlessDatabase
from core.database.server.synapse import DedicatedDialect, ServerlessDialect
from core.errors import DatabaseError, MissingDataError, QueryError
from core.jobs.results import write_tables

ADDRESS = parse_address("mssql://seller:secret-word@host/company", "mssql://user@host/database")
ORDERS = TableSchema(
    "orders",
    (Column("orderNumber", "integer", True), Column("customerNumber", "integer"), Column("status", "text")),
    ("orderNumber",),
    (ForeignKey(("customerNumber",), "customers", ("customerNumber",)),),
)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(pool_module.time, "sleep", self.sleep)
        monkeypatch.setattr(pool_module.time, "monotonic", lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def server(tables: dict[str, list[tuple[str, str]]], own: Any = None) -> Any:
    """A script of a database with some tables; ``own`` answers first."""

    def script(connection: ScriptedConnection, sql: str, values: tuple[Any, ...]) -> Answer | None:
        if own is not None and (answer := own(connection, sql, values)) is not None:
            return answer
        for new in re.findall(r"CREATE TABLE \[([^]]+)\]", sql):
            tables[new] = [(name, "bigint") for name in re.findall(r"\[(\w+)\] BIGINT", sql)]
        for old, new in re.findall(r"(?:sp_rename N'|RENAME OBJECT )\[(\w+)\](?:', N'| TO \[)(\w+)", sql):
            tables[new] = tables.pop(old, [])
        for gone in re.findall(r"DROP TABLE (?:IF EXISTS )?\[([^]]+)\]", sql):
            tables.pop(gone, None)
        if "INFORMATION_SCHEMA" in sql:
            rows = [
                (name, "table", column, kind, 19, 0)
                for name, kinds in tables.items()
                for column, kind in kinds
            ]
            return ["a", "b", "c", "d", "e", "f"], rows
        if "transaction_isolation_level" in sql or "schema_name()" in sql or "system_views" in sql:
            return ["v"], [("READ COMMITTED",)]
        if "ProductVersion" in sql:
            return ["v"], [("16.0.4000.1",)] if "EngineEdition" not in sql else [(5, "16.0")]
        if sql.lstrip().upper().startswith(("SELECT", "WITH", "DECLARE")) or "sp_getapplock" in sql:
            return ["a"], [] if "permissions" in sql or "HAVING" in sql else [(0,)]
        return None

    return script


def test_a_query_whose_connection_breaks_is_asked_again_on_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    broken: list[ScriptedConnection] = []

    def own(connection: ScriptedConnection, sql: str, _: Any) -> Answer | None:
        if "FROM things" in sql:
            if len(broken) < 2:
                broken.append(connection)
                raise fault(10054, "TCP Provider: An existing connection was forcibly closed", "08S01")
            return ["n"], [(7,)]
        return None

    driver = Driver(server({}, own))
    with ServerDatabase(driver.dialect(), ADDRESS) as database:
        assert database.query("SELECT n FROM things")["n"].to_list() == [7]
    assert len({id(connection) for connection in [*broken, driver.connections[-1]]}) == 3
    assert all(connection.closed for connection in broken)


def test_a_server_that_stays_away_is_told_after_a_few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def own(_: ScriptedConnection, sql: str, __: Any) -> Answer | None:
        if "FROM things" in sql:
            raise fault(40197, "The service has encountered an error processing your request")
        return None

    driver = Driver(server({}, own))
    with (
        ServerDatabase(driver.dialect(), ADDRESS) as database,
        pytest.raises(DatabaseError, match=r"is busy.*Try again") as caught,
    ):
        database.query("SELECT n FROM things")
    assert 2 <= sum("FROM things" in sql for sql in driver.sent) <= 10
    assert clock.now < 30
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [
        (207, "Invalid column name 'n'.", QueryError),
        (102, "Incorrect syntax near 'things'.", QueryError),
        (8134, "Divide by zero error encountered.", QueryError),
    ],
)
def test_faults_of_a_query_are_told_without_trying_for_long(
    number: int, text: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    def own(_: ScriptedConnection, sql: str, __: Any) -> Answer | None:
        if "FROM things" in sql:
            raise fault(number, text)
        return None

    driver = Driver(server({}, own))
    with (
        ServerDatabase(driver.dialect(), ADDRESS) as database,
        pytest.raises(expected, match=text.rstrip(".")),
    ):
        database.query("SELECT n FROM things")
    assert clock.now == 0


def test_tables_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)

    def own(_: ScriptedConnection, sql: str, __: Any) -> Answer | None:
        if "FROM stg_orders" in sql:
            raise fault(208, "Invalid object name 'stg_orders'.", "42S02")
        return None

    driver = Driver(server({}, own))
    with (
        ServerDatabase(driver.dialect(), ADDRESS) as database,
        pytest.raises(MissingDataError, match="lacks the table orders"),
    ):
        database.query("marts/order_dates", as_of_day=20_000)


def test_a_paused_database_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    asked: list[float] = []

    def connecting() -> None:
        asked.append(clock.now)
        if clock.now < 40:
            raise fault(40613, "Database 'company' is not currently available.", call="SQLDriverConnect")

    driver = Driver(server({}), connecting)
    with ServerDatabase(driver.dialect(), ADDRESS) as database:
        assert database.query("SELECT 0 AS a").height == 1
    assert 40 <= clock.now < 50
    assert len(asked) > 5


def test_a_database_that_does_not_wake_is_told_after_a_minute_or_so(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def connecting() -> None:
        raise fault(40613, "Database 'company' is not currently available.", call="SQLDriverConnect")

    driver = Driver(server({}), connecting)
    with (
        ServerDatabase(driver.dialect(), ADDRESS) as database,
        pytest.raises(DatabaseWakingError, match=r"company is waking up"),
    ):
        database.query("SELECT 0 AS a")
    assert 60 <= clock.now <= 100


def test_tokens_are_given_to_every_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.database.server import mssql

    class Source:
        made = 0

        def attributes(self) -> dict[int, bytes]:
            Source.made += 1
            return {1256: f"token {Source.made}".encode()}

    monkeypatch.setattr(mssql, "_tokens", lambda _client: Source())
    driver = Driver(server({}))
    address = parse_address("azuresql://company.database.windows.net/sales", "x")
    with ServerDatabase(driver.dialect(), address) as database:
        database.query("SELECT 0 AS a")
        database._pool.close()
        database.query("SELECT 0 AS a")
    given = [connection.arguments["attrs_before"][1256] for connection in driver.connections]
    assert given == [f"token {number + 1}".encode() for number in range(len(given))]
    assert len(given) >= 2


def test_a_load_is_one_transaction_in_which_nothing_is_seen_before_its_end() -> None:
    tables = {"orders": [("orderNumber", "bigint")]}

    def own(_: ScriptedConnection, sql: str, __: Any) -> Answer | None:
        if "database_permissions" in sql:
            return ["s", "p", "c", "g"], [("G", "SELECT", None, "reader")]
        return None

    driver = Driver(server(tables, own))
    with ServerDatabase(driver.dialect(), ADDRESS, read_only=False) as database, database.bulk_load() as load:
        load.create(ORDERS)
        load.insert("orders", [pl.Series([1, 2]), pl.Series([1, 1]), pl.Series(["a", None])])
        assert load.add_key("orders")
        load.install("orders", "replace")
        load.commit()
    said = "\n".join(driver.sent)
    first, second = said.index("INSERT INTO [_ingest_orders]"), said.index("DROP TABLE IF EXISTS [orders]")
    assert said.index("CREATE TABLE [_ingest_orders]") < first < said.index("ADD PRIMARY KEY") < second
    assert second < said.index("EXEC sp_rename N'[_ingest_orders]', N'orders'")
    assert said.index("sp_rename") < said.index("GRANT SELECT ON [orders] TO [reader]")
    begun = said.index("CREATE TABLE [_sales_changes]")
    assert said.index("COMMIT", begun) > said.index("GRANT SELECT ON [orders]")
    writing = [connection for connection in driver.connections if not connection.autocommit]
    assert len(writing) == 1
    assert "[orderNumber] BIGINT NOT NULL" in said
    assert "[customerNumber] BIGINT," in said
    assert "[status] NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2" in said
    require_tsql(driver.sent)


def test_a_dedicated_pool_is_never_in_a_transaction() -> None:
    tables = {"orders": [("orderNumber", "bigint")]}
    driver = Driver(server(tables))
    address = parse_address("mssql://a:b@works.sql.azuresynapse.net/pool", "x")
    opened = ServerDatabase(driver.dialect(DedicatedDialect), address, read_only=False)
    with opened as database, database.bulk_load() as load:
        load.create(ORDERS)
        load.insert("orders", [pl.Series([1, 2]), pl.Series([1, 1]), pl.Series(["it's", None])])
        assert load.add_key("orders")
        load.install("orders", "replace")
        load.commit()
    said = "\n".join(driver.sent)
    assert all(connection.autocommit for connection in driver.connections)
    assert "WITH (DISTRIBUTION = HASH ([orderNumber]), CLUSTERED COLUMNSTORE INDEX)" in said
    assert "PRIMARY KEY NONCLUSTERED ([orderNumber]) NOT ENFORCED" in said
    assert "GROUP BY [orderNumber] HAVING COUNT(*) > 1" in said
    assert "SELECT 1, 1, N'it''s'\nUNION ALL SELECT 2, 1, NULL" in said
    assert "RENAME OBJECT [_ingest_orders] TO [orders]" in said
    assert "CREATE STATISTICS [st_orderNumber] ON [orders] ([orderNumber])" in said
    assert "IF OBJECT_ID(N'[_ingest_orders]') IS NOT NULL DROP TABLE [_ingest_orders]" in said
    assert not re.search(r"SAVE TRANSACTION|sp_rename|sp_getapplock|OFFSET|IF EXISTS", said)


def test_statistics_that_a_dedicated_pool_has_are_made_anew_once_rows_are_appended() -> None:
    def own(_: ScriptedConnection, sql: str, __: Any) -> Answer | None:
        return (["name"], [("st_orderNumber",)]) if "sys.stats" in sql else None

    columns = ["orderNumber", "customerNumber", "status"]
    driver = Driver(server({"orders": [(name, "bigint") for name in columns]}, own))
    address = parse_address("mssql://a:b@works.sql.azuresynapse.net/pool", "x")
    opened = ServerDatabase(driver.dialect(DedicatedDialect), address, read_only=False)
    with opened as database, database.bulk_load() as load:
        load.create(ORDERS)
        load.insert("orders", [pl.Series([3]), pl.Series([1]), pl.Series(["x"])])
        load.install("orders", "append")
        load.commit()
    said = "\n".join(driver.sent)
    assert "INSERT INTO [orders] ([orderNumber], [customerNumber], [status]) SELECT" in said
    assert "CREATE STATISTICS [st_orderNumber]" not in said
    assert "CREATE STATISTICS [st_status] ON [orders] ([status])" in said
    assert "UPDATE STATISTICS [orders]" in said


def test_a_serverless_pool_is_only_read_and_scores_become_files(tmp_path: Path) -> None:
    driver = Driver(server({"orders": [("orderNumber", "bigint")]}))
    address = parse_address("mssql://a:b@works-ondemand.sql.azuresynapse.net/lake", "x")
    assert isinstance(dialect_for(address), ServerlessDialect)
    scores = pl.DataFrame({"customer_id": [1, 2], "score": [0.5, 0.25]})
    dialect = driver.dialect(ServerlessDialect)
    with ServerlessDatabase(dialect, address, read_only=False, folder=tmp_path / "files") as database:
        version = database.data_version()
        write_tables(database, {"sales_churn_scores": scores})
        assert database.query("SELECT * FROM sales_churn_scores").equals(scores)
        assert {info.name for info in database.tables()} >= {"orders", "sales_churn_scores"}
        assert database.data_version() != version
        with pytest.raises(DatabaseError, match="files of the lake"):
            database.changing()
    with ServerlessDatabase(dialect, address, folder=tmp_path / "files") as again:
        assert (
            again.query("SELECT score FROM sales_churn_scores WHERE customer_id = :who", who=2).item() == 0.25
        )
        with pytest.raises(DatabaseError, match="open for reading only"):
            again.write("sales_churn_scores", scores)
    assert not [sql for sql in driver.sent if sql.startswith(("CREATE", "INSERT", "DROP"))]


def test_training_refuses_keys_that_a_dedicated_pool_let_come_twice() -> None:
    tables = {"orders": [("orderNumber", "bigint")], "customers": [("customerNumber", "bigint")]}

    def own(_: ScriptedConnection, sql: str, __: Any) -> Answer | None:
        if "AS repeated FROM" in sql:
            return ["repeated"], [(3 if "FROM stg_orders" in sql else 0,)]
        return None

    address = parse_address("mssql://a:b@works.sql.azuresynapse.net/pool", "x")
    pool = ServerDatabase(Driver(server(tables, own)).dialect(DedicatedDialect), address)
    with pool, pytest.raises(DatabaseError, match=r"more than once.*stg_orders.order_id \(3\)"):
        require_unique_keys(pool)
    with ServerDatabase(Driver(server(tables, own)).dialect(), ADDRESS) as enforced:
        require_unique_keys(enforced)


def test_the_plan_of_a_query_leaves_the_connection_as_it_was() -> None:
    def own(_: ScriptedConnection, sql: str, __: Any) -> Answer | None:
        if "FROM things" in sql:
            raise fault(262, "SHOWPLAN permission denied in database 'company'.")
        return None

    driver = Driver(server({}, own))
    dialect = driver.dialect()
    connection = driver.connect()
    with pytest.raises(dialect.errors):
        dialect.plan(connection, bound("SELECT n FROM things WHERE a = :a AND b = :b", {"a": 1, "b": "x'y"}))
    assert driver.sent == [
        "SET SHOWPLAN_TEXT ON",
        "SELECT n FROM things WHERE a = 1 AND b = N'x''y'",
        "SET SHOWPLAN_TEXT OFF",
    ]


def test_the_statement_that_runs_is_cancelled_from_another_thread() -> None:
    driver = Driver(server({}))
    connection = driver.connect()
    with running(connection) as cursor:
        other = threading.Thread(target=cancel, args=(connection,))
        other.start()
        other.join(5)
        assert cursor.cancelled  # type: ignore[attr-defined]
    cancel(connection)  # nothing runs: harmless


_BEYOND_THE_PARSER = ("COMMIT", "ROLLBACK", "SET", "DECLARE", "EXEC", "IF", "GRANT", "UPDATE STATISTICS")


def require_tsql(statements: list[str]) -> None:
    """Every statement is T-SQL as far as the parser knows it; commands that it does not know are let pass."""
    for sql in statements:
        if sql.lstrip().startswith(_BEYOND_THE_PARSER):
            continue
        try:
            found = parse(sql, dialect="tsql")
        except SqlglotError as error:
            raise AssertionError(f"{sql}: {error}") from None
        assert len(found) == 1, sql
        assert not isinstance(found[0], exp.Command), sql


def test_repeated_keys_are_counted_by_any_engine(tmp_path: Path) -> None:
    company = literal_company()
    company["orders"].append(company["orders"][0])
    with open_database(str(write_sqlite(company, tmp_path / "company.sqlite"))) as sqlite:
        assert repeated_keys(sqlite) == {"stg_orders": 1}
        require_unique_keys(sqlite)
