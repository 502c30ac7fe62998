"""DuckDB files and folders of Parquet files, for companies of up to about a billion order lines."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from core.database import duckdb_batches, duckdb_changes, parquet_changes
from core.database.base import Database, TableInfo, WriteMode
from core.database.changes import HIDDEN, Changes
from core.database.duckdb_files import (
    Limits,
    load_duckdb,
    log_of,
    parquet_tables,
    require_duckdb_file,
    sql_views,
    version_of,
)
from core.database.duckdb_keys import key_of_file, key_of_table
from core.database.duckdb_load import DuckdbLoad
from core.database.duckdb_query import run
from core.database.duckdb_reader import Reader, described, open_file, open_folder, parquet_source
from core.database.duckdb_sql import quoted
from core.database.duckdb_write import write_frame
from core.database.loading import BulkLoad
from core.database.parquet_load import ParquetLoad, write_parquet
from core.database.schema import TableSchema
from core.database.staging import file_named
from core.errors import DatabaseError
from core.observing import timed_query

if TYPE_CHECKING:
    import duckdb


class DuckdbDatabase(Database):
    """A DuckDB file.

    It is read as it was when it was last replaced: writing makes a second file beside it, which then takes
    its place, so that readers in all processes go on undisturbed and see the new data with their next query.

    Parameters
    ----------
    file
        The database file.
    read_only
        Whether ``write`` is refused. Queries are read-only in any case. With ``False`` the file need not
        exist: the first write makes it.
    limits
        Memory and threads that DuckDB may use.

    Raises
    ------
    DatabaseError
        The file is missing or something else, or the package ``duckdb`` is not installed.
    """

    engine = "duckdb"

    def __init__(self, file: Path, *, read_only: bool = True, limits: Limits | None = None) -> None:
        load_duckdb()
        self.file = file
        self.read_only = read_only
        self.limits = limits or Limits()
        self._reader: Reader | None = None
        self._lock = threading.Lock()
        self._closed = False
        if read_only or file.exists():
            self._require()

    @timed_query
    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        file = file_named(name_or_sql)
        with self.current() as reader:
            return run(reader, file, file.text if file else name_or_sql, params)

    def tables(self) -> list[TableInfo]:
        with self.current() as reader:
            return described(reader)

    def table_schema(self, table: str) -> TableSchema:
        with self.current() as reader, reader.cursor() as cursor:
            source = duckdb_batches.require_table(self._source(cursor, table), table)
            columns = list(duckdb_batches.column_types(cursor, source))
            return duckdb_batches.table_schema(cursor, table, source, self._told_key(cursor, table, columns))

    def read_batches(
        self, table: str, columns: Sequence[str] | Mapping[str, str] | None = None, *, rows: int = 50_000
    ) -> Iterator[pl.DataFrame]:
        with self.current() as reader, reader.cursor() as cursor:
            source = duckdb_batches.require_table(self._source(cursor, table), table)
            yield from duckdb_batches.read_batches(cursor, table, source, columns, rows)

    def data_version(self) -> str:
        return version_of(
            [file for file in (self.file, log_of(self.file)) if file == self.file or file.exists()]
        )

    def answer(self) -> str:
        duckdb = load_duckdb()
        try:
            with self.current() as reader, reader.cursor() as cursor:
                cursor.execute("SELECT 1").fetchone()
        except duckdb.Error as error:
            raise DatabaseError(f"DuckDB cannot read {self.file.name}: {error}.") from error
        return f"DuckDB {duckdb.__version__}"

    def write(self, table: str, frame: pl.DataFrame, mode: WriteMode = "replace") -> None:
        self.require_writing()
        write_frame(self.file, table, frame, mode, self.limits)

    def bulk_load(self) -> BulkLoad:
        self.require_writing()
        return DuckdbLoad(self.file, self.limits)

    def changing(self) -> AbstractContextManager[Changes]:
        return duckdb_changes.changing(self.file, self.limits)

    def view_texts(self) -> dict[str, str]:
        with self.current() as reader, reader.cursor() as cursor:
            return duckdb_changes.view_texts(cursor)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _source(self, cursor: "duckdb.DuckDBPyConnection", table: str) -> str:
        """A table or view, be it hidden, as SQL; empty if there is none."""
        found = cursor.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = 'data' AND schema_name = 'main' "
            "AND table_name = $1 UNION ALL SELECT 1 FROM duckdb_views() WHERE database_name = 'data' "
            "AND schema_name = 'main' AND NOT internal AND view_name = $1",
            [table],
        ).fetchone()
        return f"data.main.{quoted(table)}" if found else ""

    def _told_key(
        self, cursor: "duckdb.DuckDBPyConnection", table: str, columns: list[str]
    ) -> tuple[str, ...]:
        return key_of_table(cursor, table, columns)

    def _require(self) -> None:
        require_duckdb_file(self.file)

    def _open(self, version: str) -> Reader:
        return open_file(self.file, version, self.limits)

    @contextmanager
    def current(self) -> Iterator[Reader]:
        """The present state of the data, which stays readable although it be replaced meanwhile."""
        with self._lock:
            if self._closed:
                raise DatabaseError(f"The database {self.file.name} has been closed.")
            self._require()
            version = self.data_version()
            if self._reader is None or self._reader.version != version:
                opened = self._open(version)
                if self._reader is not None:
                    self._reader.close()
                self._reader = opened
            held = self._reader.share()
        try:
            yield held
        finally:
            held.close()


class ParquetDatabase(DuckdbDatabase):
    """A folder of Parquet files: ``orders.parquet`` or ``orders/*.parquet`` is the table orders.

    A file ``name.sql`` with a SELECT is a view of that name.
    """

    def data_version(self) -> str:
        tables = parquet_tables(self.file)
        views = [self.file / f"{name}.sql" for name in sql_views(self.file)]
        return version_of([*views, *(file for files in tables.values() for file in files)])

    def write(self, table: str, frame: pl.DataFrame, mode: WriteMode = "replace") -> None:
        self.require_writing()
        write_parquet(self.file, table, frame, mode)

    def bulk_load(self) -> BulkLoad:
        self.require_writing()
        return ParquetLoad(self.file, self.limits)

    def changing(self) -> AbstractContextManager[Changes]:
        return parquet_changes.changing(self.file, self.limits)

    def view_texts(self) -> dict[str, str]:
        return sql_views(self.file)

    def _source(self, cursor: "duckdb.DuckDBPyConnection", table: str) -> str:  # noqa: ARG002 - files alone
        files = parquet_tables(self.file).get(table)
        return parquet_source(files) if files else ""

    def _told_key(
        self, cursor: "duckdb.DuckDBPyConnection", table: str, columns: list[str]
    ) -> tuple[str, ...]:
        return key_of_file(cursor, str(parquet_tables(self.file)[table][0].absolute()), columns)

    def _require(self) -> None:
        parquet_tables(self.file)

    def _open(self, version: str) -> Reader:
        views = sql_views(self.file)
        every = parquet_tables(self.file)
        tables = {name: files for name, files in every.items() if not name.startswith(HIDDEN)}
        return open_folder(self.file, tables, views, version, self.limits)
