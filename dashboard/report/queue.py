"""Who waits for a report: reports are made one after the other, and only so many may wait."""

import threading
from collections import Counter

from core.errors import SalesError

IN_ALL = 10
PER_PERSON = 2


class ReportQueueFullError(SalesError):
    """As many reports wait as may."""


class Place:
    """A place in a queue; ``ahead`` says how many were before it when it was taken."""

    def __init__(self, queue: "ReportQueue", person: str, ahead: int) -> None:
        self.ahead = ahead
        self._queue, self._person = queue, person
        self._is_kept = True

    def leave(self) -> None:
        """Give the place to others; once is enough."""
        if self._is_kept:
            self._is_kept = False
            self._queue.give_back(self._person)


class ReportQueue:
    """Places for reports that are made or wait to be made.

    Parameters
    ----------
    in_all, per_person
        How many places there are, and how many of them one person may have.
    """

    def __init__(self, *, in_all: int = IN_ALL, per_person: int = PER_PERSON) -> None:
        self._in_all, self._per_person = in_all, per_person
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, person: str) -> Place:
        """Take a place for ``person``.

        Raises
        ------
        ReportQueueFullError
            They have as many as they may, or none is left.
        """
        with self._lock:
            ahead = self._taken.total()
            if self._taken[person] >= self._per_person:
                raise ReportQueueFullError(
                    f"As many reports of yours are being made as may be ({self._per_person}).",
                    "Wait until one is saved.",
                )
            if ahead >= self._in_all:
                raise ReportQueueFullError(
                    f"As many reports wait to be made as the server takes ({ahead}).",
                    "Try again in a minute.",
                )
            self._taken[person] += 1
        return Place(self, person, ahead)

    def give_back(self, person: str) -> None:
        """Take note that a place of ``person`` is free again."""
        with self._lock:
            self._taken[person] -= 1
            self._taken += Counter()  # forgets those who wait for nothing
