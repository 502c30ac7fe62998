"""When and from where the rows of a table were loaded, under the name that it has now."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from core.database.base import Database
from core.database.changes import Changes
from core.errors import MissingDataError, QueryError

RENAME_LOG = "sales_rename_log"
_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Origin:
    """The latest load of a table: UTC time to the minute, and the file."""

    at: str
    source: str


def note_renamed(changes: Changes, names: Mapping[str, str]) -> None:
    """Keep what tables were called (new names by old ones), so that their loads can still be told."""
    if not names:
        return
    columns = {"renamed_at": "text", "old_name": "text", "new_name": "text"}
    now = dt.datetime.now(dt.UTC).strftime(_TIME)
    changes.add_rows(RENAME_LOG, columns, [(now, old, new) for old, new in names.items()])


def table_origins(database: Database) -> dict[str, Origin]:
    """The latest load of each table that was loaded with this product, by its present name."""
    loads = _log(database, "operations/loads")
    moves = _log(database, "operations/renames")
    events = [(at, 0, table, source) for at, table, source in loads]
    events += [(at, 1, old, new) for at, old, new in moves]
    origins: dict[str, Origin] = {}
    for at, is_move, table, other in sorted(events, key=lambda event: event[:2]):
        if not is_move:
            origins[table] = Origin(f"{at[:16]} UTC", other)
        elif table in origins:
            origins[other] = origins.pop(table)
    return origins


def _log(database: Database, query: str) -> list[tuple[str, str, str]]:
    """The rows of a log, with the time to the second as text; none where there is no such log."""
    try:
        rows = database.query(query)
    except (MissingDataError, QueryError):
        return []
    at = rows.to_series(0)
    shown = at.dt.strftime(_TIME) if at.dtype.is_temporal() else at.cast(pl.String)
    return list(zip(shown, rows.to_series(1), rows.to_series(2), strict=True))
