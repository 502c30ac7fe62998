"""A serverless SQL pool: read from the lake, written to Parquet files in the data folder."""

import logging
import re
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl

from core.database.base import TableInfo, WriteMode
from core.database.changes import Changes
from core.database.duckdb import ParquetDatabase
from core.database.loading import BulkLoad
from core.database.server.address import Address
from core.database.server.database import ServerDatabase
from core.database.server.dialect import Dialect
from core.errors import DatabaseError

log = logging.getLogger(__name__)


class ServerlessDatabase(ServerDatabase):
    """A database on a pool that cannot be written: scores and models are Parquet files of this machine.

    Queries that name one of those tables are answered from the files, all others by the pool. A table of the
    files cannot be joined with one of the pool.

    Parameters
    ----------
    folder
        Where the files are; by default below the data folder of the settings.
    """

    def __init__(
        self, dialect: Dialect, address: Address, *, read_only: bool = True, folder: Path | None = None
    ) -> None:
        super().__init__(dialect, address, read_only=read_only)
        self.folder = folder or _folder_of(address)
        self._files: ParquetDatabase | None = None

    def query(self, name_or_sql: str, **params: object) -> pl.DataFrame:
        words = set(re.findall(r"\w+", name_or_sql.lower()))
        files = self._present()
        if files is not None and words & {info.name.lower() for info in files.tables() if _is_own(info)}:
            return files.query(name_or_sql, **params)
        return super().query(name_or_sql, **params)

    def tables(self) -> list[TableInfo]:
        files = self._present()
        own = [info for info in files.tables() if _is_own(info)] if files is not None else []
        return sorted([*super().tables(), *own], key=lambda info: info.name)

    def data_version(self) -> str:
        files = self._present()
        return (
            f"{super().data_version()}/{files.data_version()}"
            if files is not None
            else super().data_version()
        )

    def write(self, table: str, frame: pl.DataFrame, mode: WriteMode = "replace") -> None:
        self._writable().write(table, frame, mode)

    def bulk_load(self) -> BulkLoad:
        return self._writable().bulk_load()

    def changing(self) -> AbstractContextManager[Changes]:
        self.require_writing()
        raise DatabaseError(
            f"The tables of {self.address.shown} are views over files of the lake.",
            "Change them there; sql/synapse/serverless/tables.sql shows how they are made.",
        )

    def close(self) -> None:
        super().close()
        if self._files is not None:
            self._files.close()

    def _present(self) -> ParquetDatabase | None:
        """The files, if something was written already."""
        if self._files is None and self.folder.is_dir() and any(self.folder.iterdir()):
            self._files = ParquetDatabase(self.folder, read_only=self.read_only)
        return self._files

    def _writable(self) -> ParquetDatabase:
        self.require_writing()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._files is None:
            self._files = ParquetDatabase(self.folder, read_only=False)
        log.info("%s cannot be written: Parquet files in %s.", self.dialect.title, self.folder)
        return self._files


def _is_own(info: TableInfo) -> bool:
    return info.kind == "table"


def _folder_of(address: Address) -> Path:
    from core.settings import read_settings

    name = re.sub(r"[^\w.-]", "_", f"{address.host}-{address.database}")
    return read_settings().data_folder / "serverless" / name
