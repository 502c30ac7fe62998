"""Tables of DuckDB files and folders of Parquet files read in batches, and their keys."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from core.database.base import no_such_table
from core.database.batches import wanted_columns
from core.database.duckdb_errors import reason
from core.database.duckdb_files import load_duckdb
from core.database.duckdb_frames import kind_of_type
from core.database.duckdb_sql import quoted
from core.database.frames import DTYPES
from core.database.schema import Column, ForeignKey, TableSchema, with_declared_keys
from core.errors import QueryError

if TYPE_CHECKING:
    import duckdb

_AS_TEXT = ("TIME", "UUID", "BIT", "INTERVAL", "STRUCT", "MAP", "UNION", "ENUM", "VARIANT", "GEOMETRY")


def read_batches(
    cursor: "duckdb.DuckDBPyConnection",
    table: str,
    source: str,
    columns: Sequence[str] | Mapping[str, str] | None,
    rows: int,
) -> Iterator[pl.DataFrame]:
    """See ``Database.read_batches``; ``source`` is the table as SQL.

    Numbers with decimals come as decimals, so that none of their digits is lost.
    """
    types = column_types(cursor, source)
    wanted = wanted_columns({name: kind_of_type(kind) for name, kind in types.items()}, columns)
    listed = ", ".join(_read(name, types.get(name, "")) for name in wanted)
    told = False
    try:
        reader = cursor.sql(f"SELECT {listed} FROM {source}").to_arrow_reader(rows)
        for batch in reader:
            if batch.num_rows:
                told = True
                yield pl.DataFrame(batch)
    except load_duckdb().Error as error:
        raise QueryError(f"The table {table} cannot be read: {reason(error)}.") from error
    if not told:
        yield pl.DataFrame(schema={name: DTYPES[kind] for name, kind in wanted.items()})


def column_types(cursor: "duckdb.DuckDBPyConnection", source: str) -> dict[str, str]:
    """DuckDB's names of the types of the columns of ``source``."""
    return {row[0]: row[1] for row in cursor.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}


def table_schema(
    cursor: "duckdb.DuckDBPyConnection", table: str, source: str, told_key: tuple[str, ...]
) -> TableSchema:
    """See ``Database.table_schema``; ``told_key`` is the one that is only told, not enforced."""
    keys = cursor.execute(
        "SELECT constraint_type, constraint_column_names, referenced_table, referenced_column_names "
        "FROM duckdb_constraints() WHERE database_name = 'data' AND schema_name = 'main' AND table_name = ?",
        [table],
    ).fetchall()
    required = {name for kind, names, *_ in keys if kind == "NOT NULL" for name in names}
    columns = tuple(
        Column(name, kind_of_type(kind), name in required)
        for name, kind in column_types(cursor, source).items()
    )
    primary = next((tuple(names) for kind, names, *_ in keys if kind == "PRIMARY KEY"), told_key)
    foreign = tuple(
        ForeignKey(tuple(names), parent, tuple(there))
        for kind, names, parent, there in keys
        if kind == "FOREIGN KEY"
    )
    return with_declared_keys(TableSchema(table, columns, primary, foreign))


def require_table(source: str, table: str) -> str:
    """``source``, which is empty where there is no such table."""
    if not source:
        raise no_such_table(table)
    return source


def _read(name: str, kind: str) -> str:
    word = kind.upper()
    odd = word.endswith("]") or (word.startswith(_AS_TEXT) and not word.startswith("TIMESTAMP"))
    return f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" if odd else quoted(name)
