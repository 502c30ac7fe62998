"""What happened lately in this process: times of pages and queries, and the last errors."""

import datetime as dt
import logging
from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np

from core.observing import Observation
from dashboard.observability.request_ids import current_request_id
from dashboard.security.log_masks import masked

_KEPT_TIMES, _KEPT_ERRORS, _MOST_NAMES = 200, 50, 400


@dataclass(frozen=True)
class Timing:
    """The last times of one thing: how often since the start, median and 95th percentile in seconds."""

    kind: str
    name: str
    count: int
    p50: float
    p95: float
    errors: int


@dataclass(frozen=True)
class LoggedError:
    """A warning or error of the log: UTC time, level, logger, message without secrets, request id."""

    at: dt.datetime
    level: str
    logger: str
    message: str
    request_id: str


class Recent(logging.Handler):
    """Bounded memory of observations and of log lines from WARNING on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._guard = Lock()
        self._times: dict[tuple[str, str], deque[float]] = {}
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._errors: deque[LoggedError] = deque(maxlen=_KEPT_ERRORS)

    def observe(self, observation: Observation) -> None:
        """Take an observation up; names beyond a few hundred are not told apart."""
        key = (observation.kind, observation.name)
        with self._guard:
            if key not in self._times and len(self._times) >= _MOST_NAMES:
                key = (observation.kind, "others")
            self._times.setdefault(key, deque(maxlen=_KEPT_TIMES)).append(observation.seconds)
            counts = self._counts.setdefault(key, [0, 0])
            counts[0] += 1
            counts[1] += bool(observation.error)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of the log."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        message = masked(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            message += f": {type(record.exc_info[1]).__name__}: {masked(str(record.exc_info[1]))}"
        line = LoggedError(moment, record.levelname, record.name, message[:500], current_request_id())
        with self._guard:
            self._errors.append(line)

    def timings(self, kind: str) -> list[Timing]:
        """The things of a kind, the slowest first."""
        with self._guard:
            found = [
                Timing(key[0], key[1], self._counts[key][0], *_percentiles(times), self._counts[key][1])
                for key, times in self._times.items()
                if key[0] == kind
            ]
        return sorted(found, key=lambda timing: timing.p95, reverse=True)

    def errors(self) -> list[LoggedError]:
        """The last lines, the newest first."""
        with self._guard:
            return list(reversed(self._errors))


def _percentiles(times: "deque[float]") -> tuple[float, float]:
    p50, p95 = np.percentile(np.array(times), [50, 95])
    return float(p50), float(p95)
