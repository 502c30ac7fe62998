"""From files dropped on the page to tables in the database: announce, preview, correct, load."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from core.errors import IngestError, RowProblem, SalesError
from core.ingest import IngestReport, Preview, TablePreview, ingest, preview, problems_frame
from core.ingest.corrections import KINDS
from core.roles import Role, require
from dashboard.components.data_parts import DataPreview, DataUpload
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.shown import told_problems, told_table
from dashboard.data_page.work import LOADS, Cancelled, Job
from dashboard.sql_page.files import safe_for_spreadsheets
from dashboard.sql_page.running import Background
from dashboard.uploads import Upload

log = logging.getLogger(__name__)

FORMATS = "CSV, TSV, Excel, Parquet, SQLite files and MySQL dumps; text files also with gzip"
_PREVIEWED_ROWS = 10_000
_EMPTY: dict[str, Any] = {
    "phase": "empty", "title": "", "detail": "", "message": "", "tone": "", "progress": 0.0, "tables": [],
    "problems": [], "problem_count": 0, "blocked": False, "exists": [], "append": False,
    "kinds": [kind for kind in KINDS if kind != "binary"],
}  # fmt: skip


class UploadDesk:
    """Uploads of one session; ``loaded`` is called with the report of every load."""

    def __init__(
        self, current: CurrentDatabase, background: Background, loaded: Callable[[IngestReport], None]
    ) -> None:
        self.current, self._background, self._loaded = current, background, loaded
        self.upload = DataUpload(on_event=self._uploading, sizing_mode="stretch_width")
        self.preview = DataPreview(state=_EMPTY, on_event=self._previewing, sizing_mode="stretch_width")
        self._files: list[Upload] = []
        self._previews: dict[str, Preview] = {}
        self._types: dict[str, dict[str, dict[str, str]]] = {}
        self._name = ""
        self._append = False
        self._job: Job | None = None
        self._problems: tuple[RowProblem, ...] = ()
        self._exists: list[str] = []
        self.follow()

    def follow(self) -> None:
        """Say where files go now."""
        limit = f"up to {self.current.uploads.limit_megabytes:,} MB each"
        into = self.current.shown_url(self.current.own_url).rsplit("/", 1)[-1]
        self.upload.change(hint=f"Files become tables of {into}; nothing is loaded before you have seen it.",
                         formats=f"{FORMATS}, {limit}", busy=False)  # fmt: skip

    def discard(self) -> None:
        """Forget the files that have not been loaded."""
        if self._job is not None:
            self._job.stopped.set()
            self._job = None
        for file in self._files:
            self.current.uploads.discard(file.key)
        self._files, self._previews, self._types = [], {}, {}
        self._name, self._append, self._problems = "", False, ()

    def _uploading(self, event: dict[str, Any]) -> None:
        try:
            if event.get("kind") == "announce":
                require(Role.ADMIN, "loading data")
                ticket = self.current.uploads.ticket(str(event["name"]), int(event["size"]))
                self.upload.tell(kind="ticket", id=event["id"], ticket=ticket)
            elif event.get("kind") == "arrived":
                self._arrived(self.current.uploads.get(str(event["key"])))
        except SalesError as error:
            self.upload.tell(kind="refused", id=event.get("id", ""), message=str(error))

    def _arrived(self, file: Upload) -> None:
        if self.preview.state["phase"] == "done":
            self.discard()
        self._files.append(file)
        self._read_next()

    def _read_next(self) -> None:
        """Preview the next file that has not been looked at, one at a time."""
        waiting = [file for file in self._files if file.key not in self._previews]
        if self._job is not None:
            return
        if not waiting:
            self._show_ready()
            return
        file = waiting[0]
        self._begin("reading", f"Reading {file.name}")
        job = self._job
        assert job is not None
        types, name = self._types.get(file.key), self._name if len(self._files) == 1 else ""

        def work() -> tuple[Preview, list[str]]:
            found = preview(file.path, _PREVIEWED_ROWS, types, table=name or None, progress=job.progress)
            own = self.current.own_database()
            return found, [table.name for table in own.tables()] if own is not None else []

        self._background.start(LOADS, work, partial(self._previewed, file, job))

    def _previewed(self, file: Upload, job: Job, outcome: tuple[Preview, list[str]] | SalesError) -> None:
        if job is not self._job:
            return
        self._job = None
        if isinstance(outcome, SalesError):
            self._drop_file(file)
            if isinstance(outcome, Cancelled):
                self._show_ready()
            else:
                self._refuse(outcome)
            return
        self._previews[file.key], self._exists = outcome
        self._read_next()

    def _drop_file(self, file: Upload) -> None:
        self._files.remove(file)
        self._types.pop(file.key, None)
        self.current.uploads.discard(file.key)

    def _refuse(self, error: SalesError) -> None:
        """Say why a file cannot be read; those before it stay."""
        problems = getattr(error, "problems", ())
        self._show_ready()
        self._problems = tuple(problems)
        self.preview.change(
            phase="ready", title="Preview", message=str(error), tone="error",
            problems=told_problems(problems), problem_count=len(problems),
        )  # fmt: skip

    def _tables(self) -> list[TablePreview]:
        return [table for file in self._files if file.key in self._previews
                for table in self._previews[file.key].tables]  # fmt: skip

    def _show_ready(self) -> None:
        tables = self._tables()
        if not tables:
            self.preview.state = _EMPTY
            return
        self._problems = tuple(problem for table in tables for problem in table.problems)
        count = sum(table.problem_count for table in tables)
        into = self.current.shown_url(self.current.own_url).rsplit("/", 1)[-1]
        self.preview.state = {
            **_EMPTY,
            "phase": "ready",
            "title": "Preview",
            "detail": f"Nothing has been loaded yet. It would go into {into}.",
            "tables": [told_table(table) for table in tables],
            "problems": told_problems(self._problems),
            "problem_count": count,
            "blocked": count > 0,
            "exists": self._exists,
            "append": self._append,
        }

    def _previewing(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "cancel" and self._job is not None:
            self._job.stopped.set()
        elif kind == "problems":
            text = safe_for_spreadsheets(problems_frame(self._problems)).write_csv()
            self.preview.tell(kind="file", name="problems.csv", text=text)
        elif self._job is not None:
            return
        elif kind == "type":
            self._retype(str(event["table"]), str(event["column"]), str(event["type"]))
        elif kind == "name" and len(self._tables()) == 1:
            self._rename(str(event["name"]).strip())
        elif kind == "mode":
            self._append = bool(event.get("append"))
            self.preview.change(append=self._append)
        elif kind == "discard":
            self.discard()
            self.preview.state = _EMPTY
        elif kind == "load":
            self._load()

    def _retype(self, table: str, column: str, chosen: str) -> None:
        for file in self._files:
            if any(other.table == table for other in self._previews[file.key].tables):
                self._types.setdefault(file.key, {}).setdefault(table, {})[column] = chosen
                self._previews.pop(file.key)
        self._read_next()

    def _rename(self, name: str) -> None:
        (file,) = self._files
        (before,) = self._tables()
        if not name or name == before.table:
            self._show_ready()
            return
        self._name = name
        self._types[file.key] = {name: self._types.get(file.key, {}).get(before.table, {})}
        self._previews.pop(file.key)
        self._read_next()

    def _begin(self, phase: str, title: str) -> None:
        self._job = Job(self._background, lambda _what, done: self.preview.change(progress=round(done, 3)))
        self.preview.change(phase=phase, title=title, message="", tone="", progress=0.0, detail="")

    def _load(self) -> None:
        try:
            require(Role.ADMIN, "loading data")
        except SalesError as error:
            self.preview.change(message=str(error), tone="error")
            return
        tables = self._tables()
        types = {name: kinds for given in self._types.values() for name, kinds in given.items() if kinds}
        paths, url, append = [file.path for file in self._files], self.current.own_url, self._append
        name = self._name if len(tables) == 1 and self._name else None
        self._begin("loading", f"Loading {', '.join(table.table for table in tables)}")
        job = self._job
        assert job is not None

        def work() -> IngestReport:
            return ingest(paths, url, append=append, table=name, types=types, progress=job.progress)

        self._background.start(LOADS, work, partial(self._done, job))

    def _done(self, job: Job, outcome: IngestReport | SalesError) -> None:
        if job is not self._job:
            return
        self._job = None
        if isinstance(outcome, SalesError):
            self._show_ready()
            problems = outcome.problems if isinstance(outcome, IngestError) else ()
            self._problems = tuple(problems)
            tone = "warning" if isinstance(outcome, Cancelled) else "error"
            self.preview.change(message=str(outcome), tone=tone, problems=told_problems(problems),
                              problem_count=len(problems))  # fmt: skip
            return
        self.discard()
        rows = f"{outcome.rows:,} rows" if outcome.rows != 1 else "1 row"
        names = ", ".join(table.name for table in outcome.tables)
        notes = "".join(f" {note[:1].upper()}{note[1:]}." for note in outcome.notes)
        self.preview.state = {
            **_EMPTY, "phase": "done", "title": "Loaded", "tone": "good",
            "message": f"{rows} loaded into {names} in {outcome.seconds:.1f} s.{notes}",
        }  # fmt: skip
        self._loaded(outcome)
