"""What one callback changes reaches the browser as one message, in the order of the changes."""

from types import SimpleNamespace
from typing import Any

from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from bokeh.models import ColumnDataSource, Div
from bokeh.protocol import Protocol

from dashboard.patch_messages import serialize_together

PROTOCOL = Protocol()


def _changes(document: Document, change: Any) -> list[DocumentPatchedEvent]:
    """The events of ``change``, as a session is told of them."""
    events: list[DocumentPatchedEvent] = []
    document.on_change(events.append)
    change()
    document.remove_on_change(events.append)
    return events


def _pending(events: list[DocumentPatchedEvent], *connections: str) -> list[Any]:
    return [SimpleNamespace(event=event, protocol=PROTOCOL, connections=connections) for event in events]


def test_changes_of_one_callback_are_one_message_in_their_order() -> None:
    title, source = Div(text=""), ColumnDataSource({"x": [1]})
    server, browser = Document(), Document()
    for root in (title, source):
        server.add_root(root)
    browser.replace_with_json(server.to_json())

    def change() -> None:
        title.text = "first"
        source.data = {"x": [1, 2]}
        title.text = "last"
        source.patch({"x": [(0, 9)]})

    pending = _pending(_changes(server, change), "a browser")
    assert len(pending) == 4
    [(message, connections)] = serialize_together(pending)
    assert connections == ("a browser",)
    assert message.msgtype == "PATCH-DOC"
    assert len(message.content["events"]) == len(pending)

    message.apply_to_document(browser)
    assert browser.roots[0].text == "last"
    assert list(browser.roots[1].data["x"]) == [9, 2]


def test_models_that_come_within_a_callback_are_known_to_its_later_changes() -> None:
    server, browser = Document(), Document()
    server.add_root(Div(text="old"))
    browser.replace_with_json(server.to_json())
    new = Div(text="new")

    def change() -> None:
        server.add_root(new)
        new.text = "newer"

    [(message, _)] = serialize_together(_pending(_changes(server, change), "a browser"))
    message.apply_to_document(browser)
    assert [root.text for root in browser.roots] == ["old", "newer"]


def test_who_made_a_change_is_not_told_of_it() -> None:
    title = Div(text="")
    server = Document()
    server.add_root(title)

    def change() -> None:
        for text in ("1", "2", "3"):
            title.text = text

    events = _changes(server, change)
    pending = (
        _pending(events[:1], "one", "other") + _pending(events[1:2], "other") + _pending(events[2:], "other")
    )
    assert [(len(m.content["events"]), who) for m, who in serialize_together(pending)] == [
        (1, ("one", "other")), (2, ("other",)),
    ]  # fmt: skip
    assert serialize_together([]) == []
