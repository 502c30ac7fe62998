"""Tables and views of a DuckDB file changed on a copy, which then takes the file's place."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlglot

from core.database.changes import SqlChanges
from core.database.duckdb_errors import reason
from core.database.duckdb_files import Limits, load_duckdb
from core.database.duckdb_sql import SQL_TYPES, literal, quoted
from core.database.duckdb_write import Rewrite
from core.errors import DatabaseError

if TYPE_CHECKING:
    import duckdb

_CATALOG = (
    "SELECT view_name, 'view' FROM duckdb_views() WHERE NOT internal "
    "UNION ALL SELECT table_name, 'table' FROM duckdb_tables()"
)


class DuckdbChanges(SqlChanges):
    """DuckDB: views do not follow the new names of tables, and their text is kept as their comment."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        def run(sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
            return list(connection.execute(sql, list(values)).fetchall())

        super().__init__(run, load_duckdb().Error, _CATALOG, SQL_TYPES)

    def create_view(self, view: str, text: str) -> None:
        super().create_view(view, text)
        self._run(f"COMMENT ON VIEW {quoted(view)} IS {literal(text.strip())}", ())

    def _reason(self, error: Exception) -> str:
        return reason(error)


@contextmanager
def changing(file: Path, limits: Limits) -> Iterator[DuckdbChanges]:
    """Changes of a DuckDB file; see ``Database.changing``."""
    with Rewrite(file, limits) as rewrite:
        try:
            yield DuckdbChanges(rewrite.connection)
        except load_duckdb().Error as error:
            raise DatabaseError(
                f"The tables of {file.name} cannot be changed: {reason(error)}. Nothing was.",
                "Remove what is named with the tools of DuckDB first.",
            ) from error
        rewrite.commit()


def view_texts(connection: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    """The SELECT of each view of the attached file: as it was stored by the product, else as DuckDB tells it.

    DuckDB keeps neither comments nor line breaks of what others wrote.
    """
    rows = connection.execute(
        "SELECT view_name, comment, sql FROM duckdb_views() "
        "WHERE database_name = 'data' AND schema_name = 'main' AND NOT internal"
    ).fetchall()
    return {name: comment if _is_query(comment) else _pretty(sql) for name, comment, sql in rows}


def _is_query(comment: str | None) -> bool:
    lines = (line for line in (comment or "").splitlines() if not line.startswith("--"))
    return next(lines, "").upper().startswith(("SELECT", "WITH"))


def _pretty(statement: str) -> str:
    """The SELECT of a CREATE VIEW statement over several lines."""
    try:
        made = sqlglot.parse_one(statement, read="duckdb")
        return str(made.expression.sql(dialect="duckdb", pretty=True))
    except sqlglot.errors.SqlglotError:
        return statement.partition(" AS ")[2].removesuffix(";")
