"""A bounded cache in which many threads asking for the same value compute it once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock


class SingleFlightCache[V]:
    """The last ``maxsize`` values by key, least recently used out first. Safe to share between threads.

    Threads that ask for a key being computed wait for it. If computing fails, all of them get the error and
    the next call tries again.
    """

    def __init__(self, maxsize: int) -> None:
        if maxsize < 1:
            raise ValueError("maxsize must be at least 1")
        self.maxsize = maxsize
        self._lock = Lock()
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._flights: dict[Hashable, Future[V]] = {}

    def get(self, key: Hashable, compute: Callable[[], V]) -> V:
        """The value of ``key``, computed by ``compute()`` if it is not known. Passes on its errors."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if leads:
            self._compute(key, compute, flight)
        return flight.result()

    def _compute(self, key: Hashable, compute: Callable[[], V], flight: Future[V]) -> None:
        try:
            value = compute()
        except BaseException as error:
            self._land(key, flight)
            flight.set_exception(error)
            return
        with self._lock:
            # clear() may have called this flight off: those who wait still get the value, but it is not kept
            if self._flights.get(key) is flight:
                self._values[key] = value
                while len(self._values) > self.maxsize:
                    self._values.popitem(last=False)
        self._land(key, flight)
        flight.set_result(value)

    def _land(self, key: Hashable, flight: Future[V]) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def clear(self) -> None:
        """Forget all values; what is being computed now is not kept either."""
        with self._lock:
            self._values.clear()
            self._flights.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)
