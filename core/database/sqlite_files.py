"""SQLite files: which file an address means, how it is opened for reading, and when its contents changed."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import DatabaseError

_MAGIC = b"SQLite format 3\x00"
_BUSY_SECONDS = 30.0
_OPEN: dict[tuple[int, int], int] = {}
_OPEN_LOCK = threading.Lock()
_READABLE_PRAGMAS = {
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "foreign_key_list",
}
_VALUE_PRAGMAS = {"schema_version", "data_version", "user_version", "page_count", "page_size", "encoding"}


def is_sqlite_file(file: Path) -> bool:
    """Whether ``file`` is an SQLite database; an empty file is one that nobody has written to yet."""
    return _start_of(file, len(_MAGIC)) in (_MAGIC, b"")


def _start_of(file: Path, size: int) -> bytes:
    """The first bytes of a file, without ever closing it.

    Closing a file gives up every lock that this process has on it, those of SQLite's connections included:
    writers in other processes would then remove the write-ahead log under them, and they would go on reading
    old data.
    """
    if not hasattr(os, "pread"):  # systems whose locks belong to the open file
        with file.open("rb") as stream:
            return stream.read(size)
    stat = file.stat()
    with _OPEN_LOCK:
        handle = _OPEN.get((stat.st_dev, stat.st_ino))
        if handle is None:
            for key in [key for key, old in _OPEN.items() if not os.fstat(old).st_nlink]:
                os.close(_OPEN.pop(key))
            handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            opened = os.fstat(handle)
            _OPEN[opened.st_dev, opened.st_ino] = handle
        return os.pread(handle, size, 0)


def require_sqlite_file(file: Path) -> None:
    """Check that ``file`` can be opened.

    Raises
    ------
    DatabaseError
        There is no such file, it cannot be read, or it is not an SQLite database.
    """
    if not file.is_file():
        raise DatabaseError(
            f"There is no database file {file}.",
            "Check the address, or load data into it: sales-dashboard ingest PATH --database sqlite:///FILE",
        )
    try:
        known = is_sqlite_file(file)
    except OSError as error:
        raise DatabaseError(f"The file {file} cannot be read: {error.strerror}.") from error
    if not known:
        raise DatabaseError(
            f"The file {file} is not an SQLite database.",
            "CSV files and dumps are loaded into one with: sales-dashboard ingest PATH",
        )


def connect_for_reading(file: Path) -> sqlite3.Connection:
    """A connection that cannot change the file; ``query_only`` is left off for creating temporary views.

    A file in a folder that cannot be written to is opened as immutable, since SQLite could not make the
    side files that its write-ahead log needs.
    """
    uri = f"{file.absolute().as_uri()}?mode=ro"
    sealed = not os.access(file.parent, os.W_OK) and not _log_of(file).exists()
    modes = [f"{uri}&immutable=1"] if sealed else [uri, f"{uri}&immutable=1"]
    for attempt in modes:
        connection = sqlite3.connect(
            attempt, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
        try:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            connection.close()
            reason = error
            if isinstance(error, sqlite3.OperationalError) and not _log_of(file).exists():
                continue
            break
        return connection
    raise DatabaseError(f"The database {file} cannot be opened: {reason}.") from reason


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection for reading, which stays open unless the block that makes it ready fails."""
    connection = connect_for_reading(file)
    try:
        yield connection
    except sqlite3.Error as error:
        connection.close()
        raise DatabaseError(f"The database {file} cannot be read: {error}.") from error
    except BaseException:
        connection.close()
        raise


def forbid_side_doors(connection: sqlite3.Connection) -> None:
    """Switch off every statement that changes data, opens other files or loosens these limits."""
    connection.execute("PRAGMA query_only = ON")

    def allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_PRAGMA:
            name = (first or "").lower()
            harmless = name in _READABLE_PRAGMAS or (name in _VALUE_PRAGMAS and second is None)
            return sqlite3.SQLITE_OK if harmless else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK

    connection.set_authorizer(allowed)


def connect_for_writing(file: Path) -> sqlite3.Connection:
    """A connection for one writer; the file is created if need be. Transactions are begun explicitly."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            file.absolute(), isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(
            f"The database {file} cannot be written: {error}.", "Check that the folder exists and is yours."
        ) from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error as error:
        connection.close()
        raise DatabaseError(f"The database {file} cannot be written: {error}.") from error
    return connection


def version_of(file: Path) -> str:
    """A text that changes with every committed change of the file.

    It is made of what SQLite itself keeps: size, time and change counter of the file, and size and salt of
    the write-ahead log where there is one with contents.
    """
    try:
        stat = file.stat()
        counter = _start_of(file, 28)[24:].hex()
        parts = [f"{stat.st_ino:x}", f"{stat.st_size:x}", f"{stat.st_mtime_ns:x}", counter]
        log = _log_of(file)
        if log.exists() and (size := log.stat().st_size):
            with log.open("rb") as stream:
                parts += [f"{size:x}", f"{log.stat().st_mtime_ns:x}", stream.read(24)[16:].hex()]
    except OSError as error:
        raise DatabaseError(f"The database {file} cannot be read: {error.strerror}.") from error
    return "-".join(parts)


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")
