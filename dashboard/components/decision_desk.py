"""A desk to decide at: inputs, the figures that follow from them, and sentences; as high as needed."""

from typing import ClassVar

import param

from dashboard.components import _css
from dashboard.components.scripts import script
from dashboard.components.telling import Telling


def slider(
    name: str, label: str, value: float, ends: tuple[float, float], step: float, text: str
) -> dict[str, object]:
    """A field of the desk: a slider from the first to the second of ``ends`` that says ``text``."""
    least, most = ends
    return {
        "name": name, "label": label, "kind": "range", "value": value, "min": least, "max": most,
        "step": step, "text": text,
    }  # fmt: skip


class DecisionDesk(Telling):
    """Inputs and what follows from them.

    Messages are dicts: kind ``set`` (name, value, final: whether the input has come to rest), ``search``
    (name, text), and the kinds of the buttons.
    """

    title = param.String(doc="Subject and unit.")
    description = param.String(doc="One sentence: how to read it.")
    note = param.String(doc="A remark on the figures shown.")
    state = param.Selector(
        default="loading", objects=["loading", "ready", "empty", "error"], doc="What to show."
    )
    message = param.String(doc="Text of the empty and error states.")
    waiting = param.String(default="One moment …", doc="What is said while loading.")
    fields = param.List(
        default=[],
        item_type=dict,
        doc="Dicts: name, label, kind (range, number, search), value, min, max, step, text, options.",
    )
    figures = param.List(default=[], item_type=dict, doc="Dicts: key, label, value, detail.")
    lead = param.String(doc="What it means, in a sentence or two.")
    sections = param.List(default=[], item_type=dict, doc="Dicts: title, lines, bars (text, size).")
    buttons = param.List(default=[], item_type=dict, doc="Dicts: label, kind (sent back on a click).")

    _esm = script("decision_desk.js")
    _stylesheets: ClassVar[list[str]] = _css("decision_desk.css")
