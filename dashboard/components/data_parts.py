"""The components of the Data page: source, upload, preview, tables and mapping."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from dashboard.components.scripts import script

_FOLDER = Path(__file__).parent
_SHEETS = [(_FOLDER / name).read_text(encoding="utf-8") for name in ("base.css", "data_parts.css")]


class _DataPart(JSComponent):
    """One card: ``state`` says all that it shows, messages say what a person did."""

    __abstract = True

    state = param.Dict(default={}, doc="What is shown, as plain values; each part knows its own keys.")

    def __init__(self, *, on_event: Callable[[dict[str, Any]], None] | None = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_event = on_event

    def _handle_msg(self, data: Any) -> None:
        if self._on_event is not None:
            self._on_event(data)

    def change(self, **changes: Any) -> None:
        """Change some of the state; nothing is sent if it is the same."""
        state = {**self.state, **changes}
        if state != self.state:
            self.state = state

    def tell(self, **message: Any) -> None:
        """Send a message to the browser."""
        self._send_msg(message)


class DataSource(_DataPart):
    """Which database is shown and where uploads go; connection test and switch."""

    _esm = script("data_source.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class DataUpload(_DataPart):
    """Where files are dropped or chosen, and how far each of them has come."""

    _esm = script("data_upload.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class DataPreview(_DataPart):
    """The tables that uploaded files would become: types to correct, rows, problems, loading."""

    _esm = script("data_preview.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class DataTables(_DataPart):
    """The tables of the database with what can be done to them."""

    _esm = script("data_tables.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class DataCopy(_DataPart):
    """Where the database is copied to, how far it has come, and what arrived."""

    _esm = script("data_copy.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS


class DataMapping(_DataPart):
    """Which columns are customers, orders and amounts, with counts and the SQL that this makes."""

    _esm = script("data_mapping.js")
    _stylesheets: ClassVar[list[str]] = _SHEETS
