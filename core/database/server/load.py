"""Loading into a database on a server: hidden tables that take the place of the old ones at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

import polars as pl

from core.database.base import WriteMode
from core.database.changes import HIDDEN
from core.database.loading import BulkLoad, Key
from core.database.schema import Column, ForeignKey, TableSchema
from core.database.server.dialect import Dialect, Relation
from core.database.server.failures import writing_error
from core.database.server.pool import Pool
from core.database.server.state import shown_kind
from core.database.server.versions import count_write, prepare_counter
from core.database.server.writing import storable
from core.errors import DatabaseError

LOAD_LOG = "sales_load_log"
_LOG = TableSchema(
    LOAD_LOG,
    (
        Column("loaded_at", "datetime"),
        Column("source", "text"),
        Column("table_name", "text"),
        Column("row_count", "integer"),
        Column("mode", "text"),
    ),
)


class ServerLoad(BulkLoad):
    """A load into a database on a server. Readers see the old data until ``commit``.

    With transactional DDL everything is one transaction. Elsewhere rows go into hidden tables, which one
    statement then puts in the place of all old tables; appended rows are a transaction of their own.

    Parameters
    ----------
    done
        Called after the commit.
    """

    def __init__(self, pool: Pool, done: Callable[[], None]) -> None:
        self._dialect: Dialect = pool.dialect
        self._pool, self._done = pool, done
        self._schemas: dict[str, TableSchema] = {}
        self._hidden: list[str] = []
        self._waiting: dict[str, str] = {}  # new tables by the names that they get at the commit
        self._logged: list[tuple[object, ...]] = []
        self._committed = False
        with ExitStack() as stack:
            self._connection = stack.enter_context(pool.writing())
            if not self._dialect.capabilities.writable:
                raise DatabaseError(
                    f"{self._dialect.title} at {pool.address.place} can only be read.", "Load elsewhere."
                )
            with self._explained("The database cannot be written"):
                if not self._dialect.hold_for_loading(self._connection):
                    raise DatabaseError(
                        f"{pool.address.shown} is being loaded by another.", "Wait until that has ended."
                    )
                present = set(self._relations())
                prepare_counter(self._dialect, self._connection, present)
                if LOAD_LOG not in present:
                    self._run(self._dialect.create_table(LOAD_LOG, _LOG))
            self._stack = stack.pop_all()

    def existing(self, table: str) -> TableSchema | None:
        found = self._relations().get(self._waiting.get(table.lower(), table).lower())
        if found is None:
            return None
        if found.kind != "table":
            raise DatabaseError(
                f"The name {found.name} is taken by a {found.kind} of the database.",
                "Choose another with --table.",
            )
        columns = (Column(name, shown_kind(self._dialect, kind)) for name, kind in found.columns.items())
        return TableSchema(table if table.lower() in self._waiting else found.name, tuple(columns))

    def create(self, schema: TableSchema) -> None:
        self._schemas[schema.name] = schema
        hidden = self._hidden_name(schema.name)
        with self._explained():
            self._run(self._dialect.drop_table(hidden))
            self._run(self._dialect.create_table(hidden, schema))
        self._hidden.append(hidden)

    def insert(self, table: str, columns: Sequence[pl.Series]) -> bool:
        names = [column.name for column in self._schemas[table].columns]
        frame = pl.DataFrame([series.alias(name) for name, series in zip(names, columns, strict=True)])
        if frame.height:
            rows = storable(frame, self._dialect.stored_name)
            with self._explained(f"Nothing was loaded: {table} cannot be written"):
                self._dialect.insert(self._connection, self._hidden_name(table), rows)
        return True

    def add_key(self, table: str) -> bool:
        key = self._stored(self._schemas[table].primary_key)
        if not key:
            return True
        hidden, dialect = self._hidden_name(table), self._dialect
        try:
            with dialect.savepoint(self._connection):
                self._run(dialect.add_primary_key(hidden, key))
        except dialect.errors as error:
            if dialect.failure(error).kind == "duplicate":
                return False
            raise writing_error(dialect.failure(error), self._pool.address, "Nothing was loaded") from error
        if dialect.capabilities.enforced_keys:
            return True
        listed = self._listed(key)
        repeated = f"SELECT {listed} FROM {dialect.quoted(hidden)} GROUP BY {listed} HAVING COUNT(*) > 1"
        with self._explained():
            return not self._first(repeated, 1)

    def known_keys(self, table: str, most: int) -> list[Key]:
        key = self._stored(self._schemas[table].primary_key)
        old = self._relations().get(table.lower())
        if not key or old is None:
            return []
        quoted = self._dialect.quoted
        same = " AND ".join(f"o.{quoted(name)} = n.{quoted(name)}" for name in key)
        with self._explained():
            return self._first(
                f"SELECT {self._listed(key)} FROM {quoted(self._hidden_name(table))} n "
                f"WHERE EXISTS (SELECT 1 FROM {quoted(old.name)} o WHERE {same})",
                most,
            )

    def install(self, table: str, mode: WriteMode) -> None:
        schema, hidden, dialect = self._schemas[table], self._hidden_name(table), self._dialect
        old = self._relations().get(table.lower())
        with self._explained():
            if old is not None and mode == "append":
                self._append(schema, hidden, old)
                return
            for key in schema.foreign_keys:
                if key.columns != schema.primary_key[: len(key.columns)]:
                    self._run(dialect.add_index(hidden, self._stored(key.columns)))
            name = old.name if old is not None else dialect.stored_name(table)
            if dialect.capabilities.transactional_ddl:
                dialect.swap(self._connection, {hidden: name})
                self._hidden.remove(hidden)
            else:
                self._waiting[table.lower()] = hidden

    def orphans(self, child: str, key: ForeignKey, most: int) -> tuple[int, list[Key]]:
        here, there = self._present(child), self._present(key.table)
        quoted, columns, references = self._dialect.quoted, self._stored(key.columns), key.references
        filled = " AND ".join(f"c.{quoted(name)} IS NOT NULL" for name in columns)
        same = " AND ".join(
            f"p.{quoted(self._column(there, other))} = c.{quoted(name)}"
            for name, other in zip(columns, references, strict=True)
        )
        lost = (
            f"FROM {quoted(here.name)} c WHERE {filled} "
            f"AND NOT EXISTS (SELECT 1 FROM {quoted(there.name)} p WHERE {same})"
        )
        names = ", ".join(f"c.{quoted(name)}" for name in columns)
        with self._explained():
            found = self._first(f"SELECT DISTINCT {names} {lost}", most)
            count = int(str(self._first(f"SELECT COUNT(*) {lost}", 1)[0][0])) if found else 0
        return count, found

    def log(self, rows: Sequence[tuple[str, str, int, str]]) -> None:
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        self._logged += [(now, *row) for row in rows]

    def commit(self) -> None:
        """Let readers see everything; without transactional DDL, first the appended rows."""
        dialect, connection = self._dialect, self._connection
        with self._explained():
            if self._waiting:
                present = self._relations()
                names = {
                    hidden: present[table].name if table in present else self._final(table)
                    for table, hidden in self._waiting.items()
                }
                dialect.swap(connection, names)
                self._hidden = [name for name in self._hidden if name not in names]
            if self._logged:
                names_of_log = [column.name for column in _LOG.columns]
                frame = pl.DataFrame(self._logged, schema=names_of_log, orient="row")
                dialect.insert(connection, LOAD_LOG, storable(frame, dialect.stored_name))
            count_write(dialect, connection)
            connection.commit()
        self._committed = True
        self._done()
        with self._explained("The rows are loaded, but the server's statistics are old"):
            dialect.after_load(connection, [self._final(name) for name in self._schemas])
            connection.commit()

    def close(self) -> None:
        with suppress(*self._dialect.errors):
            self._connection.rollback()
            if not self._dialect.capabilities.transactional_ddl:
                for hidden in self._hidden:
                    self._run(self._dialect.drop_table(hidden))
        self._stack.close()

    def _append(self, schema: TableSchema, hidden: str, old: Relation) -> None:
        dialect, present = self._dialect, {name.lower() for name in old.columns}
        for column in schema.columns:
            name = dialect.stored_name(column.name)
            if name.lower() not in present:
                self._run(dialect.add_column(old.name, name, column.kind))
        stored = self._stored([column.name for column in schema.columns])
        names = self._listed([self._column(old, name) for name in stored])
        target, source = dialect.quoted(old.name), dialect.quoted(hidden)
        self._run(f"INSERT INTO {target} ({names}) SELECT {self._listed(stored)} FROM {source}")
        if dialect.capabilities.transactional_ddl:
            self._run(dialect.drop_table(hidden))

    def _relations(self) -> dict[str, Relation]:
        with self._explained():
            return {found.name.lower(): found for found in self._dialect.relations(self._connection)}

    def _present(self, table: str) -> Relation:
        """The table as it will be after the commit."""
        return self._relations()[self._waiting.get(table.lower(), table).lower()]

    @staticmethod
    def _column(relation: Relation, name: str) -> str:
        return next((own for own in relation.columns if own.lower() == name.lower()), name)

    def _final(self, table: str) -> str:
        name = next((name for name in self._schemas if name.lower() == table.lower()), table)
        return self._dialect.stored_name(name)

    def _hidden_name(self, table: str) -> str:
        return HIDDEN + self._dialect.stored_name(table)

    def _stored(self, names: Sequence[str]) -> list[str]:
        return [self._dialect.stored_name(name) for name in names]

    def _listed(self, names: Sequence[str]) -> str:
        return ", ".join(map(self._dialect.quoted, names))

    def _first(self, sql: str, most: int) -> list[Key]:
        bound = self._dialect.bound(self._connection, sql, {})
        with self._dialect.blocks(self._connection, bound, most, streamed=True) as (_, blocks):
            return [tuple(row) for row in next(iter(blocks), [])][:most]

    def _run(self, sql: str, values: Mapping[str, object] | None = None) -> None:
        self._dialect.run(self._connection, sql, values)

    @contextmanager
    def _explained(self, what: str = "Nothing was loaded") -> Iterator[None]:
        try:
            yield
        except self._dialect.errors as error:
            raise writing_error(self._dialect.failure(error), self._pool.address, what) from error
