"""What a click changes goes to the browser as one message.

Bokeh sends every change by itself, in three frames or more, and each is compressed on the event loop. Where
other threads are busy each frame waits for its turn: fifty changes of a click took a third of a second, in
which nobody else was answered. The browser, too, draws once for a message.
"""

from itertools import groupby
from typing import Any

import bokeh.server.session as bokeh_session
from bokeh.document.document import Document
from bokeh.io.doc import patch_curdoc


def send_changes_together() -> None:
    """Let sessions put the changes of a callback into one message."""
    bokeh_session._serialize_patches = serialize_together


def serialize_together(pending: list[Any]) -> list[tuple[Any, Any]]:
    """Messages with their connections; what goes to the same connections is one, in its order."""
    messages = []
    for (_, connections), patches in groupby(
        pending, key=lambda patch: (id(patch.protocol), patch.connections)
    ):
        together = list(patches)
        document: Document = together[0].event.document
        with patch_curdoc(document):
            message = together[0].protocol.create("PATCH-DOC", [patch.event for patch in together])
            message.prepare()
        messages.append((message, connections))
    return messages
