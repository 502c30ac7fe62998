"""What a copy tells while it goes on and in the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Step = Literal["copying", "checking", "putting in place"]


@dataclass(frozen=True)
class CopyProgress:
    """How far a copy has come.

    Attributes
    ----------
    table, number, tables
        The table under way, its place from 1, and how many there are.
    rows, of_rows
        Rows that were copied by now in this run, and all that it has to copy.
    fraction
        The part of the whole work that is done, from 0 to 1; reading back to check is a part of it.
    seconds
        Time since the beginning.
    """

    step: Step
    table: str
    number: int
    tables: int
    rows: int
    of_rows: int
    fraction: float
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second while rows are copied."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds that are still to come if it goes on like this; ``None`` while nothing can be said."""
        if self.seconds < 1 or self.fraction <= 0:
            return None
        return self.seconds * (1 - self.fraction) / self.fraction

    def __str__(self) -> str:
        said = f"{self.step} {self.table}"
        if self.step != "putting in place":
            said += f" ({self.number} of {self.tables})"
        if self.step == "copying" and self.seconds >= 1:
            said += f", {self.rows:,} of {self.of_rows:,} rows, {self.rate:,.0f} a second"
        return said if self.remaining is None else f"{said}, {told_seconds(self.remaining)} left"


Progress = Callable[[CopyProgress], None]
"""Called as the work goes on; what it raises ends the copy, and the tables of the target stay as they are."""


@dataclass(frozen=True)
class CopiedTable:
    """One table that was copied.

    Attributes
    ----------
    checksum
        Of its values; empty if none was compared.
    verified
        Whether the checksum of what was written is that of what was read.
    continued
        Whether an earlier run that was broken off had copied it already.
    """

    name: str
    rows: int
    checksum: str
    verified: bool
    seconds: float
    continued: bool = False
    replaced: bool = False


@dataclass(frozen=True)
class CopyReport:
    """What a copy did. ``views`` came along with the tables; ``notes`` are remarks worth reading."""

    source: str
    target: str
    tables: tuple[CopiedTable, ...]
    views: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def verified(self) -> bool:
        """Whether every table was read back and is the same."""
        return all(table.verified for table in self.tables)


def told_seconds(seconds: float) -> str:
    """A time as people say it: ``40 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
