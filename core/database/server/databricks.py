"""Databricks SQL warehouses, by Databricks' own SQLAlchemy dialect and connector (an extra to install)."""

import datetime as dt
import hashlib
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from typing import Any, ClassVar

import polars as pl

from core.database.schema import kind_of
from core.database.server.address import Address
from core.database.server.binding import with_question_marks
from core.database.server.dialect import (
    Bound,
    Capabilities,
    Columns,
    Connection,
    Dialect,
    Failure,
    FailureKind,
    Relation,
    Rows,
)
from core.errors import DatabaseError

_EXAMPLE = "databricks://token@host?http_path=/sql/1.0/warehouses/id&catalog=main&schema=sales"
_OPTIONS = ("http_path", "catalog", "schema")
_WAKING_SECONDS = 300
_ROWS_OF_AN_INSERT = 500
_TABLES_SEEN_SECONDS = 600
_KINDS: dict[str, tuple[str, ...]] = {
    "integer": ("tinyint", "smallint", "int", "bigint"),
    "number": ("float", "double"),
    "decimal": ("decimal",),
    "date": ("date",),
    "datetime": ("timestamp", "timestamp_ntz"),
    "boolean": ("boolean",),
    "binary": ("binary",),
    "text": ("string", "varchar", "char"),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_BY_WORDS: tuple[tuple[FailureKind, str], ...] = (
    ("missing_table", r"TABLE_OR_VIEW_NOT_FOUND"),
    ("missing_column", r"UNRESOLVED_COLUMN"),
    ("missing_function", r"UNRESOLVED_ROUTINE"),
    ("syntax", r"PARSE_SYNTAX_ERROR"),
    ("no_database", r"SCHEMA_NOT_FOUND|CATALOG_NOT_FOUND|NO_SUCH_CATALOG"),
    ("permission", r"INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED"),
    ("cancelled", r"OPERATION_CANCELED|(?i:cancell?ed)"),
    ("timeout", r"STATEMENT_TIMEOUT|(?i:timed out)"),
    ("login", r"(?i:invalid access token|unauthorized|\b401\b|\b403\b)"),
    ("waking", r"TEMPORARILY_UNAVAILABLE|(?i:warehouse .* is starting|\b503\b)"),
    ("busy", r"(?i:too many requests|\b429\b|rate limit)"),
    ("lost", r"(?i:invalid sessionhandle|session .* closed|connection reset|broken pipe)"),
    ("unreachable", r"(?i:resolve|max retries exceeded|connection refused|unreachable|certificate)"),
)
_NAMED = re.compile(r"`([^`]+)`(?!\.)")


class DatabricksDialect(Dialect):
    """A SQL warehouse. Nothing there keeps a connection from writing, so every query is made a sub-query."""

    engine: ClassVar[str] = "spark"
    title: str = "Databricks"
    sql: ClassVar[str] = "spark"
    types: ClassVar[Mapping[str, str]] = {
        "integer": "BIGINT",
        "number": "DOUBLE",
        "decimal": "DECIMAL(38, 10)",
        "text": "STRING",
        "key": "STRING",
        "date": "DATE",
        "datetime": "TIMESTAMP",
        "boolean": "BOOLEAN",
        "binary": "BINARY",
    }
    capabilities: ClassVar[Capabilities] = Capabilities(transactional_ddl=False, enforced_keys=False)
    version_age_seconds: ClassVar[float | None] = _TABLES_SEEN_SECONDS

    def url(self, address: Address) -> Any:
        from sqlalchemy import URL

        require_package()
        if unknown := sorted(set(address.options) - set(_OPTIONS)):
            raise DatabaseError(
                f"The databricks address has the unknown option {unknown[0]}.",
                f"Options are {', '.join(_OPTIONS)}.",
            )
        if not address.options.get("http_path"):
            raise DatabaseError("The databricks address names no http_path.", f"Give one such as {_EXAMPLE}")
        if not address.password:
            raise DatabaseError(
                "The databricks address has no token.",
                "Name the user token in the address and set SALES_DATABASE_PASSWORD to the token.",
            )
        return URL.create(
            "databricks", "token", address.password, address.host, address.port, query=dict(address.options)
        )

    def engine_options(self, address: Address) -> dict[str, Any]:  # noqa: ARG002
        own = {"_retry_stop_after_attempts_duration": _WAKING_SECONDS, "user_agent_entry": "sales-dashboard"}
        return {"connect_args": own}

    def prepare(self, connection: Connection, *, read_only: bool) -> None:  # noqa: ARG002
        self.run(connection, "SET TIME ZONE 'UTC'")
        self.run(connection, "SET ansi_mode = true")

    def kind(self, declared: str) -> str:
        word = declared.lower().partition("(")[0].partition("<")[0]
        return _KIND_OF.get(word) or ("text" if "<" in declared else kind_of(word))

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def bound(self, connection: Connection, sql: str, values: Mapping[str, object]) -> Bound:  # noqa: ARG002
        return with_question_marks(sql, values)

    @contextmanager
    def blocks(
        self,
        connection: Connection,
        bound: Bound,
        rows: int,
        *,
        streamed: bool,  # noqa: ARG002 - rows always come as they are read
    ) -> Iterator[tuple[Columns, Iterator[Rows]]]:
        cursor = connection.cursor()
        connection.sales_cursor = cursor

        def fetched() -> Iterator[Rows]:
            while block := cursor.fetchmany(rows):
                yield [tuple(row) for row in block]

        try:
            cursor.execute(f"SELECT * FROM (\n{bound.sql}\n)", list(bound.values) or None)
            described = cursor.description or ()
            yield [(column[0], self.kind(str(column[1]))) for column in described], fetched()
        finally:
            connection.sales_cursor = None
            with suppress(*self.errors):
                cursor.close()

    @contextmanager
    def one_state(self, connection: Connection) -> Iterator[None]:  # noqa: ARG002
        yield  # each statement sees one moment, several do not

    def set_timeout(self, connection: Connection, seconds: float) -> None:
        if seconds:
            self.run(connection, f"SET statement_timeout = {max(1, math.ceil(seconds))}")
        else:
            self.run(connection, "RESET statement_timeout")

    def canceller(self, connection: Connection, address: Address) -> Callable[[], None]:  # noqa: ARG002
        def cancel() -> None:
            if (cursor := getattr(connection, "sales_cursor", None)) is not None:
                cursor.cancel()

        return cancel

    def plan(self, connection: Connection, bound: Bound) -> str:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"EXPLAIN FORMATTED {bound.sql}", list(bound.values) or None)
            return "\n".join(str(row[0]) for row in cursor.fetchall()).strip()

    def server_name(self, connection: Connection) -> str:
        return f"Databricks (Spark {str(self.fetch(connection, 'SELECT version()')[0][0]).split()[0]})"

    def relations(self, connection: Connection) -> list[Relation]:
        views = set(self._views(connection))
        found = []
        for name in self._names(connection):
            described = self.fetch(connection, f"DESCRIBE TABLE {self.quoted(name)}")
            columns: dict[str, str] = {}
            for column, declared, *_ in described:
                if not column or str(column).startswith("#"):
                    break
                columns[str(column)] = str(declared)
            found.append(Relation(name, "view" if name in views else "table", columns))
        return found

    def schema_version(self, connection: Connection) -> str:
        listed = repr([*self._names(connection), *self._views(connection)])
        seen = int(time.time() // _TABLES_SEEN_SECONDS)  # changed columns are not told
        return f"{hashlib.sha256(listed.encode()).hexdigest()[:16]}-{seen}"

    def data_version(self, connection: Connection) -> str:  # noqa: ARG002
        return "-"  # known by its age

    def view_texts(self, connection: Connection) -> dict[str, str]:
        texts = {}
        for view in self._views(connection):
            rows = self.fetch(connection, f"DESCRIBE TABLE EXTENDED {self.quoted(view)}")
            texts[view] = next((str(row[1]) for row in rows if row[0] == "View Text"), "")
        return texts

    def begin(self, connection: Connection) -> None:
        """Each statement takes effect by itself."""

    def add_primary_key(self, table: str, columns: Sequence[str]) -> str:  # noqa: ARG002
        return ""  # keys are not enforced there: repeated ones are counted

    def add_index(self, table: str, columns: Sequence[str]) -> str:  # noqa: ARG002
        return ""

    def insert(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        names = ", ".join(map(self.quoted, frame.columns))
        for block in frame.iter_slices(_ROWS_OF_AN_INSERT):
            rows = ", ".join(f"({', '.join(map(literal, row))})" for row in block.iter_rows())
            self.run(connection, f"INSERT INTO {self.quoted(table)} ({names}) VALUES {rows}")

    def swap(self, connection: Connection, names: Mapping[str, str]) -> None:
        for new, old in names.items():  # one statement for each table: readers see the old or the new one
            self.run(
                connection,
                f"CREATE OR REPLACE TABLE {self.quoted(old)} AS SELECT * FROM {self.quoted(new)}",
            )
            self.run(connection, self.drop_table(new))

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        from databricks.sql.exc import Error

        return (Error,)

    def failure(self, error: Exception) -> Failure:
        return failure_of(error)

    def run(self, connection: Connection, sql: str, values: Mapping[str, object] | None = None) -> None:
        if not sql:
            return
        bound = with_question_marks(sql, values) if values else Bound(sql)
        with closing(connection.cursor()) as cursor:
            cursor.execute(bound.sql, list(bound.values) or None)

    def _names(self, connection: Connection) -> list[str]:
        return sorted(str(name) for _, name, temporary in self._listed(connection, "TABLES") if not temporary)

    def _views(self, connection: Connection) -> list[str]:
        return sorted(str(row[1]) for row in self._listed(connection, "VIEWS") if not row[2])

    def _listed(self, connection: Connection, what: str) -> Rows:
        return [row[:3] for row in self.fetch(connection, f"SHOW {what}")]


def require_package() -> None:
    """Refuse where the extra is not installed.

    Raises
    ------
    DatabaseError
        It is not.
    """
    try:
        found = find_spec("databricks.sqlalchemy") is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise DatabaseError(
            "Addresses that begin with databricks: need the Python package databricks-sqlalchemy.",
            "Install it with: pip install 'sales-dashboard[databricks]'",
        )


def failure_of(error: Exception) -> Failure:
    """What an error of Databricks' connector means."""
    text = str(error)
    kinds: list[FailureKind] = [kind for kind, pattern in _BY_WORDS if re.search(pattern, text)]
    kind = kinds[0] if kinds else "other"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = re.sub(r"^\[[A-Z0-9_.]+\]\s*", "", lines[0]) if lines else type(error).__name__
    reason = re.sub(r"\s*SQLSTATE: \w+.*$", "", reason).rstrip(".")
    named = _NAMED.search(reason)
    wait = float(_WAKING_SECONDS) if kind == "waking" else 0.0
    return Failure(kind, reason, named[1] if named else "", None, wait)


def literal(value: object) -> str:
    """A value as it is written in a statement of Spark."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value!r}D"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value.isoformat(' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)
