"""MySQL and MariaDB, by PyMySQL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from types import ModuleType
from typing import Any, ClassVar

import polars as pl

from core.database.schema import TableSchema, kind_of
from core.database.server import mysql_catalogue as catalogue
from core.database.server.address import Address
from core.database.server.binding import rendered
from core.database.server.catalogue_dialect import CatalogueDialect
from core.database.server.dialect import (
    Bound,
    Capabilities,
    Columns,
    Connection,
    Failure,
    Rows,
)
from core.database.server.mysql_errors import failure_of
from core.errors import DatabaseError

_KINDS = {0: "decimal", 246: "decimal", 4: "number", 5: "number", 7: "datetime", 12: "datetime"} | {
    1: "integer", 2: "integer", 3: "integer", 8: "integer", 9: "integer", 13: "integer",
    10: "date", 14: "date", 11: "text", 245: "text", 247: "text", 248: "text", 16: "binary",
}  # fmt: skip
_OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "connect_timeout")
_CONNECT_SECONDS = 10
_BINARY_SET = 63
_MODE = "ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_COLLATED = (
    "CHARACTER SET utf8mb4 /*M!100200 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */"
)
"""Texts of tables made here are told apart by every letter, accent and blank, as on the other engines."""


def dialect_for(address: Address) -> "MysqlDialect":
    """The dialect of an address."""
    return MysqlDialect(address)


class MysqlDialect(CatalogueDialect):
    """MySQL 8 and MariaDB 10.6, or newer. Each statement that makes or drops a table takes effect at once."""

    catalogue: ClassVar[ModuleType] = catalogue
    engine: ClassVar[str] = "mysql"
    title: str = "MySQL"
    sql: ClassVar[str] = "mysql"
    types: ClassVar[Mapping[str, str]] = {
        "integer": "BIGINT",
        "number": "DOUBLE",
        "decimal": "DECIMAL(38, 10)",
        "text": "LONGTEXT",
        "key": "VARCHAR(255)",
        "date": "DATE",
        "datetime": "DATETIME(6)",
        "boolean": "BOOLEAN",
        "binary": "LONGBLOB",
    }
    capabilities: ClassVar[Capabilities] = Capabilities(transactional_ddl=False)
    version_age_seconds: ClassVar[float | None] = 600

    def __init__(self, address: Address) -> None:
        self._address = address
        self.title = "MariaDB" if address.scheme.startswith("mariadb") else "MySQL"

    def url(self, address: Address) -> Any:
        from sqlalchemy import URL

        if unknown := sorted(set(address.options) - set(_OPTIONS)):
            raise DatabaseError(
                f"The {address.scheme} address has the unknown option {unknown[0]}.",
                f"Options are {', '.join(_OPTIONS)}.",
            )
        if not address.database:
            raise DatabaseError(
                f"The {address.scheme} address names no database.",
                f"Give an address such as {address.scheme}://user@host:3306/company",
            )
        return URL.create(
            "mysql+pymysql",
            address.user or None,
            address.password,
            address.host,
            address.port or 3306,
            address.database,
        )

    def engine_options(self, address: Address) -> dict[str, Any]:
        return {"connect_args": _connect_arguments(address)}

    def prepare(self, connection: Connection, *, read_only: bool) -> None:
        connection.autocommit(True)
        settings = [f"sql_mode = '{_MODE}'", "time_zone = '+00:00'", "div_precision_increment = 12"]
        settings += ["lock_wait_timeout = 20", "innodb_lock_wait_timeout = 20"]
        if not _is_mariadb(connection):
            settings.append("information_schema_stats_expiry = 0")
        self.run(connection, f"SET SESSION {', SESSION '.join(settings)}")
        self.run(connection, f"SET SESSION TRANSACTION {'READ ONLY' if read_only else 'READ WRITE'}")

    def kind(self, declared: str) -> str:
        word = declared.lower()
        if word == "tinyint(1)":
            return "boolean"
        if word.startswith("bit"):
            return "binary"
        return "decimal" if word.startswith("decimal") else kind_of(word.partition("(")[0])

    def bound(self, connection: Connection, sql: str, values: Mapping[str, object]) -> Bound:
        def literal(value: object) -> str:
            text = str(connection.escape(value))
            return f" {text}" if text.startswith("-") else text

        return rendered(sql, values, literal)

    @contextmanager
    def blocks(
        self, connection: Connection, bound: Bound, rows: int, *, streamed: bool
    ) -> Iterator[tuple[Columns, Iterator[Rows]]]:
        from pymysql.cursors import SSCursor

        cursor = connection.cursor(SSCursor if streamed else None)
        finished = not streamed

        def fetched() -> Iterator[Rows]:
            nonlocal finished
            while block := cursor.fetchmany(rows):
                yield list(block)
            finished = True

        try:
            cursor.execute(bound.sql)
            yield _columns(cursor), fetched()
        finally:
            if not finished:  # what was not read would have to be read now
                with suppress(*self.errors):
                    self.canceller(connection, self._address)()
            with suppress(*self.errors):
                cursor.close()

    @contextmanager
    def one_state(self, connection: Connection) -> Iterator[None]:
        self.run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:
            yield
        finally:
            with suppress(*self.errors):
                connection.rollback()

    def set_timeout(self, connection: Connection, seconds: float) -> None:
        if _is_mariadb(connection):
            self.run(connection, f"SET SESSION max_statement_time = {seconds}")
        else:
            self.run(connection, f"SET SESSION max_execution_time = {int(seconds * 1000)}")

    def canceller(self, connection: Connection, address: Address) -> Callable[[], None]:
        number = connection.thread_id()

        def cancel() -> None:
            import pymysql

            other = pymysql.connect(
                host=address.host,
                port=address.port or 3306,
                user=address.user,
                password=address.password or "",
                **_connect_arguments(address),
            )
            with closing(other), closing(other.cursor()) as cursor:
                cursor.execute(f"KILL QUERY {number}")

        return cancel

    def plan(self, connection: Connection, bound: Bound) -> str:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"EXPLAIN {bound.sql}")
            names = [column[0] for column in cursor.description]
            steps = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return "\n".join(
            " ".join(f"{name}={value}" for name, value in step.items() if value not in (None, ""))
            for step in steps
        )

    def server_name(self, connection: Connection) -> str:
        version = str(self.fetch(connection, "SELECT VERSION()")[0][0])
        return f"{'MariaDB' if 'MariaDB' in version else 'MySQL'} {version.split('-')[0]}"

    def declared_type(self, stored: object) -> str:
        return _text(stored)

    def view_texts(self, connection: Connection) -> dict[str, str]:
        return {name: _text(text) for name, text in self.fetch(connection, catalogue.VIEW_TEXTS)}

    def begin(self, connection: Connection) -> None:
        connection.autocommit(False)

    def hold_for_loading(self, connection: Connection) -> bool:
        lock = f"sales_load {self._address.database}"[:64]
        return self.fetch(connection, "SELECT GET_LOCK(:lock, 0)", {"lock": lock})[0][0] == 1

    def create_table(self, table: str, schema: TableSchema) -> str:
        return f"{super().create_table(table, schema)} {_COLLATED}"

    def add_primary_key(self, table: str, columns: Sequence[str]) -> str:
        return f"ALTER TABLE {self.quoted(table)} ADD PRIMARY KEY ({', '.join(map(self.quoted, columns))})"

    def add_index(self, table: str, columns: Sequence[str]) -> str:
        return f"ALTER TABLE {self.quoted(table)} ADD INDEX ({', '.join(map(self.quoted, columns))})"

    def rename_tables(self, names: Mapping[str, str]) -> list[str]:
        hidden = {old: f"_ingest_{number}" for number, old in enumerate(names)}
        pairs = [*hidden.items(), *((hidden[old], new) for old, new in names.items())]
        return [self._renaming(pairs)] if pairs else []

    def insert(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        names = ", ".join(self.quoted(name) for name in frame.columns).replace("%", "%%")
        marks = ", ".join(["%s"] * frame.width)
        sql = f"INSERT INTO {self.quoted(table).replace('%', '%%')} ({names}) VALUES ({marks})"
        plain = frame.with_columns(pl.col(pl.Float64).fill_nan(None))
        with closing(connection.cursor()) as cursor:
            for block in plain.iter_slices(5_000):
                cursor.executemany(sql, block.rows())

    def swap(self, connection: Connection, names: Mapping[str, str]) -> None:
        present = {relation.name for relation in self.relations(connection)}
        away = {old: f"_ingest_old_{n}" for n, old in enumerate(names.values()) if old in present}
        for hidden in away.values():
            self.run(connection, self.drop_table(hidden))
        self.run(connection, self._renaming([*away.items(), *names.items()]))
        for hidden in away.values():
            self.run(connection, self.drop_table(hidden))

    def after_load(self, connection: Connection, tables: Sequence[str]) -> None:
        for table in tables:
            self.run(connection, f"ANALYZE TABLE {self.quoted(table)}")

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        import pymysql

        return (pymysql.err.Error,)

    def failure(self, error: Exception) -> Failure:
        return failure_of(error)

    def _renaming(self, pairs: Sequence[tuple[str, str]]) -> str:
        """One statement, which renames all or none."""
        return "RENAME TABLE " + ", ".join(f"{self.quoted(a)} TO {self.quoted(b)}" for a, b in pairs)


def _columns(cursor: Any) -> Columns:
    """Texts and binary values have the same types, and are told apart by the character set of the column."""
    fields = getattr(getattr(cursor, "_result", None), "fields", None) or ()
    sets = [getattr(field, "charsetnr", 0) for field in fields]
    described = cursor.description or ()
    return [
        (column[0], _KINDS.get(column[1]) or ("binary" if charset == _BINARY_SET else "text"))
        for column, charset in zip(described, sets or [0] * len(described), strict=True)
    ]


def _connect_arguments(address: Address) -> dict[str, Any]:
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions

    conv = conversions | {FIELD_TYPE.DECIMAL: str, FIELD_TYPE.NEWDECIMAL: str}  # see series_of
    files: dict[str, Any] = {key: value for key, value in address.options.items() if key.startswith("ssl_")}
    seconds = address.options.get("connect_timeout", "")
    return {
        "charset": "utf8mb4",
        "connect_timeout": int(seconds) if seconds.isdigit() and int(seconds) else _CONNECT_SECONDS,
        "local_infile": False,
        "conv": conv,
        **files,
    }


def _is_mariadb(connection: Connection) -> bool:
    return "MariaDB" in str(connection.get_server_info())


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
