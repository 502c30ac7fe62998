"""The components of the SQL page: editor, catalogue of tables and queries, result, and their frame."""

from functools import cache
from pathlib import Path
from typing import ClassVar

import panel
import param
from panel.custom import Child, JSComponent

from dashboard.components.scripts import script
from dashboard.components.telling import Telling

_FOLDER = Path(__file__).parent
ROW_CHOICES = (1_000, 10_000, 100_000, 1_000_000)
SECOND_CHOICES = (10, 30, 120)


def _css(name: str) -> list[str]:
    return [(_FOLDER / sheet).read_text(encoding="utf-8") for sheet in ("base.css", name)]


@cache
def editor_assets() -> str:
    """Where the server serves the Ace editor that comes with Panel, relative to the page."""
    bundled = Path(panel.__file__).parent / "dist"
    found = sorted(bundled.glob("bundled/aceplot/ace-builds@*/src-min-noconflict/ace.js"))
    if not found:
        raise FileNotFoundError("Panel's bundled Ace editor is missing from its installation.")
    return f"static/extensions/panel/{found[-1].parent.relative_to(bundled).as_posix()}"


class SqlEditor(Telling):
    """A code editor for SQL with completion of tables and columns, its parameters and its run bar."""

    text = param.String(doc="The SQL as it stands; follows the typing a moment later.")
    tables = param.List(default=[], item_type=dict, doc="Dicts: name, kind, columns as [name, type].")
    quoted = param.Dict(default={}, doc="How names that are no plain words are written, by name.")
    words = param.List(default=[], item_type=str, doc="Key words and functions to complete.")
    parameters = param.List(default=[], item_type=dict, doc="Dicts: name, kind, value, description, keep.")
    state = param.Selector(
        default="ready",
        objects=["ready", "waiting", "running", "done", "error", "cancelled"],
        doc="What the query is doing.",
    )
    message = param.String(doc="What the reader should know about the last run.")
    mark = param.Dict(default={}, doc="Where the SQL is wrong: line, column (from 1), text; empty: nowhere.")
    max_rows = param.Integer(default=100_000, doc="Rows fetched at most.")
    max_seconds = param.Integer(default=30, doc="Seconds a query may take.")
    row_choices = param.List(default=list(ROW_CHOICES), doc="Choices of max_rows.")
    second_choices = param.List(default=list(SECOND_CHOICES), doc="Choices of max_seconds.")
    dark = param.Boolean(default=False, doc="Whether the dark theme is shown.")
    assets = param.String(doc="Address of the folder with the Ace editor.")

    _esm = script("sql_editor.js")
    _stylesheets: ClassVar[list[str]] = _css("sql_editor.css")


class SqlCatalogue(Telling):
    """Tables with columns, saved queries by purpose, and the history of the session."""

    tables = param.List(
        default=[],
        item_type=dict,
        doc="Dicts: name, kind, rows, columns as [name, type], broken (why, or empty).",
    )
    quoted = param.Dict(default={}, doc="How names that are no plain words are written, by name.")
    loaded = param.Boolean(default=False, doc="Whether the tables have been read.")
    problem = param.String(doc="Why there are no tables; empty when all is well.")
    queries = param.List(default=[], item_type=dict, doc="Dicts: name, title, purpose, problem (or empty).")
    history = param.List(default=[], item_type=dict, doc="Dicts: key, text, facts, state; newest first.")

    _esm = script("sql_catalogue.js")
    _stylesheets: ClassVar[list[str]] = _css("sql_catalogue.css")


class SqlResult(Telling):
    """The card of a result: table, charts and plan under tabs, with facts, remark and downloads."""

    table = Child(doc="The rows.")
    chart = Child(doc="The chart builder.")
    explorer = Child(doc="The explorer of charts.")
    active = param.Selector(
        default="table", objects=["table", "chart", "explorer", "plan"], doc="The tab shown."
    )
    state = param.Selector(
        default="start", objects=["start", "running", "ready", "error"], doc="What to show."
    )
    message = param.String(doc="Text where there are no rows.")
    facts = param.String(doc="Rows, columns and seconds.")
    remark = param.String(doc="What the reader must know about the rows, such as a limit that was met.")
    chart_note = param.String(doc="What the reader must know about the chart.")
    explorer_note = param.String(doc="What the reader must know about the chart of the explorer.")
    plan = param.String(doc="How the engine runs the query.")
    plan_message = param.String(doc="Text where there is no plan.")
    page = param.Integer(default=0, bounds=(0, None), doc="Page of the table, from 0.")
    pages = param.Integer(default=0, bounds=(0, None), doc="Pages of the table.")
    exporting = param.Boolean(default=False, doc="Whether a file is being made.")

    _esm = script("sql_result.js")
    _stylesheets: ClassVar[list[str]] = _css("sql_result.css")


class SqlFrame(JSComponent):
    """Catalogue beside editor and result; below each other on a phone."""

    side = Child(doc="The catalogue.")
    editor = Child(doc="The editor.")
    result = Child(doc="The result.")

    _esm = _FOLDER / "sql_frame.js"
    _stylesheets: ClassVar[list[str]] = _css("sql_frame.css")
