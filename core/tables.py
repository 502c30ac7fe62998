"""Renaming and dropping the tables of a database: all changes at once or none, for admins."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from core.database.base import Database, TableInfo
from core.database.schema import declared_tables
from core.errors import DatabaseError
from core.ingest.names import is_reserved
from core.mapping import follow_renamed
from core.roles import Role, require
from core.sql_files import staging_files
from core.table_origins import note_renamed, table_origins

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
    views = tuple(dict.fromkeys([*staged, *_own_views(database, found.name)]))
    return TableUse(found.name, found.rows or 0, tuple(referred_by), views)


def rename_table(database: Database, table: str, name: str) -> None:
    """Give a table another name; the mapping that reads it follows. See ``change_tables``."""
    change_tables(database, renamed={table: name})


def drop_tables(database: Database, tables: Sequence[str]) -> None:
    """Remove tables with all their rows. See ``change_tables``."""
    change_tables(database, dropped=tables)


def change_tables(
    database: Database, *, dropped: Sequence[str] = (), renamed: Mapping[str, str] | None = None
) -> None:
    """Drop tables, then rename others, all at once or not at all.

    The mapping of a renamed table is noted with its new name and its views made anew. Other views follow
    where the engine sees to that (SQLite); elsewhere they keep the table from being renamed.

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
    database.require_writing()
    present = {info.name.lower(): info for info in database.tables()}
    doomed = list(dict.fromkeys(_changeable(present, name).name for name in dropped))
    moves = {_changeable(present, old).name: new.strip() for old, new in (renamed or {}).items()}
    _check_names(present, doomed, moves)
    readers = {table: _own_views(database, table) for table in (*doomed, *moves)}
    loaded = table_origins(database) if moves else {}
    with database.changing() as changes:
        working = changes.working_views()
        for table in doomed:
            changes.drop_table(table)
        changes.rename_tables(moves)
        follow_renamed(database, changes, moves)
        note_renamed(changes, {old: new for old, new in moves.items() if old in loaded})
        broken = working - changes.working_views()
        for tables, what in ((doomed, "dropped"), (moves, "renamed")):
            for table in tables:
                if views := sorted(broken.intersection(readers[table])):
                    raise _needed(table, what, views)
        if broken:
            raise _needed(", ".join(readers), "changed", sorted(broken))


def _needed(table: str, what: str, views: Sequence[str]) -> DatabaseError:
    """Why a table stays as it is."""
    read = f"the view {views[0]} reads" if len(views) == 1 else f"the views {', '.join(views)} read"
    remedy = "Drop them, or remove the mapping that made them, first."
    return DatabaseError(f"{table} cannot be {what}: {read} from it.", remedy)


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


def _own_views(database: Database, table: str) -> list[str]:
    """The views of the database itself whose text names the table."""
    word = re.compile(rf"(?<!\w){re.escape(table)}(?!\w)", re.IGNORECASE)
    return [name for name, text in database.view_texts().items() if word.search(_without_comments(text))]


def _without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*", "", text)
