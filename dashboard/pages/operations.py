"""Operations: is the server well, who uses it, what is slow, what went wrong? For admins."""

from collections.abc import Sequence
from typing import Any

import panel as pn

from core.roles import Role, acting_as, require, who
from dashboard.observability import operations
from dashboard.observability.server_report import ServerReport, told
from dashboard.page import Page
from dashboard.session import Session
from dashboard.threads import in_thread
from dashboard.view import View


class OperationsPage(Page):
    """The state of this server, read when the page is opened and whenever the reader asks."""

    slug = "operations"
    title = "Operations"
    position = 98
    group = "Share"
    needs_sales = False
    needs = Role.ADMIN

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._document = pn.state.curdoc
        self.report = ServerReport(on_read=self._read, sizing_mode="stretch_width")
        session.on_change(self._opened)
        self._was_open = False
        self._opened()

    def _opened(self) -> None:
        is_open = self.session.page == self.slug
        if is_open and not self._was_open:
            self._read()
        self._was_open = is_open

    def _read(self) -> None:
        """Read off the event loop: the database is asked."""
        require(Role.ADMIN, "seeing the page Operations")
        if self._document is not None:
            self._document.add_next_tick_callback(self._read_beside)

    async def _read_beside(self) -> None:
        watched, person = operations.OPERATIONS, who()
        if watched is None:
            return

        def read() -> dict[str, Any]:
            with acting_as(person):
                return told(watched)

        self.report.report = await in_thread(read)

    def panel(self) -> pn.viewable.Viewable:
        return pn.Column(self.report, sizing_mode="stretch_width", margin=(8, 24, 24, 24))

    def visible_views(self) -> Sequence[View]:
        return ()
