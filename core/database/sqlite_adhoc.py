"""SQLite for SQL that a person typed: a connection of its own that can only read, within limits."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from core.database.adhoc import AdhocConnection, Fetched, TruncatedBy, Watch
from core.database.frames import frame_from_blocks
from core.database.sqlite_bounded import BoundedFunctions
from core.database.sqlite_files import opened, require_sqlite_file
from core.database.sqlite_places import explained
from core.database.staging import create_views, likely_types
from core.sql_guard import CheckedStatement, StatementError, allowed_functions

_LONGEST_VALUE = 4_000_000
_FIRST_BLOCK, _LARGEST_BLOCK = 100, 20_000
_BLOCK_BYTES = 8_000_000
_STEPS = 200_000
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 200,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 1_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_SWITCHES = {
    sqlite3.SQLITE_DBCONFIG_DEFENSIVE: True,
    sqlite3.SQLITE_DBCONFIG_TRUSTED_SCHEMA: False,
    sqlite3.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION: False,
    sqlite3.SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER: False,
}
_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}
_INNER_TABLES = {"json_each", "json_tree"} | {f"pragma_{name}" for name in _PRAGMAS}


class SqliteAdhoc(AdhocConnection):
    """A reading connection to an SQLite file with its staging views."""

    dialect = "sqlite"

    def __init__(self, file: Path) -> None:
        require_sqlite_file(file)
        with ExitStack() as failing:
            self._bounded = BoundedFunctions()
            failing.callback(self._bounded.close)
            with opened(file) as self.connection:
                self.staging = create_views(self.connection)
                self._likely = likely_types(self.connection, self.staging)
                self._bounded.install(self.connection)
                confine(self.connection)
            failing.pop_all()

    def fetch(
        self,
        statement: CheckedStatement,
        params: Mapping[str, object],
        watch: Watch,
        declared: Mapping[str, str],
    ) -> Fetched:
        blocks = _Blocks(watch)
        with self._running(statement, watch), closing(self.connection.cursor()) as cursor:
            cursor.execute(statement.sql, dict(params))
            if cursor.description is None:
                raise StatementError("The statement returns no rows", "Type a SELECT.")
            names = [column[0] for column in cursor.description]
            frame = frame_from_blocks(names, blocks.read(cursor), declared, self._likely)
        return Fetched(frame, blocks.truncated_by)

    def plan(self, statement: CheckedStatement, params: Mapping[str, object], watch: Watch) -> str:
        with self._running(statement, watch), closing(self.connection.cursor()) as cursor:
            steps = cursor.execute(f"EXPLAIN QUERY PLAN {statement.sql}", dict(params)).fetchall()
        depths = {0: -1}
        lines = []
        for step, parent, _, detail in steps:
            depths[step] = depths.get(parent, -1) + 1
            lines.append(f"{'  ' * depths[step]}{detail}")
        return "\n".join(lines) or "No table is read."

    def close(self) -> None:
        self.connection.close()
        self._bounded.close()

    @contextmanager
    def _running(self, statement: CheckedStatement, watch: Watch) -> Iterator[None]:
        """While this block runs, the engine stops when the watch says so; errors become sentences."""
        watch.check()
        # The watch's own thread interrupts at once; this handler works even if that thread gets no time.
        self.connection.set_progress_handler(watch.is_over, _STEPS)
        try:
            with watch.interrupting(self.connection.interrupt):
                yield
        except (sqlite3.Error, sqlite3.Warning, OverflowError, MemoryError) as error:
            if watch.is_over() or "interrupted" in str(error):
                raise watch.reason() from None
            raise explained(error, statement, self.connection, self.staging) from error
        finally:
            self.connection.set_progress_handler(None, 0)


class _Blocks:
    """Blocks of rows up to the limits; ``truncated_by`` says afterwards which one was met."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.truncated_by: TruncatedBy | None = None

    def read(self, cursor: sqlite3.Cursor) -> Iterator[list[tuple[object, ...]]]:
        limits, used, size = self._watch.limits, 0, _FIRST_BLOCK
        while True:
            left = limits.max_rows - self._watch.rows
            rows = cursor.fetchmany(min(size, left + 1))
            if not rows:
                return
            if len(rows) > left:
                self.truncated_by = "rows"
                del rows[left:]
            weight = _bytes_of(rows)
            if used + weight > limits.max_bytes:
                self.truncated_by = "bytes"
                del rows[_rows_within(rows, limits.max_bytes - used) :]
            used += weight
            self._watch.rows += len(rows)
            if rows:
                yield rows
            if self.truncated_by:
                return
            self._watch.check()
            per_row = max(1, weight // len(rows))
            size = max(1, min(_LARGEST_BLOCK, size * 4, _BLOCK_BYTES // per_row))


def _bytes_of(rows: list[tuple[object, ...]]) -> int:
    total = 0
    for column in zip(*rows, strict=True):
        kinds = set(map(type, column))
        if kinds & {str, bytes}:
            total += sum(len(value) for value in column if isinstance(value, str | bytes))
        total += 8 * len(column)
    return total


def _rows_within(rows: list[tuple[object, ...]], limit: int) -> int:
    used = 0
    for number, row in enumerate(rows):
        used += _bytes_of([row])
        if used > limit:
            return number
    return len(rows)


def confine(connection: sqlite3.Connection) -> None:
    """Let SQLite itself refuse everything but reading the tables of the file with harmless functions."""
    connection.execute("PRAGMA query_only = ON")
    for switch, value in _SWITCHES.items():
        connection.setconfig(switch, value)
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    modules = {name.lower() for (name,) in connection.execute("SELECT name FROM pragma_module_list")}
    hidden = modules - _INNER_TABLES
    functions = allowed_functions("sqlite") | {"->", "->>"}

    def allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        name = (first or "").lower()
        if action == sqlite3.SQLITE_READ:
            inner = name in hidden or (name.startswith("pragma_") and name not in _INNER_TABLES)
            return sqlite3.SQLITE_DENY if inner else sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_OK if (second or "").lower() in functions else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_PRAGMA:
            return sqlite3.SQLITE_OK if name in _PRAGMAS else sqlite3.SQLITE_DENY
        harmless = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)
        return sqlite3.SQLITE_OK if harmless else sqlite3.SQLITE_DENY

    connection.set_authorizer(allowed)
