"""Our shell in this process with a real Bokeh document and no browser, for CPU times and profiles.

Callbacks that wait for the next turn of an event loop are run at once; the events a websocket would carry are
collected and written out as the protocol would write them, so that serialising is part of what is measured.
"""

import asyncio
import cProfile
import io
import pstats
import time
from collections.abc import Callable
from typing import Any

import panel as pn
from bokeh.document import Document
from bokeh.protocol import Protocol
from panel.io.state import set_curdoc

from core.database import Database
from core.settings import Settings
from dashboard.shell import Shell


class LocalSession:
    """One session of ours on ``page``, with all views of its tab drawn."""

    def __init__(self, database: Database, settings: Settings, search: str) -> None:
        self.document = Document()
        self.events: list[Any] = []
        with set_curdoc(self.document):
            self.shell = Shell(database, settings, search)
            self.shell.page().server_doc(self.document, location=False)
        self.document.to_json()
        self.document.callbacks.on_change(self.events.append)

    def draw(self) -> None:
        """Read the data and draw everything that is visible."""
        with set_curdoc(self.document):
            asyncio.run(self.shell.session.load())
            self._settle()
        self.flush()

    def choose(self, countries: list[str]) -> float:
        """Set the country filter as its widget does; CPU milliseconds until all patches are written."""
        start = time.process_time()
        with set_curdoc(self.document):
            self.shell.session.filters.countries = countries
            self._settle()
        self.flush()
        return (time.process_time() - start) * 1000

    def _settle(self) -> None:
        for _ in range(200):
            waiting = self.document.session_callbacks
            if not waiting:
                return
            for callback in waiting:
                self.document.callbacks.remove_session_callback(callback)
                callback.callback()

    def flush(self) -> int:
        """Write the collected events as messages of the protocol; their bytes."""
        events, self.events[:] = [e for e in self.events if hasattr(e, "to_serializable")], []
        size = 0
        for event in events:
            message = Protocol().create("PATCH-DOC", [event])
            size += len(message.content_json) + sum(len(payload.to_bytes()) for payload in message.buffers)
        return size


def profiled(action: Callable[[], object], lines: int = 40) -> str:
    """What ``action`` spends its time on, by cumulative time, as text."""
    profile = cProfile.Profile()
    profile.runcall(action)
    out = io.StringIO()
    pstats.Stats(profile, stream=out).strip_dirs().sort_stats("cumulative").print_stats(lines)
    return out.getvalue()


pn.extension()
