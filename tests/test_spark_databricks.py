"""Databricks SQL warehouses: addresses, and statements as a Spark of our own understands them."""

import datetime as dt
import importlib.util
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from core.database import open_database, shown_url
from core.database.schema import Column, TableSchema
from core.database.server import databricks
from core.database.server.address import parse_address
from core.database.server.databricks import DatabricksDialect, failure_of, literal
from core.database.server.dialect import Relation
from core.database.spark import spark_address
from core.database.spark.session import close_session, open_session
from core.errors import DatabaseError

ADDRESS = "databricks://token:s3cret@adb-1.example?http_path=/sql/1.0/warehouses/w&catalog=main&schema=sales"


class _OnSpark(DatabricksDialect):
    """The dialect on Apache Spark, which raises errors of its own."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        from pyspark.errors import PySparkException

        return (PySparkException,)


DIALECT = _OnSpark()


class _Cursor:
    """What the connector's cursor does, by a session of Spark Connect."""

    def __init__(self, session: Any) -> None:
        self._session, self._rows, self.description = session, iter(()), None

    def execute(self, sql: str, values: list[object] | None = None) -> None:
        frame = self._session.sql(sql, args=values)
        self.description = [(field.name, field.dataType.simpleString()) for field in frame.schema.fields]
        self._rows = iter(frame.collect())

    def fetchmany(self, size: int) -> list[Any]:
        return [row for _, row in zip(range(size), self._rows, strict=False)]

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def close(self) -> None:
        """Nothing is held."""


class _Connection:
    def __init__(self, session: Any) -> None:
        self._session = session

    def cursor(self) -> _Cursor:
        return _Cursor(self._session)


@pytest.fixture(scope="module")
def connection(spark: str) -> Iterator[Any]:
    """A connection to a schema of its own."""
    session = open_session(spark_address(spark))
    session.sql("CREATE SCHEMA IF NOT EXISTS warehouse_test")
    session.catalog.setCurrentDatabase("warehouse_test")
    yield _Connection(session)
    session.sql("DROP SCHEMA warehouse_test CASCADE")
    close_session(session)


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databricks, "require_package", lambda: None)


@pytest.mark.usefixtures("_installed")
def test_the_address_becomes_one_of_databricks_own() -> None:
    url = DIALECT.url(parse_address(ADDRESS, ""))
    assert (url.host, url.password) == ("adb-1.example", "s3cret")
    assert url.query == {"http_path": "/sql/1.0/warehouses/w", "catalog": "main", "schema": "sales"}
    assert "s3cret" not in str(url)
    assert shown_url(ADDRESS) == "databricks://token:…@adb-1.example"


@pytest.mark.usefixtures("_installed")
def test_the_token_may_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_DATABASE_PASSWORD", "from-settings")
    with open_database("databricks://token@adb-1.example?http_path=/sql/1.0/warehouses/w") as database:
        assert database.engine == "spark"
        assert database.dialect.url(database.address).password == "from-settings"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("databricks://token:x@h", "names no http_path"),
        ("databricks://token@h?http_path=/w", "has no token"),
        ("databricks://token:x@h?http_path=/w&secret=1", "unknown option secret"),
    ],
)
def test_an_incomplete_address_is_told(address: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALES_DATABASE_PASSWORD", raising=False)
    with pytest.raises(DatabaseError, match=said):
        open_database(address)


@pytest.mark.skipif(
    importlib.util.find_spec("databricks") is not None, reason="the extra is installed in this environment"
)
def test_a_missing_extra_is_named() -> None:
    with pytest.raises(DatabaseError, match=r"pip install 'sales-dashboard\[databricks\]'"):
        open_database(ADDRESS)


def test_tables_are_made_filled_and_described(connection: Any) -> None:
    rows = pl.DataFrame(
        {
            "n": [1, None],
            "x": [0.1, float("nan")],
            "t": ["It's \\ ü", None],
            "d": [dt.date(2024, 2, 29), None],
            "m": [dt.datetime(2024, 2, 29, 1, 2, 3, 456_789), None],
            "b": [True, None],
            "c": [b"\x00\xff", None],
        }
    )
    kinds = ("integer", "number", "text", "date", "datetime", "boolean", "binary")
    columns = [Column(name, kind) for name, kind in zip(rows.columns, kinds, strict=True)]
    DIALECT.prepare(connection, read_only=False)
    DIALECT.run(connection, DIALECT.create_table("_new", TableSchema("_new", tuple(columns))))
    DIALECT.insert(connection, "_new", rows)
    DIALECT.run(connection, DIALECT.rename_table("_new", "facts"))
    DIALECT.run(connection, DIALECT.create_view("fewer", "SELECT n FROM facts"))
    before = DIALECT.schema_version(connection)
    found = {relation.name: relation for relation in DIALECT.relations(connection)}
    assert found["fewer"] == Relation("fewer", "view", {"n": "bigint"})
    assert [DIALECT.kind(kind) for kind in found["facts"].columns.values()] == list(kinds)
    assert DIALECT.view_texts(connection)["fewer"].split() == ["SELECT", "n", "FROM", "facts"]
    assert DIALECT.row_count(connection, "facts") == 2
    bound = DIALECT.bound(connection, "SELECT * FROM facts WHERE n = :n AND ':n' <> t", {"n": 1})
    with DIALECT.blocks(connection, bound, 10, streamed=True) as (described, blocks):
        assert described == [(name, kind) for name, kind in zip(rows.columns, kinds, strict=True)]
        (row,) = next(blocks)
        assert list(blocks) == []
    assert row[:4] == (1, 0.1, "It's \\ ü", dt.date(2024, 2, 29))
    assert bytes(row[6]) == b"\x00\xff"
    assert "facts" in DIALECT.plan(connection, bound)
    DIALECT.run(connection, DIALECT.drop_view("fewer"))
    DIALECT.run(connection, DIALECT.drop_table("facts"))
    assert DIALECT.schema_version(connection) != before


def test_a_query_cannot_change_anything(connection: Any) -> None:
    DIALECT.run(connection, "CREATE TABLE IF NOT EXISTS kept (n BIGINT)")
    for sql in ("DROP TABLE kept", "WITH a AS (SELECT 1 AS n) INSERT INTO kept SELECT n FROM a"):
        bound = DIALECT.bound(connection, sql, {})
        with (
            pytest.raises(Exception, match="PARSE_SYNTAX_ERROR"),
            DIALECT.blocks(connection, bound, 10, streamed=False),
        ):
            pytest.fail("the statement was run")
    assert DIALECT.row_count(connection, "kept") == 0


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The view `nope` cannot be found. SQLSTATE: 42P01",
            "missing_table",
        ),
        ("Error during request to server: : Invalid access token.", "login"),
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'", "syntax"),
        ("[INSUFFICIENT_PERMISSIONS] User lacks SELECT", "permission"),
        ("HTTPSConnectionPool: Failed to resolve 'h'", "unreachable"),
    ],
)
def test_errors_are_understood(said: str, kind: str) -> None:
    failure = failure_of(RuntimeError(said))
    assert failure.kind == kind
    assert "SQLSTATE" not in failure.reason


def test_numbers_and_texts_are_written_so_that_they_stay_what_they_are() -> None:
    assert literal(float("inf")) == "NULL"
    assert literal(1e300) == "1e+300D"
    assert literal("'; DROP TABLE x; --\\") == "'\\'; DROP TABLE x; --\\\\'"
