"""How often one person or address may do something expensive: a bucket of tokens each."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from core.errors import SalesError, SettingsError
from core.roles import who
from dashboard.security.live_sessions import address_now
from dashboard.security.requests import network

PER_MINUTE = {"login": 6.0, "upload": 30.0, "query": 60.0, "training": 6.0, "export": 30.0, "embed": 120.0}
"""How many a minute in the long run; as many may come at once."""
_MOST_BUCKETS = 10_000


class TooOftenError(SalesError):
    """Somebody does something more often than allowed; ``seconds`` says when they may again."""

    def __init__(self, action: str, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        unit = "second" if self.seconds == 1 else "seconds"
        super().__init__(
            f"That is too often: no further {action} for {self.seconds} {unit}.", "Wait and try again."
        )


class RateLimits:
    """Buckets by action and by who does it; those least recently used are forgotten first.

    Parameters
    ----------
    per_minute
        The limit of each action.
    """

    def __init__(
        self, per_minute: dict[str, float] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_minute = PER_MINUTE | (per_minute or {})
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def spend(self, action: str, key: str, times: float = 1) -> None:
        """Take one token of a bucket that holds ``times`` as many as the limit of its action.

        Raises
        ------
        TooOftenError
            None is left.
        """
        most = self.per_minute[action] * times
        with self._lock:
            now = self._clock()
            left, at = self._buckets.pop((action, key), (most, now))
            left = min(most, left + (now - at) * most / 60)
            enough = left >= 1
            self._buckets[action, key] = (left - 1 if enough else left, now)
            while len(self._buckets) > _MOST_BUCKETS:
                self._buckets.popitem(last=False)
        if not enough:
            raise TooOftenError(action, (1 - left) * 60 / most)


def parsed_limits(texts: list[str]) -> dict[str, float]:
    """Limits from texts such as ``query=60``.

    Raises
    ------
    SettingsError
        One is not an action with a number of 1 or more.
    """
    found = {}
    for text in texts:
        action, _, number = text.partition("=")
        try:
            found[action.strip()] = float(number)
        except ValueError:
            found[action.strip()] = 0.0
        if action.strip() not in PER_MINUTE or found[action.strip()] < 1:
            raise SettingsError(
                f"{text!r} in SALES_RATE_LIMITS is not a limit.",
                f"Write ACTION=NUMBER a minute, with the actions {', '.join(PER_MINUTE)}.",
            )
    return found


_limits = RateLimits()


def set_limits(limits: RateLimits) -> None:
    """Let ``limits`` hold from now on in the whole process."""
    global _limits
    _limits = limits


def spend(action: str, key: str = "", *, times: float = 1) -> None:
    """Take one token of ``key``, whose bucket holds ``times`` the limit.

    Without a key it is taken of the person who acts now; where nobody signs in, of where their page is from.

    Raises
    ------
    TooOftenError
        They do it too often.
    """
    if not key:
        person = who()
        key = person.name if person else f"client {network(address_now())}"
    _limits.spend(action, key, times)
