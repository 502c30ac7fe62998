"""The one family of errors a person may see: each says what happened, where, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass


class SalesError(Exception):
    """A problem that a person can act on.

    Parameters
    ----------
    message
        What happened and where, one sentence.
    remedy
        What to do about it, one sentence; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message if not remedy else f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class SettingsError(SalesError):
    """A setting has a value that cannot be used."""


class DatabaseError(SalesError):
    """The database cannot be opened, reached or understood."""


class QueryError(SalesError):
    """A query cannot be run as written."""


class MisfitError(QueryError):
    """A value of a table is not of the kind that its column is read as.

    ``column`` names it, ``kind`` is one that holds the value.
    """

    def __init__(self, message: str, remedy: str, column: str, kind: str) -> None:
        super().__init__(message, remedy)
        self.column = column
        self.kind = kind


class MissingDataError(SalesError):
    """The database lacks tables that a page or query needs.

    ``needs`` names the missing tables or staging views.
    """

    def __init__(self, message: str, remedy: str = "", needs: Sequence[str] = ()) -> None:
        super().__init__(message, remedy)
        self.needs = tuple(needs)


class GenerateError(SalesError):
    """The demo company cannot be generated as asked."""


@dataclass(frozen=True)
class RowProblem:
    """One cell that could not be loaded: file, 1-based line, column and reason."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}"
        return f"{where}, column {self.column}: {self.reason}" if self.column else f"{where}: {self.reason}"


class IngestError(SalesError):
    """Files could not be loaded; nothing was changed. ``problems`` lists the rows at fault."""

    def __init__(self, message: str, remedy: str = "", problems: Sequence[RowProblem] = ()) -> None:
        super().__init__(message, remedy)
        self.problems = tuple(problems)
