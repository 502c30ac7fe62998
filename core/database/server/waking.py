"""Whether to wait for a paused database that is starting, or to be told at once that it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waits: ContextVar[bool] = ContextVar("waits for a paused database", default=True)


def waits() -> bool:
    """Whether the present work waits for a paused database; it does unless told otherwise."""
    return _waits.get()


@contextmanager
def without_waiting() -> Iterator[None]:
    """Within this block a paused database is an error at once: ``DatabaseWakingError``."""
    before = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(before)
