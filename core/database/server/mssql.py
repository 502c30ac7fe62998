"""SQL Server and Azure SQL, by pyodbc and Microsoft's ODBC driver."""

import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import polars as pl

from core.database.schema import kind_of
from core.database.server import mssql_arrow, mssql_bulk, mssql_literals
from core.database.server import mssql_catalogue as catalogue
from core.database.server.address import Address
from core.database.server.dialect import Bound, Columns, Connection, Cursor, Dialect, Failure, Relation, Rows
from core.database.server.entra import TokenSource, default_credential
from core.database.server.mssql_address import MssqlAddress, connection_string, read_address
from core.database.server.mssql_driver import driver, pyodbc
from core.database.server.mssql_errors import failure_of

_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "decimal",
    date: "date",
    datetime: "datetime",
    bytes: "binary",
    bytearray: "binary",
}
_DECLARED = {
    **dict.fromkeys(("smalldatetime", "datetimeoffset"), "datetime"),
    **dict.fromkeys(("timestamp", "image", "geography", "geometry", "hierarchyid"), "binary"),
    **dict.fromkeys(("uniqueidentifier", "time", "sql_variant", "xml"), "text"),
}
_EXACT = ("decimal", "numeric", "money", "smallmoney")
_DATETIMEOFFSET, _SPATIAL = -155, -151
_UNREAD_SECONDS = 600.0
_SAVE = """
DECLARE @objects INT;
IF @@TRANCOUNT = 0 SELECT @objects = COUNT(*) FROM sys.objects WHERE 1 = 0;
SAVE TRANSACTION sales_try;
"""
"""A transaction begins with the first statement that reads; without one nothing can be saved."""


