"""Databases: the address alone selects the engine."""

import re
from pathlib import Path

from core.database.base import Database, Health, TableInfo
from core.errors import DatabaseError

__all__ = ["Database", "Health", "TableInfo", "open_database", "shown_url", "sqlite_file"]

_SQLITE_SUFFIXES = {".sqlite", ".sqlite3", ".db"}
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")


def open_database(url: str, *, read_only: bool = True) -> Database:
    """The database at ``url``.

    Parameters
    ----------
    url
        ``sqlite:////absolute/file``, ``sqlite:///file`` (below the current folder if it is there, else from
        the root) or the plain path of an SQLite file.
    read_only
        Whether ``write`` is refused; with ``False`` a missing SQLite file is made by the first write.

    Raises
    ------
    DatabaseError
        The engine is unknown, or the database is missing, unreadable or something else. Passwords in the
        address are never repeated.
    """
    from core.database.sqlite import SqliteDatabase

    return SqliteDatabase(sqlite_file(url), read_only=read_only)


def sqlite_file(url: str) -> Path:
    """The file that an SQLite address or path means; it need not exist.

    Raises
    ------
    DatabaseError
        The address belongs to no known engine or names no file.
    """
    address = url.strip()
    scheme = _SCHEME.match(address)
    if not address:
        raise DatabaseError(
            "No database address was given.", "Give one such as sqlite:////data/company.sqlite"
        )
    if scheme is None:
        path = Path(address).expanduser()
        if path.is_file() or path.suffix.lower() in _SQLITE_SUFFIXES:
            return path
        raise DatabaseError(
            f"{shown_url(address)!r} is neither a database address nor an SQLite file.",
            "Give an address such as sqlite:////data/company.sqlite",
        )
    if scheme[1].lower() != "sqlite":
        raise DatabaseError(
            f"No engine is known for addresses that begin with {scheme[1]}:",
            "Give an address such as sqlite:////data/company.sqlite",
        )
    rest = re.sub(r"\?.*$", "", address[len("sqlite:") :])
    if not rest.startswith("///") or not rest[3:].strip() or rest[3:] == ":memory:":
        raise DatabaseError(
            "The SQLite address names no file.", "Give an address such as sqlite:////data/company.sqlite"
        )
    below_here, from_root = Path(rest[3:]).expanduser(), Path(rest[2:])
    if not below_here.exists() and (from_root.exists() or not below_here.parent.exists()):
        return from_root if from_root.parent.exists() else below_here
    return below_here


def shown_url(url: str) -> str:
    """``url`` as it may be shown: without password and without options, which may hold one."""
    return re.sub(r"//([^/@:]*):[^/@]*@", r"//\1:…@", url.split("?", 1)[0])
