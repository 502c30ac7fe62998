"""The browser's side of an embedded view, without anything to see."""

from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from dashboard.components import BASE_CSS

_FOLDER = Path(__file__).parent


class EmbedFrame(JSComponent):
    """Colours, height and messages of an embedded view.

    Messages are dicts: kind ``query`` (query) where the host page asks for other filters, ``dark`` (on).
    """

    theme = param.Selector(default="auto", objects=["light", "dark", "auto"], doc="Theme asked for.")
    origins = param.List(default=[], item_type=str, doc="Sites with which messages are exchanged.")
    address = param.String(doc="Filters shown, as a URL query without those that are fixed.")
    ended = param.String(doc="Why nothing is shown any more; empty while it is.")
    opens = param.String(doc="Address of a page of the dashboard to open beside.")

    _esm = _FOLDER / "embed_frame.js"

    def __init__(self, *, on_event: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_event = on_event

    def _handle_msg(self, data: Any) -> None:
        if self._on_event is not None and isinstance(data, dict):
            self._on_event(data)


class EmbedGallery(JSComponent):
    """All views that can be embedded, with previews and what is pasted into a page.

    Messages are dicts: kind ``token`` (view, hours) for what is pasted, ``preview`` (view, at, alone) for
    what is shown here. Each is answered by its kind with view, token and problem; a preview with seconds too.
    """

    views = param.List(
        default=[], item_type=dict, doc="Dicts: slug, title, description, page, page_title, height, pinnable."
    )
    query = param.Dict(default={}, doc="Filters of the session, as an address takes them.")
    told = param.String(doc="The filters in words.")
    mode = param.Selector(default="open", objects=["off", "open", "signed"], doc="Who may see views.")
    may_issue = param.Boolean(default=False, doc="Whether tokens can be issued here.")
    origins = param.String(doc="The sites that may show views, in words.")
    dark = param.Boolean(default=False, doc="Whether the dark theme is shown.")

    _esm = _FOLDER / "gallery.js"
    _stylesheets: ClassVar[list[str]] = [BASE_CSS, (_FOLDER / "gallery.css").read_text(encoding="utf-8")]

    def __init__(self, *, on_event: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_event = on_event

    def _handle_msg(self, data: Any) -> None:
        if self._on_event is not None and isinstance(data, dict):
            self._on_event(data)

    def tell(self, **message: Any) -> None:
        """Send a message to the browser."""
        self._send_msg(message)
