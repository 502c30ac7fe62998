"""Loading tables of Spark: rows are gathered in hidden tables, which then take the place of the old ones.

Every table takes its place at once, but not all together: readers may for a moment see new tables beside old.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from core.database.base import WriteMode
from core.database.changes import HIDDEN
from core.database.frames import DTYPES
from core.database.loading import BulkLoad, Key
from core.database.schema import Column, ForeignKey, TableSchema
from core.database.spark.frames import arrow_of
from core.database.spark.reader import catalogue, columns_of
from core.database.spark.session import load_pyspark, quoted, reason
from core.database.sqlite_write import kind_of_dtype
from core.errors import DatabaseError

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

LOAD_LOG = "sales_load_log"
_GATHERED_ROWS = 200_000
_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "STRING",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "binary": "BINARY",
}


class SparkLoad(BulkLoad):
    """A load through one session; see ``BulkLoad``.

    Parameters
    ----------
    of_files
        Names of tables that are read from a folder, and cannot be replaced here.
    finished
        Called after the tables have taken their places.
    """

    def __init__(
        self, session: "SparkSession", of_files: frozenset[str], finished: Callable[[], None]
    ) -> None:
        self._session, self._of_files, self._finished = session, of_files, finished
        self._schemas: dict[str, TableSchema] = {}
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._modes: dict[str, WriteMode] = {}
        self._failures: type[Exception] = load_pyspark().PySparkException

    def put(self, table: str, frame: pl.DataFrame, mode: WriteMode) -> None:
        """Load one frame, which says the columns of the table itself."""
        arrow_of(table, frame)
        columns = tuple(Column(n, kind_of_dtype(dtype) or "text") for n, dtype in frame.schema.items())
        self.create(TableSchema(table, columns))
        for part in frame.iter_slices(_GATHERED_ROWS):
            self.insert(table, part.get_columns())
        self.install(table, mode)

    def existing(self, table: str) -> TableSchema | None:
        known = {name.lower(): name for name in (*catalogue(self._session), *self._of_files)}
        name = known.get(table.lower())
        if name is None:
            return None
        columns = columns_of(self._session, name).items()
        return TableSchema(name, tuple(Column(column, kind) for column, kind in columns))

    def create(self, schema: TableSchema) -> None:
        if schema.name in self._of_files:
            raise DatabaseError(
                f"The table {schema.name} is read from files of the folder of the address.",
                "Replace the files there, or leave out the option tables.",
            )
        columns = ", ".join(f"{quoted(column.name)} {_TYPES[column.kind]}" for column in schema.columns)
        self._run(f"DROP TABLE IF EXISTS {_hidden(schema.name)}")
        self._run(f"CREATE TABLE {_hidden(schema.name)} ({columns})")
        self._schemas[schema.name] = schema
        self._waiting[schema.name] = []

    def insert(self, table: str, columns: Sequence[pl.Series]) -> bool:
        schema = self._schemas[table]
        self._waiting[table].append(
            pl.DataFrame(
                [
                    values.alias(column.name).cast(DTYPES[column.kind])
                    for column, values in zip(schema.columns, columns, strict=True)
                ]
            )
        )
        if sum(frame.height for frame in self._waiting[table]) >= _GATHERED_ROWS:
            self._send(table)
        return True

    def add_key(self, table: str) -> bool:
        self._send(table)
        keys = self._schemas[table].primary_key
        if not keys:
            return True
        listed = ", ".join(map(quoted, keys))
        twice = f"SELECT {listed} FROM {_hidden(table)} GROUP BY {listed} HAVING COUNT(*) > 1 LIMIT 1"
        return not self._rows(twice)

    def known_keys(self, table: str, most: int) -> list[Key]:
        old, keys = self.existing(table), self._schemas[table].primary_key
        if old is None or not keys:
            return []
        same = " AND ".join(f"n.{quoted(key)} = o.{quoted(key)}" for key in keys)
        listed = ", ".join(f"n.{quoted(key)}" for key in keys)
        return self._rows(
            f"SELECT {listed} FROM {_hidden(table)} AS n "
            f"WHERE EXISTS (SELECT 1 FROM {quoted(old.name)} AS o WHERE {same}) LIMIT {int(most)}"
        )

    def install(self, table: str, mode: WriteMode) -> None:
        self._send(table)
        old = self.existing(table)
        if mode == "append" and old is not None:
            new = {column.name for column in self._schemas[table].columns}
            have = {column.name.lower() for column in old.columns}
            if unknown := sorted(name for name in new if name.lower() not in have):
                raise DatabaseError(
                    f"The table {table} cannot be stored: it has no column named {', '.join(unknown)}."
                )
        self._modes[table] = mode

    def orphans(self, child: str, key: ForeignKey, most: int) -> tuple[int, list[Key]]:
        parent = _hidden(key.table) if key.table in self._modes else quoted(key.table)
        sources = [_hidden(child)]
        if self._modes.get(child) == "append" and self.existing(child) is not None:
            sources.append(quoted(child))
        rows = " UNION ALL ".join(
            f"SELECT {', '.join(map(quoted, key.columns))} FROM {source}" for source in sources
        )
        parents = f"SELECT * FROM {parent}"
        if self._modes.get(key.table) == "append" and self.existing(key.table) is not None:
            named = ", ".join(map(quoted, key.references))
            parents = f"SELECT {named} FROM {parent} UNION ALL SELECT {named} FROM {quoted(key.table)}"
        same = " AND ".join(
            f"c.{quoted(mine)} = p.{quoted(theirs)}"
            for mine, theirs in zip(key.columns, key.references, strict=True)
        )
        known = " AND ".join(f"c.{quoted(mine)} IS NOT NULL" for mine in key.columns)
        lost = (
            f"FROM ({rows}) AS c WHERE {known} AND NOT EXISTS (SELECT 1 FROM ({parents}) AS p WHERE {same})"
        )
        count = int(str(self._rows(f"SELECT COUNT(*) {lost}")[0][0]))
        listed = ", ".join(f"c.{quoted(mine)}" for mine in key.columns)
        return count, self._rows(f"SELECT DISTINCT {listed} {lost} LIMIT {int(most)}") if count else []

    def log(self, rows: Sequence[tuple[str, str, int, str]]) -> None:
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
        names = ("source", "table_name", "row_count", "mode")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        self.put(LOAD_LOG, pl.DataFrame({"loaded_at": [now] * len(rows)} | columns), "append")

    def commit(self) -> None:
        present = {name.lower() for name in catalogue(self._session)}
        for table, mode in self._modes.items():
            if mode == "append" and table.lower() in present:
                listed = ", ".join(quoted(column.name) for column in self._schemas[table].columns)
                self._run(f"INSERT INTO {quoted(table)} ({listed}) SELECT {listed} FROM {_hidden(table)}")
                continue
            self._run(f"DROP TABLE IF EXISTS {quoted(table)}")
            self._run(f"ALTER TABLE {_hidden(table)} RENAME TO {quoted(table)}")
            del self._schemas[table]
        self._modes.clear()
        self._finished()

    def close(self) -> None:
        for table in list(self._schemas):
            self._run(f"DROP TABLE IF EXISTS {_hidden(table)}")
            del self._schemas[table]

    def _send(self, table: str) -> None:
        """Give the rows that wait to Spark."""
        waiting = self._waiting[table]
        if not sum(frame.height for frame in waiting):
            return
        rows = self._session.createDataFrame(arrow_of(table, pl.concat(waiting)))
        self._waiting[table] = []
        try:
            rows.write.mode("append").insertInto(_hidden(table))
        except self._failures as error:
            raise DatabaseError(f"The table {table} cannot be stored: {reason(error)}.") from None

    def _run(self, statement: str) -> None:
        try:
            self._session.sql(statement)
        except self._failures as error:
            raise DatabaseError(
                f"Spark cannot store the rows: {reason(error)}.",
                "Check that the schema of the address may be written.",
            ) from None

    def _rows(self, query: str) -> list[Key]:
        found: list[Any] = self._session.sql(query).collect()
        return [tuple(row) for row in found]


def _hidden(table: str) -> str:
    return quoted(f"{HIDDEN}{table}")
