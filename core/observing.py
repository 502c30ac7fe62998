"""How long things take, told to whoever wants to know: queries here, pages and views in the dashboard.

Nothing is kept here and nothing depends on who listens; without a listener an observation costs a clock call.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps


@dataclass(frozen=True)
class Observation:
    """Something that was done.

    ``kind`` is ``query``, ``page``, ``update`` or ``view``; ``name`` is one of a bounded set, such as the
    name of a file in ``sql/``; ``error`` is the class of the exception that ended it, else empty.
    """

    kind: str
    name: str
    seconds: float
    error: str = ""


Listener = Callable[[Observation], None]
_listeners: tuple[Listener, ...] = ()


def listen(listener: Listener) -> Callable[[], None]:
    """Tell ``listener`` of every observation from now on, in the thread where it is made.

    Returns
    -------
    Callable
        Ends the listening.
    """
    global _listeners
    _listeners = (*_listeners, listener)

    def end() -> None:
        global _listeners
        _listeners = tuple(other for other in _listeners if other is not listener)

    return end


@contextmanager
def observed(kind: str, name: str) -> Iterator[None]:
    """Tell how long the block takes, and of the error that ends it, which is passed on."""
    start = time.perf_counter()
    error = ""
    try:
        yield
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        for listener in _listeners:
            listener(Observation(kind, name, time.perf_counter() - start, error))


def timed_query[**P, R](method: Callable[P, R]) -> Callable[P, R]:
    """Observe calls of a ``query`` method: by the name of the file, or as ``typed`` where SQL was given."""

    @wraps(method)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        asked = str(args[1]) if len(args) > 1 else str(kwargs.get("name_or_sql", ""))
        with observed("query", "typed" if any(letter.isspace() for letter in asked) else asked):
            return method(*args, **kwargs)

    return timed
