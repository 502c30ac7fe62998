"""Connections to a database server: kept for reading, made anew for writing, repeated where that may help."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from core.database.server.address import Address
from core.database.server.dialect import Connection, Dialect, Failure
from core.database.server.failures import connection_error
from core.database.server.waking import waits
from core.errors import DatabaseError

log = logging.getLogger(__name__)

T = TypeVar("T")

_POOL_SIZE, _OVERFLOW = 4, 12
_RECYCLE_SECONDS = 1_500
_WAIT_FOR_ONE_SECONDS = 30
_TRIES = 4
_HARMLESS = {
    "permission",
    "missing_table",
    "missing_column",
    "missing_function",
    "syntax",
    "read_only",
    "timeout",
}
"""After such an error the connection goes on working."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class Pool:
    """Connections to one database.

    Parameters
    ----------
    dialect, address
        What kind of server it is, and where.
    """

    def __init__(self, dialect: Dialect, address: Address) -> None:
        self.dialect, self.address = dialect, address
        self._engines: dict[bool, Any] = {}
        self._lock = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that cannot change anything, for this thread alone until the block ends.

        Raises
        ------
        DatabaseError
            The server cannot be reached or does not let this user in.
        """
        with self._connection(read_only=True) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection of its own in a transaction; what was not committed when the block ends is undone."""
        with self._connection(read_only=False) as connection:
            self.dialect.begin(connection)
            yield connection

    def repeated(self, read: Callable[[], T]) -> T:
        """What ``read`` gives, which is called again where the connection was lost or the server was busy.

        ``read`` must change nothing; what it raises must have the driver's error as its cause, or be it.
        """
        pause = _FIRST_PAUSE
        until = 0.0
        for attempt in range(1, 1_000):
            try:
                return read()
            except (DatabaseError, *self.dialect.errors) as error:  # type: ignore[misc]
                failure = self.failure_of(error)
                if failure is None or not failure.may_be_repeated:
                    raise
                if failure.kind == "waking":
                    if not waits():
                        raise
                    until = until or time.monotonic() + failure.wait_seconds
                    if time.monotonic() > until:
                        raise
                elif attempt >= _TRIES:
                    raise
                log.info("%s: %s; trying again.", self.dialect.title, failure.kind)
                time.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(_LONGEST_PAUSE, pause * 2)
        raise AssertionError("unreachable")

    def failure_of(self, error: BaseException | None) -> Failure | None:
        """What the driver's error in the chain of causes means; ``None`` if there is none."""
        while error is not None:
            if isinstance(error, self.dialect.errors):
                return self.dialect.failure(error)
            original = getattr(error, "orig", None)  # SQLAlchemy's wrapper
            if isinstance(original, self.dialect.errors):
                return self.dialect.failure(original)
            error = error.__cause__
        return None

    def close(self) -> None:
        """Close all connections that are not in use."""
        with self._lock:
            engines, self._engines = self._engines, {}
        for engine in engines.values():
            engine.dispose()

    @contextmanager
    def _connection(self, *, read_only: bool) -> Iterator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            held = self._engine(read_only).raw_connection()
        except (*self.dialect.errors, SQLAlchemyError) as error:  # type: ignore[misc]
            failure = self.failure_of(error) or Failure("busy", str(error).splitlines()[0])
            raise connection_error(failure, self.dialect, self.address) from _cause(error)
        try:
            yield held.dbapi_connection
        except BaseException as error:
            met = self.failure_of(error)
            if met is None or met.kind not in _HARMLESS:
                with suppress(*self.dialect.errors, SQLAlchemyError):
                    held.invalidate()
            raise
        finally:
            with suppress(*self.dialect.errors, SQLAlchemyError):
                held.close()

    def _engine(self, read_only: bool) -> Any:
        with self._lock:
            if read_only not in self._engines:
                self._engines[read_only] = self._made(read_only)
            return self._engines[read_only]

    def _made(self, read_only: bool) -> Any:
        import sqlalchemy
        from sqlalchemy import event, pool

        # One that writes is opened for each use, so that it holds no lock and no place while nobody writes.
        kept: dict[str, Any] = {
            "pool_size": _POOL_SIZE,
            "max_overflow": _OVERFLOW,
            "pool_timeout": _WAIT_FOR_ONE_SECONDS,
            "pool_recycle": _RECYCLE_SECONDS,
            "pool_pre_ping": True,
            "pool_use_lifo": True,
        }
        options = kept if read_only else {"poolclass": pool.NullPool}
        engine = sqlalchemy.create_engine(
            self.dialect.url(self.address), **options, **self.dialect.engine_options(self.address)
        )

        def add_arguments(_dialect: Any, _record: Any, _args: Any, arguments: dict[str, Any]) -> None:
            arguments.update(self.dialect.connect_arguments(self.address))

        def prepare(connection: Connection, _record: Any) -> None:
            self.dialect.prepare(connection, read_only=read_only)

        event.listen(engine, "do_connect", add_arguments)
        event.listen(engine, "connect", prepare, insert=True)
        return engine


def _cause(error: BaseException) -> BaseException:
    """The driver's own error, since SQLAlchemy's text repeats statements and addresses."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error
