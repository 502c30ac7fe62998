"""Previews, profiles and problems as plain values that the components of the Data page show."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from core.errors import RowProblem, SalesError
from core.ingest import TablePreview
from core.profile import ColumnProfile, Value, profile_frame

SHOWN_ROWS = 20
SHOWN_PROBLEMS = 50
_NUMERIC = ("integer", "number")


def told_table(table: TablePreview) -> dict[str, Any]:
    """A previewed table: its columns with types, first rows, and a profile of the rows looked at."""
    return {
        "table": table.table,
        "source": table.source,
        "rows": table.rows,
        "problem_count": table.problem_count,
        "notes": [f"{note.rstrip('.')}." for note in table.notes],
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "alternatives": list(column.alternatives),
                "missing": column.missing,
                "fixed": column.fixed,
                "numeric": column.type.split(" ")[0] in _NUMERIC,
            }
            for column in table.columns
        ],
        "cells": [[cell_text(cell) for cell in row] for row in table.frame.head(SHOWN_ROWS).iter_rows()],
        "profile": told_profile(profile_frame(table.frame)),
    }


def told_profile(columns: Iterable[ColumnProfile]) -> list[dict[str, Any]]:
    """Column profiles as texts, with the heights of the bars (0 to 1) of each distribution."""
    return [
        {
            "name": column.name,
            "type": column.kind,
            "missing": f"{column.missing:,} ({column.missing_share:.0%})" if column.missing else "0",
            "distinct": f"{column.distinct:,}",
            "shares": _shares([each.rows for each in column.bins or column.top]),
            "least": cell_text(column.least) or "–",
            "greatest": cell_text(column.most) or "–",
            "examples": ", ".join(column.examples),
        }
        for column in columns
    ]


def told_problems(problems: Sequence[RowProblem]) -> list[dict[str, Any]]:
    """Problems with their remedies."""
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "reason": problem.reason,
            "remedy": getattr(problem, "remedy", ""),
        }
        for problem in problems[:SHOWN_PROBLEMS]
    ]


def cell_text(value: Value | bytes) -> str | None:
    """A cell as it is shown; ``None`` where there is no value."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return f"0x{value[:16].hex()}"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1e12 else f"{value:.6g}"
    return str(value)


def sentence(error: SalesError) -> str:
    """An error and its remedy."""
    return str(error)


def _shares(counts: list[int]) -> list[float]:
    largest = max(counts, default=0) or 1
    return [round(count / largest, 3) for count in counts]
