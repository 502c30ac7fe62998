"""What every database engine offers to the product: typed queries, tables, a version of the data, health."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from core.database.closing import Closing
from core.errors import DatabaseError, MissingDataError, SalesError

if TYPE_CHECKING:
    from core.database.changes import Changes
    from core.database.loading import BulkLoad
    from core.database.schema import TableSchema

WriteMode = Literal["replace", "append"]


@dataclass(frozen=True)
class TableInfo:
    """A table or view: its columns with their types (integer, number, text, date, ...) and rows.

    ``rows`` is ``None`` for views, which are not counted. ``broken`` says why a view cannot be read; its
    columns are not known then.
    """

    name: str
    kind: Literal["table", "view"]
    columns: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    broken: str = ""


@dataclass(frozen=True)
class Health:
    """Whether the database answers, said in one sentence, and how long the answer took."""

    ok: bool
    engine: str
    message: str
    seconds: float


class Queries(ABC):
    """Whatever answers queries: a database, or rows that were copied from one."""

    @abstractmethod
    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        """The rows of a query, with columns of stable types.

        Parameters
        ----------
        name_or_sql
            The name of a file in ``sql/`` without its ending, such as ``"marts/sales_daily"``; a text with
            white space in it is SQL itself.
        params
            Values of the ``:name`` parameters; dates and datetimes are passed as they are.

        Returns
        -------
        polars.DataFrame
            Columns declared in the file's header have the declared type (integer and day: Int64, number:
            Float64, text: String, date: Date), also when there are no rows. Other columns get the type that
            fits all rows.

        Raises
        ------
        MissingDataError
            Tables that the query reads are not in the database; ``needs`` names them.
        QueryError
            The query cannot be run as written, with the engine's reason.
        """


_ENGINE_NAMES = {"sqlite": "SQLite", "duckdb": "DuckDB", "parquet": "Parquet", "spark": "Spark"}


class Database(Queries, Closing):
    """An open database. Safe to share between threads; ``close()`` it or use it as a context manager."""

    engine: str
    read_only: bool

    @property
    def engine_name(self) -> str:
        """The engine as people call it, such as SQLite or PostgreSQL."""
        return _ENGINE_NAMES.get(self.engine, self.engine)

    @abstractmethod
    def tables(self) -> list[TableInfo]:
        """The tables and views that can be queried, by name."""

    def unreadable_tables(self) -> frozenset[str]:
        """Tables that are there and may not be read, in lower case, as far as the engine tells of them."""
        return frozenset()

    @abstractmethod
    def data_version(self) -> str:
        """A text that changes whenever the data change; caches use it as part of their keys."""

    def health(self) -> Health:
        """Whether the database answers now; never raises."""
        start = time.perf_counter()
        try:
            ok, message = True, f"{self.answer()} answers."
        except SalesError as error:
            ok, message = False, str(error)
        return Health(ok, self.engine, message, time.perf_counter() - start)

    @abstractmethod
    def answer(self) -> str:
        """Ask the engine for something small; gives its name and version.

        Raises
        ------
        SalesError
            It does not answer.
        """

    def require_writing(self) -> None:
        """Refuse to write.

        Raises
        ------
        DatabaseError
            The database was opened for reading only.
        """
        if self.read_only:
            raise DatabaseError("The database is open for reading only.", "Open it with read_only=False.")

    @abstractmethod
    def write(self, table: str, frame: pl.DataFrame, mode: WriteMode = "replace") -> None:
        """Store ``frame`` as ``table`` in one transaction, in place of the old rows or after them.

        Raises
        ------
        DatabaseError
            The database was opened for reading only, or a column has a type that cannot be stored.
        """

    @abstractmethod
    def bulk_load(self) -> "BulkLoad":
        """Begin to load many rows in one transaction.

        Raises
        ------
        DatabaseError
            The database was opened for reading only, cannot be written, or is being loaded by another.
        """

    @abstractmethod
    def changing(self) -> AbstractContextManager["Changes"]:
        """Begin changes of tables and views, which take effect all at once when the block ends.

        Raises
        ------
        DatabaseError
            The database cannot be written, or a change cannot be made; nothing is then.
        """

    @abstractmethod
    def view_texts(self) -> dict[str, str]:
        """The SELECT of each view of the database itself, with its comments where the engine keeps them."""

    def table_schema(self, table: str) -> "TableSchema":
        """The columns of a table and its keys, as the engine's own catalogue has them.

        Where that knows no keys, those that ``sql/schema`` declares for a table of this name.

        Raises
        ------
        MissingDataError
            There is no such table.
        """
        from core.database.schema import Column, TableSchema, with_declared_keys

        info = next((info for info in self.tables() if info.name == table), None)
        if info is None:
            raise no_such_table(table)
        columns = tuple(Column(name, kind) for name, kind in info.columns.items())
        return with_declared_keys(TableSchema(table, columns))

    def read_batches(
        self,
        table: str,
        columns: Sequence[str] | Mapping[str, str] | None = None,  # noqa: ARG002 - for engines that can
        *,
        rows: int = 50_000,  # noqa: ARG002
    ) -> Iterator[pl.DataFrame]:
        """The rows of a table as they are at one moment, some at a time.

        Memory holds no more than a few batches. Hidden tables (``_ingest_…``), which ``tables`` does not tell
        of, can be read too.

        Parameters
        ----------
        columns
            Names of columns, in order; ``None`` for all. As a mapping, also the kinds (integer, text, ...)
            that they are wanted as: engines whose columns hold any value give them so, others need not.
        rows
            At most so many rows are in a batch. A table without rows gives one batch without rows.

        Raises
        ------
        MissingDataError
            There is no such table.
        QueryError
            A value is not of its column's kind; see ``MisfitError``.
        DatabaseError
            The engine cannot give tables so.
        """
        raise DatabaseError(
            f"The table {table} cannot be read in batches from {self.engine}.", "Query it instead."
        )


def no_such_table(table: str) -> MissingDataError:
    """The error for a table that is not there."""
    return MissingDataError(f"The database has no table {table}.", "Choose one of its tables.", (table,))
