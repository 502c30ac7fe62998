"""Writing and loading folders of Parquet files: complete files take the place of the old ones."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl

from core.database.base import WriteMode
from core.database.duckdb_files import Limits, parquet_tables
from core.database.duckdb_keys import METADATA
from core.database.duckdb_load import LOAD_LOG, STAGING, DuckdbLoad
from core.database.duckdb_reader import parquet_source
from core.database.duckdb_sql import literal, quoted
from core.database.duckdb_write import column_types
from core.database.schema import TableSchema
from core.errors import DatabaseError

_ROW_GROUP = 122_880


class ParquetLoad(DuckdbLoad):
    """A load into a folder of Parquet files, gathered in a DuckDB file beside it that is gone in the end.

    Every table takes its place at once; of several tables, readers may for a moment see new ones beside old.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._files = parquet_tables(folder)
        self._unread = set(self._files)
        self._changed: dict[str, None] = {}
        super().__init__(folder.with_name(f"{folder.name}.loading"), limits)
        try:
            _remove_abandoned(folder)
            for name, files in self._files.items():
                self._rewrite.run(f"CREATE VIEW {quoted(name)} AS SELECT * FROM {parquet_source(files)}")
        except BaseException:
            self.close()
            raise

    def existing(self, table: str) -> TableSchema | None:
        old = next((name for name in self._unread if name.lower() == table.lower()), None)
        return self._schema_of(old) if old is not None else super().existing(table)

    def log(self, rows: Sequence[tuple[str, str, int, str]]) -> None:
        if LOAD_LOG in self._unread:
            self._make_table(LOAD_LOG)
        self._changed[LOAD_LOG] = None
        super().log(rows)

    def commit(self) -> None:
        written: list[tuple[Path, str]] = []
        try:
            for table in self._changed:
                partial = self._folder / f".{table}.{os.getpid()}.partial"
                written.append((partial, table))
                self._rewrite.run(
                    f"COPY {quoted(table)} TO {literal(partial)} "
                    f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}{self._metadata(table)})"
                )
            for partial, table in written:
                _put(partial, self._folder, table, self._files.get(table, []))
        except OSError as error:
            raise DatabaseError(f"The folder {self._folder} cannot be written: {error}.") from error
        finally:
            for partial, _ in written:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)

    def install(self, table: str, mode: WriteMode) -> None:
        old = self.existing(table)
        name = old.name if old is not None and mode == "append" else table
        super().install(table, mode)
        self._changed[name] = None

    def _append(self, schema: TableSchema, old: TableSchema) -> None:
        self._make_table(old.name)
        super()._append(schema, old)

    def _drop(self, table: str) -> None:
        if table in self._unread:
            self._rewrite.run(f"DROP VIEW {quoted(table)}")
            self._unread.remove(table)
        else:
            super()._drop(table)

    def _metadata(self, table: str) -> str:
        """The key of a table, as an option of COPY."""
        rows = self._rewrite.run("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [table])
        said = rows[0][0] if rows else None
        return f", KV_METADATA {{{METADATA}: {literal(said)}}}" if said else ""

    def _make_table(self, table: str) -> None:
        """Read the old files of a table, so that rows can be added."""
        self._rewrite.run(f"CREATE TABLE {quoted(STAGING + 'old')} AS SELECT * FROM {quoted(table)}")
        self._drop(table)
        self._rewrite.run(f"ALTER TABLE {quoted(STAGING + 'old')} RENAME TO {quoted(table)}")


def write_parquet(folder: Path, table: str, frame: pl.DataFrame, mode: WriteMode) -> None:
    """Store ``frame`` as ``table``; readers see all of it or nothing.

    Raises
    ------
    DatabaseError
        A column has a type that cannot be stored, or the columns do not fit the table that is appended to.
    """
    column_types(table, frame)
    old = parquet_tables(folder).get(table, [])
    partial = folder / f".{table}.{os.getpid()}.partial"
    try:
        if mode == "append" and old:
            before = pl.concat([pl.read_parquet(file) for file in old])
            if unknown := sorted(set(frame.columns) - set(before.columns)):
                raise DatabaseError(
                    f"The table {table} cannot be stored: it has no column named {', '.join(unknown)}."
                )
            frame = pl.concat([before, frame], how="diagonal_relaxed").select(before.columns)
        frame.write_parquet(partial)
        _put(partial, folder, table, old)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DatabaseError(f"The table {table} cannot be stored: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes of this machine were writing when they were killed."""
    for partial in folder.glob(".*.partial"):
        number = partial.name.split(".")[-2]
        if number.isdigit() and not _is_running(int(number)):
            with suppress(OSError):
                partial.unlink()


def _is_running(process: int) -> bool:
    if os.name == "nt":  # there the question would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


def _put(partial: Path, folder: Path, table: str, old: list[Path]) -> None:
    """Put a complete file in place of a table's old ones."""
    target = folder / f"{table}.parquet"
    os.replace(partial, target)
    for file in old:
        if file != target:
            file.unlink(missing_ok=True)
