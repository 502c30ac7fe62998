"""Stored scores as of a date, and what happened after it."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from core.database.base import Database
from core.days import to_day
from core.errors import MissingDataError, QueryError
from core.jobs.run import score_table
from core.single_flight import SingleFlightCache

_CACHE: SingleFlightCache[pl.DataFrame] = SingleFlightCache(maxsize=24)


@dataclass(frozen=True)
class Scores:
    """The scores of a task that were known on a date.

    ``as_of`` is the day they were made for: the latest on or before the day asked for.
    ``model_version`` names the model; ``frame`` has one row per key with ``score``, ``low``, ``high``,
    ``reasons`` and columns of the task.
    """

    task: str
    as_of: dt.date
    model_version: str
    frame: pl.DataFrame


def dates_scored(database: Database, task: str) -> list[dt.date]:
    """The days for which scores are stored, ascending."""
    rows = _cached(database, f"SELECT DISTINCT as_of FROM {score_table(task)}", task)
    return sorted(rows["as_of"].to_list()) if rows.height else []


def scores_on(database: Database, task: str, as_of: dt.date | None = None) -> Scores | None:
    """The scores of the latest day on or before ``as_of`` (default: of all); ``None`` if there are none."""
    days = [day for day in dates_scored(database, task) if as_of is None or day <= as_of]
    if not days:
        return None
    rows = _cached(database, f"SELECT * FROM {score_table(task)} WHERE as_of = :as_of", task, days[-1])
    version = rows["model_version"][0] if rows.height else ""
    return Scores(task, days[-1], version, rows)


def outcomes_after(database: Database, as_of: dt.date, horizon: int) -> pl.DataFrame | None:
    """What happened in the ``horizon`` days from ``as_of`` on; ``None`` while they are not over.

    Returns
    -------
    customer_id, orders, revenue (currency), ordered (1 or 0) of every customer seen before.
    """
    from core.snapshots import labels

    version = database.data_version()

    def read() -> pl.DataFrame:
        return labels(database, [to_day(as_of)], horizon)

    rows = _CACHE.get((id(database), version, "labels", as_of, horizon), read)
    if rows.is_empty() or not bool(rows["complete"].min()):
        return None
    return rows.drop("as_of_day", "complete")


def _cached(database: Database, sql: str, task: str, as_of: dt.date | None = None) -> pl.DataFrame:
    """The rows of a query on a score table, kept until the data change; none without the table."""

    def read() -> pl.DataFrame:
        try:
            return database.query(sql, **({} if as_of is None else {"as_of": as_of}))
        except (MissingDataError, QueryError):
            if score_table(task) in {table.name for table in database.tables()}:
                raise
            return pl.DataFrame()

    return _CACHE.get((id(database), database.data_version(), sql, as_of), read)