class MssqlDialect(Dialect):
    """SQL Server 2017 or newer and Azure SQL. Our own text columns compare by code point, as everywhere."""

    engine: ClassVar[str] = "mssql"
    title: str = "SQL Server"
    sql: ClassVar[str] = "tsql"
    types: ClassVar[Mapping[str, str]] = {
        "integer": "BIGINT",
        "number": "FLOAT",
        "decimal": "DECIMAL(38, 10)",
        "text": "NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2",
        "key": "NVARCHAR(200) COLLATE Latin1_General_100_BIN2",
        "date": "DATE",
        "datetime": "DATETIME2(6)",
        "boolean": "BIT",
        "binary": "VARBINARY(MAX)",
    }
    version_age_seconds: ClassVar[float | None] = _UNREAD_SECONDS

    def __init__(self, address: MssqlAddress | None = None) -> None:
        """``address`` is where whole results are read from by way of Arrow; ``None``: they are not."""
        self._address = address

    # Connecting

    def url(self, address: Address) -> Any:
        from sqlalchemy import URL

        chosen = read_address(address)
        text = connection_string(chosen, chosen.driver or driver())
        return URL.create("mssql+pyodbc", query={"odbc_connect": text})

    def engine_options(self, address: Address) -> dict[str, Any]:
        seconds = read_address(address).login_timeout
        return {"connect_args": {"timeout": seconds, "autocommit": True}, "use_insertmanyvalues": False}

    def connect_arguments(self, address: Address) -> dict[str, Any]:
        chosen = read_address(address)
        return {"attrs_before": _tokens(chosen.client_id).attributes()} if chosen.uses_entra else {}

    def prepare(self, connection: Connection, *, read_only: bool) -> None:  # noqa: ARG002
        # Nothing makes a session of SQL Server read-only: the guard of typed SQL and a reader's rights do.
        connection.autocommit = True
        connection.add_output_converter(_DATETIMEOFFSET, moment_of)
        connection.add_output_converter(_SPATIAL, bytes)
        self.run(connection, self.session)

    session: ClassVar[str] = (
        "SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_WARNINGS ON; SET ANSI_PADDING ON;"
        " SET XACT_ABORT OFF; SET LANGUAGE us_english; SET LOCK_TIMEOUT 30000"
    )
    """What is set on each connection: messages in English; a fault ends a statement, not a transaction."""

    # Names and values

    def kind(self, declared: str) -> str:
        word = declared.lower().split("(")[0]
        return "decimal" if word in _EXACT else _DECLARED.get(word) or kind_of(declared)

    def quoted(self, name: str) -> str:
        return catalogue.bracketed(name)

    def bound(self, connection: Connection, sql: str, values: Mapping[str, object]) -> Bound:  # noqa: ARG002
        return mssql_literals.bound(sql, values)

    # Reading

    @contextmanager
    def blocks(
        self,
        connection: Connection,
        bound: Bound,
        rows: int,
        *,
        streamed: bool,  # noqa: ARG002
    ) -> Iterator[tuple[Columns, Iterator[Rows]]]:
        with running(connection) as cursor:
            cursor.execute(bound.sql, *bound.values)
            _to_rows(cursor)
            yield _columns(cursor), _fetched(cursor, rows)

    def whole(self, bound: Bound) -> tuple[Columns, list[list[pl.Series]]] | None:
        address = self._address
        if address is None or address.client_id:  # that driver keeps connections, whoever signed in
            return None
        tokens = _tokens(address.client_id).attributes() if address.uses_entra else None
        frame = mssql_arrow.read(address, self.session, bound, tokens)
        return None if frame is None else mssql_arrow.pieces_of(frame)

    @contextmanager
    def one_state(self, connection: Connection) -> Iterator[None]:
        allowed = self.fetch(connection, catalogue.SNAPSHOT_ALLOWED)
        if not allowed or allowed[0][0] != 1:
            yield
            return
        self.run(connection, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
        connection.autocommit = False
        try:
            yield
        finally:
            with suppress(*self.errors):
                connection.rollback()
                connection.autocommit = True
                self.run(connection, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")

    def set_timeout(self, connection: Connection, seconds: float) -> None:
        connection.timeout = int(-(-seconds // 1))

    def canceller(self, connection: Connection, address: Address) -> Callable[[], None]:  # noqa: ARG002
        return lambda: cancel(connection)

    def plan(self, connection: Connection, bound: Bound) -> str:
        self.run(connection, "SET SHOWPLAN_TEXT ON")
        lines: list[str] = []
        try:
            with running(connection) as cursor:
                cursor.execute(mssql_literals.written_out(bound))
                cursor.nextset()  # the first is the statement itself
                lines += [str(row[0]) for row in cursor.fetchall()] if cursor.description else []
        finally:
            self.run(connection, "SET SHOWPLAN_TEXT OFF")
        return "\n".join(lines)

    # The catalogue

    def server_name(self, connection: Connection) -> str:
        edition, version = self.fetch(connection, catalogue.SERVER)[0]
        return f"{catalogue.EDITIONS.get(edition, 'SQL Server')} {version or ''}".strip()

    def relations(self, connection: Connection) -> list[Relation]:
        found: dict[str, Relation] = {}
        for name, kind, column, declared, digits, scale in self.fetch(connection, catalogue.RELATIONS):
            relation = found.setdefault(name, Relation(name, kind))
            if column is not None:
                exact = f"{declared}({digits}, {scale})" if declared in _EXACT else declared
                relation.columns[column] = exact or "text"
        return list(found.values())

    def key_of(self, connection: Connection, table: str) -> tuple[str, ...]:
        rows = self.fetch(connection, catalogue.KEY, {"table": self.quoted(table)})
        return tuple(name for (name,) in rows)

    def foreign_keys_of(self, connection: Connection, table: str) -> Rows:
        return self.fetch(connection, catalogue.FOREIGN_KEYS, {"table": self.quoted(table)})

    def row_count(self, connection: Connection, table: str) -> int:
        return int(self.fetch(connection, f"SELECT COUNT_BIG(*) FROM {self.quoted(table)}")[0][0])

    def schema_version(self, connection: Connection) -> str:
        return "-".join(map(str, self.fetch(connection, catalogue.SCHEMA_VERSION)[0]))

    def data_version(self, connection: Connection) -> str:
        return str(self.fetch(connection, catalogue.DATA_VERSION)[0][0])

    def view_texts(self, connection: Connection) -> dict[str, str]:
        rows = self.fetch(connection, catalogue.VIEW_TEXTS)
        return {name: catalogue.select_of(text) for name, text in rows if text}

    # Writing

    def begin(self, connection: Connection) -> None:
        connection.autocommit = False

    @contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:
        self.run(connection, _SAVE)
        try:
            yield
        except BaseException:
            self.run(connection, "IF XACT_STATE() = 1 ROLLBACK TRANSACTION sales_try")
            raise

    def hold_for_loading(self, connection: Connection) -> bool:
        return int(self.fetch(connection, catalogue.HOLD)[0][0]) >= 0

    def add_primary_key(self, table: str, columns: Sequence[str]) -> str:
        return f"ALTER TABLE {self.quoted(table)} ADD PRIMARY KEY ({', '.join(map(self.quoted, columns))})"

    def add_index(self, table: str, columns: Sequence[str]) -> str:
        name = self.quoted(f"ix_{'_'.join(columns)}"[:120])
        return f"CREATE INDEX {name} ON {self.quoted(table)} ({', '.join(map(self.quoted, columns))})"

    def rename_table(self, table: str, name: str) -> str:
        return f"EXEC sp_rename {mssql_literals.literal(self.quoted(table))}, {mssql_literals.literal(name)}"

    def insert(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        mssql_bulk.insert(connection, table, frame)

    def swap(self, connection: Connection, names: Mapping[str, str]) -> None:
        for new, old in names.items():
            rights = self.fetch(connection, catalogue.RIGHTS, {"table": self.quoted(old)})
            self.run(connection, self.drop_table(old))
            self.run(connection, self.rename_table(new, old))
            for statement in catalogue.rights_again(old, rights):  # type: ignore[arg-type]
                self.run(connection, statement)

    def after_load(self, connection: Connection, tables: Sequence[str]) -> None:
        for table in tables:
            self.run(connection, f"UPDATE STATISTICS {self.quoted(table)}")

    # Errors

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (pyodbc().Error,)

    def failure(self, error: Exception) -> Failure:
        return failure_of(error)

    def fetch(self, connection: Connection, sql: str, values: Mapping[str, object] | None = None) -> Rows:
        bound = self.bound(connection, sql, values or {})
        with running(connection) as cursor:
            cursor.execute(bound.sql, *bound.values)
            return [tuple(row) for row in cursor.fetchall()] if _to_rows(cursor) else []


def dialect_for(address: Address) -> MssqlDialect:
    """The dialect of an address: SQL Server and Azure SQL, or one of the pools of Synapse by host name."""
    chosen = read_address(address)
    if chosen.profile == "server":
        return MssqlDialect(chosen)
    from core.database.server.synapse import DedicatedDialect, ServerlessDialect

    return DedicatedDialect(chosen) if chosen.profile == "dedicated" else ServerlessDialect(chosen)


@lru_cache(maxsize=32)
def _tokens(client_id: str) -> TokenSource:
    return TokenSource(lambda: default_credential(client_id))


_running: dict[int, Cursor] = {}
_running_lock = threading.Lock()


@contextmanager
def running(connection: Connection) -> Iterator[Cursor]:
    """A cursor of the connection that ``cancel`` finds while the block runs."""
    with closing(connection.cursor()) as cursor:
        with _running_lock:
            _running[id(connection)] = cursor
        try:
            yield cursor
        finally:
            with _running_lock:
                _running.pop(id(connection), None)


def cancel(connection: Connection) -> None:
    """Stop the statement that runs on the connection, on the server too; nothing if none does."""
    with _running_lock:
        cursor = _running.get(id(connection))
        if cursor is not None:
            with suppress(pyodbc().Error):
                cursor.cancel()


def moment_of(value: bytes) -> datetime:
    """A datetimeoffset, which the driver hands out as a structure, as a moment in UTC."""
    year, month, day, hour, minute, second, parts, hours, minutes = struct.unpack("<6hI2h", value)
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return (
        datetime(year, month, day, hour, minute, second, parts // 1000, zone)
        .astimezone(UTC)
        .replace(tzinfo=None)
    )


def _to_rows(cursor: Cursor) -> bool:
    """Go to the first result that has rows; ``False`` if none has."""
    while cursor.description is None:
        if not cursor.nextset():
            return False
    return True


def _columns(cursor: Cursor) -> Columns:
    return [(column[0], _KINDS.get(column[1], "text")) for column in cursor.description or ()]


def _fetched(cursor: Cursor, rows: int) -> Iterator[Rows]:
    while cursor.description is not None and (block := cursor.fetchmany(rows)):
        yield block
