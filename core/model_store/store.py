"""Where trained models are kept: versions with their cards, one of them active for each task."""

import datetime as dt
import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

from core.errors import SalesError
from core.models.card import ModelCard
from core.models.model import Parts


class ModelStoreError(SalesError):
    """A model version cannot be stored or found."""


@dataclass(frozen=True)
class ModelVersion:
    """A stored model: its version (time of training and fingerprint) and card."""

    task: str
    version: str
    created: dt.datetime
    active: bool
    card: ModelCard


class ModelStore(ABC):
    """Versions of trained models by task. Nothing that was stored is ever changed."""

    @abstractmethod
    def put(self, task: str, parts: Parts, card: ModelCard) -> str:
        """Store a model and make it the active one of its task; its version."""

    @abstractmethod
    def versions(self, task: str) -> list[ModelVersion]:
        """All versions of a task, the latest first."""

    @abstractmethod
    def activate(self, task: str, version: str) -> None:
        """Let ``version`` be used from now on, as after a training that made things worse.

        Raises
        ------
        ModelStoreError
            There is no such version.
        """

    @abstractmethod
    def read(self, task: str, version: str) -> Parts:
        """The pieces of a stored model; arrays are memory-mapped.

        Raises
        ------
        ModelStoreError
            There is no such version.
        """

    def active(self, task: str) -> ModelVersion | None:
        """The version in use; ``None`` before the first training."""
        return next((version for version in self.versions(task) if version.active), None)


def version_name(card: ModelCard, now: dt.datetime | None = None) -> str:
    """A name that sorts by time and tells the data: ``20260101T083000.123456Z-1f2e3d4c``."""
    moment = now or dt.datetime.now(dt.UTC)
    content = hashlib.sha256(card.to_json().encode()).hexdigest()
    return f"{moment:%Y%m%dT%H%M%S.%fZ}-{(card.fingerprint or content)[:8]}"


def created_of(version: str) -> dt.datetime:
    """When a version was stored, from its name."""
    return dt.datetime.strptime(version.split("-", 1)[0], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=dt.UTC)


def unknown_version(task: str, version: str) -> ModelStoreError:
    """The error for a version that is not there."""
    return ModelStoreError(
        f"There is no version {version} of the {task} model.", "List them with: sales-dashboard models"
    )
