"""The page of one embedded view: the card, a line on what it shows, and nothing else."""

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import panel as pn

from core.filters import DIMENSIONS
from core.settings import Settings
from dashboard.components import FilterBar
from dashboard.current_database import CurrentDatabase
from dashboard.embedding.access import Grant, granted, moved
from dashboard.embedding.components import EmbedFrame
from dashboard.embedding.embedded_session import EmbeddedSession
from dashboard.embedding.look import TEMPLATE, template_variables
from dashboard.embedding.origins import embedding_sites
from dashboard.embedding.share import note_opened, require_room
from dashboard.embedding.tokens import EmbedRefusedError
from dashboard.page_bundle import prepare_bundle
from dashboard.security import live_sessions
from dashboard.view import View

_LONGEST_TIMER = 24 * 3600.0
ENDED = "The embed token has expired. Reload the page that shows this view to get a new one."


class EmbeddedView:
    """Everything one embedded view needs."""

    def __init__(self, current: CurrentDatabase, settings: Settings, grant: Grant) -> None:
        self.grant = grant
        self.session = EmbeddedSession(current.database, settings, grant)
        self._document: Any = pn.state.curdoc
        current.follow(self.session, self._document)
        self.view: View = grant.view.make(self.session)
        self.view.card.slug = ""
        self.frame = EmbedFrame(
            theme=grant.theme,
            origins=list(embedding_sites(settings)),
            on_event=self._told,
            width=0,
            height=0,
            margin=0,
        )
        self.bar = FilterBar(on_remove=self._removed, sizing_mode="stretch_width", margin=(4, 4, 0, 4))
        self.stage = pn.Column(self.view.panel(), self.bar, self.frame, sizing_mode="stretch_width", margin=0)
        self._scheduled = False

    def panel(self) -> pn.viewable.Viewable:
        """The page; what it shows is drawn once the browser has it."""
        session = self.session
        session.on_change(self._changed)
        session.param.watch(self._as_of_changed, "as_of")
        self._show_state()
        pn.state.onload(self._loaded)
        self._watch_the_clock()
        return self.stage

    async def _loaded(self) -> None:
        await self.session.load()
        self.session.fill_open_period()
        self._changed()

    async def _as_of_changed(self, _event: Any) -> None:
        await self.session.load()

    def _changed(self) -> None:
        if self._document is not None and not self._scheduled:
            self._scheduled = True
            self._document.add_next_tick_callback(self._update)

    def _update(self) -> None:
        self._scheduled = False
        if self.frame.ended:
            return
        with pn.io.hold():
            self._follow_click()
            self._show_state()
            self.view.refresh()

    def _follow_click(self) -> None:
        """A click that opens a page does so beside, for those who can see the whole dashboard."""
        wanted, self.session.wanted_page = self.session.wanted_page, ""
        if not wanted:
            return
        if self.grant.claims is not None:
            self.session.refusals.append("Other pages are not part of this view.")
        else:
            self.frame.opens = f"../{wanted}"
            self.frame.opens = ""

    def _show_state(self) -> None:
        session = self.session
        chips = [
            {"key": key, "value": value, "label": label}
            for key, value, label in session.filters.chips(session.names())
            if session.filters.is_chosen(key, value)
        ]
        notices = [*session.notices, *session.refusals]
        session.refusals.clear()
        wanted = {
            "chips": chips,
            "status": self._status(),
            "problem": session.problem,
            "notices": list(dict.fromkeys(notices)),
        }
        changed = {name: value for name, value in wanted.items() if getattr(self.bar, name) != value}
        if changed:
            self.bar.param.update(**changed)
        address = urlencode(self._own_query(), safe=",:")
        if self.frame.address != address:
            self.frame.address = address

    def _status(self) -> str:
        session = self.session
        if session.sales is None:
            return session.status()
        fixed = "; ".join(label for _key, _value, label in self.grant.pins.chips())
        told = f"As known on {session.sales.as_of:%-d %B %Y} · {session.status().rpartition(' · ')[2]}"
        return f"{told} · {fixed}" if fixed else told

    def _own_query(self) -> dict[str, str]:
        """Filters as an address without those that are fixed."""
        fixed = self.grant.pins.active()
        query = {k: v for k, v in self.session.filters.to_query().items() if k not in fixed}
        if self.session.as_of is not None and self.grant.pinned_as_of is None:
            query["as_of"] = self.session.as_of.isoformat()
        return query

    def _removed(self, chip: dict[str, str]) -> None:
        if chip.get("key") == "all":
            self.session.filters.clear()
        elif chip.get("key") in DIMENSIONS:
            self.session.filters.remove(chip["key"], chip.get("value"))

    def _told(self, message: dict[str, Any]) -> None:
        if message.get("kind") == "dark":
            self.session.dark = bool(message.get("on"))
        elif message.get("kind") == "query":
            asked = dict(parse_qsl(str(message.get("query", ""))))
            try:
                self.session.take(moved(self.grant, asked))
                self.session.fill_open_period()
            except EmbedRefusedError as error:
                self.session.refusals.append(str(error))
            self._changed()

    def _watch_the_clock(self) -> None:
        expires = self.grant.expires
        if expires is None or self._document is None:
            return
        left = expires - time.time()
        if left <= 0:
            self.end()
            return
        self._document.add_timeout_callback(self._watch_the_clock, int(min(left, _LONGEST_TIMER) * 1000) + 50)

    def end(self, reason: str = ENDED) -> None:
        """Show nothing any more but why."""
        with pn.io.hold():
            self.stage[:] = [pn.pane.Str(reason), self.frame]
            self.frame.ended = reason


def embedded_page(current: CurrentDatabase, settings: Settings) -> pn.viewable.Viewable:
    """The page for the request of the current document; refused ones are told why.

    The check is made here too, since a session can be opened without its page having been served.
    """
    document = pn.state.curdoc
    context = document.session_context
    request = context.request if context is not None else None
    query = {
        name: values[0].decode("utf-8", "replace") if isinstance(values[0], bytes) else str(values[0])
        for name, values in (request.arguments if request is not None else {}).items()
        if values
    }
    slug = str(request.path if request is not None else "").removesuffix("/ws").rstrip("/").rpartition("/")[2]
    document.template = TEMPLATE
    document.template_variables.update(template_variables())
    try:
        grant = granted(settings, slug, query)
        require_room(settings)
    except EmbedRefusedError as error:
        return pn.pane.Str(str(error))
    note_opened(document)
    registry = live_sessions.LIVE
    # nobody in particular: without the right to anything but looking
    live = registry.opened(document, None) if registry is not None else None
    document.title = grant.view.title.replace("{currency}", settings.currency)
    view = EmbeddedView(current, settings, grant)
    if live is not None:
        live.tell = view.end
    prepare_bundle()
    return view.panel()
