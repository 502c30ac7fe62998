"""Work off the event loop: one bounded pool of threads for queries, one for what is done with their rows."""

import logging
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from core.errors import SalesError
from core.roles import carried

log = logging.getLogger(__name__)

QUERY_THREADS = 4
QUERIES = ThreadPoolExecutor(QUERY_THREADS, thread_name_prefix="sql-query")
ROWS = ThreadPoolExecutor(2, thread_name_prefix="sql-rows")
UNEXPECTED = "Something unexpected went wrong; the server log holds the details."


_UNDER_WAY: "weakref.WeakSet[Cancellable]" = weakref.WeakSet()


def stop_all() -> None:
    """Stop the queries of all sessions: a server that ends would wait for their threads."""
    for query in list(_UNDER_WAY):
        query.cancel()


class Background:
    """Runs functions in a pool for one session and hands their outcome to the session's document.

    They have the rights of the person who asks for them. A callback gets the result or the error; it does
    not run if the session has ended meanwhile.
    """

    def __init__(self, document: Any) -> None:
        self._document = weakref.ref(document) if document is not None else lambda: None

    def start(
        self, pool: ThreadPoolExecutor, work: Callable[[], Any], done: Callable[[Any], None]
    ) -> Future[None]:
        """Run ``work`` in ``pool``; then call ``done`` with what it returned, or the SalesError it raised."""

        def job() -> None:
            try:
                outcome: Any = work()
            except SalesError as error:
                outcome = error.with_traceback(None)
            except Exception:
                log.exception("work of the SQL page failed")
                outcome = SalesError(UNEXPECTED)
            self.tell(lambda: done(outcome))

        return pool.submit(carried(job))

    def tell(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` on the event loop, with the document held; from any thread."""
        document = self._document()
        if document is None or document.session_context is None:
            callback()
        else:
            document.add_next_tick_callback(callback)


class Cancellable:
    """One query under way: the event that stops it, and whether its outcome is still wanted."""

    def __init__(self) -> None:
        _UNDER_WAY.add(self)
        self.event = threading.Event()
        self.future: Future[None] | None = None
        self.dropped = False

    def cancel(self) -> bool:
        """Stop it; True if it had not begun, so that nobody will report its end."""
        self.event.set()
        return self.future is not None and self.future.cancel()
