"""Tables and views of a database on a server changed together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import md5

import polars as pl

from core.database.changes import HIDDEN, BrokenView, Changes
from core.database.schema import Column, TableSchema
from core.database.server.dialect import Connection, Dialect
from core.database.server.failures import writing_error
from core.database.server.pool import Pool
from core.database.server.state import VIEW_TEXTS
from core.database.server.versions import count_write, prepare_counter

_TEXTS = TableSchema(
    VIEW_TEXTS, (Column("view_name", "text"), Column("made", "text"), Column("written", "text"))
)


class ServerChanges(Changes):
    """Changes of a database on a server.

    Tables are dropped and renamed as late as may be: until then the caller can go on reading by other
    connections, which would wait for this one. Without transactional DDL every change is made at once, with
    a note of how to undo it, and tables that are dropped are hidden until the end: only a program that is
    killed in between leaves half of it.
    """

    def __init__(self, dialect: Dialect, connection: Connection) -> None:
        self._dialect, self._connection = dialect, connection
        self._undo: list[list[str]] = []
        self._doomed: list[str] = []
        self._rows: list[tuple[str, pl.DataFrame]] = []
        self._views: dict[str, str] = {}
        self._queued: list[Callable[[], None]] = []
        prepare_counter(dialect, connection, {name.lower() for name in self.relations()})

    def relations(self) -> dict[str, str]:
        self._flush()
        found = self._dialect.relations(self._connection)
        return {relation.name: relation.kind for relation in found if relation.name not in self._doomed}

    def working_views(self) -> set[str]:
        return {
            name for name, kind in self.relations().items() if kind == "view" and not self._fault_of(name)
        }

    def drop_table(self, table: str) -> None:
        self._queued.append(lambda: self._drop_table(table))

    def rename_tables(self, names: Mapping[str, str]) -> None:
        self._queued.append(lambda: self._rename_tables(names))

    def _flush(self) -> None:
        """Do what was put off: from now on other connections wait for these tables."""
        while self._queued:
            self._queued.pop(0)()

    def _drop_table(self, table: str) -> None:
        if self._dialect.capabilities.transactional_ddl:
            self._run(self._dialect.drop_table(table))
            return
        hidden = f"{HIDDEN}dropped_{len(self._doomed)}"
        self._run(self._dialect.drop_table(hidden))
        self._change(
            self._dialect.rename_tables({table: hidden}), self._dialect.rename_tables({hidden: table})
        )
        self._doomed.append(hidden)

    def _rename_tables(self, names: Mapping[str, str]) -> None:
        if names:
            stored = {old: self._dialect.stored_name(new) for old, new in names.items()}
            back = {new: old for old, new in stored.items()}
            self._change(self._dialect.rename_tables(stored), self._dialect.rename_tables(back))

    def drop_view(self, view: str) -> None:
        self._flush()
        text = self._dialect.view_texts(self._connection).get(view, "")
        self._change([self._dialect.drop_view(view)], [self._dialect.create_view(view, text)] if text else [])

    def create_view(self, view: str, text: str) -> None:
        self._flush()
        text = text.strip().removesuffix(";")
        try:
            with self._dialect.savepoint(self._connection):
                self._change([self._dialect.create_view(view, text)], [self._dialect.drop_view(view)])
        except self._dialect.errors as error:
            raise BrokenView(view, self._dialect.failure(error).reason) from error
        if fault := self._fault_of(view):
            raise BrokenView(view, fault)
        self._views[view] = text

    def add_rows(self, table: str, columns: Mapping[str, str], rows: Sequence[tuple[object, ...]]) -> None:
        if table.lower() not in {name.lower() for name in self.relations()}:
            schema = TableSchema(table, tuple(Column(name, kind) for name, kind in columns.items()))
            self._change([self._dialect.create_table(table, schema)], [self._dialect.drop_table(table)])
        kinds = {"integer": pl.Int64, "text": pl.String}
        frame = pl.DataFrame(rows, {name: kinds[kind] for name, kind in columns.items()}, orient="row")
        self._rows.append((table, frame))

    def finish(self) -> None:
        """What comes last: rows, the texts of views, the tables that are dropped for good."""
        self._flush()
        dialect, connection = self._dialect, self._connection
        if self._views and not dialect.capabilities.keeps_view_texts:
            self._keep_texts()
        for table, frame in self._rows:
            dialect.insert(connection, table, frame)
        count_write(dialect, connection)
        connection.commit()
        self._undo.clear()
        for table in self._doomed:
            self._run(dialect.drop_table(table))
        connection.commit()

    def undo(self) -> None:
        """Make good again what a rollback cannot, the last change first."""
        for statements in reversed(self._undo):
            for statement in statements:
                self._run(statement)

    def _keep_texts(self) -> None:
        if VIEW_TEXTS not in self.relations():
            self._run(self._dialect.create_table(VIEW_TEXTS, _TEXTS))
        made = self._dialect.view_texts(self._connection)
        rows = [(view, fingerprint(made.get(view, "")), text) for view, text in self._views.items()]
        for view in self._views:
            self._dialect.run(
                self._connection,
                f"DELETE FROM {self._dialect.quoted(VIEW_TEXTS)} WHERE view_name = :view",
                {"view": view},
            )
        columns = [column.name for column in _TEXTS.columns]
        self._dialect.insert(self._connection, VIEW_TEXTS, pl.DataFrame(rows, columns, orient="row"))

    def _fault_of(self, view: str) -> str:
        try:
            with self._dialect.savepoint(self._connection):
                self._run(f"SELECT * FROM {self._dialect.quoted(view)} WHERE 1 = 0")
        except self._dialect.errors as error:
            return self._dialect.failure(error).reason
        return ""

    def _change(self, statements: Sequence[str], back: list[str]) -> None:
        for statement in statements:
            self._run(statement)
        if not self._dialect.capabilities.transactional_ddl:
            self._undo.append(back)

    def _run(self, sql: str) -> None:
        self._dialect.run(self._connection, sql)


@contextmanager
def changing(pool: Pool, done: Callable[[], None]) -> Iterator[ServerChanges]:
    """Changes of a database on a server; see ``Database.changing``."""
    dialect, changes = pool.dialect, None
    with pool.writing() as connection:
        try:
            changes = ServerChanges(dialect, connection)
            yield changes
            changes.finish()
        except BaseException as error:
            failure = pool.failure_of(error) if isinstance(error, dialect.errors) else None
            if changes is not None and (failure is None or failure.kind != "lost"):
                connection.rollback()
                changes.undo()
            if failure is not None:
                what = "The tables cannot be changed, and nothing was"
                raise writing_error(failure, pool.address, what) from error
            raise
    done()


def view_texts(dialect: Dialect, connection: Connection, present: set[str]) -> dict[str, str]:
    """The SELECT of each view as it was written, where it was made by this product and is unchanged."""
    made = dialect.view_texts(connection)
    if dialect.capabilities.keeps_view_texts or VIEW_TEXTS not in present:
        return made
    rows = dialect.fetch(connection, f"SELECT view_name, made, written FROM {dialect.quoted(VIEW_TEXTS)}")
    written = {(view, print_): text for view, print_, text in rows}
    return {view: written.get((view, fingerprint(text)), text) for view, text in made.items()}


def fingerprint(text: str) -> str:
    """What tells a text from others."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()
