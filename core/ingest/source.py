"""What every reader gives to the loader: blocks of columns that know the lines they came from."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from core.database.schema import TableSchema
from core.errors import RowProblem


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
    comma_likely
        Whether the file's form suggests that numbers are written with a decimal comma.
    header_line
        The line of the column names; 0 where the file declares them in another way.
    size
        Bytes or rows to read, for progress.
    notes
        Remarks on the file worth reading, such as a column without a name.
    """

    label: str
    name: str
    columns: tuple[str, ...]
    schema: TableSchema | None = None
    empty_is_null: bool = False
    comma_likely: bool = False
    header_line: int = 0
    size: int = 0
    notes: tuple[str, ...] = ()

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """The rows in order."""

    def typed_blocks(self, _dtypes: Mapping[str, pl.DataType]) -> Iterator[Block]:
        """The same rows; columns named in ``_dtypes`` may come as these types where that changes no value."""
        return self.blocks()
