"""Databases: the address alone selects the engine."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

from core.database.base import Database, Health, TableInfo
from core.errors import DatabaseError

__all__ = [
    "Database",
    "Health",
    "TableInfo",
    "database_path",
    "is_server",
    "open_database",
    "shown_url",
    "sqlite_file",
]

_SQLITE_SUFFIXES = {".sqlite", ".sqlite3", ".db"}
_SCHEMES = {"sqlite": "SQLite", "duckdb": "DuckDB", "parquet": "Parquet"}
SERVERS = ("postgresql", "postgres", "mysql", "mariadb", "mssql", "azuresql", "databricks", "sc")
"""Schemes of addresses of servers; what opens them is in ``core.database.server.opening``."""
_EXAMPLE = "Give an address such as sqlite:////data/company.sqlite"
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")


def open_database(url: str, *, read_only: bool = True) -> Database:
    """The database at ``url``.

    Parameters
    ----------
    url
        ``sqlite:////absolute/file``, ``duckdb:////absolute/file`` or ``parquet:////absolute/folder``. With
        three slashes the path is below the current folder if it is there, else from the root. The plain path
        of an SQLite file will do, and one that ends in ``.duckdb``. DuckDB and Parquet take the options
        ``?memory_limit=4GB&threads=2``. Servers are ``postgresql://user@host/database`` and so on
        (docs/databases.md); their password may come from ``SALES_DATABASE_PASSWORD``.
    read_only
        Whether ``write`` is refused; with ``False`` a missing file is made by the first write.

    Raises
    ------
    DatabaseError
        The engine is unknown, or the database is missing, unreadable or something else. Passwords in the
        address are never repeated.
    """
    if url.strip().lower().startswith("sc:"):
        from core.database.spark import SparkDatabase, spark_address

        return SparkDatabase(spark_address(url), read_only=read_only)
    if is_server(url):
        from core.database.server.opening import open_server

        return open_server(url, read_only=read_only)
    scheme, path, options = _parts(url)
    if scheme == "sqlite":
        from core.database.sqlite import SqliteDatabase

        return SqliteDatabase(path, read_only=read_only)
    from core.database.duckdb import DuckdbDatabase, ParquetDatabase
    from core.database.duckdb_files import limits_of

    kind = ParquetDatabase if scheme == "parquet" else DuckdbDatabase
    return kind(path, read_only=read_only, limits=limits_of(dict(parse_qsl(options, keep_blank_values=True))))


def sqlite_file(url: str) -> Path:
    """The file that an SQLite address or path means; it need not exist.

    Raises
    ------
    DatabaseError
        The address belongs to another engine or to none, or names no file.
    """
    scheme, path, _ = _parts(url)
    if scheme != "sqlite":
        raise DatabaseError(f"{shown_url(url)} is not the address of an SQLite file.", _EXAMPLE)
    return path


def database_path(url: str) -> Path:
    """The file or folder that an address means, whatever its engine; it need not exist.

    Raises
    ------
    DatabaseError
        The address belongs to no known engine or names no file.
    """
    if is_server(url):
        raise DatabaseError(f"{shown_url(url)} is on a server and no file.", _EXAMPLE)
    return _parts(url)[1]


def is_server(url: str) -> bool:
    """Whether an address is that of a database server, which has no file or folder of its own."""
    return url.strip().partition(":")[0].partition("+")[0].lower() in SERVERS


def _parts(url: str) -> tuple[str, Path, str]:
    """Scheme, path and options of an address."""
    address = url.strip()
    found = _SCHEME.match(address)
    if not address:
        raise DatabaseError("No database address was given.", _EXAMPLE)
    if found is None:
        path = Path(address).expanduser()
        if path.suffix.lower() == ".duckdb":
            return "duckdb", path, ""
        if path.is_file() or path.suffix.lower() in _SQLITE_SUFFIXES:
            return "sqlite", path, ""
        raise DatabaseError(
            f"{shown_url(address)!r} is neither a database address nor an SQLite file.", _EXAMPLE
        )
    scheme = found[1].lower()
    if scheme not in _SCHEMES:
        raise DatabaseError(
            f"No engine is known for addresses that begin with {found[1]}:",
            f"{_EXAMPLE}, or one of a server: {', '.join(name for name in SERVERS)}.",
        )
    rest, _, options = address[len(scheme) + 1 :].partition("?")
    if not rest.startswith("///") or not rest[3:].strip() or rest[3:] == ":memory:":
        what = "folder" if scheme == "parquet" else "file"
        raise DatabaseError(f"The {_SCHEMES[scheme]} address names no {what}.", _EXAMPLE)
    below_here, from_root = Path(rest[3:]).expanduser(), Path(rest[2:])
    if not below_here.exists() and (from_root.exists() or not below_here.parent.exists()):
        return scheme, from_root if from_root.parent.exists() else below_here, options
    return scheme, below_here, options


def shown_url(url: str) -> str:
    """``url`` as it may be shown: without password and without options, which may hold one."""
    hidden = re.sub(r"//([^/@:]*):.*@", r"//\1:…@", url, flags=re.S)
    return re.split(r"\?|/?;", hidden, maxsplit=1)[0]
