"""PostgreSQL, by psycopg."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from types import ModuleType
from typing import Any, ClassVar

import polars as pl

from core.database.schema import kind_of
from core.database.server import postgres_catalogue as catalogue
from core.database.server.address import Address
from core.database.server.binding import around_rounding, rendered
from core.database.server.catalogue_dialect import CatalogueDialect
from core.database.server.dialect import Bound, Columns, Connection, Failure, Rows
from core.database.server.postgres_errors import failure_of
from core.errors import DatabaseError

_KINDS = {16: "boolean", 17: "binary", 20: "integer", 21: "integer", 23: "integer", 26: "integer"} | {
    700: "number", 701: "number", 1700: "decimal", 1082: "date", 1114: "datetime", 1184: "datetime"
}  # fmt: skip
_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name", "schema")
_CONNECT_SECONDS = 10
_LOAD_LOCK = 7_253_201
_AS_TEXT = ("interval", "point", "json", "jsonb", "uuid", "xml", "oid")


class PostgresDialect(CatalogueDialect):
    """PostgreSQL 12 or newer. Names written without quotes are lower case there, as are those made here."""

    catalogue: ClassVar[ModuleType] = catalogue
    engine: ClassVar[str] = "postgres"
    title: str = "PostgreSQL"
    sql: ClassVar[str] = "postgres"
    types: ClassVar[Mapping[str, str]] = {
        "integer": "BIGINT",
        "number": "DOUBLE PRECISION",
        "decimal": "NUMERIC",
        "text": 'TEXT COLLATE "C"',  # sorted and compared by code point, as every other engine does
        "key": 'TEXT COLLATE "C"',
        "date": "DATE",
        "datetime": "TIMESTAMP",
        "boolean": "BOOLEAN",
        "binary": "BYTEA",
    }
    cte: ClassVar[str] = "AS NOT MATERIALIZED"

    def url(self, address: Address) -> Any:
        from sqlalchemy import URL

        if unknown := sorted(set(address.options) - set(_OPTIONS)):
            raise DatabaseError(
                f"The PostgreSQL address has the unknown option {unknown[0]}.",
                f"Options are {', '.join(_OPTIONS)}.",
            )
        options = {key: value for key, value in address.options.items() if key != "schema"}
        return URL.create(
            "postgresql+psycopg",
            address.user or None,
            address.password,
            address.host,
            address.port,
            address.database,
            {"connect_timeout": str(_CONNECT_SECONDS), "application_name": "sales-dashboard"} | options,
        )

    def engine_options(self, address: Address) -> dict[str, Any]:
        from psycopg import ClientCursor

        arguments: dict[str, Any] = {"cursor_factory": ClientCursor, "prepare_threshold": None}
        if schema := address.options.get("schema", ""):
            if not schema.isidentifier():
                raise DatabaseError("The schema in the PostgreSQL address is no plain name.", "Rename it.")
            arguments["options"] = f"-c search_path={schema}"
        return {"connect_args": arguments}

    def prepare(self, connection: Connection, *, read_only: bool) -> None:
        connection.autocommit = True
        settings = {
            "timezone": "UTC",
            "client_encoding": "UTF8",
            "standard_conforming_strings": "on",
            "extra_float_digits": "1",
            "lock_timeout": "20s",
            "default_transaction_read_only": "on" if read_only else "off",
        }
        connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()))
        _numerics_as_text(connection)

    def unreadable(self, connection: Connection) -> set[str]:
        return {name for (name,) in self.fetch(connection, catalogue.UNREADABLE)}

    def stored_name(self, name: str) -> str:
        return name.lower() if name.isidentifier() and name.isascii() else name

    def kind(self, declared: str) -> str:
        if declared.startswith("numeric"):
            return "decimal"
        return "text" if declared.startswith(_AS_TEXT) or declared.endswith("[]") else kind_of(declared)

    def bound(self, connection: Connection, sql: str, values: Mapping[str, object]) -> Bound:
        from psycopg import sql as pg

        # There is no ROUND(double precision, integer).
        rounding = around_rounding(sql, "CAST(", " AS NUMERIC)", " AS DOUBLE PRECISION)")
        return rendered(sql, values, lambda value: pg.Literal(value).as_string(connection), rounding)

    @contextmanager
    def blocks(
        self, connection: Connection, bound: Bound, rows: int, *, streamed: bool
    ) -> Iterator[tuple[Columns, Iterator[Rows]]]:
        with closing(connection.cursor()) as cursor:
            if not streamed:
                cursor.execute(bound.sql)
                yield _columns(cursor), _fetched(cursor, rows)
                return
            inside = connection.info.transaction_status != 0
            with nullcontext() if inside else connection.transaction():
                _execute(cursor, _DECLARE, bound.sql)
                cursor.execute(f"FETCH {rows} FROM sales_rows")
                yield _columns(cursor), _cursor_rows(cursor, rows)
                cursor.execute("CLOSE sales_rows")

    @contextmanager
    def one_state(self, connection: Connection) -> Iterator[None]:
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield

    def set_timeout(self, connection: Connection, seconds: float) -> None:
        connection.execute(f"SET statement_timeout = {int(seconds * 1000)}")

    def canceller(self, connection: Connection, address: Address) -> Callable[[], None]:  # noqa: ARG002
        return lambda: connection.cancel_safe(timeout=2)

    def plan(self, connection: Connection, bound: Bound) -> str:
        with closing(connection.cursor()) as cursor:
            _execute(cursor, "EXPLAIN ", bound.sql)
            return "\n".join(row[0] for row in cursor.fetchall())

    def server_name(self, connection: Connection) -> str:
        return f"PostgreSQL {self.fetch(connection, 'SHOW server_version')[0][0].split(' ')[0]}"

    def declared_type(self, stored: object) -> str:
        return str(stored)

    def view_texts(self, connection: Connection) -> dict[str, str]:
        rows = self.fetch(connection, catalogue.VIEW_TEXTS)
        return {name: text.strip().removesuffix(";") for name, text in rows}

    def begin(self, connection: Connection) -> None:
        connection.autocommit = False

    @contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:
        self.run(connection, "SAVEPOINT sales_try")
        try:
            yield
        except BaseException:
            self.run(connection, "ROLLBACK TO SAVEPOINT sales_try")
            raise
        self.run(connection, "RELEASE SAVEPOINT sales_try")

    def hold_for_loading(self, connection: Connection) -> bool:
        return bool(self.fetch(connection, f"SELECT pg_try_advisory_lock({_LOAD_LOCK})")[0][0])

    def add_primary_key(self, table: str, columns: Sequence[str]) -> str:
        return f"ALTER TABLE {self.quoted(table)} ADD PRIMARY KEY ({', '.join(map(self.quoted, columns))})"

    def add_index(self, table: str, columns: Sequence[str]) -> str:
        return f"CREATE INDEX ON {self.quoted(table)} ({', '.join(map(self.quoted, columns))})"

    def insert(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        names = ", ".join(map(self.quoted, frame.columns))
        plain = frame.with_columns(
            [
                (pl.lit("\\x") + pl.col(name).bin.encode("hex")).alias(name)
                for name, dtype in frame.schema.items()
                if dtype == pl.Binary
            ]
        )
        text = plain.write_csv(
            include_header=False, quote_style="non_numeric", null_value=_NULL, datetime_format=_DATETIME
        )
        copying = f"COPY {self.quoted(table)} ({names}) FROM STDIN WITH (FORMAT csv, NULL '{_NULL}')"
        with closing(connection.cursor()) as cursor, cursor.copy(copying) as copy:
            data = text.encode()
            for start in range(0, len(data), _COPY_BYTES):
                copy.write(data[start : start + _COPY_BYTES])

    def swap(self, connection: Connection, names: Mapping[str, str]) -> None:
        for new, old in names.items():
            table = self.quoted(old)
            there = self.fetch(connection, "SELECT to_regclass(:table) IS NOT NULL", {"table": table})[0][0]
            views: Rows = []
            rights: list[str] = []
            if there:
                views = self.fetch(connection, catalogue.DEPENDENT_VIEWS, {"table": table})
                for relation in (table, *(view for view, _ in views)):
                    rights += [
                        row[0] for row in self.fetch(connection, catalogue.RIGHTS, {"table": relation})
                    ]
                for view, _ in reversed(views):
                    self.run(connection, f"DROP VIEW {view}")
                self.run(connection, f"DROP TABLE {table}")
            self.run(connection, self.rename_table(new, old))
            for view, text in views:
                self.run(connection, f"CREATE VIEW {view} AS {text}")
            for statement in rights:
                self.run(connection, statement)

    def after_load(self, connection: Connection, tables: Sequence[str]) -> None:
        for table in tables:
            self.run(connection, f"ANALYZE {self.quoted(table)}")

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        import psycopg

        return (psycopg.Error,)

    def failure(self, error: Exception) -> Failure:
        return failure_of(error)


_DECLARE = "DECLARE sales_rows NO SCROLL CURSOR FOR "
_NULL = "\\N"
_DATETIME = "%Y-%m-%d %H:%M:%S%.6f"
_COPY_BYTES = 1 << 20


def _execute(cursor: Any, before: str, sql: str) -> None:
    """Run ``sql`` behind a few words, which the place in an error does not count."""
    import psycopg

    try:
        cursor.execute(before + sql)
    except psycopg.Error as error:
        error.words_before = len(before)  # type: ignore[attr-defined]
        raise


def _numerics_as_text(connection: Connection) -> None:
    """Exact numbers come as text, which becomes a column many times faster than decimals do."""
    from psycopg.types.string import TextLoader

    connection.adapters.register_loader("numeric", TextLoader)


def _columns(cursor: Any) -> Columns:
    return [(column.name, _KINDS.get(column.type_code, "text")) for column in cursor.description or ()]


def _fetched(cursor: Any, rows: int) -> Iterator[Rows]:
    while block := cursor.fetchmany(rows):
        yield block


def _cursor_rows(cursor: Any, rows: int) -> Iterator[Rows]:
    while block := cursor.fetchall():
        yield block
        if len(block) < rows:
            return
        cursor.execute(f"FETCH {rows} FROM sales_rows")
