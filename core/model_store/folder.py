"""Models kept as files in a folder."""

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from core.model_store.parts import read_files, write_files
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

CARD = "card.json"
_ACTIVE = "ACTIVE"


class FolderModelStore(ModelStore):
    """Models as files: ``<folder>/<task>/<version>/`` and the name of the active version beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def put(self, task: str, parts: Parts, card: ModelCard) -> str:
        version = version_name(card)
        try:
            (self.folder / task).mkdir(parents=True, exist_ok=True)
            partial = Path(mkdtemp(prefix=".partial-", dir=self.folder / task))
            try:
                write_files(parts, partial / "parts")
                (partial / CARD).write_text(card.to_json(), encoding="utf-8")
                partial.chmod(0o755)
                os.replace(partial, self.folder / task / version)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            self._point_to(task, version)
        except OSError as error:
            raise ModelStoreError(
                f"The model cannot be stored in {self.folder}: {error.strerror}.",
                "Check that the folder is yours, or set SALES_MODEL_STORE.",
            ) from error
        return version

    def versions(self, task: str) -> list[ModelVersion]:
        folder = self.folder / task
        if not folder.is_dir():
            return []
        active = self._active(task)
        names = sorted((path.name for path in folder.iterdir() if (path / CARD).is_file()), reverse=True)
        return [
            ModelVersion(task, name, created_of(name), name == active, self._card(task, name))
            for name in names
            if not name.startswith(".")
        ]

    def active(self, task: str) -> ModelVersion | None:
        name = self._active(task)
        if name is None or not (self.folder / task / name / CARD).is_file():
            return None
        return ModelVersion(task, name, created_of(name), True, self._card(task, name))

    def activate(self, task: str, version: str) -> None:
        self._require(task, version)
        self._point_to(task, version)

    def read(self, task: str, version: str) -> Parts:
        self._require(task, version)
        return read_files(self.folder / task / version / "parts")

    def _require(self, task: str, version: str) -> None:
        if version != Path(version).name or not (self.folder / task / version / CARD).is_file():
            raise unknown_version(task, version)

    def _card(self, task: str, version: str) -> ModelCard:
        return ModelCard.from_json((self.folder / task / version / CARD).read_text(encoding="utf-8"))

    def _active(self, task: str) -> str | None:
        pointer = self.folder / task / _ACTIVE
        return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None

    def _point_to(self, task: str, version: str) -> None:
        partial = self.folder / task / f".{_ACTIVE}.{os.getpid()}"
        partial.write_text(version + "\n", encoding="utf-8")
        os.replace(partial, self.folder / task / _ACTIVE)
