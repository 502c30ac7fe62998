"""The state of the server in words and tables, and the component that shows it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from core import __version__
from core.errors import SalesError
from dashboard.observability.operations import Operations
from dashboard.observability.recent import Timing

_FOLDER = Path(__file__).parent
_BASE = _FOLDER.parent / "components" / "base.css"
_KINDS = {"update": "click", "page": "page", "view": "view", "query": "query"}
_MOST_TIMINGS = 100


class ServerReport(JSComponent):
    """Key figures and tables of the server; a button asks for them anew."""

    report = param.Dict(default={}, doc="What ``told`` gives.")

    _esm = _FOLDER / "server_report.js"
    _stylesheets: ClassVar[list[str]] = [
        sheet.read_text(encoding="utf-8") for sheet in (_BASE, _FOLDER / "server_report.css")
    ]

    def __init__(self, *, on_read: Callable[[], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_read = on_read

    def _handle_msg(self, data: Any) -> None:
        if data.get("kind") == "read":
            self._on_read()


def told(operations: Operations) -> dict[str, Any]:
    """The state now: ``caption``, ``figures`` and ``tables`` of ready-made texts."""
    return {
        "caption": f"Version {__version__}, read at {dt.datetime.now(dt.UTC):%H:%M:%S} UTC",
        "figures": _figures(operations),
        "tables": [_service(operations), _pages(operations), _timings(operations), _log(operations)],
    }


def duration(seconds: float) -> str:
    """``seconds`` in the largest unit that fits: ``3.4 h``, ``12 ms``."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds * 1000:.0f} ms"


def _figures(operations: Operations) -> list[dict[str, str]]:
    sessions, memory = operations.sessions(), operations.memory_bytes()
    people = len({session.person for session in sessions})
    most = operations.settings.max_sessions
    values = [
        ("Pages open", f"{len(sessions):,}", f"people: {people:,}; at most {most:,} pages"),
        ("Memory", "unknown" if memory is None else f"{memory / 2**20:,.0f} MB", "of this process"),
        ("Longest wait", duration(operations.metrics.worst_lag), "of the event loop since the start"),
        ("Warnings", f"{len(operations.recent.errors()):,}", "and errors, the last 50 at most"),
        ("Up for", duration(operations.uptime_seconds), f"since {operations.started:%-d %b %H:%M} UTC"),
    ]
    return [{"label": label, "value": value, "note": note} for label, value, note in values]


def _service(operations: Operations) -> dict[str, Any]:
    health = operations.health()
    rows = [["Database", health.message], ["Answered in", duration(health.seconds)]]
    try:
        ages = operations.model_ages()
    except SalesError as error:
        rows.append(["Models", str(error)])
    else:
        rows += [[f"Model for {task}", f"trained {duration(age)} ago"] for task, age in ages.items()]
        if not ages:
            rows.append(["Models", "none is trained"])
    rows.append(["Training", "is running" if operations.is_training() else "is not running"])
    return _table(
        "Database and models", "What this server reads from.", [("What", False), ("State", False)], rows
    )


def _pages(operations: Operations) -> dict[str, Any]:
    rows = [
        [session.person, duration(session.open_seconds), duration(session.idle_seconds)]
        for session in operations.sessions()
    ]
    columns = [("Person", False), ("Open for", True), ("Unused for", True)]
    return _table("Pages that are open", "Whose they are; – where nobody signs in.", columns, rows)


def _timings(operations: Operations) -> dict[str, Any]:
    found: list[tuple[str, Timing]] = [
        (word, timing) for kind, word in _KINDS.items() for timing in operations.recent.timings(kind)
    ]
    found.sort(key=lambda pair: pair[1].p95, reverse=True)
    rows = [
        [word, t.name, f"{t.count:,}", duration(t.p50), duration(t.p95), f"{t.errors:,}"]
        for word, t in found[:_MOST_TIMINGS]
    ]
    columns = [
        ("What", False), ("Name", False), ("Times", True), ("Median", True), ("95th percentile", True),
        ("Errors", True),
    ]  # fmt: skip
    return _table(
        "Clicks, pages, views and queries", "The last 200 times of each, slowest first.", columns, rows
    )


def _log(operations: Operations) -> dict[str, Any]:
    rows = [
        [f"{line.at:%-d %b %H:%M:%S}", line.level.lower(), line.message, line.logger, line.request_id or "–"]
        for line in operations.recent.errors()
    ]
    columns = [
        ("Time (UTC)", False),
        ("Level", False),
        ("Message", False),
        ("From", False),
        ("Request", False),
    ]
    description = "The last lines of the log from warnings on, newest first, without secrets."
    return _table("Warnings and errors", description, columns, rows, "None since the start.")


def _table(
    title: str,
    description: str,
    columns: list[tuple[str, bool]],
    rows: list[list[str]],
    empty: str = "Nothing yet.",
) -> dict[str, Any]:
    shown = [[name, is_number] for name, is_number in columns]
    return {"title": title, "description": description, "columns": shown, "rows": rows, "empty": empty}
