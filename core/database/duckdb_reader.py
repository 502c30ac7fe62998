"""One opened state of a DuckDB file or a folder of Parquet files, for reading only.

Tables are seen through views of a catalog in memory, beside the staging views. A file is attached to that
catalog and never opened directly: DuckDB would otherwise hand out the old file after it has been replaced.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from core.database.base import TableInfo
from core.database.changes import HIDDEN
from core.database.duckdb_errors import reason, unreadable
from core.database.duckdb_files import Limits, connect, load_duckdb, spill_folder
from core.database.duckdb_sql import literal, quoted
from core.database.duckdb_staging import column_kinds, create_staging, likely_types
from core.database.staging import Staging
from core.errors import DatabaseError
from core.sql_files import column_type

if TYPE_CHECKING:
    import duckdb

_NOT_ONE = "its file holds something else than one SELECT"


@dataclass(frozen=True)
class Reader:
    """A database as it was at one moment.

    Attributes
    ----------
    tables
        Kind (table or view) of everything but the staging views, by name.
    broken
        Why they do not work, of the views of the database that do not, by name.
    likely
        The type of each column name on which all tables and staging views agree.
    """

    connection: "duckdb.DuckDBPyConnection"
    tables: Mapping[str, str]
    staging: Staging
    likely: Mapping[str, str]
    version: str
    broken: Mapping[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Give the connection back; those who share the state keep it."""
        self.connection.close()

    def share(self) -> "Reader":
        """The same state with a connection of its own, to be closed."""
        return replace(self, connection=self.connection.cursor())

    @contextmanager
    def cursor(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A connection of its own, in a transaction that cannot write."""
        cursor = self.connection.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            yield cursor
        finally:
            cursor.close()


def open_file(file: Path, version: str, limits: Limits) -> Reader:
    """The tables of a DuckDB file; no other file can be read.

    Raises
    ------
    DatabaseError
        The file cannot be opened, for instance because a program is writing to it.
    """
    connection = connect(":memory:", limits, spill_folder(file))
    try:
        connection.execute(f"ATTACH {literal(file)} AS data (READ_ONLY)")
        found = connection.execute(
            "SELECT table_name, 'table' FROM duckdb_tables() "
            "WHERE database_name = 'data' AND schema_name = 'main' UNION ALL "
            "SELECT view_name, 'view' FROM duckdb_views() "
            "WHERE database_name = 'data' AND schema_name = 'main' AND NOT internal"
        ).fetchall()
        sources = {name: f"data.main.{quoted(name)}" for name, _ in found if not name.startswith(HIDDEN)}
        return _reader(connection, sources, dict(found), version)
    except load_duckdb().Error as error:
        connection.close()
        raise unreadable(file, error) from error
    except BaseException:
        connection.close()
        raise


def open_folder(
    folder: Path, tables: Mapping[str, list[Path]], views: Mapping[str, str], version: str, limits: Limits
) -> Reader:
    """The tables of a folder of Parquet files with views over them; nothing outside the folder can be read.

    Raises
    ------
    DatabaseError
        A file is damaged, or the files of one table differ in their columns.
    """
    connection = connect(":memory:", limits, spill_folder(folder))
    try:
        connection.execute(f"SET allowed_directories = [{literal(f'{folder.absolute()}/')}]")
        refused = {name: _NOT_ONE for name, text in views.items() if not is_one_select(connection, text)}
        sources = {name: f"({text}\n)" for name, text in views.items() if name not in refused}
        sources |= {name: parquet_source(files) for name, files in tables.items()}
        kinds = {**dict.fromkeys(views, "view"), **dict.fromkeys(tables, "table")}
        return _reader(connection, sources, kinds, version, refused)
    except load_duckdb().Error as error:
        connection.close()
        raise DatabaseError(f"The folder {folder} cannot be read: {reason(error)}.") from error
    except BaseException:
        connection.close()
        raise


def is_one_select(connection: "duckdb.DuckDBPyConnection", text: str) -> bool:
    """Whether a text is one statement that reads, and no more."""
    try:
        return [str(s.type.name) for s in connection.extract_statements(text)] == ["SELECT"]
    except load_duckdb().Error:
        return False


def parquet_source(files: list[Path]) -> str:
    """The rows of some Parquet files as SQL."""
    return f"read_parquet([{', '.join(literal(file.absolute()) for file in files)}])"


def _reader(
    connection: "duckdb.DuckDBPyConnection",
    sources: Mapping[str, str],
    kinds: Mapping[str, str],
    version: str,
    refused: Mapping[str, str] = MappingProxyType({}),
) -> Reader:
    """Create the views but for those ``refused``, then shut out every other file and lock the settings."""
    connection.execute("SET enable_external_access = false")
    tables: dict[str, str] = {}
    broken: dict[str, str] = {}
    waiting = sorted(sources, key=lambda name: kinds[name])  # tables first
    while waiting:
        broken = {}
        for name in waiting:
            try:
                connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT * FROM {sources[name]}")
                tables[name] = kinds[name]
            except load_duckdb().Error as error:
                if kinds[name] == "table":
                    raise
                broken[name] = reason(error)
        if len(broken) == len(waiting):
            break
        waiting = list(broken)  # they may read views that have only now been made
    broken |= refused
    staging = create_staging(connection, [*tables, *broken])
    connection.execute("SET lock_configuration = true")
    return Reader(connection, tables, staging, likely_types(connection, staging), version, broken)


def described(reader: Reader) -> list[TableInfo]:
    """Everything that can be queried, by name."""
    with reader.cursor() as cursor:
        found = []
        for name, kind in reader.tables.items():
            count = None
            if kind == "table":
                row = cursor.execute(f"SELECT COUNT(*) FROM {quoted(name)}").fetchone()
                count = int(row[0]) if row else 0
            table: TableInfo = TableInfo(
                name, "view" if kind == "view" else "table", column_kinds(cursor, name), count
            )
            found.append(table)
        for name, file in reader.staging.views.items():
            columns = {column: column_type(text) for column, text in file.columns.items()}
            found.append(TableInfo(name, "view", columns))
        found += [TableInfo(name, "view", broken=why) for name, why in reader.broken.items()]
    return sorted(found, key=lambda table: table.name)
