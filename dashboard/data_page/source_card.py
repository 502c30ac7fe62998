"""Which database the server shows, whether it answers, and the switch from the demo to one's own data."""

import logging
from typing import Any

from core.database import Health, open_database
from core.errors import SalesError
from core.roles import Role, require
from dashboard.components.data_parts import DataSource
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.work import READS
from dashboard.sql_page.running import Background

log = logging.getLogger(__name__)


class SourceCard:
    """The card of one session."""

    def __init__(self, current: CurrentDatabase, background: Background) -> None:
        self.current, self._background = current, background
        self.card = DataSource(on_event=self._asked, sizing_mode="stretch_width")
        self.follow()

    def follow(self) -> None:
        """Show what is current."""
        current, own = self.current, self.current.own_database()
        shows_demo = current.shows_demo
        name = current.shown_url(current.own_url).rsplit("/", 1)[-1]
        explanation = command = ""
        if shows_demo:
            explanation = (
                f"The demo stays as it is. What you load goes into your own database, {name}; every page "
                "shows it as soon as you switch to it."
            )
        elif current.started_on_demo:
            command = f"SALES_DATABASE_URL={current.shown_url(current.own_url)} sales-dashboard serve"
        self.card.change(
            title="Shown: the demo company" if shows_demo else f"Shown: your database {name}",
            detail=current.shown_url(),
            explanation=explanation,
            command=command,
            offer=f"Show {name}" if shows_demo and own is not None else "",
            back="Back to the demo" if not shows_demo and current.started_on_demo else "",
            health="",
            busy=False,
        )

    def switch(self, url: str) -> None:
        """Show another database to everybody; says so if that cannot be done."""
        try:
            require(Role.ADMIN, "choosing the database")
            self.current.switch(url)
        except SalesError as error:
            self.card.change(health=str(error), health_tone="error")

    def _asked(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "switch":
            self.switch(self.current.own_url)
        elif kind == "back":
            self.switch("")
        elif kind == "test":
            self.card.change(busy=True, health="")
            url = self.current.settings.resolved_database_url
            self._background.start(READS, lambda: _health(url), self._tested)

    def _tested(self, outcome: Health | SalesError) -> None:
        if isinstance(outcome, SalesError):
            self.card.change(busy=False, health=str(outcome), health_tone="error")
            return
        took = f" ({outcome.seconds * 1000:,.0f} ms)" if outcome.ok else ""
        self.card.change(
            busy=False, health=f"{outcome.message}{took}", health_tone="good" if outcome.ok else "error"
        )


def _health(url: str) -> Health:
    """Whether a new connection is answered."""
    with open_database(url) as database:
        return database.health()
