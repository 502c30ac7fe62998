"""The pages that are open now: whose they are, since when, and when they must end."""

import logging
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.roles import Person, acting

log = logging.getLogger(__name__)

_GRACE_SECONDS = 2.0
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
    """

    key: str
    person: Person | None
    document: "weakref.ref[Any]"
    opened: float
    used: float
    tell: Callable[[str], None] | None = None
    close: Close | None = None


class LiveSessions:
    """All open pages of this process.

    Parameters
    ----------
    is_current
        Whether a person is still signed in.
    hours, idle_minutes
        How long a page may be open, and how long unused.
    """

    def __init__(
        self,
        is_current: Callable[[Person], bool],
        *,
        hours: float,
        idle_minutes: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_current = is_current
        self._most_seconds, self._idle_seconds = hours * 3600, idle_minutes * 60
        self._clock = clock
        self._by_key: dict[str, LiveSession] = {}
        self._by_document: weakref.WeakKeyDictionary[Any, LiveSession] = weakref.WeakKeyDictionary()
        self._ended: dict[str, float] = {}
        self.seconds_between_sweeps = max(0.2, min(15.0, self._idle_seconds / 4, self._most_seconds / 4))

    def opened(self, document: Any, person: Person | None) -> LiveSession:
        """Take up a document that is being made for ``person``."""
        now = self._clock()
        live = LiveSession(document.session_context.id, person, weakref.ref(document), now, now)
        self._by_key[live.key] = live
        self._by_document[document] = live
        document.on_session_destroyed(lambda _context: self._by_key.pop(live.key, None))
        return live

    def person_of(self, document: Any) -> Person | None:
        """Whose document it is; None also if nobody knows."""
        live = self._by_document.get(document)
        return None if live is None else live.person

    def find(self, key: str) -> LiveSession | None:
        """The open page with that session id."""
        return self._by_key.get(key)

    def use(self, live: LiveSession, close: Close) -> None:
        """Note that the browser of a page said something over the connection that ``close`` closes."""
        live.used = self._clock()
        live.close = close

    def has_ended(self, key: str) -> bool:
        """Whether the page of that session id was closed by us, so that it cannot be taken up again."""
        return key in self._ended

    async def sweep(self) -> None:
        """End the pages that are too old, too long unused, or whose person is not signed in any more."""
        now = self._clock()
        self._ended = {key: at for key, at in self._ended.items() if now - at < _REMEMBERED_SECONDS}
        for live in list(self._by_key.values()):
            if live.key in self._ended:
                if now - self._ended[live.key] >= _GRACE_SECONDS:
                    await self._close(live)
                continue
            reason = self._reason(live, now)
            if reason:
                self._ended[live.key] = now
                log.info("a session of %s ends: %s", live.person.name if live.person else "nobody", reason)
                self._tell(live, reason)

    def _reason(self, live: LiveSession, now: float) -> str:
        if live.person is not None and not self._is_current(live.person):
            return "You are not signed in any more."
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

    async def _close(self, live: LiveSession) -> None:
        close, live.close = live.close, None
        if close is not None:
            await close()


LIVE: LiveSessions | None = None
"""The open pages of the server of this process; None before it is built."""


def set_live(live: LiveSessions | None) -> None:
    """Let ``live`` be the open pages of this process."""
    global LIVE
    LIVE = live


def person_now() -> Person | None:
    """Whoever acts: the person of the page whose callback runs, else who the work was given to."""
    from panel.io.state import curdoc_locked, state

    for document in (curdoc_locked(), state._curdoc.get()):
        if document is not None and document.session_context is not None:
            return LIVE.person_of(document) if LIVE is not None else None
    return acting()


def _in_words(seconds: float) -> str:
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            number = round(seconds / size, 1)
            return f"{number:g} {unit}{'' if number == 1 else 's'}"
    return f"{seconds:g} seconds"
