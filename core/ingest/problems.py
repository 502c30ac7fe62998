"""What is wrong with the rows of a file: where, why, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from core.errors import IngestError, RowProblem

SHOWN_PROBLEMS = 100
_LONGEST_VALUE = 200


@dataclass(frozen=True)
class Problem(RowProblem):
    """A row at fault, with what to do about it and the value that is wrong if it is short.

    Line 0 means the file or column as a whole.
    """

    remedy: str = ""
    value: str | None = None

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        return f"{self.file}{line}{column}: {self.reason}"


def refusal(problem: Problem) -> IngestError:
    """The error for a file that cannot be loaded at all because of one problem."""
    remedy = problem.remedy or "Correct the file and load it again."
    return IngestError(f"Nothing was loaded: {problem}.", remedy, [problem])


def short_value(value: object) -> str | None:
    """``value`` as text for a list of problems; ``None`` if it is too long to be of use there."""
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else None


def problems_frame(problems: Sequence[RowProblem]) -> pl.DataFrame:
    """Problems as a table: file, line (null where there is none), column, reason, remedy and value."""
    rows = [
        (
            problem.file,
            problem.line or None,
            problem.column or None,
            problem.reason,
            getattr(problem, "remedy", "") or None,
            getattr(problem, "value", None),
        )
        for problem in problems
    ]
    text = pl.String
    schema = {"file": text, "line": pl.Int64, "column": text, "reason": text, "remedy": text, "value": text}
    return pl.DataFrame(rows, schema=schema, orient="row")


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

    def add_all(self, others: "Problems") -> None:
        """Note those of another list after these."""
        room = SHOWN_PROBLEMS - len(self.shown)
        self.shown += others.shown[:room]
        self.count += others.count

    def raise_if_any(self) -> None:
        """Raise an IngestError that lists them, if there are any."""
        if not self.count:
            return
        first = self.shown[0]
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        hidden = self.count - len(self.shown)
        unseen = f" Only the first {SHOWN_PROBLEMS} are listed; {hidden} more are not." if hidden else ""
        remedy = getattr(first, "remedy", "") or "Correct the rows."
        raise IngestError(
            f"Nothing was loaded: {first}{more}.",
            f"{remedy} Then load again; the old data are untouched.{unseen}",
            self.shown,
        )
