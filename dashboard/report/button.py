"""The control that saves the page one looks at as a report."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from core.errors import SalesError
from core.roles import Role, require, who
from dashboard.components import BASE_CSS
from dashboard.components.telling import Telling
from dashboard.current_database import CurrentDatabase, current_database
from dashboard.report.making import Report, make_report
from dashboard.report.queue import Place, ReportQueue
from dashboard.security.rate_limits import spend
from dashboard.session import Session
from dashboard.sql_page.running import Background

_FOLDER = Path(__file__).parent
_REPORTS = ThreadPoolExecutor(1, thread_name_prefix="report")
"""One report at a time in the whole process: drawing takes seconds of one core."""
QUEUE = ReportQueue()
"""Who has one made, or waits for it."""


class SaveReport(Telling):
    """A button in the header.

    Messages are dicts: kind ``save``. It is told kind ``report`` (name, text), or ``waiting`` or ``refused``
    (message).
    """

    busy = param.Boolean(default=False, doc="Whether a report is being made.")

    _esm = _FOLDER / "button.js"
    _stylesheets: ClassVar[list[str]] = [BASE_CSS, (_FOLDER / "button.css").read_text(encoding="utf-8")]


class ReportDesk:
    """Makes reports of the page that a session shows.

    Attributes
    ----------
    button
        The control in the header.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        document = pn.state.curdoc
        self._background = Background(document)
        is_served = document is not None and document.session_context is not None
        self._document = weakref.ref(document) if is_served else None
        self.button = SaveReport(on_event=self._asked, align="center")

    def _asked(self, event: dict[str, Any]) -> None:
        if event.get("kind") != "save" or self.button.busy:
            return
        session, person = self._session, who()
        try:
            require(Role.VIEWER, "saving a report")
            place = QUEUE.enter(person.name if person else f"page {id(self)}")
        except SalesError as error:
            self.button.tell(kind="refused", message=str(error))
            return
        try:
            spend("export")
        except SalesError as error:
            place.leave()
            self.button.tell(kind="refused", message=str(error))
            return
        self.button.busy = True
        if place.ahead:
            before = "One report is" if place.ahead == 1 else f"{place.ahead} reports are"
            self.button.tell(kind="waiting", message=f"{before} made before this one.")
        current, search = current_database(session), session.search()
        self._background.start(_REPORTS, partial(self._make, current, search, place), self._made)

    def _make(self, current: CurrentDatabase, search: str, place: Place) -> Report:
        try:
            if self._is_over():
                raise SalesError("Nobody waits for this report any more.")
            return make_report(current, search)
        finally:
            place.leave()

    def _is_over(self) -> bool:
        """Whether the page was closed while its report waited."""
        if self._document is None:
            return False
        document = self._document()
        return document is None or document.session_context is None

    def _made(self, outcome: Report | SalesError) -> None:
        self.button.busy = False
        if isinstance(outcome, SalesError):
            self.button.tell(kind="refused", message=str(outcome))
        else:
            self.button.tell(kind="report", name=outcome.name, text=outcome.html)
