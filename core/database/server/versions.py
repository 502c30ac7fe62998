"""The data version of a database on a server: writes of this product are counted, those of others noticed."""

import threading
import time

from core.database.schema import Column, TableSchema
from core.database.server.dialect import Connection, Dialect
from core.database.server.state import CHANGES, State

_KEEP_SECONDS = 1.0
_lock = threading.Lock()
_written: dict[str, int] = {}


def note_written(place: str) -> None:
    """Let every database object of this process that reads from ``place`` look again at once."""
    with _lock:
        _written[place] = _written.get(place, 0) + 1


class KnownVersion:
    """The version that was read last; it counts as present for a second, unless this process writes."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._text, self._written, self._read_at = "", -1, -1e9

    def current(self) -> str:
        """The version if it is known well enough, else empty."""
        fresh = time.monotonic() - self._read_at < _KEEP_SECONDS
        return self._text if fresh and self._written == _written.get(self._place, 0) else ""

    def begin(self) -> int:
        """To be called before the version is read, and given to ``keep``."""
        return _written.get(self._place, 0)

    def keep(self, text: str, begun: int) -> None:
        """Remember a version that was read."""
        self._text, self._written, self._read_at = text, begun, time.monotonic()


def read_version(dialect: Dialect, connection: Connection, state: State) -> str:
    """Own writes, the server's statistics, and the schema; where asked for, also the time."""
    own = "0"
    if CHANGES in state.relations:
        try:
            own = str(dialect.fetch(connection, f"SELECT SUM(changes) FROM {dialect.quoted(CHANGES)}")[0][0])
        except dialect.errors as error:
            if dialect.failure(error).kind != "permission":  # then there are the statistics alone
                raise
    parts = [own, dialect.data_version(connection), state.version]
    if dialect.version_age_seconds:
        parts.append(str(int(time.time() // dialect.version_age_seconds)))
    return "/".join(parts)


def prepare_counter(dialect: Dialect, connection: Connection, present: set[str]) -> None:
    """Make the table that counts writes, if it is not among those that are ``present`` (lower case)."""
    if CHANGES not in present:
        schema = TableSchema(CHANGES, (Column("changes", "integer", True),))
        dialect.run(connection, dialect.create_table(CHANGES, schema))
        dialect.run(connection, f"INSERT INTO {dialect.quoted(CHANGES)} (changes) VALUES (0)")


def count_write(dialect: Dialect, connection: Connection) -> None:
    """Count a write, in its own transaction."""
    dialect.run(connection, f"UPDATE {dialect.quoted(CHANGES)} SET changes = changes + 1")
