"""The tables of the database that uploads go into: rows, origin, profile, renaming, dropping."""

from collections.abc import Callable
from typing import Any

from core.database import Database, TableInfo, open_database
from core.errors import DatabaseError, SalesError
from core.ingest.names import is_reserved
from core.profile import profile_table
from core.roles import Role, require
from core.table_origins import Origin, table_origins
from core.tables import drop_tables, rename_table, table_use
from dashboard.components.data_parts import DataTables
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.shown import told_profile
from dashboard.data_page.work import LOADS, READS
from dashboard.sql_page.running import Background

_UNKNOWN = Origin("–", "–")


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
        try:
            require(Role.ANALYST, "reading tables")
        except SalesError as error:
            self._complain(error)
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
    return [table for table in database.tables() if table.kind == "table" and not is_reserved(table.name)]


def listed(database: Database) -> list[dict[str, Any]]:
    """The tables with rows, columns, and when and from where they were loaded."""
    origins = table_origins(database)
    return [
        {
            "name": table.name,
            "rows": f"{table.rows:,}" if table.rows is not None else "–",
            "columns": len(table.columns),
            "loaded": origins.get(table.name, _UNKNOWN).at,
            "source": origins.get(table.name, _UNKNOWN).source,
        }
        for table in user_tables(database)
    ]
