"""Staging views over whatever base tables a database has, and sentences about those it lacks."""

import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from core.database.schema import declared_tables, kind_of
from core.database.sqlite_write import quoted
from core.errors import MissingDataError, QueryError, SalesError
from core.sql_files import SqlFile, column_type, read_sql, staging_files

_LOAD = "with: sales-dashboard ingest PATH --database URL"


@dataclass(frozen=True)
class Staging:
    """The staging views of one connection: those created, and for the others what stands in the way."""

    views: dict[str, SqlFile] = field(default_factory=dict)
    lacking_tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lacking_columns: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def staging_over(
    engine: str,
    present: Iterable[str],
    create: Callable[[SqlFile], str],
    columns_of: Callable[[str], Iterable[str]],
) -> Staging:
    """Create the staging views of an engine whose base tables exist.

    A view that the database has itself is left alone: that is how a company with another schema joins in.

    Parameters
    ----------
    present
        All tables and views of the database itself.
    create
        Creates a view; gives the reason if it does not work.
    columns_of
        The columns of a table.
    """
    have = {name.lower() for name in present}
    staging = Staging()
    for file in staging_files(engine):
        if file.stem.lower() in have:
            continue
        if absent := tuple(table for table in file.needs if table.lower() not in have):
            staging.lacking_tables[file.stem] = absent
            continue
        fault = create(file)
        lacking = {
            table: names
            for table in (file.needs if fault else ())
            if table in declared_tables() and (names := absent_columns(file, table, columns_of(table)))
        }
        if lacking:
            staging.lacking_columns[file.stem] = lacking
        elif fault:
            staging.broken[file.stem] = fault
        else:
            staging.views[file.stem] = file
    return staging


def create_views(connection: sqlite3.Connection) -> Staging:
    """Create the staging views as temporary ones on an SQLite connection; see ``staging_over``."""

    def create(file: SqlFile) -> str:
        try:
            connection.execute(f"CREATE TEMP VIEW {quoted(file.stem)} AS {file.text}")
            connection.execute(f"SELECT * FROM {quoted(file.stem)} LIMIT 0").close()
        except sqlite3.Error as error:
            connection.execute(f"DROP VIEW IF EXISTS temp.{quoted(file.stem)}")
            return str(error)
        return ""

    def columns_of(table: str) -> list[str]:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table)})")]

    listed = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    return staging_over("sqlite", (name for (name,) in listed), create, columns_of)


def absent_columns(file: SqlFile, table: str, present: Iterable[str]) -> tuple[str, ...]:
    """The declared columns of a table that a staging view reads and that are not ``present``."""
    read = {word.lower() for word in re.findall(r"\w+", file.text)}
    have = {name.lower() for name in present}
    names = (column.name for column in declared_tables()[table].columns)
    return tuple(name for name in names if name.lower() in read and name.lower() not in have)


def explain_missing(relation: str, staging: Staging, asked: str) -> MissingDataError | QueryError | None:
    """Why ``relation``, which a query reads, is not there; ``None`` if it is no staging view."""
    asked = asked.replace("The query", "the query")
    if tables := staging.lacking_tables.get(relation):
        listed = ", ".join(tables)
        plural = "tables" if len(tables) > 1 else "table"
        return MissingDataError(
            f"The database lacks the {plural} {listed} that {asked} needs.", f"Load them {_LOAD}", tables
        )
    if columns := staging.lacking_columns.get(relation):
        listed = "; ".join(f"{table} lacks {', '.join(names)}" for table, names in columns.items())
        return MissingDataError(
            f"The database has tables without columns that {asked} needs: {listed}.",
            "Load a table that has them, or write a staging view that supplies them.",
            tuple(columns),
        )
    if reason := staging.broken.get(relation):
        return QueryError(f"The staging view {relation} cannot be created: {reason}.")
    return None


def explain_absent(
    relation: str, staging: Staging, file: SqlFile | None, known: Iterable[str], place: str = ""
) -> SalesError:
    """Why a query cannot find ``relation``; ``known`` are all others, ``place`` is where."""
    asked = file.name if file else "The query"
    if missing := explain_missing(relation, staging, asked):
        return missing
    if file:
        return MissingDataError(
            f"The database lacks the table {relation} that {asked} needs.", f"Load it {_LOAD}", (relation,)
        )
    nearest = get_close_matches(relation, [*known, *staging.views], n=3)
    return QueryError(
        f"There is no table {relation}{place}.", f"Nearest names: {', '.join(nearest)}." if nearest else ""
    )


def likely_types(connection: sqlite3.Connection, staging: Staging) -> dict[str, str]:
    """The type of each column name on which all tables and staging views agree."""
    found: dict[str, set[str]] = {}
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    for name in [name for (name,) in tables] + list(staging.views):
        view = staging.views.get(name)
        said = {c: column_type(text) for c, text in view.columns.items()} if view else {}
        try:
            columns = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
        except sqlite3.Error:  # a view of the database's own that is broken
            continue
        for _, column, declared, *_ in columns:
            kind = said.get(column, "id")
            if kind == "id":
                kind = kind_of(declared) if declared else _key_kind(connection, name, column) if view else ""
            if kind:
                found.setdefault(column, set()).add(kind)
    # An invoice is an order; a result without rows says nothing of the type of its keys.
    found.setdefault("invoice_id", found.get("order_id", {"integer"}))
    return {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}


def _key_kind(connection: sqlite3.Connection, view: str, column: str) -> str:
    """The kind of a computed key, from the first row that has it."""
    name = quoted(column)
    row = connection.execute(f"SELECT {name} FROM {quoted(view)} WHERE {name} IS NOT NULL LIMIT 1").fetchone()
    return "text" if row and isinstance(row[0], str) else "integer"


def missing_relation(error: Exception) -> str | None:
    """The table or view that SQLite did not find, if that is what the error is about."""
    match = re.match(r"no such table: (?:(?:main|temp)\.)?(\S+)", str(error))
    return match[1] if match else None


def file_named(name_or_sql: str) -> SqlFile | None:
    """The SQL file of that name; ``None`` if the text is SQL itself."""
    return None if re.search(r"\s", name_or_sql.strip()) else read_sql(name_or_sql.strip())
