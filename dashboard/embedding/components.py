"""The browser's side of an embedded view, without anything to see."""

from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class EmbedFrame(JSComponent):
    """Colours, height and messages of an embedded view.

    Messages are dicts: kind ``query`` (query) where the host page asks for other filters, ``dark`` (on).
    """

    theme = param.Selector(default="auto", objects=["light", "dark", "auto"], doc="Theme asked for.")
    origins = param.List(default=[], item_type=str, doc="Sites with which messages are exchanged.")
    address = param.String(doc="Filters shown, as a URL query without those that are fixed.")
    ended = param.String(doc="Why nothing is shown any more; empty while it is.")
    opens = param.String(doc="Address of a page of the dashboard to open beside.")

    _esm = Path(__file__).parent / "embed_frame.js"

    def __init__(self, *, on_event: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_event = on_event

    def _handle_msg(self, data: Any) -> None:
        if self._on_event is not None and isinstance(data, dict):
            self._on_event(data)
