"""Models kept in the database they were trained on, so that every server that opens it finds them."""

import datetime as dt
import shutil
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from core.database.base import Database
from core.errors import DatabaseError, MissingDataError, QueryError
from core.model_store.parts import read_files, to_bytes
from core.model_store.store import (
    ModelStore,
    ModelStoreError,
    ModelVersion,
    created_of,
    unknown_version,
    version_name,
)
from core.models.card import ModelCard
from core.models.model import Parts
from core.single_flight import SingleFlightCache

VERSIONS = "model_versions"
PARTS = "model_parts"
ACTIVATIONS = "model_activations"
_LISTED: SingleFlightCache[list[ModelVersion]] = SingleFlightCache(maxsize=64)


class DatabaseModelStore(ModelStore):
    """Rows are only ever added: a version, its pieces, and which version was made active when.

    Parameters
    ----------
    database
        Open for writing where models are to be stored or activated.
    cache
        A folder of this machine where pieces are unpacked, so that arrays can be memory-mapped.
    """

    def __init__(self, database: Database, cache: Path) -> None:
        self.database = database
        self.cache = Path(cache)

    def put(self, task: str, parts: Parts, card: ModelCard) -> str:
        version = version_name(card)
        pieces = {name: to_bytes(part) for name, part in parts.items()}
        self._append(
            PARTS,
            pl.DataFrame(
                {
                    "task": task,
                    "version": version,
                    "name": [name + ending for name, (ending, _content) in pieces.items()],
                    "content": [content for _ending, content in pieces.values()],
                }
            ),
        )
        # Last: a version whose pieces are not complete is never listed.
        self._append(VERSIONS, pl.DataFrame({"task": [task], "version": [version], "card": [card.to_json()]}))
        self._point_to(task, version)
        return version

    def versions(self, task: str) -> list[ModelVersion]:
        key = (id(self.database), self.database.data_version(), task)
        return list(_LISTED.get(key, lambda: self._listed(task)))

    def _listed(self, task: str) -> list[ModelVersion]:
        rows = self._rows(f"SELECT version, card FROM {VERSIONS} WHERE task = :task", task=task)
        active = self._active(task)
        found = [
            ModelVersion(task, name, created_of(name), name == active, ModelCard.from_json(card))
            for name, card in rows.iter_rows()
        ]
        return sorted(found, key=lambda version: version.version, reverse=True)

    def activate(self, task: str, version: str) -> None:
        self._require(task, version)
        self._point_to(task, version)

    def read(self, task: str, version: str) -> Parts:
        folder = self.cache / task / version
        if not folder.is_dir():
            self._require(task, version)
            self._unpack(task, version, folder)
        return read_files(folder)

    def _unpack(self, task: str, version: str, folder: Path) -> None:
        rows = self._rows(
            f"SELECT name, content FROM {PARTS} WHERE task = :task AND version = :version",
            task=task,
            version=version,
        )
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(mkdtemp(prefix=".partial-", dir=folder.parent))
            try:
                for name, content in rows.iter_rows():
                    (partial / Path(name).name).write_bytes(content)
                partial.rename(folder)
            except OSError:
                if not folder.is_dir():  # another process was first
                    raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise ModelStoreError(
                f"The model cannot be unpacked to {folder.parent}: {error.strerror}.",
                "Check that SALES_DATA_DIR is a folder of yours.",
            ) from error

    def _require(self, task: str, version: str) -> None:
        if version not in {known.version for known in self.versions(task)}:
            raise unknown_version(task, version)

    def _active(self, task: str) -> str | None:
        rows = self._rows(f"SELECT version, activated_at FROM {ACTIVATIONS} WHERE task = :task", task=task)
        return rows.sort("activated_at")["version"][-1] if rows.height else None

    def _point_to(self, task: str, version: str) -> None:
        moment = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%fZ}"
        self._append(
            ACTIVATIONS, pl.DataFrame({"task": [task], "version": [version], "activated_at": [moment]})
        )

    def _append(self, table: str, rows: pl.DataFrame) -> None:
        try:
            self.database.write(table, rows, mode="append")
        except DatabaseError as error:
            raise ModelStoreError(
                f"The model cannot be stored in the database: {error.message}",
                "Open the database for writing, or set SALES_MODEL_STORE to a folder.",
            ) from error

    def _rows(self, sql: str, **params: object) -> pl.DataFrame:
        """The rows of a query; none while nothing was ever stored."""
        try:
            return self.database.query(sql, **params)
        except (MissingDataError, QueryError):
            if {VERSIONS, PARTS, ACTIVATIONS} <= {table.name for table in self.database.tables()}:
                raise
            return pl.DataFrame()
