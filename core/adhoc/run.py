"""Running what a person typed: checked, within limits, and stopped when told to."""

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from core.database.adhoc import AdhocConnection, Progress, QueryLimits, TruncatedBy, Watch
from core.database.base import Database
from core.errors import QueryError
from core.sql_guard import CheckedStatement, check_statement

DIALECTS = {
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "mssql": "tsql",
    "postgres": "postgres",
    "mysql": "mysql",
    "spark": "spark",
}
"""SQL dialect (as sqlglot calls it) of each engine."""


@dataclass(frozen=True)
class QueryResult:
    """The rows of a typed query.

    ``columns`` are names and kinds (integer, number, text, date, datetime, boolean, binary, other);
    ``truncated_by`` names the limit that cut rows off, ``None`` if all are there.
    """

    frame: pl.DataFrame
    columns: tuple[tuple[str, str], ...]
    rows: int
    truncated_by: TruncatedBy | None
    seconds: float


def run_query(
    database: Database | AdhocConnection,
    sql: str,
    *,
    limits: QueryLimits | None = None,
    params: Mapping[str, object] | None = None,
    cancel: threading.Event | None = None,
    progress: Progress | None = None,
    declared: Mapping[str, str] | None = None,
) -> QueryResult:
    """The rows of a query that a person typed. Blocks until done; another thread can stop it.

    Parameters
    ----------
    database
        The database, or a connection made for this use.
    sql
        One SELECT; see ``check_statement``.
    params
        Values of its ``:name`` parameters; others are ignored.
    cancel
        Setting this event stops the engine.
    progress
        Told about seconds and rows so far, five times a second, from another thread.
    declared
        Kinds that columns must have, for queries of the product.

    Raises
    ------
    StatementError, QueryError
        The statement is refused or cannot be run; with line and column where they are known.
    MissingDataError
        It reads a staging view whose tables are not in the database.
    QueryCancelled, QueryTimeout
        It was stopped.
    """
    statement, values = _prepared(database, sql, params)
    watch = Watch(limits or QueryLimits(), cancel, progress)
    with _connection(database) as connection:
        fetched = connection.fetch(statement, values, watch, declared or {})
    frame = fetched.frame
    columns = tuple((name, kind_of_dtype(dtype)) for name, dtype in frame.schema.items())
    return QueryResult(frame, columns, frame.height, fetched.truncated_by, watch.seconds)


def explain(
    database: Database | AdhocConnection,
    sql: str,
    *,
    params: Mapping[str, object] | None = None,
    limits: QueryLimits | None = None,
) -> str:
    """How the engine would run the query: one step a line, steps within others indented or drawn as a tree.

    Parameters without a value are taken as null. Raises as ``run_query`` does.
    """
    statement = check_statement(sql, _dialect(database))
    values = dict.fromkeys(statement.parameters) | {
        name: value for name, value in (params or {}).items() if name in statement.parameters
    }
    with _connection(database) as connection:
        return connection.plan(statement, _bindable(values), Watch(limits or QueryLimits()))


def parameters_of(database: Database | AdhocConnection, sql: str) -> tuple[str, ...]:
    """Names of the ``:name`` parameters of a query, in order. Raises ``StatementError`` if it is refused."""
    return check_statement(sql, _dialect(database)).parameters


def kind_of_dtype(dtype: pl.DataType) -> str:
    """The kind of a column: integer, number, text, date, datetime, boolean, binary or other."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    kinds: dict[type, str] = {
        pl.String: "text",
        pl.Date: "date",
        pl.Datetime: "datetime",
        pl.Boolean: "boolean",
        pl.Binary: "binary",
    }
    return kinds.get(type(dtype), "other")


def _prepared(
    database: Database | AdhocConnection, sql: str, params: Mapping[str, object] | None
) -> tuple[CheckedStatement, dict[str, object]]:
    statement = check_statement(sql, _dialect(database))
    given = params or {}
    if absent := [name for name in statement.parameters if name not in given]:
        raise QueryError(
            f"The query needs a value for the parameter {', '.join(absent)}.", "Fill it in, and run it again."
        )
    return statement, _bindable({name: given[name] for name in statement.parameters})


def _dialect(database: Database | AdhocConnection) -> str:
    if isinstance(database, AdhocConnection):
        return database.dialect
    return DIALECTS.get(database.engine, "")


def _connection(database: Database | AdhocConnection) -> AbstractContextManager[AdhocConnection]:
    """A connection for one query; one that was handed over stays open."""
    from core.database.sqlite import SqliteDatabase

    if isinstance(database, AdhocConnection):
        return nullcontext(database)
    if isinstance(database, SqliteDatabase):
        from core.database.sqlite_adhoc import SqliteAdhoc

        return SqliteAdhoc(database.file)
    if database.engine == "duckdb":
        from core.database.duckdb import DuckdbDatabase
        from core.database.duckdb_adhoc import adhoc_of

        if isinstance(database, DuckdbDatabase):
            return adhoc_of(database)
    if database.engine == "spark":
        from core.database.spark import SparkDatabase
        from core.database.spark.adhoc import SparkAdhoc

        if isinstance(database, SparkDatabase):
            return SparkAdhoc(database)
    from core.database.server.database import ServerDatabase

    if isinstance(database, ServerDatabase):
        from core.database.server.adhoc import adhoc_of as adhoc_of_server

        return adhoc_of_server(database)
    raise QueryError(f"Typed SQL cannot be run on {database.engine} yet.")


def _bindable(values: Mapping[str, object]) -> dict[str, object]:
    """Values as every engine takes them: dates as ISO text, decimals as numbers."""
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    item = getattr(value, "item", None)  # NumPy numbers
    return item() if callable(item) else value
