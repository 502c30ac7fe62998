"""The desk of the SQL page: what happens when a query is run, stopped, explained, shared or restored."""

import datetime as dt
import itertools
import logging
from typing import Any

import panel as pn

from core.adhoc import (
    QueryCancelled,
    QueryLimits,
    QueryResult,
    SavedQuery,
    explain,
    run_query,
    saved_queries,
    schema_of,
)
from core.errors import SalesError
from dashboard.components.sql_editor import (
    ROW_CHOICES,
    SECOND_CHOICES,
    SqlCatalogue,
    SqlEditor,
    SqlResult,
    editor_assets,
)
from dashboard.session import Session
from dashboard.sql_page import parameters
from dashboard.sql_page.chart_builder import ChartBuilder
from dashboard.sql_page.downloads import Downloads
from dashboard.sql_page.link import from_link, to_link
from dashboard.sql_page.rows import ResultRows
from dashboard.sql_page.running import QUERIES, ROWS, Background, Cancellable

log = logging.getLogger(__name__)

START = "Write a query, or take one from the list.\nCtrl+Enter runs it; what it returns is shown here."
NO_PLAN = "Run a query or open this tab with one in the editor to see how the engine would answer it."
HISTORY = 100
_GREETING = "Reading only: nothing you write here can change the data."
_FROM_LINK = "This query came with the link and has not been run. Ctrl+Enter runs it."


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
        self.rows = ResultRows(self.background, self._turned)
        self.chart = ChartBuilder(self.background, self._chart_says)
        self.result = SqlResult(
            table=self.rows.table, chart=self.chart.panel, message=START, plan_message=NO_PLAN,
            on_event=self._result_says, sizing_mode="stretch_width",
        )  # fmt: skip
        self.downloads = Downloads(self.background, self.result)
        self._running: Cancellable | None = None
        self._typed: dict[str, str] = {}
        self._saved: dict[str, SavedQuery] = {}
        self._history: list[dict[str, Any]] = []
        self._keys = itertools.count()
        self._planned: tuple[str, dict[str, Any]] | None = None
        self._from_address = ""
        self.editor.param.watch(self._text_changed, "text")
        self.result.param.watch(self._tab_changed, "active")
        session.param.watch(self._theme_changed, "dark")
        session.param.watch(self._address_changed, "extra")
        if pn.state.curdoc is not None:
            pn.state.on_session_destroyed(self._ended)
        self._address_changed()
        self.background.start(ROWS, self._read_catalogue, self._catalogue_read)

    def _read_catalogue(self) -> tuple[Any, list[SavedQuery]]:
        session = self.session
        saved = saved_queries(
            session.database, as_of=session.as_of, terms_days=session.settings.payment_terms_days
        )
        return schema_of(session.database), saved

    def _catalogue_read(self, outcome: tuple[Any, list[SavedQuery]] | SalesError) -> None:
        if isinstance(outcome, SalesError):
            self.catalogue.param.update(loaded=True, problem=str(outcome))
            return
        schema, saved = outcome
        self._saved = {query.name: query for query in saved}
        tables = [
            {"name": t.name, "kind": t.kind, "rows": t.rows, "columns": [list(c) for c in t.columns.items()]}
            for t in schema.tables
        ]
        queries = [{"name": q.name, "title": q.title, "purpose": q.purpose} for q in saved]
        self.catalogue.param.update(tables=tables, queries=queries, loaded=True)
        self.editor.param.update(tables=tables, words=[*schema.keywords, *schema.functions])
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
        elif kind == "query" and event.get("name") in self._saved:
            self._take_saved(self._saved[event["name"]])
        elif kind == "history":
            entry = next((e for e in self._history if e["key"] == event.get("key")), None)
            if entry is not None:
                self._typed |= entry["typed"]
                self._put(entry["full"], "Taken from the history.")

    def _result_says(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "turn":
            self.rows.turn(int(event.get("page", 0)))
        elif kind == "export" and self.rows.result is not None:
            self.downloads.begin(self.rows.frame, str(event.get("form")))
        elif kind == "part":
            self.downloads.send_next()

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

    def _text_changed(self, _event: Any) -> None:
        self._describe_parameters()

    def _describe_parameters(self, keep: bool = True) -> None:
        found = parameters.described(self.editor.text, self._defaults(), self._typed)
        for parameter in found:
            parameter["keep"] = keep
        if [p["name"] for p in found] != [p["name"] for p in self.editor.parameters] or not keep:
            self.editor.parameters = found

    def _defaults(self) -> dict[str, object]:
        """Values that make sense: as-of date and period of the session, else those of the saved queries."""
        session, values = self.session, {}
        for query in self._saved.values():
            values |= query.defaults
        if session.sales is not None:
            given = session.filters.sql_parameters(session.sales.as_of)
            if not session.filters.values_of("period"):
                given.pop("from_day", None)
            values |= given
        return values

    def run(self, text: str) -> None:
        """Run ``text`` in the pool of query threads; does nothing while a query of this session runs."""
        if self._running is not None:
            return
        session, editor = self.session, self.editor
        editor.param.update(text=text, mark={})
        typed = dict(self._typed)
        began = dt.datetime.now()
        try:
            if not text.strip():
                raise SalesError("There is no query yet.", "Write one, or take one from the list.")
            values = parameters.bound(text, self._shown_values())
        except SalesError as error:
            self._failed(text, error, began, typed)
            return
        declared = next((q.declared for q in self._saved.values() if q.text.strip() == text.strip()), None)
        limits = QueryLimits(
            max_rows=min(editor.max_rows, max(ROW_CHOICES)),
            max_seconds=min(editor.max_seconds, max(SECOND_CHOICES)),
        )
        self.rows.clear()
        self.chart.clear()
        self.downloads.stop()
        running = self._running = Cancellable()
        self._planned = None
        self.result.param.update(
            state="running", message="Running …", facts="", remark="", page=0, pages=0, plan="",
            plan_message=NO_PLAN,
        )  # fmt: skip
        editor.param.update(state="waiting", message="Waiting for a free place: other queries are running.")
        self._remember_address(text)

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

    def _shown_values(self) -> dict[str, str]:
        return {p["name"]: self._typed.get(p["name"], p["value"]) for p in
                parameters.described(self.editor.text, self._defaults(), self._typed)}  # fmt: skip

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
        rows, columns = _counted(outcome.rows, "row"), _counted(len(outcome.columns), "column")
        facts = f"{rows}, {columns} · {outcome.seconds:.2f} s"
        self.rows.show(outcome)
        self.chart.offer(outcome)
        self.result.param.update(
            state="ready" if outcome.rows else "start", facts=facts, remark=remark_on(outcome, limits),
            message="The query is right and returned no rows.", page=0, pages=self.rows.pages,
        )  # fmt: skip
        self.editor.param.update(state="done", message=f"Done: {facts}.")
        self._remember(text, "done", facts, began, typed)
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
        self._remember(text, state, "cancelled" if stopped else error.message, began, typed)

    def _remember(self, text: str, state: str, facts: str, began: dt.datetime, typed: dict[str, str]) -> None:
        if not text.strip():
            return
        entry = {
            "key": str(next(self._keys)), "text": " ".join(text.split())[:200], "state": state,
            "facts": f"{began:%H:%M:%S} · {facts}", "full": text, "typed": typed,
        }  # fmt: skip
        self._history = [entry, *self._history][:HISTORY]
        shown = ("key", "text", "state", "facts")
        self.catalogue.history = [{name: e[name] for name in shown} for e in self._history]

    def _chart_says(self, words: str) -> None:
        self.result.chart_note = words

    def _turned(self, page: int, pages: int) -> None:
        self.result.param.update(page=page, pages=pages)

    def _tab_changed(self, _event: Any = None) -> None:
        if self.result.active == "chart":
            self.chart.draw()
        elif self.result.active == "plan":
            self._plan()

    def _plan(self) -> None:
        text, database = self.editor.text, self.session.database
        if not text.strip():
            return
        wanted = self._planned = (text, {})
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
            link = to_link(text)
        except SalesError as error:
            self.editor.param.update(message=str(error))
            return
        self._remember_address(text)
        self.editor.tell(kind="copy", search=self.session.search(), length=len(link))

    def _remember_address(self, text: str) -> None:
        """Put the query into the address bar, if it fits."""
        try:
            extra = {"q": to_link(text)} if text.strip() else {}
        except SalesError:
            extra = {}
        self._from_address = extra.get("q", "")
        self.session.extra = extra

    def _address_changed(self, _event: Any = None) -> None:
        value = self.session.extra.get("q", "")
        if not value or value == self._from_address:
            return
        self._from_address = value
        try:
            text = from_link(value)
        except SalesError as error:
            self.editor.param.update(state="error", message=str(error))
            return
        if text != self.editor.text:
            self._put(text, _FROM_LINK)

    def _theme_changed(self, event: Any) -> None:
        self.editor.dark = event.new

    def _ended(self, _context: Any) -> None:
        if self._running is not None:
            self._running.dropped = True
            self._running.cancel()
        self.downloads.stop()
        self.rows.result = None
        self.chart.clear()


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def remark_on(result: QueryResult, limits: QueryLimits) -> str:
    """What the reader must know about the rows: which limit cut them off, and how to get more."""
    if result.truncated_by == "rows":
        return (
            f"Cut off at {limits.max_rows:,} rows, there are more. Choose more rows above the editor"
            f" (at most {max(ROW_CHOICES):,}), or let SQL do the work: WHERE, GROUP BY."
        )
    if result.truncated_by == "bytes":
        return (
            f"Cut off at {result.rows:,} rows because they fill {limits.max_bytes // 2**20} MB."
            " Ask for fewer columns, or let SQL do the work: WHERE, GROUP BY."
        )
    return ""
