"""What embedded views may take of the server: a part of its pages, and so many a minute for one address."""

import logging
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from core.settings import Settings
from dashboard.embedding.tokens import EmbedRefusedError
from dashboard.security.rate_limits import TooOftenError, spend
from dashboard.security.requests import network

log = logging.getLogger(__name__)

_FULL = "As many of these views are open as the server shows at the same time."
_LATER = "Reload the page in a minute."
_documents: "weakref.WeakSet[Any]" = weakref.WeakSet()


def most_embeds(settings: Settings) -> int:
    """How many embedded views may be open at the same time."""
    return min(settings.max_embeds or max(1, settings.max_sessions // 2), settings.max_sessions)


def open_embeds() -> int:
    """How many embedded views are open in this process."""
    return len(_documents)


class Place:
    """Room for one embedded view that is being made; not needed any more when the view counts itself."""

    def __init__(self) -> None:
        self.is_taken = False


_place: ContextVar[Place | None] = ContextVar("place", default=None)


@contextmanager
def reserved(places: set[Place]) -> Iterator[None]:
    """Keep room in ``places`` for the view that is made within."""
    place = Place()
    places.add(place)
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)
        places.discard(place)


def note_opened(document: Any) -> None:
    """Count ``document`` as an embedded view until its session ends."""
    place = _place.get()
    if place is not None:
        place.is_taken = True
    _documents.add(document)
    document.on_session_destroyed(lambda _context: _documents.discard(document))


def require_room(settings: Settings, pages: int = 0, *, coming: int = 0) -> None:
    """Refuse another embedded view where there is no room for it.

    Parameters
    ----------
    pages
        How many pages are open, the dashboard's own too.
    coming
        How many embedded views are being made.

    Raises
    ------
    EmbedRefusedError
        As many are open as may be.
    """
    if pages >= settings.max_sessions:
        log.warning("refused: as many pages are open as SALES_MAX_SESSIONS allows")
        raise EmbedRefusedError("The dashboard is full.", _LATER, 503, retry_after=60)
    if open_embeds() + coming >= most_embeds(settings):
        log.warning("refused: as many embedded views are open as SALES_MAX_EMBEDS allows")
        raise EmbedRefusedError(_FULL, _LATER, 503, retry_after=60)


def require_patience(address: str) -> None:
    """Refuse an address that opens embedded views too often.

    Raises
    ------
    EmbedRefusedError
        It did so too often.
    """
    try:
        spend("embed", f"address {network(address.partition('%')[0])}")
    except TooOftenError as error:
        unit = "second" if error.seconds == 1 else "seconds"
        log.warning("refused: %s opens embedded views too often", address)
        raise EmbedRefusedError(
            "Views are opened too often from this address.",
            f"Reload the page in {error.seconds} {unit}.",
            429,
            retry_after=error.seconds,
        ) from None
