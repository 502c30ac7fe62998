"""Tables and views of an SQLite file changed in one transaction."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from core.database.changes import SqlChanges
from core.database.sqlite_files import connect_for_writing
from core.database.sqlite_write import SQL_TYPES, quoted
from core.errors import DatabaseError

_CATALOG = "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"


class SqliteChanges(SqlChanges):
    """SQLite: views follow the new names of tables by themselves."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        def run(sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
            return connection.execute(sql, values).fetchall()

        super().__init__(run, sqlite3.Error, _CATALOG, SQL_TYPES)

    def rename_tables(self, names: Mapping[str, str]) -> None:
        super().rename_tables(names)
        for old, new in names.items():
            self._rename_indexes(old, new)

    def add_index(self, table: str, column: str, key: str) -> None:
        name = quoted(f"of_{table}_{column}")
        self._run(f"CREATE INDEX IF NOT EXISTS {name} ON {quoted(table)} ({key})", ())

    def _rename_indexes(self, old: str, new: str) -> None:
        """Name the indexes that a load made after the table's new name, so that the old one is free again."""
        indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        made = self._run(f"{indexes} AND tbl_name = ? AND sql IS NOT NULL", (new,))
        taken = {name for name, _ in self._run(indexes, ())}
        for name, sql in made:
            prefix = next(
                (p for p in (f"key_{old}", f"of_{old}") if name.lower().startswith(p.lower())), None
            )
            if prefix is None:
                continue
            wanted = prefix[: -len(old)] + new + name[len(prefix) :]
            if wanted in taken:
                continue
            self._run(f"DROP INDEX {quoted(name)}", ())
            self._run(sql.replace(quoted(name), quoted(wanted), 1), ())


@contextmanager
def changing(file: Path) -> Iterator[SqliteChanges]:
    """Changes of an SQLite file; see ``Database.changing``."""
    with closing(connect_for_writing(file)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield SqliteChanges(connection)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise DatabaseError(
                f"The tables of {file.name} cannot be changed: {error}. Nothing was.",
                "Wait until a load has ended, or mend the view that is named.",
            ) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def view_texts(connection: sqlite3.Connection) -> dict[str, str]:
    """The SELECT of each view as it was written, with its comments."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall()
    return {name: _select_of(text) for name, text in rows}


def _select_of(statement: str) -> str:
    """What follows ``CREATE VIEW name AS``."""
    head, _, text = statement.partition(" AS\n")
    if text and "\n" not in head:
        return text.strip()
    position = statement.upper().find(" AS ")
    return statement[position + 4 :].strip() if position >= 0 else statement
