"""The desk of the SQL page: what happens when a query is run, stopped, explained, shared or restored."""

import datetime as dt
from contextlib import suppress
from typing import Any

import panel as pn

from core.adhoc import (
    QueryCancelled,
    QueryLimits,
    QueryResult,
    SavedQuery,
    explain,
    run_query,
)
from core.errors import SalesError
from core.roles import Role, require
from dashboard.components.sql_editor import (
    ROW_CHOICES,
    SECOND_CHOICES,
    SqlCatalogue,
    SqlEditor,
    SqlResult,
    editor_assets,
)
from dashboard.security.rate_limits import spend
from dashboard.session import Session
from dashboard.sql_page import parameters
from dashboard.sql_page.catalogue import Contents, default_values, read_contents
from dashboard.sql_page.chart_builder import ChartBuilder
from dashboard.sql_page.downloads import Downloads
from dashboard.sql_page.explorer import ExplorerTab
from dashboard.sql_page.history import History, facts_of, remark_on
from dashboard.sql_page.link import QueryAddress
from dashboard.sql_page.rows import ResultRows
from dashboard.sql_page.running import QUERIES, ROWS, Background, Cancellable

START = "Write a query, or choose a ready one under Queries.\nRun it, and what it returns is shown here."
NO_PLAN = "Run a query or open this tab with one in the editor to see how the engine would answer it."
_DOING = "querying in SQL"
_GREETING = "Reading only: nothing you write here can change the data."
_FROM_LINK = "This query came with the link and has not been run."


