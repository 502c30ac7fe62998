"""A driver that follows a script: what reaches SQL Server and when, without one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.database.server.address import Address
from core.database.server.mssql import MssqlDialect

pyodbc = pytest.importorskip("pyodbc", reason="needs unixODBC (Debian: libodbc2)", exc_type=ImportError)
Answer = tuple[Sequence[str], Sequence[tuple[Any, ...]]]
Script = Callable[["ScriptedConnection", str, tuple[Any, ...]], Answer | None]
PREFIX = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"


def fault(
    number: int, text: str = "Something.", state: str = "42000", call: str = "SQLExecDirectW"
) -> Exception:
    """The driver's error for a number of the server."""
    kind = pyodbc.OperationalError if state.startswith("08") else pyodbc.ProgrammingError
    return kind(state, f"[{state}] {PREFIX}{text} ({number}) ({call})")


@dataclass
class Driver:
    """Takes the place of the module ``pyodbc``; keeps everything that was sent.

    ``script`` answers a statement with names and rows, ``None`` for no rows, or raises.
    ``connecting`` is called before each connection.
    """

    script: Script
    connecting: Callable[[], None] = lambda: None
    sent: list[str] = field(default_factory=list)
    connections: list["ScriptedConnection"] = field(default_factory=list)
    paramstyle = "qmark"
    version = "5.5.0"
    threadsafety = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(pyodbc, name)

    def connect(self, *_: Any, **arguments: Any) -> "ScriptedConnection":
        """A new connection."""
        self.connecting()
        made = ScriptedConnection(self, arguments)
        self.connections.append(made)
        return made

    def dialect(self, kind: type[MssqlDialect] = MssqlDialect) -> MssqlDialect:
        """A dialect that talks to this driver."""
        driver = self

        class Scripted(kind):  # type: ignore[misc, valid-type]
            """With the driver in the place of the genuine one."""

            def engine_options(self, address: Address) -> dict[str, Any]:
                return super().engine_options(address) | {"module": driver}

        return Scripted()


@dataclass
class ScriptedConnection:
    """A connection; ``arguments`` are those that it was made with."""

    driver: Driver
    arguments: dict[str, Any]
    autocommit: bool = False
    timeout: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.autocommit = bool(self.arguments.get("autocommit"))

    def cursor(self) -> "ScriptedCursor":
        """A new cursor."""
        return ScriptedCursor(self)

    def add_output_converter(self, *_: Any) -> None:
        """Values come as they are."""

    def commit(self) -> None:
        """Note it."""
        self.driver.sent.append("COMMIT")

    def rollback(self) -> None:
        """Note it."""
        self.driver.sent.append("ROLLBACK")

    def close(self) -> None:
        """No more statements."""
        self.closed = True


class ScriptedCursor:
    """A cursor over what the script answers."""

    fast_executemany = False

    def __init__(self, connection: ScriptedConnection) -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.cancelled = False
        self.sizes: Any = None
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, *values: Any) -> "ScriptedCursor":
        """Run a statement by the script."""
        if self.connection.closed:
            raise fault(0, "The connection is closed", "08S01")
        self.connection.driver.sent.append(sql)
        answer = self.connection.driver.script(self.connection, sql, values)
        self._rows = [] if answer is None else list(answer[1])
        first = self._rows[0] if self._rows else ()
        kinds = {place: type(value) for place, value in enumerate(first)}
        names = None if answer is None else answer[0]
        self.description = names and [(name, kinds.get(place, str)) for place, name in enumerate(names)]
        return self

    def executemany(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement for many rows."""
        assert self.fast_executemany
        assert self.sizes
        self.connection.driver.sent.append(f"{sql} -- {len(rows)} rows")

    def setinputsizes(self, sizes: Any) -> None:
        """Keep the types of parameters."""
        self.sizes = sizes

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rest of the rows."""
        rows, self._rows = self._rows, []
        return rows

    def fetchmany(self, count: int) -> list[tuple[Any, ...]]:
        """Some rows."""
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """One row."""
        return self._rows.pop(0) if self._rows else None

    def nextset(self) -> bool:
        """There is one result."""
        return False

    def cancel(self) -> None:
        """Note it."""
        self.cancelled = True

    def close(self) -> None:
        """Nothing to give back."""
