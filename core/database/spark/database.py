"""Spark through Spark Connect: companies that have outgrown one machine."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import polars as pl

from core.database.base import Database, TableInfo, WriteMode, no_such_table
from core.database.batches import fitted_frame, wanted_columns
from core.database.changes import Changes
from core.database.parameters import plain_value
from core.database.spark.address import SparkAddress
from core.database.spark.frames import frame_of
from core.database.spark.load import SparkLoad
from core.database.spark.reader import (
    Listing,
    Reader,
    catalogue,
    catalogue_version,
    columns_of,
    listed,
    open_reader,
)
from core.database.spark.session import (
    close_session,
    is_lost,
    literal,
    load_pyspark,
    missing_relation,
    open_session,
    quoted,
    refused,
    rpc_errors,
    unusable,
)
from core.database.staging import explain_absent, file_named
from core.errors import DatabaseError, QueryError, SalesError
from core.observing import timed_query
from core.sql_files import SqlFile, column_type

VERSION_SECONDS = 20.0
"""For so long the version of the data is taken as known: asking Spark for it takes about a second."""


class SparkDatabase(Database):
    """A Spark Connect server, whose tables are those of a schema and of a folder.

    Parameters
    ----------
    address
        The server and the place of the tables.
    read_only
        Whether ``write`` is refused.

    Raises
    ------
    DatabaseError
        The server cannot be reached or used, or ``pyspark`` is not installed here.
    """

    engine = "spark"

    def __init__(self, address: SparkAddress, *, read_only: bool = True) -> None:
        load_pyspark()
        self.address = address
        self.read_only = read_only
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._asked = 0.0
        self._stale = False
        self._closed = False
        self.current()

    @timed_query
    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        file = file_named(name_or_sql)
        asked = file.name if file else "The query"
        text = file.text if file else one_select(name_or_sql)
        given = params if file is None else _needed(file, params)
        values = {name: plain_value(name, value) for name, value in given.items()}
        declared = {name: column_type(said) for name, said in file.columns.items()} if file else {}

        def run(reader: Reader) -> pl.DataFrame:
            return frame_of(reader.session.sql(text, args=values or None).toArrow(), declared)

        return self._answered(run, asked, file)

    def tables(self) -> list[TableInfo]:
        def describe(reader: Reader) -> list[TableInfo]:
            kinds = {**reader.tables, **catalogue(reader.session)}
            counted = [name for name, kind in kinds.items() if kind == "table"]
            rows = self._counts(reader, counted)
            found = []
            for name, kind in kinds.items():
                columns = columns_of(reader.session, name)
                found.append(TableInfo(name, "view" if kind == "view" else "table", columns, rows.get(name)))
            for name, file in reader.staging.views.items():
                columns = {column: column_type(said) for column, said in file.columns.items()}
                found.append(TableInfo(name, "view", columns))
            return sorted(found, key=lambda table: table.name)

        return self._answered(describe, "The list of tables")

    def data_version(self) -> str:
        return self.current().version

    def answer(self) -> str:
        return self._answered(lambda reader: f"Spark {reader.session.version}", "Spark")

    def write(self, table: str, frame: pl.DataFrame, mode: WriteMode = "replace") -> None:
        self.require_writing()
        with self.bulk_load() as load:
            load.put(table, frame, mode)
            load.commit()

    def bulk_load(self) -> SparkLoad:
        self.require_writing()
        reader = self.current()
        return SparkLoad(reader.session, frozenset(reader.files), self.forget)

    def changing(self) -> AbstractContextManager[Changes]:
        raise DatabaseError(
            "Tables of Spark cannot be renamed, dropped or mapped from here: Spark changes one at a time.",
            "Do so with Spark's own tools; views called stg_… in its schema are used as they are.",
        )

    def view_texts(self) -> dict[str, str]:
        def texts(reader: Reader) -> dict[str, str]:
            views = [name for name, kind in catalogue(reader.session).items() if kind == "view"]
            return {name: _view_text(reader.session, name) for name in views}

        return self._answered(texts, "The list of views")

    def read_batches(
        self, table: str, columns: Sequence[str] | Mapping[str, str] | None = None, *, rows: int = 50_000
    ) -> Iterator[pl.DataFrame]:
        known = self._answered(lambda reader: _columns(reader, table), f"The table {table}")
        wanted = wanted_columns(known, columns)
        names = ", ".join(map(quoted, wanted))
        reader = self.current()
        errors = load_pyspark()
        try:
            rows_of = reader.session.sql(f"SELECT {names} FROM {quoted(table)}")
            found = False
            for piece in arrow_batches(reader.session, rows_of):
                frame = frame_of(piece, {})
                found = True
                for part in frame.iter_slices(rows):
                    yield fitted_frame(table, part, wanted)
            if not found:
                yield fitted_frame(table, pl.DataFrame(schema=dict.fromkeys(wanted, pl.Null)), wanted)
        except (errors.PySparkException, *rpc_errors()) as error:
            raise refused(error, f"The table {table}") from None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            reader, self._reader = self._reader, None
        if reader is not None:
            close_session(reader.session)

    def forget(self) -> None:
        """Look at the data anew before the next query."""
        self._stale = True

    def current(self) -> Reader:
        """The session with its views, which another thread makes anew now and then if files have changed."""
        known = self._reader
        if known is not None and not self._stale:
            if time.monotonic() - self._asked >= VERSION_SECONDS and not self._lock.locked():
                threading.Thread(target=self._look_aside, name="spark-version", daemon=True).start()
            return known
        with self._lock:
            if self._closed:
                raise DatabaseError(f"The database {self.address.shown} has been closed.")
            if self._reader is not None and not self._stale:
                return self._reader
            try:
                return self._look()
            except (load_pyspark().PySparkException, *rpc_errors()) as error:
                if self._reader is None or not is_lost(error):
                    raise unusable(self.address, error) from None
                self._reader = None
                return self._look()

    def _look_aside(self) -> None:
        """Look without keeping anybody waiting; if that fails, the next query looks again and says why."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._reader is not None and not self._closed:
                self._look()
        except (SalesError, load_pyspark().PySparkException, *rpc_errors()):
            self._stale = True
        finally:
            self._lock.release()

    def _look(self) -> Reader:
        """See whether the data have changed, and take a session if there is none."""
        if self._reader is not None:
            return self._seen(self._reader.session)
        session = open_session(self.address)
        try:
            return self._seen(session)
        except BaseException:
            close_session(session)
            raise

    def _seen(self, session: Any) -> Reader:
        self._stale = False  # before looking: what is written meanwhile is looked at once more
        try:
            files = listed(session, self.address.tables) if self.address.tables else Listing({}, "")
            version = f"{files.version}{catalogue_version(session)}"
            if self._reader is None or self._reader.version != version:
                self._reader = open_reader(session, Listing(files.tables, version))
        except BaseException:
            self._stale = True
            raise
        self._asked = time.monotonic()
        return self._reader

    def _answered[T](self, run: Callable[[Reader], T], asked: str, file: SqlFile | None = None) -> T:
        """What ``run`` makes of the session, in a new one if the server has forgotten it."""
        errors = load_pyspark()
        failures = (errors.PySparkException, *rpc_errors())
        reader = self.current()
        try:
            return run(reader)
        except failures as error:
            if not is_lost(error):
                raise self._explained(error, reader, asked, file) from None
        with self._lock:
            if self._reader is reader:
                self._reader = None  # it is forgotten there
        reader = self.current()
        try:
            return run(reader)
        except failures as error:
            raise self._explained(error, reader, asked, file) from None

    def _explained(self, error: Exception, reader: Reader, asked: str, file: SqlFile | None) -> SalesError:
        relation = missing_relation(error)
        if relation is None:
            return refused(error, asked)
        return explain_absent(relation, reader.staging, file, reader.tables)

    def _counts(self, reader: Reader, tables: Sequence[str]) -> dict[str, int]:
        if not tables:
            return {}
        parts = (f"SELECT {literal(name)} AS t, COUNT(*) AS n FROM {quoted(name)}" for name in tables)
        rows = reader.session.sql(" UNION ALL ".join(parts)).collect()
        return {str(row.t): int(row.n) for row in rows}


