"""All that differs between database servers: one subclass of ``Dialect`` for each kind of server.

Nothing else needs to know which server it talks to. Connections are those of the driver (DB-API), handed out
by a pool; statements that come here are text of the server's own SQL.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import polars as pl

from core.database.schema import TableSchema, kind_of
from core.database.server.address import Address

Connection = Any
Cursor = Any
Rows = list[tuple[Any, ...]]
Columns = list[tuple[str, str]]

FailureKind = Literal[
    "lost",  # the connection is gone: idempotent reads are tried again with a new one
    "busy",  # the server asks to try again later: throttling, deadlock, too many connections
    "locked",  # somebody else changes the tables and does not come to an end
    "waking",  # a paused database is starting
    "login",
    "unreachable",
    "no_database",
    "driver",  # the driver or a library that it needs is missing
    "permission",
    "missing_table",
    "missing_column",
    "missing_function",
    "syntax",
    "read_only",
    "timeout",
    "cancelled",
    "duplicate",  # a key comes twice
    "other",
]


@dataclass(frozen=True)
class Failure:
    """What an error of the driver means.

    Attributes
    ----------
    reason
        The server's own words in one line, without secrets and without closing full stop.
    name
        The table, column or function that the error is about, if it says so.
    place
        Offset in the statement that was sent, if the server says so.
    wait_seconds
        For ``waking``: how long it may take before it is no use to wait.
    """

    kind: FailureKind
    reason: str
    name: str = ""
    place: int | None = None
    wait_seconds: float = 0.0

    @property
    def may_be_repeated(self) -> bool:
        """Whether a read may work with a new connection."""
        return self.kind in ("lost", "busy", "waking")


@dataclass(frozen=True)
class Capabilities:
    """What a server can do.

    Attributes
    ----------
    writable
        Whether anything can be written at all.
    transactional_ddl
        Whether tables made, renamed and dropped in a transaction appear all at once or not at all.
    enforced_keys
        Whether a primary key that is declared is enforced; where not, repeated keys are counted.
    keeps_view_texts
        Whether the server keeps the text of a view as it was written, with its comments.
    offset
        Whether OFFSET and FETCH are known.
    """

    writable: bool = True
    transactional_ddl: bool = True
    enforced_keys: bool = True
    keeps_view_texts: bool = False
    offset: bool = True


@dataclass(frozen=True)
class Bound:
    """A statement with the values of its ``:name`` parameters, as the driver takes it.

    ``values`` is empty where they are written into the text. ``places`` are pairs of offsets, in ``sql`` and
    in the text it was made of, from which on the two run alike.
    """

    sql: str
    values: tuple[object, ...] = ()
    places: tuple[tuple[int, int], ...] = ((0, 0),)

    def origin(self, place: int) -> int:
        """The offset in the text it was made of, for one in ``sql``."""
        sent, typed = next(pair for pair in reversed(self.places) if pair[0] <= place)
        return typed + place - sent


@dataclass(frozen=True)
class Relation:
    """A table or view of the database: columns with their declared types, as the catalogue says them."""

    name: str
    kind: Literal["table", "view"]
    columns: dict[str, str] = field(default_factory=dict)


class Dialect(ABC):
    """One kind of server. Instances hold no state; they are shared between threads."""

    engine: ClassVar[str]
    """Name of the engine; its staging views are in ``sql/staging/<engine>``."""
    title: str
    """How a person calls the server: PostgreSQL."""
    sql: ClassVar[str]
    """The dialect as sqlglot calls it."""
    types: ClassVar[Mapping[str, str]]
    """How columns are declared, by kind: integer, number, decimal, text, key, date, datetime, boolean and
    binary; ``key`` is text that a key is made of, where long text cannot be indexed."""
    capabilities: ClassVar[Capabilities] = Capabilities()
    version_age_seconds: ClassVar[float | None] = None
    """After how long the data version changes in any case, where the server cannot tell all changes."""
    cte: ClassVar[str] = "AS"
    """What stands between the name of a staging view and its text where it is put before a query."""

    # Connecting

    @abstractmethod
    def url(self, address: Address) -> Any:
        """The ``sqlalchemy.URL`` of an address; it may hold the password."""

    def engine_options(self, address: Address) -> dict[str, Any]:  # noqa: ARG002
        """Arguments of ``sqlalchemy.create_engine`` beside those of the pool, such as ``connect_args``."""
        return {}

    def connect_arguments(self, address: Address) -> dict[str, Any]:  # noqa: ARG002
        """Arguments of the driver that are made anew for each connection, such as a token."""
        return {}

    @abstractmethod
    def prepare(self, connection: Connection, *, read_only: bool) -> None:
        """Set up a new connection: encoding, time zone, and that it only reads, as far as the server can.

        Afterwards it commits each statement by itself.
        """

    # Names and values

    def kind(self, declared: str) -> str:
        """The kind of a column (integer, number, decimal, text, ...) from its declared type."""
        return kind_of(declared)

    def quoted(self, name: str) -> str:
        """``name`` as an identifier, exactly as it is."""
        return '"' + name.replace('"', '""') + '"'

    def stored_name(self, name: str) -> str:
        """The name that a new table or column gets, so that it is found when written without quotes."""
        return name

    @abstractmethod
    def bound(self, connection: Connection, sql: str, values: Mapping[str, object]) -> Bound:
        """``sql`` with its ``:name`` parameters as the driver takes them; see the module ``binding``.

        ``values`` are numbers, text, bytes, booleans, dates, datetimes or null.
        """

    # Reading

    @abstractmethod
    def blocks(
        self, connection: Connection, bound: Bound, rows: int, *, streamed: bool
    ) -> AbstractContextManager[tuple[Columns, Iterator[Rows]]]:
        """Names and kinds of the columns of a query, and its rows, some at a time.

        Kinds are integer, number, decimal (exact, as ``Decimal`` or text), text, date, datetime, boolean,
        binary, or nothing where the driver does not say. Other values than of these kinds are shown as text.
        With ``streamed``, rows come from the server as they are read, and the rest is never sent.
        """

    def whole(self, bound: Bound) -> tuple[Columns, list[list[pl.Series]]] | None:  # noqa: ARG002
        """All rows of a query at once, as pieces of each column, on a connection of its own.

        ``None`` where the driver has no such way, or it cannot be gone: then ``blocks`` is asked.
        """
        return None

    @abstractmethod
    def one_state(self, connection: Connection) -> AbstractContextManager[None]:
        """While the block runs, all queries see the data of one moment, as far as the server can."""

    @abstractmethod
    def set_timeout(self, connection: Connection, seconds: float) -> None:
        """Let the server stop every statement of this connection after some seconds; 0: never."""

    @abstractmethod
    def canceller(self, connection: Connection, address: Address) -> Callable[[], None]:
        """What stops the running statement of ``connection`` on the server, called from another thread."""

    @abstractmethod
    def plan(self, connection: Connection, bound: Bound) -> str:
        """How the server would run a query, one step a line, without running it."""

    # The catalogue

    @abstractmethod
    def server_name(self, connection: Connection) -> str:
        """Name and version of the server, asked of it now."""

    @abstractmethod
    def relations(self, connection: Connection) -> list[Relation]:
        """All tables and views that may be read, with the names of tables of the product among them."""

    def unreadable(self, connection: Connection) -> set[str]:  # noqa: ARG002
        """Tables and views that are there and may not be read, in lower case, as far as the server tells."""
        return set()

    def key_of(self, connection: Connection, table: str) -> tuple[str, ...]:  # noqa: ARG002
        """The columns of the primary key of a table; empty where it has none."""
        return ()

    def foreign_keys_of(self, connection: Connection, table: str) -> Rows:  # noqa: ARG002
        """Name of the constraint, column here, other table and column there, in order."""
        return []

    def row_count(self, connection: Connection, table: str) -> int:
        """Rows of a table."""
        return int(self.fetch(connection, f"SELECT COUNT(*) FROM {self.quoted(table)}")[0][0])

    @abstractmethod
    def schema_version(self, connection: Connection) -> str:
        """A text that changes whenever tables, columns or views do; cheap."""

    @abstractmethod
    def data_version(self, connection: Connection) -> str:
        """What the server's own statistics say about changes of rows, as a text; cheap.

        Writes of this product count in a table of their own, so this is about those of others.
        """

    @abstractmethod
    def view_texts(self, connection: Connection) -> dict[str, str]:
        """The SELECT of each view as the server keeps it."""

    # Writing: ``connection`` is in a transaction, which the caller commits

    @abstractmethod
    def begin(self, connection: Connection) -> None:
        """Begin a transaction on a connection made for writing."""

    def hold_for_loading(self, connection: Connection) -> bool:  # noqa: ARG002
        """Keep other loads out until the connection is closed; ``False`` if another one keeps this out."""
        return True

    def create_table(self, table: str, schema: TableSchema) -> str:
        """The statement that makes a table without keys; ``schema`` has the kinds of its columns."""
        columns = ", ".join(
            f"{self.quoted(self.stored_name(column.name))} "
            f"{self.types['key' if column.kind == 'text' and column.name in keys(schema) else column.kind]}"
            + (" NOT NULL" if column.required or column.name in schema.primary_key else "")
            for column in schema.columns
        )
        return f"CREATE TABLE {self.quoted(table)} ({columns})"

    @abstractmethod
    def add_primary_key(self, table: str, columns: Sequence[str]) -> str:
        """The statement that makes stored columns the primary key of a table."""

    @abstractmethod
    def add_index(self, table: str, columns: Sequence[str]) -> str:
        """The statement that lets rows be found by stored columns; empty where the server needs none."""

    def add_column(self, table: str, column: str, kind: str) -> str:
        """The statement that adds an empty column to a table."""
        return f"ALTER TABLE {self.quoted(table)} ADD {self.quoted(column)} {self.types[kind]}"

    def drop_table(self, table: str) -> str:
        """The statement that removes a table that may or may not be there."""
        return f"DROP TABLE IF EXISTS {self.quoted(table)}"

    def rename_table(self, table: str, name: str) -> str:
        """The statement that gives a table another name."""
        return f"ALTER TABLE {self.quoted(table)} RENAME TO {self.quoted(name)}"

    def rename_tables(self, names: Mapping[str, str]) -> list[str]:
        """The statements that give tables new names by their old ones; two may swap theirs."""
        hidden = {old: f"_ingest_{number}" for number, old in enumerate(names)}
        away = [self.rename_table(old, free) for old, free in hidden.items()]
        return [*away, *(self.rename_table(hidden[old], new) for old, new in names.items())]

    def savepoint(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002
        """What fails in this block leaves the transaction as it was before."""
        return nullcontext()

    def create_view(self, view: str, text: str) -> str:
        """The statement that makes a view of a SELECT."""
        return f"CREATE VIEW {self.quoted(view)} AS\n{text}"

    def drop_view(self, view: str) -> str:
        """The statement that removes a view."""
        return f"DROP VIEW {self.quoted(view)}"

    @abstractmethod
    def insert(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        """Add rows to a table by the fastest way of the driver; the columns have their stored names.

        Columns are Int64, Float64, Decimal, String, Date, Datetime (us), Boolean or Binary.
        """

    @abstractmethod
    def swap(self, connection: Connection, names: Mapping[str, str]) -> None:
        """Put new tables in the place of old ones (names by those of the new ones), rights and views kept.

        Where the server has no transactional DDL, it is one statement, and commits what was done before.
        """

    def after_load(self, connection: Connection, tables: Sequence[str]) -> None:  # noqa: B027
        """What is to be done once rows were loaded, such as statistics; after the commit."""

    # Errors

    @property
    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""

    @abstractmethod
    def failure(self, error: Exception) -> Failure:
        """What an error of the driver means."""

    # Small things that are the same everywhere

    def fetch(self, connection: Connection, sql: str, values: Mapping[str, object] | None = None) -> Rows:
        """All rows of a small query with ``:name`` parameters."""
        bound = self.bound(connection, sql, values or {})
        cursor = connection.cursor()
        try:
            cursor.execute(bound.sql, *([bound.values] if bound.values else []))
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def run(self, connection: Connection, sql: str, values: Mapping[str, object] | None = None) -> None:
        """Run a statement; an empty one is none."""
        if sql:
            self.fetch(connection, sql, values)


def keys(schema: TableSchema) -> frozenset[str]:
    """The columns of a table that keys are made of."""
    foreign = (name for key in schema.foreign_keys for name in key.columns)
    return frozenset([*schema.primary_key, *foreign])
