"""Work of the Data page off the event loop: bounded pools, progress told now and then, cancelling."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from core.errors import SalesError
from dashboard.sql_page.running import Background

LOADS = ThreadPoolExecutor(2, thread_name_prefix="data-load")
COPIES = ThreadPoolExecutor(2, thread_name_prefix="data-copy")
READS = ThreadPoolExecutor(2, thread_name_prefix="data-read")
_TELL_SECONDS = 0.2


class Cancelled(SalesError):  # noqa: N818 - an outcome that a person asked for
    """A person stopped the work; nothing was changed."""


class Job:
    """One piece of work under way: passes its progress on and ends it when told to."""

    def __init__(self, background: Background, tell: Callable[[str, float], None]) -> None:
        self.stopped = threading.Event()
        self._background, self._tell = background, tell
        self._told = 0.0

    def progress(self, what: str, fraction: float) -> None:
        """Called by the work as it goes on, in its own thread.

        Raises
        ------
        Cancelled
            The work is no longer wanted.
        """
        if self.stopped.is_set():
            raise Cancelled("It was cancelled; nothing was changed.")
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._background.tell(lambda: self._tell(what, fraction) if not self.stopped.is_set() else None)
