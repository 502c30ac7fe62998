"""The controls of the global filters: native inputs, so that keyboard, touch and screen readers work."""

from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from dashboard.components import _css
from dashboard.components.scripts import script


class FilterControls(JSComponent):
    """Dates and lists to choose from; what a person chooses arrives as a message.

    Messages are dicts: kind ``period`` (first, last), ``choice`` (dimension, values) or ``as_of`` (value);
    dates as ISO text, empty where not given.
    """

    period = param.List(default=[], item_type=str, doc="First and last day, ISO; empty: not restricted.")
    bounds = param.List(default=[], item_type=str, doc="First and last day of the data, ISO.")
    choices = param.List(default=[], item_type=dict, doc="Dicts: dimension, label, options, chosen.")
    as_of = param.String(doc="As-of date, ISO.")
    newest = param.String(doc="The latest as-of date, ISO.")
    dark = param.Boolean(default=False, doc="Whether the page is dark.")

    _esm = script("filter_controls.js")
    _stylesheets: ClassVar[list[str]] = _css("filter_controls.css")

    def __init__(self, *, on_choice: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_choice = on_choice

    def _handle_msg(self, data: Any) -> None:
        if self._on_choice is not None:
            self._on_choice(data)
