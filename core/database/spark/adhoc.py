"""Spark for SQL that a person typed: an operation of its own in the session, within limits."""

import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

import polars as pl

from core.database.adhoc import AdhocConnection, Fetched, TruncatedBy, Watch
from core.database.spark.database import SparkDatabase, arrow_batches, one_select
from core.database.spark.frames import frame_of
from core.database.spark.session import is_interrupted, load_pyspark, missing_relation, reason, rpc_errors
from core.database.staging import explain_absent
from core.errors import SalesError
from core.sql_guard import CheckedStatement, StatementError, require_own_schema

_AGAIN_SECONDS = 0.5
_PATIENCE_SECONDS = 3.0
_PLACE = re.compile(r"line (\d+),? pos(?:ition)? (\d+)")


class SparkAdhoc(AdhocConnection):
    """Typed SQL on a Spark database; closing it leaves the database open.

    Spark's session can write. What is run is the inner part of a SELECT, for which Spark's own parser allows
    nothing but a query, and files cannot be named in it.
    """

    dialect = "spark"

    def __init__(self, database: SparkDatabase) -> None:
        self._database = database
        self._reader = database.current()

    def fetch(
        self,
        statement: CheckedStatement,
        params: Mapping[str, object],
        watch: Watch,
        declared: Mapping[str, str],
    ) -> Fetched:
        limits = watch.limits
        pieces: list[pl.DataFrame] = []
        used, truncated_by = 0, None
        with self._running(watch):
            self._require_own_schema(statement)
            frame = self._reader.session.sql(one_select(statement.sql), args=dict(params) or None)
            empty = frame.limit(0)
            # Closed, what Spark has not sent yet is given up at once.
            with closing(arrow_batches(self._reader.session, frame.limit(limits.max_rows + 1))) as batches:
                for batch in batches:
                    piece = frame_of(batch, declared)
                    truncated_by, piece = _cut(piece, limits.max_rows - watch.rows, limits.max_bytes - used)
                    used += int(piece.estimated_size())
                    watch.rows += piece.height
                    pieces.append(piece)
                    watch.check()
                    if truncated_by:
                        break
            if not pieces:
                pieces = [frame_of(empty.toArrow(), declared)]
        return Fetched(pl.concat(pieces, rechunk=True), truncated_by)

    def plan(self, statement: CheckedStatement, params: Mapping[str, object], watch: Watch) -> str:
        with self._running(watch):
            self._require_own_schema(statement)
            text = f"EXPLAIN FORMATTED {one_select(statement.sql)}"
            rows = self._reader.session.sql(text, args=dict(params) or None).collect()
        return str(rows[0][0]).strip()

    def close(self) -> None:
        """Nothing is held."""

    def _require_own_schema(self, statement: CheckedStatement) -> None:
        """Keep to the schema that is shown, whatever else the account may read."""
        if statement.schemas:
            own = str(self._reader.session.sql("SELECT current_schema()").collect()[0][0])
            require_own_schema(statement.text, statement.schemas, own, self.dialect)

    @contextmanager
    def _running(self, watch: Watch) -> Iterator[None]:
        """While this block runs, Spark stops when the watch says so; errors become sentences."""
        watch.check()
        session, tag = self._reader.session, f"typed-{uuid.uuid4().hex}"
        tasks = _TasksSeen()
        wished, told = 0.0, 0.0

        def interrupt() -> None:
            nonlocal wished, told
            now = time.monotonic()
            wished = wished or now
            if not tasks.seen and now - wished < _PATIENCE_SECONDS:
                return
            if now - told > _AGAIN_SECONDS:
                told = now
                session.interruptTag(tag)

        failures = (load_pyspark().PySparkException, *rpc_errors())
        session.addTag(tag)
        session.registerProgressHandler(tasks)
        try:
            with watch.interrupting(interrupt):
                yield
        except failures as error:
            if watch.is_over() or is_interrupted(error):
                raise watch.reason() from None
            raise self._explained(error) from None
        finally:
            session.removeProgressHandler(tasks)
            session.removeTag(tag)

    def _explained(self, error: Exception) -> SalesError:
        relation = missing_relation(error)
        if relation is not None and relation in self._reader.staging.lacking_tables:
            return explain_absent(relation, self._reader.staging, None, self._reader.tables)
        found = _PLACE.search(str(error))
        line = int(found[1]) - 1 if found else 0  # the first line is ours
        if relation is not None:
            known = explain_absent(relation, self._reader.staging, None, self._reader.tables)
            message, remedy = known.message, known.remedy
        else:
            message, remedy = f"Spark: {reason(error)}", ""
        if found is None or line < 1:
            return StatementError(message, remedy)
        return StatementError(message, remedy, line=line, column=int(found[2]) + 1)


class _TasksSeen:
    """Whether tasks of a query of this thread were reported to be running, so that they can be stopped.

    Spark stops the tasks that it knows of when it is interrupted. Those of a subquery that is still planned
    by another thread of the server are started nevertheless, and run to their end with nobody waiting for
    them. Hence a query is given a moment before it is interrupted.
    """

    def __init__(self) -> None:
        self.seen = False
        self._thread = threading.get_ident()

    def __call__(self, inflight_tasks: int = 0, **_progress: object) -> None:
        if threading.get_ident() == self._thread and inflight_tasks > 0:
            self.seen = True


def _cut(piece: pl.DataFrame, rows: int, most: int) -> tuple[TruncatedBy | None, pl.DataFrame]:
    """As much of a piece as the limits allow, and which of them it met."""
    truncated_by: TruncatedBy | None = None
    if piece.height > rows:
        truncated_by, piece = "rows", piece.head(rows)
    weight = piece.estimated_size()
    if weight > most:
        truncated_by, piece = "bytes", piece.head(int(piece.height * max(0, most) / weight))
    return truncated_by, piece
