"""What every page loads before it draws (scripts and styles), looked up once for the process.

Panel looks for the files of every component it knows, some two thousand of them, each time a page is opened,
and does so on the event loop. With several people opening pages nobody else would be answered meanwhile.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

import panel.io.server as panel_server
from bokeh.model import Model
from bokeh.settings import settings as bokeh_settings
from panel.io.resources import Bundle, Resources, bundle_resources
from panel.io.state import state

_KEPT: dict[tuple[object, ...], Bundle] = {}
_MOST_KEPT = 32
_LISTS = ("js_files", "js_raw", "css_files", "css_raw")


def keep_bundles() -> None:
    """Let the server look up what pages load only once for each path that pages are served under."""
    panel_server.bundle_resources = kept_bundle


def kept_bundle(_roots: Sequence[Model] | None, resources: Any, **options: Any) -> Bundle:
    """The bundle of a page: the same for every page, since none shows TeX or Bokeh's own tables.

    ``resources`` and ``options`` are those of ``panel.io.resources.bundle_resources``. The first call for a
    path takes a tenth of a second, later ones copy.
    """
    key = (
        resources.mode, resources.root_url, state.rel_path, tuple(state._extensions or ()),
        bokeh_settings.minified(), len(Model.model_class_reverse_map), *sorted(options.items()),
    )  # fmt: skip
    kept = _KEPT.get(key)
    if kept is None:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        options.setdefault("enable_mathjax", False)
        kept = _KEPT[key] = bundle_resources([], resources, **options)
    answer = copy(kept)  # what is added to one page is not added to the next
    for name in _LISTS:
        setattr(answer, name, list(getattr(kept, name)))
    return answer


def prepare_bundle(prefix: str = "/") -> None:
    """Look up what the pages below ``prefix`` load; to be called off the event loop, in a session."""
    resources = Resources.from_bokeh(Resources(mode="server", root_url=prefix))
    kept_bundle(None, resources)
