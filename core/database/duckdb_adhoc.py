"""DuckDB for SQL that a person typed: a cursor that can only read its database, within limits."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import polars as pl

from core.database.adhoc import AdhocConnection, Fetched, TruncatedBy, Watch
from core.database.duckdb import DuckdbDatabase
from core.database.duckdb_places import EXPLAIN, explained
from core.database.frames import unique_names
from core.database.staging import Staging, explain_missing
from core.errors import DatabaseError
from core.sql_guard import CheckedStatement, StatementError, allowed_functions, refused_at

if TYPE_CHECKING:
    import duckdb

_BLOCK_ROWS = 10_000
_LOCKED = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
}
_FROM_ONLY = {"range", "generate_series"}
_SCHEMAS = {"", "main", "information_schema", "pg_catalog"}


class DuckdbAdhoc(AdhocConnection):
    """A cursor of ``connection``, which must be open for reading only; its configuration is locked.

    Parameters
    ----------
    connection
        A connection made with ``read_only=True``, or one whose configuration is locked already and which
        may read nothing but its own folder.
    staging
        Its staging views, for sentences about those that the database cannot have.
    """

    dialect = "duckdb"

    def __init__(self, connection: "duckdb.DuckDBPyConnection", staging: Staging | None = None) -> None:
        confine(connection)
        self._cursor = connection.cursor()
        self._staging = staging or Staging()
        self._relations = relations_of(self._cursor)

    def fetch(
        self,
        statement: CheckedStatement,
        params: Mapping[str, object],
        watch: Watch,
        declared: Mapping[str, str],  # noqa: ARG002 - DuckDB's columns have types of their own
    ) -> Fetched:
        with self._running(statement, watch):
            require_reading(self._cursor, statement.sql, self._relations, self._staging)
            # The relation gets no name: its repr, as tracebacks show it, would run the query.
            with self._cursor.sql(statement.sql, params=dict(params) or None).to_arrow_reader(
                min(_BLOCK_ROWS, watch.limits.max_rows + 1)
            ) as reader:
                return _within_limits(reader, watch)

    def plan(self, statement: CheckedStatement, params: Mapping[str, object], watch: Watch) -> str:
        with self._running(statement, watch):
            require_reading(self._cursor, statement.sql, self._relations, self._staging)
            rows = self._cursor.execute(f"{EXPLAIN}{statement.sql}", dict(params)).fetchall()
        return "\n".join(str(row[-1]).rstrip() for row in rows)

    def close(self) -> None:
        self._cursor.close()

    @contextmanager
    def _running(self, statement: CheckedStatement, watch: Watch) -> Iterator[None]:
        import duckdb

        watch.check()
        self._cursor.execute("BEGIN TRANSACTION READ ONLY")
        try:
            with watch.interrupting(self._cursor.interrupt):
                yield
        except (duckdb.Error, pl.exceptions.PolarsError, RuntimeError, OSError, MemoryError) as error:
            if watch.is_over() or isinstance(error, duckdb.InterruptException) or "Interrupted" in str(error):
                raise watch.reason() from None
            self._end()
            raise explained(self._with_place(error, statement), statement.sql) from error

        finally:
            self._end()

    def _end(self) -> None:
        import duckdb

        with suppress(duckdb.Error):  # an error may have ended the transaction already
            self._cursor.execute("ROLLBACK")

    def _with_place(self, error: Exception, statement: CheckedStatement) -> Exception:
        """The same error with its place, which DuckDB leaves out of the errors of relations."""
        import duckdb

        if isinstance(error, duckdb.BinderException | duckdb.CatalogException) and "LINE " not in str(error):
            try:
                values = dict.fromkeys(statement.parameters)
                self._cursor.execute(f"{EXPLAIN}{statement.sql}", values)
            except duckdb.Error as again:
                return again
        return error


@contextmanager
def adhoc_of(database: DuckdbDatabase) -> Iterator[DuckdbAdhoc]:
    """A connection for typed SQL to the present state of a DuckDB database or folder of Parquet files."""
    with database.current() as reader, DuckdbAdhoc(reader.connection, reader.staging) as adhoc:
        yield adhoc


def confine(connection: "duckdb.DuckDBPyConnection") -> None:
    """Shut files, extensions and Python variables out, and lock the configuration.

    Raises
    ------
    DatabaseError
        The database can be written to, or its configuration is locked in a state that allows files.
    """
    import duckdb

    cursor = connection.cursor()
    writable = cursor.execute(
        "SELECT database_name FROM duckdb_databases() WHERE NOT readonly AND NOT internal"
        " AND path IS NOT NULL"
    ).fetchall()
    if writable:
        raise DatabaseError(
            f"The DuckDB database {writable[0][0]} is open for writing.", "Open it with read_only=True."
        )
    for setting, value in _LOCKED.items():
        try:
            cursor.execute(f"SET {setting} = {value}")
        except duckdb.Error:
            found = cursor.execute("SELECT current_setting(?)", [setting]).fetchall()
            if str(found[0][0]).lower() != value:
                cursor.close()
                raise DatabaseError(f"DuckDB's setting {setting} is not {value}, and locked.") from None
    cursor.close()


def relations_of(cursor: "duckdb.DuckDBPyConnection") -> frozenset[str]:
    """Lower-case names of all tables and views that the cursor sees."""
    rows = cursor.execute(
        "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views()"
    ).fetchall()
    return frozenset(str(row[0]).lower() for row in rows)


def require_reading(
    cursor: "duckdb.DuckDBPyConnection",
    sql: str,
    relations: frozenset[str],
    staging: Staging | None = None,
) -> None:
    """Check with DuckDB's own parser that ``sql`` is one SELECT that reads tables with harmless functions.

    Raises
    ------
    StatementError
        It is something else.
    MissingDataError
        It reads a staging view whose tables are not in the database.
    """
    statements = cursor.extract_statements(sql)
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        raise StatementError("The query may only be one SELECT", "Type one SELECT.")
    found = cursor.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(found[0][0])
    if tree.get("error"):
        raise StatementError(f"The query may only be one SELECT: {tree.get('error_message', '')}")
    nodes = list(_nodes(tree))
    names = relations | {str(key).lower() for node in nodes for key in _cte_names(node)}
    functions = allowed_functions("duckdb")
    table_calls = {id(node.get("function")) for node in nodes if node.get("type") == "TABLE_FUNCTION"}
    for node in nodes:
        relation = str(node.get("table_name")).lower() if node.get("type") == "BASE_TABLE" else ""
        known = not relation or relation in names
        if not known and staging and (missing := explain_missing(relation, staging, "The query")):
            raise missing
        _check_node(sql, node, names, functions, id(node) in table_calls)


def _check_node(
    sql: str, node: dict[str, Any], names: Collection[str], functions: Collection[str], in_from: bool
) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        table, schema = str(node.get("table_name")), str(node.get("schema_name") or "")
        if table.lower() not in names or schema.lower() not in _SCHEMAS:
            nearest = get_close_matches(table.lower(), list(names), n=3)
            remedy = f"Nearest names: {', '.join(nearest)}." if nearest else "Files cannot be read here."
            raise refused_at(sql, _place(sql, node), f"There is no table {table}", remedy)
    elif kind in ("SHOW_REF", "PIVOT"):
        raise refused_at(sql, _place(sql, node), "Only SELECT can be run here", "Use SELECT.")
    elif node.get("function_name") and not node.get("is_operator"):
        name = str(node["function_name"]).lower()
        if name not in functions or (name in _FROM_ONLY and not in_from):
            raise refused_at(
                sql, _place(sql, node), f"The function {name} cannot be used here", "Leave it out."
            )


def _place(sql: str, node: dict[str, Any]) -> int:
    """The offset in characters; DuckDB counts bytes, and says nonsense where it knows none."""
    text, place = sql.encode(), int(node.get("query_location", 0))
    return len(text[:place].decode(errors="ignore")) if 0 <= place <= len(text) else 0


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _cte_names(node: dict[str, Any]) -> list[str]:
    ctes = node.get("cte_map")
    found = [entry["key"] for entry in ctes.get("map", ())] if isinstance(ctes, dict) else []
    return [*found, node["cte_name"]] if isinstance(node.get("cte_name"), str) else found


def _within_limits(reader: Any, watch: Watch) -> Fetched:
    pieces: list[pl.DataFrame] = []
    used, truncated_by = 0, None
    names = unique_names(reader.schema.names)
    empty = pl.DataFrame(pl.from_arrow(_readable(reader.schema.empty_table(), names)))
    for batch in reader:
        piece = pl.DataFrame(pl.from_arrow(_readable(batch, names)))
        left = watch.limits.max_rows - watch.rows
        truncated_by, piece = _cut(piece, left, watch.limits.max_bytes - used)
        used += int(piece.estimated_size())
        watch.rows += piece.height
        pieces.append(piece)
        watch.check()
        if truncated_by:
            break
    frame = pl.concat(pieces, rechunk=True) if pieces else empty
    return Fetched(pl.DataFrame([_plain(column) for column in frame]), truncated_by)


def _readable(batch: Any, names: list[str]) -> Any:
    """The batch with unique names, and intervals as text, since Polars has no type for them."""
    import pyarrow as pa

    batch = batch.rename_columns(names)
    for i, field in enumerate(batch.schema):
        if pa.types.is_interval(field.type):
            texts = [
                None if value is None else _interval_text(value) for value in batch.column(i).to_pylist()
            ]
            batch = batch.set_column(i, field.name, pa.array(texts, pa.string()))
    return batch


def _interval_text(value: Any) -> str:
    parts = [f"{n} {unit}" for n, unit in ((value.months, "months"), (value.days, "days")) if n]
    if value.nanoseconds or not parts:
        parts.append(f"{value.nanoseconds / 1e9:g} s")
    return " ".join(parts)


def _cut(piece: pl.DataFrame, rows: int, most: int) -> tuple[TruncatedBy | None, pl.DataFrame]:
    truncated_by: TruncatedBy | None = None
    if piece.height > rows:
        truncated_by, piece = "rows", piece.head(rows)
    weight = piece.estimated_size()
    if weight > most:
        truncated_by, piece = "bytes", piece.head(int(piece.height * max(0, most) / weight))
    return truncated_by, piece


def _plain(column: pl.Series) -> pl.Series:
    """Integers of any width as Int64, decimals and halves as Float64."""
    if column.dtype.is_decimal():
        whole = column.dtype.scale == 0 if isinstance(column.dtype, pl.Decimal) else False
        fitting = column.cast(pl.Int64, strict=False) if whole else None
        if fitting is not None and fitting.null_count() == column.null_count():
            return fitting
        return column.cast(pl.Float64)
    if column.dtype.is_integer() and column.dtype != pl.UInt64():
        return column.cast(pl.Int64)
    return column.cast(pl.Float64) if column.dtype.is_float() else column
