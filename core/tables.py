"""Renaming and dropping the tables of a database: all changes at once or none, for admins."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches

from core.database.base import Database, TableInfo
from core.database.schema import declared_tables
from core.database.sqlite import SqliteDatabase
from core.database.sqlite_files import connect_for_writing
from core.database.sqlite_write import quoted
from core.errors import DatabaseError
from core.ingest.names import is_reserved
from core.roles import Role, require
from core.sql_files import staging_files

_LONGEST_NAME = 100


@dataclass(frozen=True)
class TableUse:
    """What hangs on a table: its rows, the columns of other tables that refer to it, and what reads it.

    ``views`` are the staging views and the database's own views that lose their rows with the table.
    """

    table: str
    rows: int
    referred_by: tuple[str, ...]
    views: tuple[str, ...]


def table_use(database: Database, table: str) -> TableUse:
    """What is lost or left behind when a table is dropped or renamed: to be shown before it is done.

    Raises
    ------
    DatabaseError
        There is no such table.
    """
    present = {info.name.lower(): info for info in database.tables()}
    found = _found(present, table)
    referred_by = [
        f"{name}.{', '.join(key.columns)}"
        for name, schema in declared_tables().items()
        for key in schema.foreign_keys
        if key.table.lower() == found.name.lower() and name in present and name != found.name.lower()
    ]
    staged = [
        file.stem
        for file in staging_files(database.engine)
        if found.name.lower() in map(str.lower, file.needs) and file.stem in present
    ]
    own = _own_views(database, found.name) if isinstance(database, SqliteDatabase) else []
    views = tuple(dict.fromkeys([*staged, *own]))
    return TableUse(found.name, found.rows or 0, tuple(referred_by), views)


def rename_table(database: Database, table: str, name: str) -> None:
    """Give a table another name; views of the database that read it follow. See ``change_tables``."""
    change_tables(database, renamed={table: name})


def drop_tables(database: Database, tables: Sequence[str]) -> None:
    """Remove tables with all their rows. See ``change_tables``."""
    change_tables(database, dropped=tables)


def change_tables(
    database: Database, *, dropped: Sequence[str] = (), renamed: Mapping[str, str] | None = None
) -> None:
    """Drop tables, then rename others, in one transaction.

    Parameters
    ----------
    database
        Opened with ``read_only=False``.
    dropped
        Names of tables to remove.
    renamed
        New names by old ones; a name that is freed by the same call may be taken.

    Raises
    ------
    NotAllowedError
        Whoever asks is no admin.
    DatabaseError
        A table is missing, a name is taken, reserved or none, a view of the database reads a table that is to
        go, or the database cannot be changed; nothing is.
    """
    require(Role.ADMIN, "changing tables")
    if not isinstance(database, SqliteDatabase):
        raise DatabaseError(
            f"Tables of a {database.engine} database cannot be renamed or dropped here.",
            "Do it with the tools of the database.",
        )
    if database.read_only:
        raise DatabaseError("The database is open for reading only.", "Open it with read_only=False.")
    present = {info.name.lower(): info for info in database.tables()}
    doomed = list(dict.fromkeys(_changeable(present, name).name for name in dropped))
    moves = {_changeable(present, old).name: new.strip() for old, new in (renamed or {}).items()}
    _check_names(present, doomed, moves)
    with _transaction(database) as connection:
        working = _working_views(connection)
        for table in doomed:
            connection.execute(f"DROP TABLE {quoted(table)}")
        for number, table in enumerate(moves):  # by way of names that nobody has, so that two may swap
            connection.execute(f"ALTER TABLE {quoted(table)} RENAME TO {quoted(f'_ingest_{number}')}")
        for number, (table, name) in enumerate(moves.items()):
            connection.execute(f"ALTER TABLE {quoted(f'_ingest_{number}')} RENAME TO {quoted(name)}")
            _rename_indexes(connection, table, name)
        broken = sorted(working - _working_views(connection))
        if broken:
            raise DatabaseError(
                f"{', '.join(doomed)} cannot be dropped: the views {', '.join(broken)} read from there.",
                "Drop these views or the mapping that made them first.",
            )


def _found(present: Mapping[str, TableInfo], table: str) -> TableInfo:
    info = present.get(table.strip().lower())
    if info is None:
        near = get_close_matches(table.lower(), list(present), n=1)
        hint = f"Did you mean {present[near[0]].name}?" if near else ""
        raise DatabaseError(f"There is no table {table}.", hint)
    return info


def _changeable(present: Mapping[str, TableInfo], table: str) -> TableInfo:
    info = _found(present, table)
    if info.kind != "table":
        raise DatabaseError(f"{info.name} is a view, not a table.", "Change the tables that it reads.")
    if is_reserved(info.name):
        raise DatabaseError(f"The table {info.name} belongs to the product.", "Leave it as it is.")
    return info


def _check_names(present: Mapping[str, TableInfo], doomed: Sequence[str], moves: Mapping[str, str]) -> None:
    leaving = {name.lower() for name in (*doomed, *moves)}
    both = [table for table in moves if table in doomed]
    if both:
        raise DatabaseError(f"The table {both[0]} cannot be both renamed and dropped.", "Choose one of them.")
    taken: set[str] = set()
    for table, name in moves.items():
        if is_reserved(name):
            why = "is reserved" if name else "is empty"
            raise DatabaseError(
                f"The table {table} cannot be named {name!r}: the name {why}.", "Choose another."
            )
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise DatabaseError(
                f"The new name of {table} is too long or has characters that cannot be shown.",
                f"Choose one of at most {_LONGEST_NAME} letters and digits.",
            )
        key = name.lower()
        if key in taken or (key in present and key not in leaving):
            raise DatabaseError(f"There is already a table {name}.", "Choose another name, or drop that one.")
        taken.add(key)


@contextmanager
def _transaction(database: SqliteDatabase) -> Iterator[sqlite3.Connection]:
    with closing(connect_for_writing(database.file)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise DatabaseError(
                f"The tables of {database.file.name} cannot be changed: {error}. Nothing was.",
                "Wait until a load has ended, or mend the view that is named.",
            ) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _working_views(connection: sqlite3.Connection) -> set[str]:
    """The views of the database whose tables and columns are all there."""
    working = set()
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        with suppress(sqlite3.Error):
            connection.execute(f"SELECT 1 FROM {quoted(name)} LIMIT 0").close()
            working.add(name)
    return working


def _rename_indexes(connection: sqlite3.Connection, old: str, new: str) -> None:
    """Name the indexes that a load made after the table's new name, so that the old one is free again."""
    made = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (new,),
    ).fetchall()
    taken = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    for name, sql in made:
        prefix = next((p for p in (f"key_{old}", f"of_{old}") if name.lower().startswith(p.lower())), None)
        if prefix is None:
            continue
        wanted = prefix[: -len(old)] + new + name[len(prefix) :]
        if wanted in taken:
            continue
        connection.execute(f"DROP INDEX {quoted(name)}")
        connection.execute(sql.replace(quoted(name), quoted(wanted), 1))


def _own_views(database: SqliteDatabase, table: str) -> list[str]:
    """The views of the database itself whose text names the table."""
    views = database.query("SELECT name, sql FROM sqlite_master WHERE type = 'view'")
    word = re.compile(rf"(?<!\w){re.escape(table)}(?!\w)", re.IGNORECASE)
    return [name for name, sql in views.iter_rows() if word.search(sql or "")]
