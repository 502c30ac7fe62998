"""Browser components of the customer page and of the short lists on the Overview."""

from typing import ClassVar

import param

from dashboard.components import _css
from dashboard.components.scripts import script
from dashboard.components.telling import Telling


class CustomerPicker(Telling):
    """The name of the customer shown, a search for others, and the way back.

    Messages are dicts: kind ``search`` (text), ``open`` (key), ``back``.
    """

    heading = param.String(doc="Name of the customer, or what is to be done.")
    detail = param.String(doc="What is known of the customer in a few words.")
    message = param.String(doc="Why no customer is shown; empty when all is well.")
    came_from = param.String(doc="Title of the page to go back to; empty: none.")
    found = param.List(default=[], item_type=dict, doc="Dicts: key, name, detail.")
    asked = param.String(doc="The text that ``found`` answers.")

    _esm = script("customer_picker.js")
    _stylesheets: ClassVar[list[str]] = _css("customer_picker.css")


class CustomerStory(Telling):
    """Facts and plain sentences about a customer, under one bold word.

    Messages are dicts: kind ``open`` (key).
    """

    word = param.String(doc="The recommendation in one word; empty: none.")
    tone = param.String(doc="Its colour: good, thin, bad or none.")
    lead = param.String(doc="What the word means here.")
    facts = param.List(default=[], item_type=dict, doc="Dicts: label, value.")
    sections = param.List(default=[], item_type=dict, doc="Dicts: title, lines (texts).")

    _esm = script("customer_story.js")
    _stylesheets: ClassVar[list[str]] = _css("customer_story.css")


class ShortList(Telling):
    """The first few rows of a list to act on, with a link to all of it.

    Messages are dicts: kind ``open`` (key) and ``more``.
    """

    rows = param.List(default=[], item_type=dict, doc="Dicts: key, name, value, detail, tone.")
    more = param.String(doc="What the link to the whole list says; empty: none.")

    _esm = script("short_list.js")
    _stylesheets: ClassVar[list[str]] = _css("short_list.css")
