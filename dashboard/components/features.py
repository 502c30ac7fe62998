"""Browser components of the Features page."""

from pathlib import Path
from typing import ClassVar

import param
from panel.custom import JSComponent

from dashboard.components import _css
from dashboard.components.scripts import script
from dashboard.components.telling import Telling

_FOLDER = Path(__file__).parent


class FeatureList(Telling):
    """Features by business group, to be searched and chosen; tells kind ``choose`` (name)."""

    rows = param.List(default=[], item_type=dict, doc="Dicts: name, label, group, said.")
    active = param.String(doc="Name of the chosen feature.")

    _esm = script("feature_list.js")
    _stylesheets: ClassVar[list[str]] = _css("feature_list.css")


class FeatureSource(JSComponent):
    """Facts about one feature and the query it comes from, with its lines marked."""

    facts = param.List(default=[], item_type=dict, doc="Dicts: label, value.")
    file = param.String(doc="Where the query is kept.")
    sql = param.String(doc="The query; empty: there is none.")
    word = param.String(doc="Lines with this word are marked.")

    _esm = script("feature_story.js")
    _stylesheets: ClassVar[list[str]] = _css("feature_story.css")


class ExportButton(Telling):
    """A button that asks for a file; tells kind ``export`` (form)."""

    label = param.String(doc="What the button says.")
    form = param.String(doc="csv, parquet or xlsx.")

    _esm = _FOLDER / "export_button.js"
    _stylesheets: ClassVar[list[str]] = _css("export_button.css")
