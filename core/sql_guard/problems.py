"""Errors in typed SQL, with the place where they are."""

from core.errors import QueryError


class StatementError(QueryError):
    """Typed SQL that is refused or wrong; ``line`` and ``column`` (from 1) say where, ``None`` if unknown."""

    def __init__(
        self, message: str, remedy: str = "", *, line: int | None = None, column: int | None = None
    ) -> None:
        where = f" (line {line}, column {column})" if line is not None and column is not None else ""
        super().__init__(f"{message.rstrip('.')}{where}.", remedy)
        self.line = line
        self.column = column


def refused_at(text: str, offset: int, message: str, remedy: str = "") -> StatementError:
    """The error for what stands at ``offset`` in ``text``."""
    line, column = line_and_column(text, offset)
    return StatementError(message, remedy, line=line, column=column)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of the character at ``offset``."""
    before = text[: max(0, offset)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
