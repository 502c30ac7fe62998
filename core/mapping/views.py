"""Views changed in one transaction, on each engine that mappings can be stored in."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from core.database.base import Database
from core.database.sqlite_files import connect_for_writing
from core.database.sqlite_write import quoted
from core.errors import DatabaseError
from core.mapping.model import MappingError

Run = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
_LOG_COLUMNS = "entry INTEGER, stored_at TEXT, action TEXT, mapping TEXT, view_name TEXT, view_sql TEXT"


def view_texts(database: Database, names: Iterable[str]) -> dict[str, str]:
    """The SELECT of each of the database's own views among ``names``, with its comments.

    DuckDB does not keep the text of a view as it was written, so that nothing is found there.
    """
    if database.engine != "sqlite":
        return {}
    rows = database.query("SELECT name, sql AS text FROM sqlite_master WHERE type = 'view'")
    return {name.lower(): _select_of(text) for name, text in rows.iter_rows() if name.lower() in set(names)}


def change_views(
    database: Database,
    names: Sequence[str],
    views: dict[str, str],
    log: str,
    rows: Sequence[tuple[object, ...]],
    index: tuple[str, str, str] | None = None,
) -> None:
    """Drop the views called ``names``, make ``views``, and add ``rows`` to the table ``log``: all or nothing.

    ``index`` is the table, column and key expression of an index that the views are to be read by.

    Raises
    ------
    MappingError
        A view cannot be made, or its name is taken by a table.
    DatabaseError
        The database cannot be written.
    """
    file = getattr(database, "file", None)
    if isinstance(file, Path) and file.is_file() and database.engine in _WRITERS:
        with _WRITERS[database.engine](database, file) as run:
            _change(database.engine, run, names, views)
            if index is not None:
                table, column, key = index
                name = quoted(f"of_{table}_{column}")
                run(f"CREATE INDEX IF NOT EXISTS {name} ON {quoted(table)} ({key})", ())
            run(f"CREATE TABLE IF NOT EXISTS {quoted(log)} ({_LOG_COLUMNS})", ())
            for row in rows:
                run(f"INSERT INTO {quoted(log)} VALUES (?, ?, ?, ?, ?, ?)", row)
        return
    raise MappingError(
        "Mappings cannot be stored in this database.", "Save the SQL and have the views created there."
    )


@contextmanager
def _sqlite_writer(database: Database, file: Path) -> Iterator[Run]:  # noqa: ARG001
    """A way to run statements in one transaction, which ends with the block."""
    with closing(connect_for_writing(file)) as connection:

        def run(sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
            return connection.execute(sql, values).fetchall()

        try:
            connection.execute("BEGIN IMMEDIATE")
            yield run
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise DatabaseError(
                f"The mapping cannot be stored in {file.name}: {error}.",
                "Check that the file can be written.",
            ) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


@contextmanager
def _duckdb_writer(database: Database, file: Path) -> Iterator[Run]:
    """The same on a copy of the file, which then takes its place."""
    from core.database.duckdb_files import Limits
    from core.database.duckdb_write import Rewrite

    with Rewrite(file, getattr(database, "limits", None) or Limits()) as rewrite:
        yield rewrite.run
        rewrite.commit()


_WRITERS = {"sqlite": _sqlite_writer, "duckdb": _duckdb_writer}
_CATALOG = {
    "sqlite": "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')",
    "duckdb": "SELECT view_name, 'view' FROM duckdb_views() WHERE NOT internal "
    "UNION ALL SELECT table_name, 'table' FROM duckdb_tables()",
}


def _change(engine: str, run: Run, names: Sequence[str], views: dict[str, str]) -> None:
    for name, kind in run(_CATALOG[engine], ()):
        if name.lower() in names and kind == "view":
            run(f"DROP VIEW {quoted(name)}", ())
        elif name.lower() in views:
            raise MappingError(
                f"The name {name} is taken by a table of the database.", "Rename that table first."
            )
    for name, text in views.items():
        try:
            run(f"CREATE VIEW {quoted(name)} AS\n{text.strip().removesuffix(';')}", ())
            run(f"SELECT * FROM {quoted(name)} LIMIT 0", ())
        except (sqlite3.Error, DatabaseError) as error:
            raise MappingError(
                f"The view {name} does not work on the present tables: {error}.", "Map the tables again."
            ) from error


def _select_of(statement: str) -> str:
    """What follows ``CREATE VIEW name AS``."""
    head, _, text = statement.partition(" AS\n")
    if text and "\n" not in head:
        return text.strip()
    position = statement.upper().find(" AS ")
    return statement[position + 4 :].strip() if position >= 0 else statement
