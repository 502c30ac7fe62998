"""Rows copied into memory, on which the product's queries run in a fraction of the time SQLite needs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from core.database.base import Queries
from core.database.duckdb_errors import reason
from core.database.duckdb_files import Limits, connect, load_duckdb, spill_folder
from core.database.duckdb_query import run
from core.database.duckdb_reader import Reader
from core.database.duckdb_sql import SQL_TYPES, quoted
from core.database.duckdb_staging import likely_types
from core.database.duckdb_write import add_rows
from core.database.sqlite_write import kind_of_dtype
from core.database.staging import Staging, file_named
from core.errors import QueryError

if TYPE_CHECKING:
    import duckdb


class DuckdbCopy(Queries):
    """Some tables of a database, and staging views over them.

    Parameters
    ----------
    beside
        A file beside which DuckDB may put what does not fit in memory.
    """

    def __init__(self, beside: Path) -> None:
        self._known: set[str] = set()
        self._connection: duckdb.DuckDBPyConnection = connect(":memory:", Limits(), spill_folder(beside))
        self._connection.execute("ATTACH ':memory:' AS data (COMPRESS)")
        self._reader = Reader(self._connection, {}, Staging(), {}, "")

    def add_table(self, name: str, columns: Mapping[str, str], frames: Iterable[pl.DataFrame]) -> int:
        """Copy a table: ``columns`` are kinds by name; gives the number of rows."""
        declared = ", ".join(f"{quoted(column)} {SQL_TYPES[kind]}" for column, kind in columns.items())
        target = f"data.main.{quoted(name)}"
        self._connection.execute(f"CREATE TABLE {target} ({declared})")
        rows = 0
        for frame in frames:
            add_rows(self._connection, target, frame)
            rows += frame.height
        self._connection.execute("CHECKPOINT data")
        self._connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT * FROM {target}")
        self._known.add(name.lower())
        return rows

    def add_frame(self, name: str, frame: pl.DataFrame) -> None:
        """Copy the rows of a frame, with the types that it has."""
        kinds = {column: kind_of_dtype(dtype) or "text" for column, dtype in frame.schema.items()}
        self.add_table(name, kinds, [frame])

    def add_view(self, name: str, text: str) -> None:
        """Add a view over tables that were copied.

        Raises
        ------
        QueryError
            It does not work on them.
        """
        try:
            self._connection.execute(f"CREATE VIEW {quoted(name)} AS {text}")
        except load_duckdb().Error as error:
            raise QueryError(f"The view {name} cannot be copied: {reason(error)}.") from error
        self._known.add(name.lower())

    def seal(self) -> None:
        """End the copying: only queries can follow."""
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        likely = likely_types(self._connection, Staging())
        self._reader = Reader(self._connection, {}, Staging(), likely, "")

    def covers(self, name_or_sql: str) -> bool:
        """Whether everything that a query of the product needs was copied."""
        file = file_named(name_or_sql)
        return file is None or {need.lower() for need in file.needs} <= self._known

    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        file = file_named(name_or_sql)
        return run(self._reader, file, file.text if file else name_or_sql, params)
