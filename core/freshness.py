"""When the data were loaded, as far as the database knows."""

import datetime as dt
from dataclasses import dataclass

from core.database.base import Database
from core.errors import MissingDataError, QueryError

LOAD_LOG = "sales_load_log"


@dataclass(frozen=True)
class LastLoad:
    """The latest load: UTC time, the files it came from, tables and rows."""

    at: dt.datetime
    source: str
    tables: int
    rows: int


def last_load(database: Database) -> LastLoad | None:
    """The latest load into ``database``; None where it was filled by other means."""
    try:
        rows = database.query("operations/last_load")
    except (MissingDataError, QueryError):
        return None
    if rows.is_empty():
        return None
    sources = list(dict.fromkeys(rows["source"].to_list()))
    source = sources[0] if len(sources) == 1 else f"{len(sources)} files"
    return LastLoad(
        dt.datetime.fromisoformat(rows["loaded_at"][0]), source, rows.height, int(rows["rows_loaded"].sum())
    )