class QueryDesk:
    """Connects editor, catalogue and result of one session with ``core.adhoc``."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.background = Background(pn.state.curdoc)
        self.editor = SqlEditor(
            assets=editor_assets(), dark=session.dark, message=_GREETING, on_event=self._editor_says,
            sizing_mode="stretch_width",
        )  # fmt: skip
        self.catalogue = SqlCatalogue(on_event=self._catalogue_says, sizing_mode="stretch_width")
        self.rows = ResultRows(self.background, lambda p, n: self.result.param.update(page=p, pages=n))
        self.chart = ChartBuilder(self.background, lambda words: self.result.param.update(chart_note=words))
        self.explorer = ExplorerTab(
            self.background, lambda words: self.result.param.update(explorer_note=words)
        )
        self.result = SqlResult(
            table=self.rows.table, chart=self.chart.panel, explorer=self.explorer.panel,
            message=START, plan_message=NO_PLAN, on_event=self._result_says, sizing_mode="stretch_width",
        )  # fmt: skip
        self.downloads = Downloads(self.background, self.result)
        self._running: Cancellable | None = None
        self._typed: dict[str, str] = {}
        self.contents = Contents()
        self.history = History(self.catalogue)
        self.address = QueryAddress(session, self._came_by_link)
        self._planned: object = None
        self.editor.param.watch(lambda _event: self._describe_parameters(), "text")
        self.result.param.watch(self._tab_changed, "active")
        session.param.watch(self._theme_changed, "dark")
        session.param.watch(self._page_changed, "page")
        if pn.state.curdoc is not None:
            pn.state.on_session_destroyed(self._ended)
        self.address.follow()
        self._page_changed()

    def _page_changed(self, _event: Any = None) -> None:
        """Read tables and saved queries whenever the page is opened: another page may have changed them."""
        session, known = self.session, self.contents
        if session.page != "sql":
            return
        try:
            require(Role.ANALYST, _DOING)
        except SalesError as error:
            self._contents_read(error)
            self.editor.message = str(error)
        else:
            self.background.start(ROWS, lambda: read_contents(session, known), self._contents_read)

    def _contents_read(self, outcome: Contents | SalesError) -> None:
        if isinstance(outcome, SalesError):
            self.catalogue.param.update(loaded=True, problem=str(outcome))
            return
        if outcome is self.contents:
            return
        self.contents, tables = outcome, outcome.tables
        quoted = outcome.quoted
        self.catalogue.param.update(
            tables=tables, quoted=quoted, queries=outcome.queries, loaded=True, problem=""
        )
        self.editor.param.update(tables=tables, quoted=quoted, words=outcome.words)
        self._describe_parameters()

    def _editor_says(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind in ("run", "link"):
            self._typed |= {str(k): str(v) for k, v in dict(event.get("values") or {}).items()}
        if kind == "run":
            self.run(str(event.get("text", "")))
        elif kind == "cancel":
            self.cancel()
        elif kind == "link":
            self._share(str(event.get("text", "")))

    def _catalogue_says(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "insert":
            self.editor.tell(kind="insert", text=str(event.get("text", "")))
        elif kind == "query" and event.get("name") in self.contents.runnable:
            self._take_saved(self.contents.saved[event["name"]])
        elif kind == "history":
            entry = self.history.find(event.get("key"))
            if entry is not None:
                self._typed |= entry["typed"]
                self._put(entry["full"], "Taken from the history.")

    def _result_says(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "turn":
            self.rows.turn(int(event.get("page", 0)))
        elif kind == "export" and self.rows.result is not None:
            self._export(str(event.get("form")))
        elif kind == "part":
            self.downloads.send_next()

    def _export(self, form: str) -> None:
        try:
            require(Role.ANALYST, _DOING)
            spend("export")
        except SalesError as error:
            self.result.tell(kind="refused", message=str(error))
        else:
            self.downloads.begin(self.rows.frame, form)

    def _take_saved(self, query: SavedQuery) -> None:
        for name in query.defaults:
            self._typed.pop(name, None)
        self._put(query.text, f"{query.title}. From sql/{query.name}.sql.")

    def _put(self, text: str, message: str) -> None:
        self.editor.param.update(text=text, mark={})
        self._describe_parameters(keep=False)
        if self._running is None:
            self.editor.param.update(state="ready", message=message)
        self.editor.tell(kind="focus")

    def _describe_parameters(self, keep: bool = True) -> None:
        found = parameters.described(self.editor.text, self._defaults(), self._typed)
        for parameter in found:
            parameter["keep"] = keep
        if [p["name"] for p in found] != [p["name"] for p in self.editor.parameters] or not keep:
            self.editor.parameters = found

    def _defaults(self) -> dict[str, object]:
        return default_values(self.session, self.contents.saved.values())

    def run(self, text: str) -> None:
        """Run ``text`` in the pool of query threads; does nothing while a query of this session runs."""
        if self._running is not None:
            return
        session, editor = self.session, self.editor
        editor.param.update(text=text, mark={})
        typed = dict(self._typed)
        began = dt.datetime.now()
        try:
            require(Role.ANALYST, _DOING)
            if not text.strip():
                raise SalesError("There is no query yet.", "Write one, or choose one under Queries.")
            spend("query")
            values = parameters.bound(text, self._values(text))
        except SalesError as error:
            self._failed(text, error, began, typed)
            return
        declared = self.contents.declared(text)
        limits = QueryLimits(
            max_rows=min(editor.max_rows, max(ROW_CHOICES)),
            max_seconds=min(editor.max_seconds, max(SECOND_CHOICES)),
        )
        self.rows.clear()
        self.chart.clear()
        self.explorer.clear()
        self.downloads.stop()
        running = self._running = Cancellable()
        self._planned = None
        self.result.param.update(
            state="running", message="Running …", facts="", remark="", page=0, pages=0, plan="",
            plan_message=NO_PLAN,
        )  # fmt: skip
        editor.param.update(state="waiting", message="Waiting for its turn …")
        with suppress(SalesError):
            self.address.write(text, self._values(text))

        def work() -> QueryResult:
            self.background.tell(lambda: self._begun(running))
            return run_query(
                session.database, text, limits=limits, params=values, cancel=running.event, declared=declared
            )

        def done(outcome: QueryResult | SalesError) -> None:
            if self._running is running and not running.dropped:
                self._running = None
                if isinstance(outcome, SalesError):
                    self._failed(text, outcome, began, typed)
                else:
                    self._succeeded(text, outcome, limits, began, typed)

        running.future = self.background.start(QUERIES, work, done)

    def _values(self, text: str) -> dict[str, str]:
        """The values of the parameters of ``text`` as they stand in their fields."""
        return {p["name"]: p["value"] for p in parameters.described(text, self._defaults(), self._typed)}

    def _begun(self, running: Cancellable) -> None:
        if self._running is running:
            self.editor.param.update(state="running", message="Running. Esc stops it.")

    def cancel(self) -> None:
        """Stop the running query, if any."""
        running = self._running
        if running is None:
            return
        self.editor.message = "Stopping …"
        if running.cancel():
            self._running = None
            error = QueryCancelled("The query was cancelled before it began.")
            self._failed(self.editor.text, error, dt.datetime.now(), {})

    def _succeeded(
        self, text: str, outcome: QueryResult, limits: QueryLimits, began: dt.datetime, typed: dict[str, str]
    ) -> None:
        facts = facts_of(outcome)
        self.rows.show(outcome)
        self.chart.offer(outcome)
        self.explorer.offer(outcome)
        self.result.param.update(
            state="ready" if outcome.rows else "start", facts=facts, remark=remark_on(outcome, limits),
            message="The query is right and returned no rows.", page=0, pages=self.rows.pages,
        )  # fmt: skip
        self.editor.param.update(state="done", message=f"Done: {facts}.")
        self.history.add(text, "done", facts, began, typed)
        self._tab_changed()

    def _failed(self, text: str, error: SalesError, began: dt.datetime, typed: dict[str, str]) -> None:
        stopped = isinstance(error, QueryCancelled)
        state = "cancelled" if stopped else "error"
        line, column = getattr(error, "line", None), getattr(error, "column", None)
        mark = {"line": line, "column": column, "text": str(error)} if line else {}
        self.editor.param.update(state=state, message=str(error), mark=mark)
        if self.rows.result is None:
            words = "The query was stopped." if stopped else "There is no result: see below the editor why."
            self.result.param.update(state="error", message=words)
        self.history.add(text, state, "cancelled" if stopped else error.message, began, typed)

    def _tab_changed(self, _event: Any = None) -> None:
        if self.result.active == "chart":
            self.chart.draw()
        elif self.result.active == "explorer":
            self.explorer.draw()
        elif self.result.active == "plan":
            self._plan()

    def _plan(self) -> None:
        text, database = self.editor.text, self.session.database
        if not text.strip():
            return
        try:
            require(Role.ANALYST, _DOING)
        except SalesError as error:
            self.result.plan_message = str(error)
            return
        wanted = self._planned = object()
        self.result.param.update(plan="", plan_message="Asking the engine …")

        def done(outcome: str | SalesError) -> None:
            if self._planned is not wanted:
                return
            if isinstance(outcome, SalesError):
                self.result.param.update(plan="", plan_message=str(outcome))
            else:
                self.result.param.update(plan=outcome, plan_message="")

        self.background.start(ROWS, lambda: explain(database, text, limits=QueryLimits(max_seconds=10)), done)

    def _share(self, text: str) -> None:
        try:
            self.address.write(text, self._values(text))
        except SalesError as error:
            self.editor.message = str(error)
        else:
            self.editor.tell(kind="copy", search=self.session.search())

    def _came_by_link(self, text: str, values: dict[str, str]) -> None:
        if text != self.editor.text:
            self._typed |= values
            self._put(text, _FROM_LINK)

    def _theme_changed(self, event: Any) -> None:
        self.editor.dark = event.new

    def _ended(self, _context: Any) -> None:
        if self._running is not None:
            self._running.dropped = True
            self._running.cancel()
        self.downloads.stop()
        self.rows.result = None
        self.chart.forget()
        self.explorer.forget()
