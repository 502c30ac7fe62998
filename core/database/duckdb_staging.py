"""The staging views of DuckDB and Parquet, made in a catalog in memory."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.database.duckdb_errors import reason
from core.database.duckdb_files import load_duckdb
from core.database.duckdb_frames import kind_of_type
from core.database.duckdb_sql import quoted
from core.database.staging import Staging, staging_over
from core.sql_files import SqlFile, column_type

if TYPE_CHECKING:
    import duckdb


def create_staging(connection: "duckdb.DuckDBPyConnection", tables: Iterable[str]) -> Staging:
    """Create the staging views; see ``staging_over``."""

    def create(file: SqlFile) -> str:
        try:
            connection.execute(f"CREATE VIEW {quoted(file.stem)} AS {file.text}")
        except load_duckdb().Error as error:
            return reason(error)
        return ""

    return staging_over("duckdb", tables, create, lambda table: column_kinds(connection, table))


def likely_types(connection: "duckdb.DuckDBPyConnection", staging: Staging) -> dict[str, str]:
    """The type of each column name on which all tables and staging views agree."""
    found: dict[str, set[str]] = {}
    for table, column, name in connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'memory'"
    ).fetchall():
        view = staging.views.get(table)
        said = column_type(view.columns[column]) if view and column in view.columns else "id"
        found.setdefault(column, set()).add(kind_of_type(name) if said == "id" else said)
    return {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}


def column_kinds(connection: "duckdb.DuckDBPyConnection", table: str) -> dict[str, str]:
    """The kind of each column of a view of the catalog in memory."""
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = 'memory' AND lower(table_name) = lower(?) ORDER BY column_index",
        [table],
    ).fetchall()
    return {name: kind_of_type(kind) for name, kind in rows}
