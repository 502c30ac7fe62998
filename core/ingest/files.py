"""Which tables the files of a load hold: by what is in a file, not by its ending alone."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.database.schema import declared_tables
from core.database.sqlite_files import is_sqlite_file
from core.errors import IngestError
from core.ingest.delimited import DelimitedFile
from core.ingest.mysql_dump import MySqlDump
from core.ingest.source import Source
from core.ingest.sqlite_tables import tables_of

_DELIMITED = {".csv", ".tsv", ".tab", ".txt"}
_SQLITE = {".sqlite", ".sqlite3", ".db"}
_KNOWN = "CSV, TSV, SQLite files and MySQL dumps (.sql) can be loaded."
_RESERVED = re.compile(r"^(sqlite_|_ingest_|stg_|sales_load_log$)", re.I)


def find_sources(paths: Iterable[Path], table: str | None = None) -> dict[str, list[Source]]:
    """The sources of each table, in the order of the paths; folders stand for the files in them.

    Parameters
    ----------
    table
        The table that all files are loaded into; by default each file's own name decides, and names of the
        declared tables are recognised however they are written (``Order Details.csv`` is orderdetails).

    Raises
    ------
    IngestError
        A path is missing, a file is of no known kind, or two files are for one table.
    """
    found: dict[str, list[Source]] = {}
    for path in _files(paths):
        sources = _sources(path)
        if table is not None and len(sources) > 1:
            raise IngestError(f"{path.name} holds {len(sources)} tables.", "Leave out --table.")
        for source in sources:
            name = table if table is not None else target_name(source.name)
            _refuse_reserved(name, source.label)
            if name in found and table is None:
                both = f"{found[name][0].label} and {source.label}"
                raise IngestError(
                    f"{both} are both for the table {name}.", "Give one of them, or use --table."
                )
            found.setdefault(name, []).append(source)
    return found


def target_name(name: str) -> str:
    """The table that a file or table name stands for."""
    bare = bare_name(name)
    for declared in declared_tables():
        if bare == bare_name(declared):
            return declared
    clean = re.sub(r"\W+", "_", name.strip()).strip("_")
    return f"t_{clean}" if not clean or clean[0].isdigit() else clean


def bare_name(name: str) -> str:
    """``name`` in small letters and digits alone, so that Order_Number and orderNumber are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _files(paths: Iterable[Path]) -> Sequence[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            endings = _DELIMITED | _SQLITE | {".sql"}
            inside = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in endings)
            inside = [file for file in inside if not file.name.startswith(".")]
            if not inside:
                raise IngestError(f"The folder {path} holds nothing to load.", _KNOWN)
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise IngestError(f"There is no file or folder {path}.", "Check the path.")
    return files


def _sources(path: Path) -> Sequence[Source]:
    try:
        if path.stat().st_size and is_sqlite_file(path):
            return tables_of(path)
        suffix = path.suffix.lower()
        if suffix == ".sql":
            return MySqlDump(path).sources()
        if suffix in _DELIMITED:
            return [DelimitedFile(path, path.stem)]
    except OSError as error:
        raise IngestError(f"The file {path} cannot be read: {error.strerror}.") from error
    raise IngestError(f"{path.name} is of no kind that can be loaded.", _KNOWN)


def _refuse_reserved(name: str, label: str) -> None:
    if _RESERVED.match(name) or not name.strip():
        raise IngestError(
            f"{label} cannot be loaded as {name!r}: the name is reserved.", "Choose another with --table."
        )