def one_select(sql: str) -> str:
    """``sql`` as the inner part of a SELECT, so that Spark's own parser refuses everything but a query."""
    return f"SELECT * FROM (\n{sql.strip().removesuffix(';')}\n)"


def arrow_batches(session: Any, frame: Any) -> Generator[Any]:
    """The rows of a data frame of Spark as Arrow tables, as they arrive."""
    plan = frame._plan.to_proto(session.client)
    for piece in session.client.to_table_as_iterator(plan, frame._plan.observations):
        if hasattr(piece, "num_rows"):
            yield piece


def _needed(file: SqlFile, params: Mapping[str, object]) -> dict[str, object]:
    """The values of the parameters that a file declares."""
    if absent := [name for name in file.parameters if name not in params]:
        raise QueryError(f"{file.name} needs a value for the parameter {', '.join(absent)}.")
    return {name: params[name] for name in file.parameters}


def _columns(reader: Reader, table: str) -> dict[str, str]:
    errors = load_pyspark()
    try:
        return columns_of(reader.session, table)
    except errors.AnalysisException as error:
        if missing_relation(error) is None:
            raise
        raise no_such_table(table) from None


def _view_text(session: Any, view: str) -> str:
    rows = session.sql(f"DESCRIBE TABLE EXTENDED {quoted(view)}").collect()
    return next((str(row.data_type) for row in rows if row.col_name == "View Text"), "")


__all__ = ["VERSION_SECONDS", "SparkDatabase", "arrow_batches", "one_select"]
