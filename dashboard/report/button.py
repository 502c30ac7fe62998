"""The control that saves the page one looks at as a report."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from core.errors import SalesError
from core.roles import Role, require
from dashboard.components import BASE_CSS
from dashboard.components.telling import Telling
from dashboard.current_database import current_database
from dashboard.report.making import Report, make_report
from dashboard.security.rate_limits import spend
from dashboard.session import Session
from dashboard.sql_page.running import Background

_FOLDER = Path(__file__).parent
_REPORTS = ThreadPoolExecutor(1, thread_name_prefix="report")
"""One report at a time in the whole process: drawing takes seconds of one core."""


class SaveReport(Telling):
    """A button in the header.

    Messages are dicts: kind ``save``. It is told kind ``report`` (name, text) or ``refused`` (message).
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
        self._background = Background(pn.state.curdoc)
        self.button = SaveReport(on_event=self._asked, align="center")

    def _asked(self, event: dict[str, Any]) -> None:
        if event.get("kind") != "save" or self.button.busy:
            return
        session = self._session
        try:
            require(Role.VIEWER, "saving a report")
            spend("export")
        except SalesError as error:
            self.button.tell(kind="refused", message=str(error))
            return
        self.button.busy = True
        current, search = current_database(session), session.search()
        self._background.start(_REPORTS, lambda: make_report(current, search), self._made)

    def _made(self, outcome: Report | SalesError) -> None:
        self.button.busy = False
        if isinstance(outcome, SalesError):
            self.button.tell(kind="refused", message=str(outcome))
        else:
            self.button.tell(kind="report", name=outcome.name, text=outcome.html)
