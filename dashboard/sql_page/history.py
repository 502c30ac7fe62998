"""The queries that were run in this session, and what is said about how they ended."""

import datetime as dt
import itertools
from typing import Any

from core.adhoc import QueryLimits, QueryResult
from dashboard.components.sql_editor import ROW_CHOICES, SqlCatalogue

LONGEST = 100
_SHOWN = ("key", "text", "state", "facts")


class History:
    """The newest queries first, shown in the catalogue."""

    def __init__(self, catalogue: SqlCatalogue) -> None:
        self._catalogue = catalogue
        self._entries: list[dict[str, Any]] = []
        self._keys = itertools.count()

    def add(self, text: str, state: str, facts: str, began: dt.datetime, typed: dict[str, str]) -> None:
        """Remember a query with the values of its parameters and how it ended."""
        if not text.strip():
            return
        entry = {
            "key": str(next(self._keys)),
            "text": " ".join(text.split())[:200],
            "state": state,
            "facts": f"{began:%H:%M:%S} · {facts}",
            "full": text,
            "typed": typed,
        }
        self._entries = [entry, *self._entries][:LONGEST]
        self._catalogue.history = [{name: e[name] for name in _SHOWN} for e in self._entries]

    def find(self, key: object) -> dict[str, Any] | None:
        """The entry with this key: ``full`` text and ``typed`` values."""
        return next((entry for entry in self._entries if entry["key"] == key), None)


def facts_of(result: QueryResult) -> str:
    """Rows, columns and seconds in words."""
    rows, columns = counted(result.rows, "row"), counted(len(result.columns), "column")
    return f"{rows}, {columns} · {result.seconds:.2f} s"


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 row, 2,000 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def remark_on(result: QueryResult, limits: QueryLimits) -> str:
    """What the reader must know about the rows: which limit cut them off, and how to get more."""
    more = ""
    if result.truncated_by == "rows":
        if limits.max_rows < max(ROW_CHOICES):
            more = f"Choose more rows above the editor (at most {max(ROW_CHOICES):,}), or let"
        return (
            f"Cut off at {limits.max_rows:,} rows, there are more. {more or 'Let'}"
            " the database do the work: WHERE, GROUP BY."
        )
    if result.truncated_by == "bytes":
        return (
            f"Cut off at {result.rows:,} rows because they fill {limits.max_bytes // 2**20} MB."
            " Ask for fewer columns, or let the database do the work: WHERE, GROUP BY."
        )
    return ""
