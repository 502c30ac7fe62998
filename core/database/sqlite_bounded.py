"""SQLite functions that one call could keep busy for hours, replaced by ones that cannot.

SQLite looks for a wish to stop between the steps of a statement, never within a function. Searching in long
texts is quadratic there, and formats may ask for billions of blanks.
"""

import re
import sqlite3
from collections.abc import Callable
from typing import Protocol

_WIDE = re.compile(r"%[-+ 0,#!]*(?:\*|\d{4,}|\d*\.(?:\*|\d{4,}))")
_SMALL = 2_000


_Value = str | bytes | int | float | None


class _Strip(Protocol):
    def __call__(self, text: str, characters: str, /) -> str: ...


class BoundedFunctions:
    """The replacements; values that are no text are left to SQLite's own functions on a connection apart."""

    def __init__(self) -> None:
        self._own = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)

    def install(self, connection: sqlite3.Connection) -> None:
        """Replace the functions on ``connection``."""
        make = connection.create_function
        make("instr", 2, self._instr, deterministic=True)
        make("replace", 3, self._replace, deterministic=True)
        for name, strip in (("trim", str.strip), ("ltrim", str.lstrip), ("rtrim", str.rstrip)):
            make(name, 2, self._trimmer(name, strip), deterministic=True)
        for name in ("printf", "format"):
            make(name, -1, self._formatter(), deterministic=True)

    def close(self) -> None:
        """Close the connection apart."""
        self._own.close()

    def _plain(self, name: str, *values: _Value) -> _Value:
        if any(isinstance(value, str | bytes) and len(value) > _SMALL for value in values):
            raise ValueError(f"{name} is for text, and short binary values only")
        marks = ", ".join("?" * len(values))
        found: _Value = self._own.execute(f"SELECT {name}({marks})", values).fetchone()[0]
        return found

    def _instr(self, text: _Value, part: _Value) -> _Value:
        if isinstance(text, str) and isinstance(part, str):
            return text.find(part) + 1
        return self._plain("instr", text, part)

    def _replace(self, text: _Value, old: _Value, new: _Value) -> _Value:
        if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
            return text.replace(old, new) if old else text
        return self._plain("replace", text, old, new)

    def _trimmer(self, name: str, strip: _Strip) -> Callable[[_Value, _Value], _Value]:
        def trim(text: _Value, characters: _Value) -> _Value:
            if isinstance(text, str) and isinstance(characters, str):
                return strip(text, "".join(set(characters))) if characters else text
            return self._plain(name, text, characters)

        return trim

    def _formatter(self) -> Callable[..., _Value]:
        def printf(*values: _Value) -> _Value:
            if values and isinstance(values[0], str) and _WIDE.search(values[0]):
                raise ValueError("a format may ask for at most 999 places")
            marks = ", ".join("?" * len(values))
            found: _Value = self._own.execute(f"SELECT printf({marks})", values).fetchone()[0]
            return found

        return printf
