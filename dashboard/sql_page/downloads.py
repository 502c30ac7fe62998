"""Saving a result: the file is made in the pool and sent in parts, each when the browser asks for it."""

from typing import Any

import polars as pl

from core.errors import SalesError
from dashboard.components.sql_editor import SqlResult
from dashboard.sql_page.files import TYPES, Part, ResultFile
from dashboard.sql_page.running import ROWS, Background


class Downloads:
    """At most one download of one session at a time."""

    def __init__(self, background: Background, card: SqlResult) -> None:
        self._background = background
        self._card = card
        self._file: ResultFile | None = None
        self._busy = False
        self._first = True

    def begin(self, frame: pl.DataFrame, form: str) -> None:
        """Make ``frame`` a file of the given form and send its first part."""
        if form not in TYPES or self._busy:
            return
        self.stop()
        self._file, self._first = ResultFile(frame, form), True
        self._card.exporting = True
        self.send_next()

    def send_next(self) -> None:
        """Send the next part; does nothing while one is being made."""
        file = self._file
        if file is None or self._busy:
            return
        self._busy = True

        def done(outcome: Part | SalesError) -> None:
            self._busy = False
            if self._file is not file:
                file.close()
                return
            if isinstance(outcome, SalesError):
                self._card.tell(kind="refused", message=str(outcome))
                self.stop()
                return
            self._send(file, outcome)
            if outcome.last:
                self.stop()

        self._background.start(ROWS, file.next_part, done)

    def _send(self, file: ResultFile, part: Part) -> None:
        message: dict[str, Any] = {
            "kind": "part", "name": file.name, "type": file.media_type, "part": part.content,
            "done": part.done, "first": self._first, "last": part.last,
        }  # fmt: skip
        self._first = False
        self._card.tell(**message)

    def stop(self) -> None:
        """Give up the file under way, if any."""
        file, self._file = self._file, None
        self._card.exporting = False
        if file is not None and not self._busy:
            file.close()
