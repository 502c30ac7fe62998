"""Changing a DuckDB file that others read: a copy is changed and takes the file's place."""

import glob
import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from core.database.base import WriteMode
from core.database.closing import Closing
from core.database.duckdb_errors import reason, unreadable
from core.database.duckdb_files import Limits, connect, load_duckdb, log_of, require_duckdb_file, spill_folder
from core.database.duckdb_sql import SQL_TYPES, literal, quoted
from core.database.sqlite_write import kind_of_dtype
from core.errors import DatabaseError

if TYPE_CHECKING:
    import duckdb

_INCOMING = "_incoming_rows"


@dataclass(frozen=True)
class _Stream:
    """A frame as nothing but an Arrow stream: DuckDB would copy the texts of a frame that it recognises."""

    frame: pl.DataFrame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


class Rewrite(Closing):
    """A copy of a DuckDB file that can be changed, and takes the file's place with ``commit``.

    Only one at a time for each file, in all processes. A context manager: without ``commit`` nothing remains.

    Raises
    ------
    DatabaseError
        The file cannot be copied or is being rewritten by another.
    """

    def __init__(self, file: Path, limits: Limits, *, copy: bool = True) -> None:
        self.file = file
        self._limits = limits
        self._partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
        self._smaller = self._partial.with_name(f"{self._partial.name}.smaller")
        self._lock = locked(file)
        try:
            self._discard()
            self._remove_abandoned()
            if copy and file.exists():
                _require_quiet(file, limits)
                shutil.copy(file, self._partial)
                if log_of(file).exists():
                    shutil.copy(log_of(file), log_of(self._partial))
            self.connection: duckdb.DuckDBPyConnection = connect(
                str(self._partial), limits, spill_folder(self._partial)
            )
        except (OSError, load_duckdb().Error) as error:
            self._release()
            raise self.failure(error) from error
        except BaseException:
            self._release()
            raise

    def run(self, sql: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement on the copy.

        Raises
        ------
        DatabaseError
            DuckDB cannot run it.
        """
        try:
            return list(self.connection.execute(sql, list(values)).fetchall())
        except load_duckdb().Error as error:
            raise self.failure(error) from error

    def add(self, target: str, frame: pl.DataFrame, names: Iterable[str] = ()) -> None:
        """Add the rows of a frame to a table, into the named columns or all."""
        listed = f" ({', '.join(map(quoted, names))})" if names else ""
        add_rows(self.connection, f"{quoted(target)}{listed}", frame)

    def commit(self) -> None:
        """Let readers see the copy in place of the file."""
        try:
            self.connection.execute("CHECKPOINT")
            unused = self.connection.execute(
                "SELECT free_blocks > used_blocks FROM pragma_database_size()"
            ).fetchone()
            if unused and unused[0]:
                self._compact()
            self.connection.close()
            log_of(self.file).unlink(missing_ok=True)  # its changes are in the copy
            os.replace(self._partial, self.file)
        except (OSError, load_duckdb().Error) as error:
            raise self.failure(error) from error

    def _compact(self) -> None:
        """Leave out the room that replaced tables took."""
        name = str(self.connection.execute("SELECT current_database()").fetchall()[0][0])
        self.connection.execute(f"ATTACH {literal(self._smaller)} AS smaller_copy")
        self.connection.execute(f"COPY FROM DATABASE {quoted(name)} TO smaller_copy")
        self.connection.execute("DETACH smaller_copy")
        self.connection.close()
        os.replace(self._smaller, self._partial)

    def close(self) -> None:
        """End; remove the copy if it has not taken the file's place."""
        self.connection.close()
        self._release()

    def failure(self, error: Exception) -> DatabaseError:
        """Why nothing was changed."""
        return DatabaseError(
            f"{self.file.name} cannot be written: {reason(error)}.",
            "Check that the folder is yours and that the disk has room for a second copy.",
        )

    def _release(self) -> None:
        self._discard()
        self._lock.close()

    def _remove_abandoned(self) -> None:
        """Remove what processes left that were killed: nobody else holds the lock."""
        for path in self.file.parent.glob(f".{glob.escape(self.file.name)}.*.partial*"):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _discard(self) -> None:
        for path in (
            self._partial,
            log_of(self._partial),
            self._partial.with_name(f"{self._partial.name}.smaller"),
        ):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def add_rows(connection: "duckdb.DuckDBPyConnection", target: str, frame: pl.DataFrame) -> None:
    """Add the rows of a frame to ``target``, a table as SQL with the columns to fill, if not all."""
    connection.register(_INCOMING, _Stream(frame))
    try:
        connection.execute(f"INSERT INTO {target} SELECT * FROM {_INCOMING}")
    finally:
        connection.unregister(_INCOMING)


def _require_quiet(file: Path, limits: Limits) -> None:
    """Check that nobody writes to the file itself; its changes would be lost."""
    require_duckdb_file(file)
    with connect(":memory:", limits, None) as connection:
        try:
            connection.execute(f"ATTACH {literal(file)} AS data (READ_ONLY)")
        except load_duckdb().Error as error:
            raise unreadable(file, error) from error


def locked(file: Path) -> sqlite3.Connection:
    """A lock on rewriting ``file``, held until closed; SQLite's own ends with the process that holds it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(
            file.with_name(f".{file.name}.lock"), isolation_level=None, timeout=0, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(
            f"The folder {file.parent} cannot be written: {error}.", "Check that it exists and is yours."
        ) from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            message = f"{file.name} is being loaded by another."
            raise DatabaseError(message, "Wait until that load has ended.") from error
        raise DatabaseError(f"The folder {file.parent} cannot be written: {error}.") from error
    return lock


def column_types(table: str, frame: pl.DataFrame) -> dict[str, str]:
    """How the columns of ``frame`` are declared, by name.

    Raises
    ------
    DatabaseError
        A column has a type that cannot be stored.
    """
    kinds = {name: kind_of_dtype(dtype) for name, dtype in frame.schema.items()}
    unfit = [f"{name} ({frame.schema[name]})" for name, kind in kinds.items() if kind is None]
    if unfit or not kinds:
        raise DatabaseError(f"The table {table} cannot be stored: {', '.join(unfit) or 'it has no columns'}.")
    return {name: SQL_TYPES[kind or "text"] for name, kind in kinds.items()}


def write_frame(file: Path, table: str, frame: pl.DataFrame, mode: WriteMode, limits: Limits) -> None:
    """Store ``frame`` as ``table``; readers see all of it or nothing.

    Raises
    ------
    DatabaseError
        A column has a type that cannot be stored, or the columns do not fit the table that is appended to.
    """
    types = column_types(table, frame)
    columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
    with Rewrite(file, limits) as rewrite:
        try:
            if mode == "replace":
                rewrite.connection.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
            rewrite.connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({columns})")
            rewrite.add(table, frame, types)
        except load_duckdb().Error as error:
            raise DatabaseError(f"The table {table} cannot be stored: {reason(error)}.") from error
        rewrite.commit()
