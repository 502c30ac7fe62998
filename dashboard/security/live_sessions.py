"""The pages that are open now: whose they are, since when, and when they must end."""

import asyncio
import logging
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.roles import Person, acting

log = logging.getLogger(__name__)

_GRACE_SECONDS = 2.0
_NOT_SIGNED_IN = "You are not signed in any more."
_REMEMBERED_SECONDS = 600.0
Close = Callable[[], Awaitable[None]]


@dataclass(eq=False)
class LiveSession:
    """One open page.

    Attributes
    ----------
    key
        Bokeh's id of the session.
    person
        Whose it is; None where nobody signs in.
    opened, used
        Monotonic seconds when it was opened and when its browser last said something.
    tell
        Shows the person why the session ends; called on the document's event loop.
    close
        Closes the connection of its browser.
    address
        Where it was opened from, as far as it is known.
    """

    key: str
    person: Person | None
    document: "weakref.ref[Any]"
    opened: float
    used: float
    tell: Callable[[str], None] | None = None
    close: Close | None = None
    address: str = ""


class LiveSessions:
    """All open pages of this process.

    Parameters
    ----------
    current
        The person as they are now, with the role they have now; None if they are not signed in any more.
    hours, idle_minutes
        How long a page may be open, and how long unused.
    refresh
        Reads anew what ``current`` answers from.
    """

    def __init__(
        self,
        current: Callable[[Person], Person | None],
        *,
        hours: float,
        idle_minutes: float,
        refresh: Callable[[], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._refresh = refresh or _nothing_to_read
        self._most_seconds, self._idle_seconds = hours * 3600, idle_minutes * 60
        self._clock = clock
        self._by_key: dict[str, LiveSession] = {}
        self._by_document: weakref.WeakKeyDictionary[Any, LiveSession] = weakref.WeakKeyDictionary()
        self._ended: dict[str, float] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.closed_count = 0
        self.seconds_between_sweeps = max(0.2, min(15.0, self._idle_seconds / 4, self._most_seconds / 4))

    def opened(self, document: Any, person: Person | None) -> LiveSession:
        """Take up a document that is being made for ``person``."""
        now = self._clock()
        context = document.session_context
        address = getattr(context.request, "remote_ip", None) or ""
        live = LiveSession(context.id, person, weakref.ref(document), now, now, address=address)
        self._by_key[live.key] = live
        self._by_document[document] = live
        document.on_session_destroyed(lambda _context: self._closed(live.key))
        return live

    def _closed(self, key: str) -> None:
        if self._by_key.pop(key, None) is not None:
            self.closed_count += 1

    def person_of(self, document: Any) -> Person | None:
        """Whose document it is, with the role they have now; None also if nobody knows."""
        live = self._by_document.get(document)
        return None if live is None or live.person is None else self._current(live.person)

    def address_of(self, document: Any) -> str:
        """Where a document was opened from; empty if nobody knows."""
        live = self._by_document.get(document)
        return "" if live is None else live.address

    def find(self, key: str) -> LiveSession | None:
        """The open page with that session id."""
        return self._by_key.get(key)

    def all(self) -> list[LiveSession]:
        """The pages that are open."""
        return list(self._by_key.values())

    def use(self, live: LiveSession) -> None:
        """Note that the browser of a page said something."""
        live.used = self._clock()

    def has_ended(self, key: str) -> bool:
        """Whether the page of that session id was closed by us, so that it cannot be taken up again."""
        return key in self._ended

    async def sweep(self) -> None:
        """End the pages that are too old, too long unused, or whose person is not signed in any more."""
        await self._refresh()
        now = self._clock()
        self._ended = {key: at for key, at in self._ended.items() if now - at < _REMEMBERED_SECONDS}
        for live in list(self._by_key.values()):
            if reason := self._reason(live, now):
                self._end(live, reason, now)

    async def end_of(self, person: Person) -> None:
        """End the pages that were opened with the sign-in of ``person``."""
        for live in list(self._by_key.values()):
            if live.person is not None and live.person.session == person.session:
                self._end(live, _NOT_SIGNED_IN, self._clock())

    def _end(self, live: LiveSession, reason: str, now: float) -> None:
        if live.key in self._ended:
            return
        self._ended[live.key] = now
        log.info("a session of %s ends: %s", live.person.name if live.person else "nobody", reason)
        self._tell(live, reason)
        task = asyncio.create_task(self._close_later(live))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _reason(self, live: LiveSession, now: float) -> str:
        if live.person is not None and self._current(live.person) is None:
            return _NOT_SIGNED_IN
        if now - live.opened > self._most_seconds:
            return f"This page was open for {_in_words(self._most_seconds)}, the longest a session may last."
        if now - live.used > self._idle_seconds:
            return f"Nothing was done on this page for {_in_words(self._idle_seconds)}."
        return ""

    def _tell(self, live: LiveSession, reason: str) -> None:
        document = live.document()
        if document is not None and live.tell is not None and document.session_context is not None:
            tell = live.tell
            document.add_next_tick_callback(lambda: tell(reason))

    async def _close_later(self, live: LiveSession) -> None:
        """Close the connection once the browser has had the time to show why."""
        await asyncio.sleep(_GRACE_SECONDS)
        if live.close is not None:
            await live.close()


async def _nothing_to_read() -> None:
    """Where nobody signs in, nothing of a person changes."""


LIVE: LiveSessions | None = None
"""The open pages of the server of this process; None before it is built."""


def set_live(live: LiveSessions | None) -> None:
    """Let ``live`` be the open pages of this process."""
    global LIVE
    LIVE = live


def person_now() -> Person | None:
    """Whoever acts: the person of the page whose callback runs, else who the work was given to."""
    document = _document_now()
    if document is not None:
        return LIVE.person_of(document) if LIVE is not None else None
    return acting()


def address_now() -> str:
    """Where the page whose callback runs was opened from; empty outside of pages."""
    document = _document_now()
    return LIVE.address_of(document) if LIVE is not None and document is not None else ""


def _document_now() -> Any:
    from panel.io.state import curdoc_locked, state

    for document in (curdoc_locked(), state._curdoc.get()):
        if document is not None and document.session_context is not None:
            return document
    return None


def _in_words(seconds: float) -> str:
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            number = round(seconds / size, 1)
            return f"{number:g} {unit}{'' if number == 1 else 's'}"
    return f"{seconds:g} seconds"
