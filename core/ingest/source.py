"""What every reader gives to the loader: blocks of columns that know the lines they came from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from core.database.schema import TableSchema
from core.errors import IngestError, RowProblem

SHOWN_PROBLEMS = 100


@dataclass(frozen=True)
class Block:
    """Some rows of a source.

    ``columns`` are in the order of the source's column names, as text or as the source stores them; ``lines``
    has the line of each row; ``problems`` are rows that could not be read and are left out; ``done`` is how
    far into the source the block ends, in the unit of its ``size``.
    """

    columns: Sequence[pl.Series]
    lines: Sequence[int]
    problems: tuple[RowProblem, ...] = ()
    done: int = 0


class Source(ABC):
    """The rows of one table in one file. ``blocks`` can be called again and then starts over.

    Attributes
    ----------
    label
        The file's name without its folder.
    name
        The table's name as the file says it.
    columns
        Column names in order.
    schema
        Types and keys if the file declares them.
    empty_is_null
        Whether the file cannot tell empty text from null, so that empty cells, ``NULL`` and ``\\N`` are null.
    size
        Bytes or rows to read, for progress.
    """

    label: str
    name: str
    columns: tuple[str, ...]
    schema: TableSchema | None = None
    empty_is_null: bool = False
    size: int = 0

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """The rows in order."""


@dataclass
class Problems:
    """Rows at fault: the first hundred in full, the others counted."""

    shown: list[RowProblem] = field(default_factory=list)
    count: int = 0

    def add(self, problem: RowProblem) -> None:
        """Note one more."""
        self.count += 1
        if len(self.shown) < SHOWN_PROBLEMS:
            self.shown.append(problem)

    def add_unseen(self, number: int) -> None:
        """Count problems that are not shown."""
        self.count += number

    def raise_if_any(self) -> None:
        """Raise an IngestError that lists them, if there are any."""
        if not self.count:
            return
        first = self.shown[0]
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        hidden = self.count - len(self.shown)
        unseen = f" Only the first {SHOWN_PROBLEMS} are listed; {hidden} more are not." if hidden else ""
        raise IngestError(
            f"Nothing was loaded: {first}{more}.",
            f"Correct the rows and load again; the old data are untouched.{unseen}",
            self.shown,
        )
