"""What an engine offers for loading many rows: staging tables that take the place of the old ones at once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import polars as pl

from core.database.base import WriteMode
from core.database.schema import ForeignKey, TableSchema

Key = tuple[object, ...]


class BulkLoad(ABC):
    """One transaction that loads tables; leaving the ``with`` block without ``commit`` undoes everything.

    The order of use is ``create``, ``insert`` (many times) and ``add_key`` for each table, then ``install``
    for each table, then ``orphans`` as wanted, ``log`` and ``commit``.
    """

    @abstractmethod
    def existing(self, table: str) -> TableSchema | None:
        """The columns of a table that is in the database; ``None`` if there is none."""

    @abstractmethod
    def create(self, schema: TableSchema) -> None:
        """Begin a table anew, unseen by readers."""

    @abstractmethod
    def insert(self, table: str, columns: Sequence[pl.Series]) -> bool:
        """Add rows, in the order of the schema's columns; ``False`` if a key came up twice.

        After ``False`` the table cannot be completed.
        """

    @abstractmethod
    def add_key(self, table: str) -> bool:
        """Enforce the primary key; ``False`` if a key comes twice."""

    @abstractmethod
    def known_keys(self, table: str, most: int) -> list[Key]:
        """Primary keys of new rows that the old table has already, at most ``most``."""

    @abstractmethod
    def install(self, table: str, mode: WriteMode) -> None:
        """Put the new rows in place of the old table or after its rows, and index its keys."""

    @abstractmethod
    def orphans(self, child: str, key: ForeignKey, most: int) -> tuple[int, list[Key]]:
        """Rows whose foreign key is found nowhere: their number and at most ``most`` different keys.

        Called after ``install``.
        """

    @abstractmethod
    def log(self, rows: Sequence[tuple[str, str, int, str]]) -> None:
        """Note source, table, rows and mode of each load in ``sales_load_log`` with the present time."""

    @abstractmethod
    def commit(self) -> None:
        """Let readers see everything."""

    @abstractmethod
    def close(self) -> None:
        """End; undo what was not committed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
