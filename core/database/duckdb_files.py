"""DuckDB files and folders of Parquet files: what they hold, when that changed, and DuckDB's own settings."""

import hashlib
import itertools
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from core.errors import DatabaseError

if TYPE_CHECKING:
    import duckdb

_MAGIC = b"DUCK"
_MAGIC_AT = 8
_SIZE = re.compile(r"(\d+(\.\d+)?\s*[KMGT]i?B)?", re.I)
_SUFFIX = ".parquet"
_LEAST_MEMORY, _MOST_MEMORY = 1 << 30, 4 << 30
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_NUMBERS = itertools.count(1)
LOAD_REMEDY = "Check the address, or load data into it: sales-dashboard ingest PATH --database duckdb:///FILE"


@dataclass(frozen=True)
class Limits:
    """What DuckDB may use: memory such as ``4GB`` and threads; empty and 0 for a share of the machine."""

    memory: str = ""
    threads: int = 0


def limits_of(options: Mapping[str, str]) -> Limits:
    """The limits that an address names after its ``?``: ``memory_limit=4GB`` and ``threads=2``.

    Raises
    ------
    DatabaseError
        Another option, or a value that is no size or number.
    """
    memory, threads = options.get("memory_limit", ""), options.get("threads", "")
    unknown = set(options) - {"memory_limit", "threads"}
    if (
        unknown
        or not re.fullmatch(r"(\d+(\.\d+)?\s*[KMGT]i?B)?", memory, re.I)
        or not re.fullmatch(r"\d*", threads)
    ):
        raise DatabaseError(
            "The options of the DuckDB address cannot be used.",
            "Give sizes and numbers, such as ?memory_limit=4GB&threads=2",
        )
    return Limits(memory, int(threads or 0))


def load_duckdb() -> ModuleType:
    """The package ``duckdb``, imported when it is first needed.

    Raises
    ------
    DatabaseError
        It is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise DatabaseError(
            "DuckDB and Parquet need the package duckdb, which is not installed.",
            "Install it with: pip install duckdb",
        ) from error
    return duckdb


def connect(path: str, limits: Limits, spill: Path | None) -> "duckdb.DuckDBPyConnection":
    """A connection that installs nothing, sees no Python variables, and keeps to ``limits``.

    Parameters
    ----------
    spill
        Folder for what does not fit in memory, made and removed by DuckDB; ``None``: nothing is written.
    """
    memory = limits.memory or f"{_memory_share() >> 20}MiB"
    settings = {
        "memory_limit": memory,
        "temp_directory": str(spill) if spill else "",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
    }
    if limits.threads:
        settings["threads"] = str(limits.threads)
    connection: duckdb.DuckDBPyConnection = load_duckdb().connect(path, config=settings)
    return connection


def spill_folder(beside: Path) -> Path | None:
    """A folder of this connection's own for what does not fit in memory; ``None`` where none can be made."""
    folder = beside.absolute().parent
    if not os.access(folder, os.W_OK):
        return None
    return folder / f".{beside.name}.{os.getpid()}-{next(_NUMBERS)}.spill"


def _memory_share() -> int:
    """Half of the memory of machine or container, between 1 and 4 GiB."""
    found = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else _MOST_MEMORY
    )
    for file in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):
            found = min(found, int(Path(file).read_text(encoding="ascii")))
    return min(_MOST_MEMORY, max(_LEAST_MEMORY, found // 2))


def require_duckdb_file(file: Path) -> None:
    """Check that ``file`` is a DuckDB database.

    Raises
    ------
    DatabaseError
        There is no such file, it cannot be read, or it is something else.
    """
    if not file.is_file():
        raise DatabaseError(f"There is no database file {file}.", LOAD_REMEDY)
    try:
        with file.open("rb") as stream:
            start = stream.read(_MAGIC_AT + len(_MAGIC))
    except OSError as error:
        raise DatabaseError(f"The file {file} cannot be read: {error.strerror}.") from error
    if start[_MAGIC_AT:] != _MAGIC:
        raise DatabaseError(
            f"The file {file} is not a DuckDB database.",
            "Files of other kinds are loaded into one with: sales-dashboard ingest PATH --database duckdb:///FILE",
        )


def log_of(file: Path) -> Path:
    """The write-ahead log that a DuckDB file has while it is being written."""
    return file.with_name(f"{file.name}.wal")


def parquet_tables(folder: Path) -> dict[str, list[Path]]:
    """The tables of a folder: for each name its files, one beside the others or all those of a sub-folder.

    Raises
    ------
    DatabaseError
        There is no such folder, or its path has characters that DuckDB takes for a pattern.
    """
    if not folder.is_dir():
        raise DatabaseError(
            f"There is no folder {folder}.", "Check the address; it names a folder of Parquet files."
        )
    if re.search(r"[*?\[\]]", str(folder)):
        raise DatabaseError(f"The folder {folder} has one of * ? [ ] in its name.", "Rename it.")
    tables: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir(), key=lambda path: (path.is_file(), path.name)):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            files = sorted(file for file in entry.glob(f"*{_SUFFIX}") if not file.name.startswith("."))
            if files:
                tables[entry.name] = files
        elif entry.suffix.lower() == _SUFFIX:  # after the sub-folders: a file counts before a folder
            tables[entry.stem] = [entry]
    return tables


def sql_views(folder: Path) -> dict[str, str]:
    """The views of a folder of Parquet files: the SELECT in each file ``name.sql``."""
    files = (file for file in sorted(folder.glob("*.sql")) if not file.name.startswith("."))
    try:
        return {file.stem: file.read_text(encoding="utf-8").strip().removesuffix(";") for file in files}
    except (OSError, UnicodeDecodeError) as error:
        raise DatabaseError(f"The SQL files of {folder} cannot be read: {error}.") from error


def version_of(files: list[Path]) -> str:
    """A text that changes with every change of the files or of what files there are."""
    digest = hashlib.blake2b(digest_size=12)
    try:
        for file in files:
            stat = file.stat()
            digest.update(f"{file}\0{stat.st_ino}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    except OSError as error:
        raise DatabaseError(f"The file {file} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
