"""Primary keys of DuckDB and Parquet tables: told beside the table, since nothing there enforces them.

A DuckDB table has its key as a comment, a Parquet file as metadata, so that an engine that the table is
copied to can have it again.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.database.duckdb_sql import literal

if TYPE_CHECKING:
    import duckdb

_SAYS = "primary key "
METADATA = "primary_key"


def told(key: Sequence[str]) -> str:
    """A key as text."""
    return _SAYS + json.dumps(list(key), ensure_ascii=False)


def understood(text: str | bytes | None, columns: Sequence[str]) -> tuple[str, ...]:
    """The key that a text tells, of a table with these columns; none if it tells something else."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""
    if not said.startswith(_SAYS):
        return ()
    try:
        key = json.loads(said.removeprefix(_SAYS))
    except ValueError:
        return ()
    fits = isinstance(key, list) and all(name in columns for name in key)
    return tuple(key) if fits else ()


def key_of_table(cursor: "duckdb.DuckDBPyConnection", table: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The key of a table of the attached file."""
    row = cursor.execute(
        "SELECT comment FROM duckdb_tables() "
        "WHERE database_name = 'data' AND schema_name = 'main' AND table_name = ?",
        [table],
    ).fetchone()
    return understood(row[0], columns) if row else ()


def key_of_file(cursor: "duckdb.DuckDBPyConnection", file: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The key that a Parquet file tells."""
    rows = cursor.execute(f"SELECT key, value FROM parquet_kv_metadata({literal(file)})").fetchall()
    found = next((value for name, value in rows if name == METADATA.encode()), None)
    return understood(found, columns)
