"""SQL that a person typed, run on a database server: streamed, within limits, stopped on the server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from core.database.adhoc import AdhocConnection, Fetched, TruncatedBy, Watch
from core.database.server.absent import seen_or_not, unseen
from core.database.server.dialect import Bound, Connection, Rows
from core.database.server.failures import reading_error
from core.database.server.frames import frame_of
from core.database.server.places import explained
from core.database.server.state import Expanded, State, expanded
from core.sql_guard import CheckedStatement, require_own_schema

if TYPE_CHECKING:
    from core.database.server.database import ServerDatabase

_GRACE_SECONDS = 5
_FIRST_BLOCK = 1_000
_OWN_SCHEMA = {
    "postgres": "SELECT current_schema()",
    "tsql": "SELECT SCHEMA_NAME()",
    "mysql": "SELECT DATABASE()",
    "spark": "SELECT current_schema()",
}
"""By dialect: what a table without a schema is looked for in."""


class ServerAdhoc(AdhocConnection):
    """A reading connection of a database on a server."""

    def __init__(self, database: "ServerDatabase", connection: Connection, state: State) -> None:
        self.dialect = database.dialect.sql
        self._database, self._connection, self._state = database, connection, state

    def fetch(
        self,
        statement: CheckedStatement,
        params: Mapping[str, object],
        watch: Watch,
        declared: Mapping[str, str],
    ) -> Fetched:
        dialect, blocks = self._database.dialect, _Blocks(watch)
        with (
            self._running(statement, params, watch) as bound,
            dialect.blocks(self._connection, bound, _FIRST_BLOCK, streamed=True) as (columns, rows),
        ):
            frame = frame_of(columns, blocks.read(rows), declared, self._state.likely)
        return Fetched(frame, blocks.truncated_by)

    def plan(self, statement: CheckedStatement, params: Mapping[str, object], watch: Watch) -> str:
        with self._running(statement, params, watch) as bound:
            return self._database.dialect.plan(self._connection, bound)

    def close(self) -> None:
        """The connection goes back to where it came from by itself."""

    @contextmanager
    def _running(
        self, statement: CheckedStatement, params: Mapping[str, object], watch: Watch
    ) -> Iterator[Bound]:
        """While this block runs, the server stops when the watch says so; errors become sentences."""
        dialect, connection = self._database.dialect, self._connection
        watch.check()
        self._require_own_schema(statement)
        query = expanded(statement.sql, self._state.staging, dialect)
        bound = dialect.bound(connection, query.sql, params)
        cancel = self._canceller()
        try:
            dialect.set_timeout(connection, watch.limits.max_seconds + _GRACE_SECONDS)
            with watch.interrupting(cancel):
                yield bound
            dialect.set_timeout(connection, 0)
        except dialect.errors as error:
            failure = dialect.failure(error)
            if watch.is_over() or failure.kind in ("cancelled", "timeout"):
                raise watch.reason() from error
            if unknown := unseen(failure, self._state, self._database.address):
                raise unknown from error
            if failure.kind in ("lost", "busy", "waking", "permission"):
                asked = "the query" if failure.kind == "permission" else "The query"
                raise reading_error(failure, dialect, self._database.address, asked) from error
            told = explained(failure, statement, _place(failure.place, bound, query), self._state)
            raise seen_or_not(told, self._state, self._database.address) from error

    def _require_own_schema(self, statement: CheckedStatement) -> None:
        """Keep to the schema that is shown, whatever else the account may read."""
        if not statement.schemas:
            return
        try:
            found = self._database.dialect.fetch(self._connection, _OWN_SCHEMA[self.dialect])
        except self._database.dialect.errors as error:
            failure = self._database.dialect.failure(error)
            raise reading_error(
                failure, self._database.dialect, self._database.address, "The query"
            ) from error
        require_own_schema(statement.text, statement.schemas, str(found[0][0] or ""), self.dialect)

    def _canceller(self) -> Callable[[], None]:
        stop = self._database.dialect.canceller(self._connection, self._database.address)

        def cancel() -> None:
            with suppress(*self._database.dialect.errors):  # it may be over already
                stop()

        return cancel


class _Blocks:
    """Blocks of rows up to the limits; ``truncated_by`` says afterwards which one was met."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.truncated_by: TruncatedBy | None = None

    def read(self, blocks: Iterator[Rows]) -> Iterator[Rows]:
        limits, used = self._watch.limits, 0
        for rows in blocks:
            left = limits.max_rows - self._watch.rows
            kept = rows[:left]
            if len(rows) > left:
                self.truncated_by = "rows"
            weight = bytes_of(kept)
            if used + weight > limits.max_bytes:
                self.truncated_by = "bytes"
                kept = kept[: _rows_within(kept, limits.max_bytes - used)]
            used += weight
            self._watch.rows += len(kept)
            if kept:
                yield kept
            if self.truncated_by:
                return
            self._watch.check()


def bytes_of(rows: Rows) -> int:
    """About how many bytes rows take as a frame."""
    return sum(8 + (len(value) if isinstance(value, str | bytes) else 0) for row in rows for value in row)


def _rows_within(rows: Rows, limit: int) -> int:
    used = 0
    for number, row in enumerate(rows):
        used += bytes_of([row])
        if used > limit:
            return number
    return len(rows)


def _place(sent: int | None, bound: Bound, query: Expanded) -> int | None:
    return None if sent is None else query.origin(bound.origin(sent))


@contextmanager
def adhoc_of(database: "ServerDatabase") -> Iterator[ServerAdhoc]:
    """A connection for typed SQL."""
    with database.reading() as (connection, state):
        yield ServerAdhoc(database, connection, state)
