"""What every engine offers for SQL that a person typed: reading within limits, and stopping when told to."""

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import polars as pl

from core.database.closing import Closing
from core.errors import QueryError, SalesError
from core.sql_guard import CheckedStatement

Progress = Callable[[float, int], None]
TruncatedBy = Literal["rows", "bytes"]

_LOOK_SECONDS = 0.02
_JOIN_SECONDS = 1.0
_TELL_SECONDS = 0.2


class QueryCancelled(SalesError):  # noqa: N818 - an outcome that a person asked for
    """A person stopped the query."""


class QueryTimeout(SalesError):  # noqa: N818 - named as the issue that people meet
    """The query took longer than it may."""


@dataclass(frozen=True)
class QueryLimits:
    """What a typed query may use: rows and bytes of its result, and seconds; all must be positive."""

    max_rows: int = 1_000_000
    max_bytes: int = 256 * 1024 * 1024
    max_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("max_rows", "max_bytes", "max_seconds"):
            if not getattr(self, name) > 0:
                raise QueryError(f"The limit {name} must be above 0, not {getattr(self, name)}.")


@dataclass(frozen=True)
class Fetched:
    """Rows of a query, and the limit that cut them off, if any."""

    frame: pl.DataFrame
    truncated_by: TruncatedBy | None


class Watch:
    """The clock of one query, and the wish to stop it.

    Parameters
    ----------
    cancel
        Setting this event stops the query, from any thread.
    progress
        Told about seconds and rows now and then, from another thread than the caller's.
    """

    def __init__(
        self, limits: QueryLimits, cancel: threading.Event | None = None, progress: Progress | None = None
    ) -> None:
        self.limits = limits
        self.rows = 0
        self._cancel = cancel or threading.Event()
        self._progress = progress
        self._begin = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the query began."""
        return time.perf_counter() - self._begin

    def is_over(self) -> bool:
        """Whether the query has to stop now."""
        return self._cancel.is_set() or self.seconds > self.limits.max_seconds

    def check(self) -> None:
        """Raise ``QueryCancelled`` or ``QueryTimeout`` if the query has to stop now."""
        if self.is_over():
            raise self.reason()

    def reason(self) -> SalesError:
        """Why the query was stopped."""
        if self._cancel.is_set() or self.seconds <= self.limits.max_seconds:
            return QueryCancelled(f"The query was cancelled after {self.seconds:.1f} s.", "Run it again.")
        return QueryTimeout(
            f"The query was stopped after {self.limits.max_seconds:g} s.",
            "Ask for fewer rows or a shorter period, or allow more seconds.",
        )

    @contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call ``interrupt`` when it is time to stop, and again until the block is left."""
        finished, lock = threading.Event(), threading.Lock()

        def look() -> None:
            told = 0.0
            while not finished.wait(_LOOK_SECONDS):
                with lock:
                    if finished.is_set():
                        return
                    if self.is_over():
                        interrupt()
                if self._progress is not None and self.seconds - told >= _TELL_SECONDS:
                    told = self.seconds
                    self._progress(told, self.rows)

        looking = threading.Thread(target=look, name="query-watch", daemon=True)
        looking.start()
        try:
            yield
        finally:
            with lock:
                finished.set()
            looking.join(_JOIN_SECONDS)  # it would hold on to the connection until the program ends


class AdhocConnection(Closing):
    """A connection for one typed query at a time, on which nothing can be changed. Close it after use."""

    dialect: str

    @abstractmethod
    def fetch(
        self,
        statement: CheckedStatement,
        params: Mapping[str, object],
        watch: Watch,
        declared: Mapping[str, str],
    ) -> Fetched:
        """The rows of the statement.

        Raises
        ------
        StatementError
            The engine refuses the statement or cannot run it as written.
        MissingDataError
            It reads a staging view whose tables are not in the database.
        QueryCancelled, QueryTimeout
            It was stopped.
        """

    @abstractmethod
    def plan(self, statement: CheckedStatement, params: Mapping[str, object], watch: Watch) -> str:
        """How the engine would run the statement, one step a line."""
