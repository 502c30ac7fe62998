"""The pools of Azure Synapse: dedicated, which has no enforced keys, and serverless, which only reads."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import polars as pl

from core.database.changes import HIDDEN
from core.database.schema import TableSchema
from core.database.server.address import Address
from core.database.server.dialect import Bound, Capabilities, Connection
from core.database.server.mssql import MssqlDialect
from core.database.server.mssql_catalogue import bracketed
from core.database.server.mssql_literals import literal, written_out
from core.errors import DatabaseError

_ROWS_OF_AN_INSERT = 200
_MOST_ROWS = 200_000
_SESSION = "SET QUOTED_IDENTIFIER ON"
_BY_TIME = "-"
_STATISTICS = "SELECT s.name FROM sys.stats AS s WHERE s.object_id = OBJECT_ID(:table) AND s.user_created = 1"

FACT_KEYS: Mapping[str, str] = {
    "orders": "orderNumber",
    "orderdetails": "orderNumber",
    "payments": "customerNumber",
}
"""By which column the rows of large tables are spread over the nodes: orders and their lines lie together."""


class DedicatedDialect(MssqlDialect):
    """A dedicated SQL pool. Keys are declared and not enforced: repeated ones are looked for."""

    title: str = "Synapse dedicated SQL pool"
    types: ClassVar[Mapping[str, str]] = {
        **MssqlDialect.types,
        "text": "NVARCHAR(4000) COLLATE Latin1_General_100_BIN2",  # longer text fits no columnstore there
        "binary": "VARBINARY(8000)",
    }
    capabilities: ClassVar[Capabilities] = Capabilities(
        transactional_ddl=False, enforced_keys=False, keeps_view_texts=True, offset=False
    )
    session: ClassVar[str] = _SESSION

    def engine_options(self, address: Address) -> dict[str, Any]:
        # A fault can end the transaction on the server, and the ROLLBACK that follows raises 111214.
        own = {"isolation_level": "AUTOCOMMIT", "ignore_no_transaction_on_rollback": True}
        return super().engine_options(address) | own

    @contextmanager
    def one_state(self, connection: Connection) -> Iterator[None]:  # noqa: ARG002
        yield  # reading is never blocked there, and sees each statement's own moment

    def plan(self, connection: Connection, bound: Bound) -> str:
        return "\n".join(str(row[0]) for row in self.fetch(connection, f"EXPLAIN {written_out(bound)}"))

    def foreign_keys_of(self, connection: Connection, table: str) -> list[tuple[Any, ...]]:  # noqa: ARG002
        return []

    def data_version(self, connection: Connection) -> str:  # noqa: ARG002
        return _BY_TIME  # the statistics of nodes take rights that a reader has not

    def begin(self, connection: Connection) -> None:
        connection.autocommit = True  # tables cannot be made or renamed in a transaction

    @contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:  # noqa: ARG002
        yield

    def hold_for_loading(self, connection: Connection) -> bool:  # noqa: ARG002
        return True

    def create_table(self, table: str, schema: TableSchema) -> str:
        return f"{super().create_table(table, schema)}\n{storage_of(schema)}"

    def add_primary_key(self, table: str, columns: Sequence[str]) -> str:
        listed = ", ".join(map(self.quoted, columns))
        key = f"PRIMARY KEY NONCLUSTERED ({listed}) NOT ENFORCED"
        return f"ALTER TABLE {self.quoted(table)} ADD {key}"  # a name would be taken by the old table

    def add_index(self, table: str, columns: Sequence[str]) -> str:  # noqa: ARG002
        return ""

    def drop_table(self, table: str) -> str:
        return f"IF OBJECT_ID({literal(self.quoted(table))}) IS NOT NULL DROP TABLE {self.quoted(table)}"

    def rename_table(self, table: str, name: str) -> str:
        return f"RENAME OBJECT {self.quoted(table)} TO {self.quoted(name)}"

    def insert(self, connection: Connection, table: str, frame: pl.DataFrame) -> None:
        if frame.height > _MOST_ROWS:
            raise DatabaseError(
                f"{table} has {frame.height:,} rows, too many to be sent to {self.title} as statements.",
                "Put Parquet files into the lake and run sql/synapse/dedicated/load.sql (docs/azure-sql.md).",
            )
        for statement in inserts(table, frame):
            self.run(connection, statement)

    def swap(self, connection: Connection, names: Mapping[str, str]) -> None:
        present = {relation.name for relation in self.relations(connection)}
        for number, (new, old) in enumerate(names.items()):
            away = f"{HIDDEN}old_{number}"
            if old in present:
                self.run(connection, self.drop_table(away))
                self.run(connection, self.rename_table(old, away))
            self.run(connection, self.rename_table(new, old))
            if old in present:
                self.run(connection, self.drop_table(away))

    def after_load(self, connection: Connection, tables: Sequence[str]) -> None:
        known = {relation.name: relation for relation in self.relations(connection)}
        for table in tables:
            if table not in known:
                continue
            made = {name for (name,) in self.fetch(connection, _STATISTICS, {"table": self.quoted(table)})}
            for column in known[table].columns:
                if _statistics(column) not in made:  # there are, where rows were appended
                    self.run(connection, create_statistics(table, column))
            if made:
                self.run(connection, f"UPDATE STATISTICS {self.quoted(table)}")


class ServerlessDialect(DedicatedDialect):
    """A serverless SQL pool: views over files of a lake. Nothing can be written through it."""

    title: str = "Synapse serverless SQL pool"
    capabilities: ClassVar[Capabilities] = replace(DedicatedDialect.capabilities, writable=False)

    def plan(self, connection: Connection, bound: Bound) -> str:  # noqa: ARG002
        return "Synapse serverless shows no plans; it is billed by the bytes that a query reads."


def storage_of(schema: TableSchema) -> str:
    """How a table is stored: large ones spread by a column, small ones on every node."""
    name = schema.name.removeprefix(HIDDEN)
    if column := FACT_KEYS.get(name):
        return f"WITH (DISTRIBUTION = HASH ({bracketed(column)}), CLUSTERED COLUMNSTORE INDEX)"
    if schema.primary_key:
        return "WITH (DISTRIBUTION = REPLICATE, CLUSTERED INDEX ({}))".format(
            ", ".join(map(bracketed, schema.primary_key))
        )
    return "WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)"


def create_statistics(table: str, column: str) -> str:
    """The statement that makes statistics of a column."""
    return f"CREATE STATISTICS {bracketed(_statistics(column))} ON {bracketed(table)} ({bracketed(column)})"


def inserts(table: str, frame: pl.DataFrame) -> Iterator[str]:
    """Statements of some hundred rows each, which is what a pool without bulk copy takes best."""
    names = ", ".join(map(bracketed, frame.columns))
    for block in frame.iter_slices(_ROWS_OF_AN_INSERT):
        rows = (f"SELECT {', '.join(map(literal, row))}" for row in block.rows())
        yield f"INSERT INTO {bracketed(table)} ({names})\n" + "\nUNION ALL ".join(rows)


def _statistics(column: str) -> str:
    return f"st_{column}"[:120]
