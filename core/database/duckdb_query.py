"""Running one query on DuckDB."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from core.database.duckdb_errors import missing_relation, place, reason
from core.database.duckdb_files import load_duckdb
from core.database.duckdb_frames import relation_frame
from core.database.duckdb_reader import Reader
from core.database.parameters import dollar_parameters, plain_value
from core.database.staging import explain_absent
from core.errors import QueryError, SalesError
from core.sql_files import SqlFile, column_type

if TYPE_CHECKING:
    import duckdb

_READING = {"SELECT", "EXPLAIN"}


def run(reader: Reader, file: SqlFile | None, sql: str, params: Mapping[str, object]) -> pl.DataFrame:
    """The rows of a query; see ``Database.query``."""
    asked = file.name if file else "The query"
    text = dollar_parameters(sql)
    declared = {name: column_type(said) for name, said in file.columns.items()} if file else {}
    with reader.cursor() as cursor:
        try:
            statements = cursor.extract_statements(text)
            if len(statements) != 1:
                raise QueryError(f"{asked} must be one statement.", "Run them one at a time.")
            kind = str(statements[0].type.name)
            if kind not in _READING:
                raise QueryError(f"{asked} may only read data: {kind} is refused.", "Use SELECT.")
            wanted = set(statements[0].named_parameters)
            if absent := sorted(wanted - set(params)):
                raise QueryError(f"{asked} needs a value for the parameter {', '.join(absent)}.")
            values = {name: plain_value(name, params[name]) for name in wanted}
            return _fetched(cursor, text, values, declared, reader.likely)
        except (load_duckdb().Error, RuntimeError, OverflowError) as error:
            raise _explained(error, reader, file, asked) from error


def _fetched(
    cursor: "duckdb.DuckDBPyConnection",
    sql: str,
    values: dict[str, object],
    declared: Mapping[str, str],
    likely: Mapping[str, str],
) -> pl.DataFrame:
    duckdb = load_duckdb()
    try:
        relation = cursor.sql(sql, params=values or None)
    except (duckdb.BinderException, duckdb.CatalogException):
        cursor.execute(sql, values or None)  # fails as well, and says at which place
        raise
    return relation_frame(relation, declared, likely)


def _explained(error: Exception, reader: Reader, file: SqlFile | None, asked: str) -> SalesError:
    """The error a person can act on, for one that DuckDB raised."""
    duckdb = load_duckdb()
    relation = missing_relation(error) if isinstance(error, duckdb.CatalogException) else None
    if relation is None:
        if isinstance(error, duckdb.PermissionException):
            return QueryError(f"{asked} may only read data: {reason(error)}.", "Use SELECT.")
        return QueryError(f"{asked} cannot be run: {reason(error)}{place(error)}.")
    return explain_absent(relation, reader.staging, file, reader.tables, place(error))
