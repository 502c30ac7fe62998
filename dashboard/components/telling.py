"""Components that tell the server of what people do."""

from collections.abc import Callable
from typing import Any

from panel.custom import JSComponent


class Telling(JSComponent):
    """A component whose messages, dicts with a ``kind``, go to ``on_event``."""

    __abstract = True

    def __init__(self, *, on_event: Callable[[Any], None] | None = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_event = on_event

    def _handle_msg(self, data: Any) -> None:
        if self._on_event is not None:
            self._on_event(data)

    def tell(self, **message: Any) -> None:
        """Send the browser a message."""
        self._send_msg(message)
