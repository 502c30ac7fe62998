"""The tables of the database that uploads go into: rows, origin, profile, renaming, dropping."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import polars as pl

from core.database import Database, TableInfo, open_database
from core.errors import DatabaseError, MissingDataError, QueryError, SalesError
from core.ingest.names import is_reserved
from core.profile import profile_table
from core.roles import Role, require
from core.tables import drop_tables, rename_table, table_use
from dashboard.components.data_parts import DataTables
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.shown import told_profile
from dashboard.data_page.work import LOADS, READS
from dashboard.sql_page.running import Background

RENAME_LOG = "sales_rename_log"
"""One row per renaming on this page: renamed_at (UTC), old_name, new_name."""
_TIME = "%Y-%m-%d %H:%M:%S"


class TableList:
    """The list of one session."""

    def __init__(self, current: CurrentDatabase, background: Background) -> None:
        self.current, self._background = current, background
        self.card = DataTables(on_event=self._asked, sizing_mode="stretch_width")

    def refresh(self) -> None:
        """Read the list anew, off the event loop."""
        database = self.current.own_database()
        into = self.current.shown_url(self.current.own_url)
        if database is None:
            empty = "There are none yet: your own database is made when you load the first file."
            self.card.change(title="Tables", detail=into, tables=[], empty=empty)
            return
        self._background.start(READS, lambda: listed(database), lambda told: self._show(told, into))

    def _show(self, outcome: list[dict[str, Any]] | SalesError, into: str) -> None:
        if isinstance(outcome, SalesError):
            self._complain(outcome)
            return
        database = self.current.own_database()
        self.card.change(
            title="Tables", detail=into, tables=outcome, empty="The database has no tables.", busy=False,
            changeable=database is not None,
        )  # fmt: skip

    def _asked(self, event: dict[str, Any]) -> None:
        kind, table = event.get("kind"), str(event.get("table", ""))
        self.card.change(message="", tone="")
        database = self.current.own_database()
        if database is None:
            return
        if kind == "profile":
            self._start(READS, lambda: told_profile(profile_table(database, table)),
                        lambda told: self.card.tell(kind="profile", table=table, profile=told))  # fmt: skip
        elif kind == "use":
            self._start(READS, lambda: table_use(database, table), lambda use: self.card.tell(
                kind="use", table=use.table, rows=use.rows, views=list(use.views),
                referred_by=list(use.referred_by)))  # fmt: skip
        elif kind == "rename":
            name = str(event.get("name", "")).strip()
            self._change(lambda: self._rename(table, name), f"{table} is now called {name}.")
        elif kind == "drop":
            confirmed = str(event.get("confirmed", ""))
            self._change(lambda: self._drop(table, confirmed), f"{table} was dropped.")

    def _rename(self, table: str, name: str) -> None:
        with open_database(self.current.own_url, read_only=False) as database:
            rename_table(database, table, name)
            with suppress(SalesError):  # the new name holds, noted or not
                _note_rename(database, table, name)

    def _drop(self, table: str, confirmed: str) -> None:
        if confirmed != table:
            raise DatabaseError(f"{table} was not dropped: its name was not confirmed.", "Type it again.")
        with open_database(self.current.own_url, read_only=False) as database:
            drop_tables(database, [table])

    def _change(self, work: Callable[[], None], said: str) -> None:
        try:
            require(Role.ADMIN, "changing tables")
        except SalesError as error:
            self._complain(error)
            return

        def done(_outcome: Any) -> None:
            self.card.change(message=said, tone="good", busy=False)
            self.current.changed()

        self.card.change(busy=True)
        self._start(LOADS, work, done)

    def _start(self, pool: Any, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        def finished(outcome: Any) -> None:
            if isinstance(outcome, SalesError):
                self._complain(outcome)
            else:
                done(outcome)

        self._background.start(pool, work, finished)

    def _complain(self, error: SalesError) -> None:
        self.card.change(message=str(error), tone="error", busy=False)


def user_tables(database: Database) -> list[TableInfo]:
    """The tables that people loaded, without those that belong to the product and without views."""
    return [
        t for t in database.tables() if t.kind == "table" and t.name != RENAME_LOG and not is_reserved(t.name)
    ]


def listed(database: Database) -> list[dict[str, Any]]:
    """The tables with rows, columns, and when and from where they were loaded."""
    origin = _origins(database)
    return [
        {
            "name": table.name,
            "rows": f"{table.rows:,}" if table.rows is not None else "–",
            "columns": len(table.columns),
            "loaded": origin.get(table.name, ("–", ""))[0],
            "source": origin.get(table.name, ("", "–"))[1],
        }
        for table in user_tables(database)
    ]


def _origins(database: Database) -> dict[str, tuple[str, str]]:
    """UTC time and file of the latest load of each table, by the name that it has now."""
    loads = _log(database, "SELECT loaded_at, table_name, source FROM sales_load_log ORDER BY loaded_at")
    moves = _log(database, f"SELECT renamed_at, old_name, new_name FROM {RENAME_LOG} ORDER BY renamed_at")
    events = [(at, 0, table, source) for at, table, source in loads]
    events += [(at, 1, old, new) for at, old, new in moves]
    origins: dict[str, tuple[str, str]] = {}
    for at, renamed, table, other in sorted(events, key=lambda event: event[:2]):
        if not renamed:
            origins[table] = (f"{at[:16]} UTC", other)
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


def _note_rename(database: Database, table: str, name: str) -> None:
    """Keep what a table was called, so that one can still tell where its rows came from."""
    columns = {"renamed_at": "text", "old_name": "text", "new_name": "text"}
    now = dt.datetime.now(dt.UTC).strftime(_TIME)
    with database.changing() as changes:
        changes.add_rows(RENAME_LOG, columns, [(now, table, name)])
