"""Small browser components of our own: one model each, plain DOM, themed by the page's CSS variables."""

from pathlib import Path
from typing import Any, ClassVar

import param
from panel.custom import Child, Children, JSComponent

from dashboard.components.telling import Telling
from dashboard.security.rate_limits import TooOftenError, spend

_FOLDER = Path(__file__).parent
BASE_CSS = (_FOLDER / "base.css").read_text(encoding="utf-8")


def _css(name: str) -> list[str]:
    return [BASE_CSS, (_FOLDER / name).read_text(encoding="utf-8")]


class CardGrid(JSComponent):
    """Children side by side in columns that fit the width; one column on a phone."""

    objects = Children(doc="Cards, in reading order.")
    min_column = param.Integer(default=440, bounds=(160, None), doc="Least width of a column in pixels.")
    max_columns = param.Integer(default=3, bounds=(1, 6), doc="Most columns beside each other.")

    _esm = _FOLDER / "card_grid.js"
    _stylesheets: ClassVar[list[str]] = _css("card_grid.css")


class ViewCard(JSComponent):
    """The frame around one view: title, state, and the actions on it."""

    content = Child(doc="The figure or table.")
    title = param.String(doc="Subject and unit.")
    description = param.String(doc="One sentence: how to read it.")
    note = param.String(doc="A remark on the numbers shown, such as filters that do not apply.")
    state = param.Selector(
        default="loading", objects=["loading", "ready", "empty", "error"], doc="What to show."
    )
    message = param.String(doc="Text of the empty and error states.")
    body_height = param.Integer(default=280, doc="Height of the content in pixels.")
    wide = param.Boolean(default=False, doc="Whether the card takes a whole row of a grid.")
    sql_names = param.List(default=[], item_type=str, doc="Names of the queries behind the view.")
    slug = param.String(doc="Name of the view in addresses, to be embedded; empty: it cannot be.")

    _esm = _FOLDER / "view_card.js"
    _stylesheets: ClassVar[list[str]] = _css("view_card.css")

    def __init__(self, *, on_request: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_request = on_request

    def _handle_msg(self, data: Any) -> None:
        """Answer a request of the browser: kind ``sql``, ``rows``, ``picture`` or ``embed``.

        Files count as exports; who asks for too many is told kind ``refused`` (message).
        """
        if self._on_request is None:
            return
        try:
            if data.get("kind") not in ("sql", "embed"):
                spend("export")
        except TooOftenError as error:
            self._send_msg({"kind": "refused", "message": str(error)})
        else:
            self._send_msg(self._on_request(data))


class FigureCards(JSComponent):
    """Key figures with change and sparkline; ``figures`` are plain dicts, patched in place."""

    figures = param.List(
        default=[], item_type=dict, doc="Dicts: key, label, value, change, trend, note, spark."
    )
    caption = param.String(doc="The period the figures belong to, and what they are compared with.")
    compact = param.Boolean(default=False, doc="Leave out sparklines and notes.")

    _esm = _FOLDER / "figure_cards.js"
    _stylesheets: ClassVar[list[str]] = _css("figure_cards.css")


class FilterBar(JSComponent):
    """What restricts the numbers, each with a button that removes it.

    Messages are chips; key ``all`` removes all of them, ``open`` asks for the page of customer ``value``,
    ``latest`` for the latest as-of date.
    """

    chips = param.List(default=[], item_type=dict, doc="Dicts: key, value, label.")
    status = param.String(doc="As-of date and data source in words.")
    problem = param.String(doc="Why there are no data; empty when all is well.")
    notices = param.List(default=[], item_type=str, doc="What was left out of the address, in words.")
    customer = param.String(doc="Key of the customer if the filters leave exactly one, else empty.")
    looking_back = param.String(doc="What an earlier as-of date means; empty at the latest one.")

    _esm = _FOLDER / "filter_bar.js"
    _stylesheets: ClassVar[list[str]] = _css("filter_bar.css")

    def __init__(self, *, on_remove: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_remove = on_remove

    def _handle_msg(self, data: Any) -> None:
        if self._on_remove is not None:
            self._on_remove(data)


class Navigation(Telling):
    """Links to the pages."""

    pages = param.List(default=[], item_type=dict, doc="Dicts: slug, title, group.")
    active = param.String(doc="Slug of the page shown.")

    _esm = _FOLDER / "navigation.js"
    _stylesheets: ClassVar[list[str]] = _css("navigation.css")


class BrowserState(Telling):
    """Nothing to see: keeps the address bar in step and tells what the browser is like.

    Messages are dicts: kind ``moved`` (search, moves) after back or forward, ``narrow`` on a phone, ``dark``
    where the system prefers it and the address does not say.
    """

    address = param.String(doc="URL query of the state; each change is one entry of the browser's history.")
    answered = param.Integer(default=0, bounds=(0, None), doc="Moves through the history taken over so far.")

    _esm = _FOLDER / "browser_state.js"


class TabStrip(JSComponent):
    """A row of tabs; the chosen one is ``active``."""

    tabs = param.List(default=[], item_type=dict, doc="Dicts: slug, title.")
    active = param.String(doc="Slug of the chosen tab.")

    _esm = _FOLDER / "tab_strip.js"
    _stylesheets: ClassVar[list[str]] = _css("tab_strip.css")


class RowTable(JSComponent):
    """One page of rows of a larger frame; the browser asks for the others."""

    columns = param.List(default=[], item_type=dict, doc="Dicts: name, title, numeric, link.")
    rows = param.List(default=[], doc="Lists of ready-made texts, one per row of this page.")
    keys = param.List(
        default=[], doc="Key of the customer of each row, to which links lead; empty: no links."
    )
    total = param.Integer(default=0, doc="Rows in all.")
    page = param.Integer(default=0, bounds=(0, None), doc="Page shown, from 0.")
    page_size = param.Integer(default=15, bounds=(1, 500), doc="Rows of one page.")
    sort = param.String(doc="Column sorted by; empty: as given.")
    descending = param.Boolean(default=True, doc="Whether the sort is descending.")

    _esm = _FOLDER / "row_table.js"
    _stylesheets: ClassVar[list[str]] = _css("row_table.css")

    def __init__(self, *, on_open: Any = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_open = on_open

    def _handle_msg(self, data: Any) -> None:
        """A click on a link: ``key`` of the customer."""
        if self._on_open is not None:
            self._on_open(str(data.get("key", "")))


class Facts(JSComponent):
    """Label and value pairs in a card, such as the data status."""

    title = param.String(doc="Heading.")
    facts = param.List(default=[], item_type=dict, doc="Dicts: label, value, tone.")
    wide = param.Boolean(default=False, doc="Whether the card takes a whole row of a grid.")

    _esm = _FOLDER / "facts.js"
    _stylesheets: ClassVar[list[str]] = _css("facts.css")
