"""A database on a server, behind the same ``Database`` as the embedded engines."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import polars as pl

from core.database.base import Database, TableInfo, WriteMode, no_such_table
from core.database.changes import Changes
from core.database.loading import BulkLoad
from core.database.parameters import plain_value
from core.database.schema import Column, ForeignKey, TableSchema, with_declared_keys
from core.database.server import changes
from core.database.server.absent import seen_or_not, unseen
from core.database.server.address import Address
from core.database.server.dialect import Connection, Dialect, Failure, Relation
from core.database.server.failures import reading_error, writing_error
from core.database.server.frames import batch_of, frame_of, frame_of_pieces
from core.database.server.load import ServerLoad
from core.database.server.pool import Pool
from core.database.server.state import State, expanded, is_hidden, read_state, shown_kind
from core.database.server.versions import (
    KnownVersion,
    count_write,
    note_written,
    prepare_counter,
    read_version,
)
from core.database.server.waking import without_waiting
from core.database.server.writing import write_frame
from core.database.staging import explain_absent, file_named
from core.errors import DatabaseError, QueryError, SalesError
from core.observing import timed_query
from core.sql_files import SqlFile, column_type

T = TypeVar("T")

_BLOCK_ROWS = 20_000
_STATE_SECONDS = 2.0
_MISSING = {"missing_table", "missing_column"}


class ServerDatabase(Database):
    """A database on a server.

    Nothing is asked of the server before the first query. Queries are read-only in any case: their
    connections refuse to write where the server can see to that.

    Parameters
    ----------
    dialect, address
        What kind of server it is, and where.
    read_only
        Whether ``write`` and loads are refused.
    """

    def __init__(self, dialect: Dialect, address: Address, *, read_only: bool = True) -> None:
        dialect.url(address)  # an option that is unknown is told at once
        self.dialect, self.address, self.read_only = dialect, address, read_only
        self.engine = dialect.engine
        self._pool = Pool(dialect, address)
        self._state: State | None = None
        self._state_at = 0.0
        self._counts: tuple[str, dict[str, int]] = ("", {})
        self._known = KnownVersion(address.shown)
        self._lock = threading.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<{self.dialect.title} {self.address.shown}>"

    @property
    def engine_name(self) -> str:
        return self.dialect.title

    @timed_query
    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        file = file_named(name_or_sql)
        asked = file.name if file else "The query"
        if file and (absent := [name for name in file.parameters if name not in params]):
            raise QueryError(f"{asked} needs a value for the parameter {', '.join(absent)}.")
        declared = {name: column_type(text) for name, text in file.columns.items()} if file else {}
        values = {name: plain_value(name, value) for name, value in params.items()}
        sql = file.text if file else name_or_sql.strip().removesuffix(";")

        def run(connection: Connection, state: State) -> pl.DataFrame:
            query = expanded(sql, state.staging, self.dialect)
            bound = self.dialect.bound(connection, query.sql, values)
            if (whole := self.dialect.whole(bound)) is not None:
                return frame_of_pieces(*whole, declared, state.likely)
            with self.dialect.blocks(connection, bound, _BLOCK_ROWS, streamed=False) as (columns, blocks):
                if not columns:
                    raise QueryError("The query returns no rows.", "Only SELECT can be run here.")
                return frame_of(columns, blocks, declared, state.likely)

        return self._read(run, asked, file)

    def tables(self) -> list[TableInfo]:
        version = self.data_version()

        def describe(connection: Connection, state: State) -> list[TableInfo]:
            counts = self._counts[1] if self._counts[0] == version else {}
            shown = [found for found in state.relations.values() if not is_hidden(found.name)]
            infos = [self._described(connection, found, counts) for found in shown]
            self._counts = version, counts
            for name, file in state.staging.views.items():
                columns = {column: column_type(text) for column, text in file.columns.items()}
                infos.append(TableInfo(name, "view", columns))
            return sorted(infos, key=lambda info: info.name)

        return self._read(describe, "The list of tables", None)

    def unreadable_tables(self) -> frozenset[str]:
        return self._read(lambda _, state: state.unreadable, "The list of tables", None)

    def data_version(self) -> str:
        if known := self._known.current():
            return known
        begun = self._known.begin()

        def read(connection: Connection, state: State) -> str:
            return read_version(self.dialect, connection, state)

        version = self._read(read, "The data version", None)
        self._known.keep(version, begun)
        return version

    def answer(self) -> str:
        with without_waiting():  # whoever asks how it is wants to be told that it is waking up
            return self._read(lambda connection, _: self.dialect.server_name(connection), "The server", None)

    def write(self, table: str, frame: pl.DataFrame, mode: WriteMode = "replace") -> None:
        self.require_writing()
        try:
            with self._pool.writing() as connection:
                present = {found.name.lower(): found.name for found in self.dialect.relations(connection)}
                prepare_counter(self.dialect, connection, set(present))
                write_frame(self.dialect, connection, table, frame, mode, present)
                count_write(self.dialect, connection)
                connection.commit()
        except self.dialect.errors as error:
            what = f"The table {table} cannot be stored"
            raise writing_error(self.dialect.failure(error), self.address, what) from error
        self._note_written()

    def bulk_load(self) -> BulkLoad:
        self.require_writing()
        return ServerLoad(self._pool, self._note_written)

    def changing(self) -> AbstractContextManager[Changes]:
        self.require_writing()
        return changes.changing(self._pool, self._note_written)

    def view_texts(self) -> dict[str, str]:
        def read(connection: Connection, state: State) -> dict[str, str]:
            return changes.view_texts(self.dialect, connection, set(state.relations))

        return self._read(read, "The list of views", None)

    def table_schema(self, table: str) -> TableSchema:
        def read(connection: Connection, state: State) -> TableSchema:
            found = _relation(state, table)
            columns = tuple(Column(n, shown_kind(self.dialect, kind)) for n, kind in found.columns.items())
            foreign: dict[str, list[tuple[str, str, str]]] = {}
            for name, here, other, there in self.dialect.foreign_keys_of(connection, found.name):
                foreign.setdefault(name, []).append((here, other, there))
            keys = tuple(
                ForeignKey(tuple(p[0] for p in parts), parts[0][1], tuple(p[2] for p in parts))
                for parts in foreign.values()
            )
            own = self.dialect.key_of(connection, found.name)
            return with_declared_keys(TableSchema(found.name, columns, own, keys))

        return self._read(read, "The table", None)

    def read_batches(
        self, table: str, columns: Sequence[str] | Mapping[str, str] | None = None, *, rows: int = 50_000
    ) -> Iterator[pl.DataFrame]:
        def wanted(_: Connection, state: State) -> tuple[str, dict[str, str], dict[str, str]]:
            if view := state.staging.views.get(table.lower()):
                typed = {name: column_type(text) for name, text in view.columns.items()}
                kinds = {
                    name: state.likely.get(name, "text") if k == "id" else k for name, k in typed.items()
                }
                return table.lower(), {name: name for name in kinds}, kinds
            found = _relation(state, table)
            own = {name.lower(): name for name in found.columns}
            chosen = {name: own.get(name.lower(), name) for name in (columns or found.columns)}
            kinds = {
                name: _exact_kind(self.dialect, found.columns.get(column, ""))
                for name, column in chosen.items()
            }
            return found.name, chosen, kinds

        name, chosen, kinds = self._read(wanted, "The table", None)
        if columns is not None:
            chosen = {column: chosen.get(column, column) for column in columns}
            kinds = {column: kinds.get(column, "text") for column in columns}
        quoted = self.dialect.quoted
        source = name if not _is_relation(self._state, name) else quoted(name)
        sql = f"SELECT {', '.join(map(quoted, chosen.values()))} FROM {source}"
        some = False
        try:
            with self.reading() as (connection, state), self.dialect.one_state(connection):
                bound = self.dialect.bound(connection, expanded(sql, state.staging, self.dialect).sql, {})
                with self.dialect.blocks(connection, bound, rows, streamed=True) as (_, blocks):
                    for block in blocks:
                        some = True
                        yield batch_of(kinds, block)
        except self.dialect.errors as error:
            failure = self.dialect.failure(error)
            raise self._explained(failure, f"Reading {table}", None, self._state) from error
        if not some:
            yield batch_of(kinds, [])

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._pool.close()

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, State]]:
        """A reading connection, and what the database holds."""
        if self._closed:
            raise DatabaseError(f"The database {self.address.shown} has been closed.")
        with self._pool.reading() as connection:
            yield connection, self._current_state(connection)

    def _read(self, work: Callable[[Connection, State], T], asked: str, file: SqlFile | None) -> T:
        """What ``work`` gives, tried again with a new connection where that may help."""

        def once() -> T:
            with self.reading() as (connection, state):
                return work(connection, state)

        for last in (False, True):
            before = self._state
            try:
                return self._pool.repeated(once)
            except self.dialect.errors as error:
                failure = self.dialect.failure(error)
                if not last and failure.kind in _MISSING and self._state is before is not None:
                    self._state_at = 0.0  # somebody may have changed the tables just now
                    continue
                raise self._explained(failure, asked, file, self._state) from error
        raise AssertionError("unreachable")

    def _explained(
        self,
        failure: Failure,
        asked: str,
        file: SqlFile | None,
        state: State | None,
    ) -> SalesError:
        if failure.kind == "missing_table" and failure.name and state is not None:
            name = failure.name.rsplit(".", 1)[-1].strip('"`[]')
            if name in state.denied:
                denied = Failure("permission", state.denied[name])
                return reading_error(denied, self.dialect, self.address, asked)
            known = [found.name for found in state.relations.values() if not is_hidden(found.name)]
            absent = explain_absent(name, state.staging, file, known)
            return seen_or_not(absent, state, self.address)
        if state is not None and (error := unseen(failure, state, self.address)):
            return error
        return reading_error(failure, self.dialect, self.address, asked)

    def _current_state(self, connection: Connection) -> State:
        with self._lock:
            state, known_at = self._state, self._state_at
        now = time.monotonic()
        if state is not None and now - known_at < _STATE_SECONDS:
            return state
        if state is None or state.version != self.dialect.schema_version(connection):
            state = read_state(self.dialect, connection)
        with self._lock:
            self._state, self._state_at = state, now
        return state

    def _described(self, connection: Connection, found: Relation, counts: dict[str, int]) -> TableInfo:
        columns = {name: shown_kind(self.dialect, kind) for name, kind in found.columns.items()}
        try:
            if found.kind == "view":
                if not columns:  # its tables are gone
                    self.dialect.run(
                        connection, f"SELECT * FROM {self.dialect.quoted(found.name)} WHERE 1 = 0"
                    )
                return TableInfo(found.name, "view", columns)
            if found.name not in counts:
                counts[found.name] = self.dialect.row_count(connection, found.name)
        except self.dialect.errors as error:
            failure = self.dialect.failure(error)
            if failure.may_be_repeated:
                raise
            return TableInfo(found.name, found.kind, columns, broken=failure.reason)
        return TableInfo(found.name, "table", columns, counts[found.name])

    def _note_written(self) -> None:
        with self._lock:
            self._state_at = 0.0
        note_written(self.address.shown)


def _relation(state: State, table: str) -> Relation:
    found = state.relations.get(table.lower())
    if found is None:
        raise no_such_table(table)
    return found


def _is_relation(state: State | None, name: str) -> bool:
    return state is not None and name.lower() in state.relations


def _exact_kind(dialect: Dialect, declared: str) -> str:
    """The kind of a column, for exact numbers with their digits: ``decimal(10,2)``."""
    kind = dialect.kind(declared)
    size = re.search(r"\(.*\)", declared)
    return f"decimal{size[0]}" if kind == "decimal" and size else "number" if kind == "decimal" else kind
