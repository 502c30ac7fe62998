"""Browser components of the prediction pages."""

from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from dashboard.components import _css
from dashboard.components.scripts import script
from dashboard.components.telling import Telling

_FOLDER = Path(__file__).parent


class TrustStrip(Telling):
    """How far a prediction can be trusted, and what can be done about it."""

    badge = param.String(doc="What the ladder says: enough data, thin, not enough data.")
    tone = param.Selector(default="none", objects=["good", "thin", "none"], doc="Colour of the badge.")
    headline = param.String(doc="The measured quality, or what is going on.")
    detail = param.String(doc="What it is compared with, as of when.")
    progress = param.Number(default=-1.0, bounds=(-1, 1), doc="Share done; below 0: no bar.")
    actions = param.List(default=[], item_type=dict, doc="Dicts: label, kind (sent back on a click).")

    _esm = _FOLDER / "trust_strip.js"
    _stylesheets: ClassVar[list[str]] = _css("trust_strip.css")


class ActionRows(Telling):
    """One page of a list that people work through: search, sort, select, open, export."""

    columns = param.List(default=[], item_type=dict, doc="Dicts: name, title, numeric, long, link, help.")
    rows = param.List(default=[], item_type=dict, doc="Dicts: key, name, cells, tones, selected.")
    total = param.Integer(default=0, doc="Rows of the list.")
    page = param.Integer(default=0, bounds=(0, None), doc="Page shown, from 0.")
    page_size = param.Integer(default=15, bounds=(1, 500), doc="Rows of one page.")
    sort = param.String(doc="Column sorted by; empty: as given.")
    descending = param.Boolean(default=True, doc="Whether the sort is descending.")
    selectable = param.Boolean(default=True, doc="Whether rows can be selected.")
    selected = param.Integer(default=0, doc="Selected rows.")
    message = param.String(doc="What went wrong with the last export.")
    exporting = param.Boolean(default=False, doc="Whether a file is being made.")
    search_label = param.String(default="Search customers", doc="What the search field says.")
    plain = param.Boolean(default=False, doc="Whether search, selection and export are left out.")

    _esm = script("action_table.js")
    _stylesheets: ClassVar[list[str]] = _css("action_table.css")


class InputBar(JSComponent):
    """Native selects, sliders and number fields in a row; every change is told once it rests."""

    fields = param.List(
        default=[],
        item_type=dict,
        doc="Dicts: name, label, kind (select, range, number), value, options, min, max, step, text.",
    )

    _esm = script("input_bar.js")
    _stylesheets: ClassVar[list[str]] = _css("input_bar.css")

    def __init__(self, *, on_set: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_set = on_set

    def _handle_msg(self, data: Any) -> None:
        if self._on_set is not None and data.get("kind") == "set":
            self._on_set(str(data.get("name", "")), data.get("value"))
