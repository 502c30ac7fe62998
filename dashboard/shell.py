"""The shell of one session: navigation, filters, as-of date, and the page that is open.

The document is built in two steps: the shell first, then the visible views one by one, so that many sessions
opening at once share the server.
"""

import logging
import secrets
from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from core.database import Database
from core.observing import observed
from core.predictions.customer import only_customer
from core.roles import NotAllowedError, allows, require, who
from core.settings import Settings
from dashboard import theme
from dashboard.components import BrowserState, FilterBar, Navigation
from dashboard.components.account import Account
from dashboard.filter_panel import FilterPanel
from dashboard.page import PAGES, MessagePage, Page
from dashboard.pages import (  # noqa: F401 - each registers its page
    actions,
    churn,
    credit,
    customer,
    data,
    explore,
    features,
    gallery,
    models,
    operations,
    overview,
    predict,
    recommendations,
    sales_forecast,
    sql,
)
from dashboard.predictions.action_list import open_customer
from dashboard.report.button import ReportDesk
from dashboard.session import Session
from dashboard.view import View

log = logging.getLogger(__name__)


class Shell:
    """Everything one browser session sees."""

    def __init__(self, database: Database, settings: Settings, search: str = "") -> None:
        self.session = Session(database, settings, search)
        if self.session.page not in PAGES:
            self.session.notices = [*self.session.notices, f"There is no page {self.session.page!r}."]
            self.session.page = next(iter(PAGES))
        self._pages: dict[str, Page] = {}
        self._panels: dict[str, pn.viewable.Viewable] = {}
        self._page: Page | None = None
        self._scheduled = False
        self._moves = 0
        self._narrow = "Mobi" in pn.state.headers.get("user-agent", "")
        self._document: Any = None
        self.shell: pmui.Page | None = None

    def page(self) -> pmui.Page:
        """The page shell to serve; the visible views follow once the browser has it."""
        session = self.session
        self.navigation = Navigation(
            pages=[
                {"slug": page.slug, "title": page.title, "group": page.group}
                for page in PAGES.values()
                if page.in_navigation and allows(page.needs)
            ],
            active=session.page,
            on_event=self._navigated,
            sizing_mode="stretch_width",
        )
        self.filter_bar = FilterBar(
            on_remove=self._removed, sizing_mode="stretch_width", margin=(16, 24, 0, 24)
        )
        self.filter_panel = FilterPanel(session)
        person = who()
        self.account = Account(
            person=person.name if person else "", role=str(person.role) if person else "", align="center"
        )
        self.report = ReportDesk(session)
        self.browser = BrowserState(on_event=self._browser_told, width=0, height=0, margin=0)
        self.stage = pn.Column(sizing_mode="stretch_width", margin=0)
        self.shell = pmui.Page(
            title="Sales dashboard",
            header=[pn.Spacer(sizing_mode="stretch_width", height=1), self.report.button, self.account],
            main=[
                # Panel limits a column to the height of its parent, here that of the window.
                pn.Column(
                    self.browser,
                    self.filter_bar,
                    self.stage,
                    sizing_mode="stretch_width",
                    styles={"max-height": "none"},
                )
            ],
            sidebar=[self.navigation, self.filter_panel.panel()],
            sidebar_width=272,
            sidebar_open=not self._narrow,
            sidebar_resizable=False,
            theme_config=theme.THEME_CONFIG,
            dark_theme=session.dark,
            sx=theme.PAGE_SX,
            busy_indicator=None,
        )
        _cut_busy_link(self.shell)
        self.shell.param.watch(lambda event: setattr(session, "dark", event.new), "dark_theme")
        self._document = pn.state.curdoc
        session.on_change(self._changed)
        session.param.watch(self._as_of_changed, "as_of")
        self._open_page()
        self._show_state()
        pn.state.onload(self._loaded)
        return self.shell

    async def _loaded(self) -> None:
        await self.session.load()
        self._changed()

    async def _as_of_changed(self, _event: Any) -> None:
        await self.session.load()

    def _navigated(self, event: dict[str, str]) -> None:
        if event.get("kind") == "open" and event.get("page") in PAGES:
            self.session.param.update(page=event["page"], tab="")
            if self._narrow:
                self.shell.sidebar_open = False

    def _browser_told(self, event: dict[str, str]) -> None:
        if event.get("kind") == "narrow":
            self._narrow = True
            self.shell.sidebar_open = False
        elif event.get("kind") == "dark":
            self.shell.dark_theme = True
        elif event.get("kind") == "moved":
            self._moves = int(event.get("moves", 0))
            self.session.restore(event.get("search", ""))
            if self.session.page not in PAGES:
                self.session.page = next(iter(PAGES))
            self._changed()

    def _removed(self, chip: dict[str, str]) -> None:
        if chip.get("key") == "open":
            open_customer(self.session, chip["value"])
        elif chip.get("key") == "all":
            self.session.filters.clear()
        elif chip.get("key") == "latest":
            self.session.as_of = None
        else:
            self.session.filters.remove(chip["key"], chip.get("value"))

    def _changed(self) -> None:
        """Ask for one update of the page; changes that come together are shown together."""
        if self._document is not None and not self._scheduled:
            self._scheduled = True
            self._document.add_next_tick_callback(self._update)

    def _update(self) -> None:
        self._scheduled = False
        with observed("update", self.session.page), pn.io.hold():
            self._open_page()
            self._show_state()
            self._write_address()
            for view in self._seen():
                if view.drawn:
                    view.refresh()
        self._draw_next()

    def _draw_next(self) -> None:
        """Draw one view that is seen for the first time, then let other sessions in before the next."""
        waiting = [view for view in self._seen() if not view.drawn]
        if self.session.sales is not None and waiting:
            waiting[0].refresh()
            if len(waiting) > 1:
                self._document.add_next_tick_callback(self._draw_next)

    def _seen(self) -> Sequence[View]:
        """The views of the page that is open."""
        return () if self._page is None else self._page.visible_views()

    def _open_page(self) -> None:
        slug = self.session.page
        if slug not in self._pages or not allows(self._pages[slug].needs):
            self._make_page(slug)
        if self._page is not None and self._page is not self._pages[slug] and self.browser.address:
            self._pages[slug].came_from = self.browser.address
        self._page = self._pages[slug]
        for name, panel in self._panels.items():
            panel.visible = name == slug
        self.navigation.active = slug
        self.stage.visible = not (self.session.problem and self._page.needs_sales)
        if self.shell is not None and self.shell.dark_theme != self.session.dark:
            self.shell.dark_theme = self.session.dark

    def _make_page(self, slug: str) -> None:
        """Make a page when it is first opened; one that may not be seen or fails says so in its place."""
        made: Page
        try:
            require(PAGES[slug].needs, f"seeing the page {PAGES[slug].title}")
            with observed("page", slug):
                made = PAGES[slug](self.session)
                panel = made.panel()
        except NotAllowedError as error:
            made = MessagePage(self.session, "Not for your role", error.message, error.remedy)
            panel = made.panel()
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("the page %s could not be made; reference %s", slug, reference)
            made = MessagePage(
                self.session, "This page cannot be shown", "Something went wrong on the server.",
                "Tell whoever runs the dashboard this reference; the other pages go on.", reference,
            )  # fmt: skip
            panel = made.panel()
        if slug in self._panels:
            self.stage.remove(self._panels[slug])
        self._pages[slug], self._panels[slug] = made, panel
        self.stage.append(panel)

    def _show_state(self) -> None:
        session = self.session
        names = session.names()
        chips = [
            {"key": key, "value": value, "label": label} for key, value, label in session.filters.chips(names)
        ]
        wanted = {
            "chips": chips,
            "status": session.status(),
            "problem": session.problem,
            "notices": session.notices,
            "customer": self._only_customer(),
            "looking_back": self._looking_back(),
        }
        changed = {name: value for name, value in wanted.items() if getattr(self.filter_bar, name) != value}
        if changed:
            self.filter_bar.param.update(**changed)

    def _looking_back(self) -> str:
        """What an earlier as-of date means for what is shown; empty at the latest one."""
        session = self.session
        if session.sales is None or session.newest_as_of in (None, session.sales.as_of):
            return ""
        return (
            f"Looking back to {session.sales.as_of:%-d %B %Y}: what was known and predicted then, and beside "
            "it what happened after, as far as it is known today."
        )

    def _only_customer(self) -> str:
        """The key of the customer if the filters leave exactly one, whose page is then offered."""
        session = self.session
        if session.sales is None or session.page == "customer":
            return ""
        return only_customer(session.sales, session.filters) or ""

    def _write_address(self) -> None:
        search = self.session.search()
        if (self.browser.address, self.browser.answered) != (search, self._moves):
            self.browser.param.update(address=search, answered=self._moves)


def _cut_busy_link(page: pmui.Page) -> None:
    """Take the page's watcher of the global busy state away.

    It keeps every page alive for good, and makes each callback of any session search every document: more
    than half the cost of a click.
    """
    for watcher in list(pn.state.param.watchers.get("busy", {}).get("value", ())):
        owner = getattr(watcher.fn, "__self__", None)
        if getattr(owner, "self", None) is page:
            pn.state.param.unwatch(watcher)
