"""A page that only says something: that it may not be seen, or that it failed."""

from typing import ClassVar

import param
from panel.custom import JSComponent

from dashboard.components import _FOLDER, _css


class PageMessage(JSComponent):
    """A heading with a sentence or two in place of a page."""

    title = param.String(doc="What is the matter.")
    text = param.String(doc="One sentence.")
    remedy = param.String(doc="What to do.")
    reference = param.String(doc="Number under which the server's log has the details; empty: none.")

    _esm = _FOLDER / "page_message.js"
    _stylesheets: ClassVar[list[str]] = _css("page_message.css")
