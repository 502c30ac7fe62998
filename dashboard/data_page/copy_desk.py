"""Copying the database shown to another: address, test, progress, what arrived."""

import logging
from functools import partial
from typing import Any

from core.copy_targets import copy_targets
from core.database import Database, shown_url
from core.errors import SalesError
from core.roles import Role, require
from core.transfer import (
    CopyOptions,
    CopyProgress,
    CopyReport,
    check_typed,
    copy_database,
    copyable,
    discard_copy,
    examine_target,
    identity,
    require_permitted,
    with_password,
)
from dashboard.components.data_parts import DataCopy
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.work import COPIES, READS, Cancelled, Job
from dashboard.sql_page.running import Background, Cancellable

log = logging.getLogger(__name__)

_IDLE: dict[str, Any] = {
    "phase": "idle", "message": "", "tone": "", "progress": 0.0, "doing": "", "result": [], "notes": [],
}  # fmt: skip


class CopyDesk:
    """The card of one session. A password is kept for as long as the work that needs it, and nowhere else."""

    def __init__(self, current: CurrentDatabase, background: Background) -> None:
        self.current, self._background = current, background
        self.card = DataCopy(
            state={**_IDLE, "title": "Copy this database to another", "tables": []},
            on_event=self._asked,
            sizing_mode="stretch_width",
        )
        self._job: Job | None = None
        self._running: Cancellable | None = None

    def refresh(self) -> None:
        """Read the list of tables anew, off the event loop."""
        self.card.change(detail=self.current.shown_url())
        database = self.current.database
        self._background.start(READS, lambda: _listed(database), self._show)

    def leave(self) -> None:
        """End what is under way; tables that are complete wait hidden for another run."""
        if self._job is not None:
            self._job.stopped.set()

    def _show(self, outcome: list[dict[str, str]] | SalesError) -> None:
        self.card.change(tables=[] if isinstance(outcome, SalesError) else outcome)

    def _asked(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "cancel":
            self._cancel()
            return
        if self._job is not None or self.card.state["phase"] != "idle":
            return
        try:
            require(Role.ADMIN, "copying a database")
            if kind in ("test", "copy"):
                source, target = self._places(event)
                if kind == "test":
                    self._test(source, target)
                else:
                    self._copy(source, target, event)
        except SalesError as error:
            self._complain(error)

    def _places(self, event: dict[str, Any]) -> tuple[str, str]:
        address = str(event.get("address", "")).strip()
        if not address:
            raise SalesError("Say where to: give the address of another database.", "")
        settings = self.current.settings
        require_permitted(address, copy_targets(settings))
        check_typed(address, settings.database_url)
        return settings.resolved_database_url, with_password(
            address, str(event.get("password", "")), settings.database_url
        )

    def _test(self, source: str, target: str) -> None:
        self.card.change(**{**_IDLE, "phase": "testing"})
        demo = self.current.settings.data_folder / "demo.sqlite"

        def told(outcome: str | SalesError) -> None:
            if isinstance(outcome, SalesError):
                self._complain(outcome)
            else:
                self.card.change(**{**_IDLE, "message": outcome, "tone": "good"})

        self._background.start(READS, lambda: examine_target(source, target, demo), told)

    def _copy(self, source: str, target: str, event: dict[str, Any]) -> None:
        options = CopyOptions(
            tables=tuple(str(name) for name in event.get("tables") or ()),
            replace=event.get("replace") is True,
            demo=self.current.settings.data_folder / "demo.sqlite",
        )
        job = Job(self._background, self._told)
        running = Cancellable()
        self._job, self._running = job, running
        self.card.change(**{**_IDLE, "phase": "copying", "doing": "Waiting for another copy to end"})

        def progress(state: CopyProgress) -> None:
            if running.event.is_set():
                job.stopped.set()
            said = str(state)
            job.progress(f"{said[:1].upper()}{said[1:]}", state.fraction)

        def work() -> CopyReport:
            try:
                log.info("Copying %s to %s.", shown_url(source), shown_url(target))
                return copy_database(source, target, options, progress)
            except Cancelled:
                if running.dropped:
                    discard_copy(target)
                raise

        running.future = self._background.start(COPIES, work, partial(self._done, job, target))

    def _told(self, what: str, fraction: float) -> None:
        if self._job is not None:
            self.card.change(doing=what, progress=round(fraction, 3))

    def _cancel(self) -> None:
        """End the copy, and remove what it has written."""
        if self._job is None or self._running is None:
            return
        self._running.dropped = True
        self._job.stopped.set()
        self.card.change(doing="Cancelling")
        if self._running.cancel():  # it had not begun
            self._done(self._job, "", Cancelled("It was cancelled; nothing was changed."))

    def _done(self, job: Job, target: str, outcome: CopyReport | SalesError) -> None:
        if job is not self._job:
            return
        self._job = self._running = None
        if isinstance(outcome, SalesError):
            self._complain(outcome)
            return
        rows, count = f"{outcome.rows:,}", len(outcome.tables)
        self.card.change(
            **{
                **_IDLE,
                "tone": "good",
                "message": f"{rows} rows in {count} {'table' if count == 1 else 'tables'} are in "
                f"{outcome.target}, {'read back and the same' if outcome.verified else 'not compared'} "
                f"({outcome.seconds:.1f} s).",
                "result": [
                    {
                        "name": table.name,
                        "rows": f"{table.rows:,}",
                        "checksum": table.checksum[:12] if table.verified else "–",
                        "seconds": f"{table.seconds:.1f} s",
                    }
                    for table in outcome.tables
                ],
                "notes": [f"{note}." for note in outcome.notes],
            }
        )
        self.card.tell(kind="forget")
        if identity(target) == identity(self.current.own_url):
            self.current.changed()

    def _complain(self, error: SalesError) -> None:
        tone = "warning" if isinstance(error, Cancelled) else "error"
        self.card.change(**{**_IDLE, "message": str(error), "tone": tone})


def _listed(database: Database) -> list[dict[str, str]]:
    return [
        {"name": info.name, "rows": f"{info.rows:,}" if info.rows is not None else "–"}
        for info in copyable(database)
    ]
