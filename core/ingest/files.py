"""Which tables the files of a load hold: by what is in a file, not by its ending alone."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.database.schema import declared_tables
from core.database.sqlite_files import is_sqlite_file
from core.errors import IngestError
from core.ingest.corrections import check_tables
from core.ingest.delimited import DelimitedFile
from core.ingest.excel import ExcelSheet, is_excel, sheets_of
from core.ingest.mysql_dump import MySqlDump
from core.ingest.names import refuse_reserved, target_name
from core.ingest.parquet import ParquetFile, is_parquet
from core.ingest.source import Source
from core.ingest.sqlite_tables import tables_of
from core.ingest.streams import refuse_foreign

_DELIMITED = {".csv", ".tsv", ".tab", ".txt"}
_SQLITE = {".sqlite", ".sqlite3", ".db"}
_EXCEL = {".xlsx", ".xlsm"}
_PARQUET = {".parquet", ".pq"}
_DUMP = {".sql"}
_ENDINGS = _DELIMITED | _SQLITE | _EXCEL | _PARQUET | _DUMP
_KNOWN = (
    "CSV, TSV, Excel (.xlsx), Parquet, SQLite files and MySQL dumps (.sql) can be loaded, text also as .gz."
)


def find_sources(
    paths: Iterable[Path], table: str | None = None, types: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, list[Source]]:
    """The sources of each table, in the order of the paths; folders stand for the files in them.

    Parameters
    ----------
    table
        The table that all files are loaded into; by default each file's own name decides, and names of the
        declared tables are recognised however they are written (``Order Details.csv`` is orderdetails).
    types
        Chosen types by table and column; only the names of the tables are looked at.

    Raises
    ------
    IngestError
        A path is missing, a file is of no known kind, two files are for one table, or types are given for a
        table that no file is for.
    """
    found: dict[str, list[Source]] = {}
    for path in _files(paths):
        sources = _sources(path)
        if table is not None and len(sources) > 1:
            raise IngestError(f"{path.name} holds {len(sources)} tables.", "Leave out --table.")
        for source in sources:
            name = table if table is not None else _target(source)
            refuse_reserved(name, source.label)
            if name in found and table is None:
                both = f"{found[name][0].label} and {source.label}"
                raise IngestError(
                    f"{both} are both for the table {name}.", "Give one of them, or use --table."
                )
            found.setdefault(name, []).append(source)
    check_tables(types, found)
    return found


def _target(source: Source) -> str:
    """The table of a source.

    A sheet that is alone in its workbook is named after the file, unless it has the name of a declared table.
    """
    own = target_name(source.name)
    if isinstance(source, ExcelSheet) and source.alone and own not in declared_tables():
        return target_name(source.path.stem)
    return own


def _files(paths: Iterable[Path]) -> Sequence[Path]:
    files: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                inside = sorted(p for p in path.iterdir() if _ending(p) in _ENDINGS and p.is_file())
                inside = [file for file in inside if not file.name.startswith((".", "~$"))]
                if not inside:
                    raise IngestError(f"The folder {path} holds nothing to load.", _KNOWN)
                files += inside
            elif path.is_file():
                files.append(path)
            else:
                raise IngestError(f"There is no file or folder {path}.", "Check the path.")
        except OSError as error:
            raise _unreadable(path, error) from error
    return files


def _sources(path: Path) -> Sequence[Source]:
    try:
        return _opened(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _opened(path: Path) -> Sequence[Source]:
    ending, stem = _ending(path), Path(path.name.removesuffix(".gz")).stem
    if path.stat().st_size and is_sqlite_file(path):
        return tables_of(path)
    if ending in _EXCEL or is_excel(path):
        return sheets_of(path)
    if ending in _PARQUET or is_parquet(path):
        return [ParquetFile(path, stem)]
    refuse_foreign(path)
    if ending in _DUMP:
        return MySqlDump(path).sources()
    if ending in _DELIMITED:
        return [DelimitedFile(path, stem)]
    raise IngestError(f"{path.name} is of no kind that can be loaded.", _KNOWN)


def _ending(path: Path) -> str:
    """The ending that tells the kind: that before ``.gz`` for a compressed file."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _unreadable(path: Path, error: OSError) -> IngestError:
    return IngestError(
        f"The file {path} cannot be read: {error.strerror}.",
        "Check that it is there and that you may read it.",
    )
