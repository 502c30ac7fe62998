"""Tables and views renamed, dropped and made together: readers see all of it or nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from core.database.sqlite_write import quoted
from core.errors import DatabaseError

HIDDEN = "_ingest_"
Run = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]


class BrokenView(DatabaseError):  # noqa: N818 - named as what it tells of
    """A view reads tables or columns that are not there."""

    def __init__(self, view: str, reason: str) -> None:
        super().__init__(
            f"The view {view} does not work on the present tables: {reason.rstrip('.')}.", "Correct its SQL."
        )


class Changes(ABC):
    """Changes under way; they take effect when the block that they were begun with ends without an error."""

    @abstractmethod
    def relations(self) -> dict[str, str]:
        """``table`` or ``view`` by name, of everything that the database has itself."""

    @abstractmethod
    def working_views(self) -> set[str]:
        """The views of the database itself whose tables and columns are all there."""

    @abstractmethod
    def drop_table(self, table: str) -> None:
        """Remove a table with its rows."""

    @abstractmethod
    def rename_tables(self, names: Mapping[str, str]) -> None:
        """Give tables new names, by their old ones; two may swap theirs."""

    @abstractmethod
    def drop_view(self, view: str) -> None:
        """Remove a view."""

    @abstractmethod
    def create_view(self, view: str, text: str) -> None:
        """Make a view of a SELECT, whose text is kept with its comments.

        Raises
        ------
        BrokenView
            It does not work.
        """

    @abstractmethod
    def add_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[tuple[object, ...]]) -> None:
        """Add rows to a table, which is made if need be; ``columns`` are integer or text, by name."""

    def add_index(self, table: str, column: str, key: str) -> None:  # noqa: B027 - few engines have indexes
        """Let rows be found by ``key``, an expression of ``column``, where the engine does so by indexes."""


class SqlChanges(Changes):
    """Changes by statements of SQL.

    Parameters
    ----------
    run
        Runs a statement in the transaction and gives its rows.
    failures
        What it raises where a statement cannot be run.
    catalog
        The query for names and kinds of all relations.
    types
        How integer and text columns are declared.
    """

    def __init__(self, run: Run, failures: type[Exception], catalog: str, types: Mapping[str, str]) -> None:
        self._run, self._failures, self._catalog, self._types = run, failures, catalog, types

    def relations(self) -> dict[str, str]:
        return dict(self._run(self._catalog, ()))  # type: ignore[arg-type]

    def working_views(self) -> set[str]:
        working = set()
        for name, kind in self.relations().items():
            with suppress(self._failures):
                if kind == "view":
                    self._run(f"SELECT * FROM {quoted(name)} LIMIT 0", ())
                    working.add(name)
        return working

    def drop_table(self, table: str) -> None:
        self._run(f"DROP TABLE {quoted(table)}", ())

    def rename_tables(self, names: Mapping[str, str]) -> None:
        for number, old in enumerate(names):  # by way of names that nobody has, so that two may swap
            self._run(f"ALTER TABLE {quoted(old)} RENAME TO {quoted(f'{HIDDEN}{number}')}", ())
        for number, new in enumerate(names.values()):
            self._run(f"ALTER TABLE {quoted(f'{HIDDEN}{number}')} RENAME TO {quoted(new)}", ())

    def drop_view(self, view: str) -> None:
        self._run(f"DROP VIEW {quoted(view)}", ())

    def create_view(self, view: str, text: str) -> None:
        try:
            self._run(f"CREATE VIEW {quoted(view)} AS\n{text.strip().removesuffix(';')}", ())
            self._run(f"SELECT * FROM {quoted(view)} LIMIT 0", ())
        except self._failures as error:
            raise BrokenView(view, self._reason(error)) from error

    def add_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[tuple[object, ...]]) -> None:
        declared = ", ".join(f"{name} {self._types[kind]}" for name, kind in columns.items())
        self._run(f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({declared})", ())
        marks = ", ".join("?" * len(columns))
        for row in rows:
            self._run(f"INSERT INTO {quoted(table)} VALUES ({marks})", row)

    def _reason(self, error: Exception) -> str:
        return str(error)
