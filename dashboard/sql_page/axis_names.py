"""Names beside a chart: as many along its axes, and as much of each, as there is room for; small legends."""

import re
from math import sin
from typing import Any

from bokeh.models import CategoricalAxis, CustomJS, CustomJSTickFormatter, FactorRange, Legend
from bokeh.plotting import figure as Figure  # noqa: N812

_TIME = re.compile(r"\d{4}(-?(Q[1-4]|W\d\d|\d\d(-\d\d)?))?")
_CODE = """
let room = 0  // as long as the chart has no size
try { room = (across ? plot.inner_width : plot.inner_height) / Math.max(1, ticks.length) } catch {}
const step = room > 0 ? Math.max(1, Math.ceil(least / room)) : 1
if (index % step) return ""
const most = lying && room > 0 ? Math.max(4, Math.floor(room * step / 5.8)) : 24
return tick.length > most ? tick.slice(0, most - 1).trimEnd() + "…" : tick
"""


_LEGEND = {
    "label_text_font_size": "12px",
    "title_text_font_size": "12px",
    "label_height": 16,
    "glyph_height": 14,
}
_LEGEND |= {"spacing": 2, "border_line_color": None, "background_fill_alpha": 0}
_KEEP = """
if (cb_obj.label_text_font_size !== "12px")
  cb_obj.setv({label_text_font_size: "12px", title_text_font_size: "12px", spacing: 2})
"""


def small_legends(figure: Figure) -> None:
    """Give legends the size of the other texts, and keep it: the theme of the page enlarges them."""
    for legend in (part for part in (*figure.legend, *figure.right) if isinstance(part, Legend)):
        legend.update(**_LEGEND)
        if not legend.js_property_callbacks:
            legend.js_on_change("label_text_font_size", CustomJS(code=_KEEP))


def make_room(figure: Figure) -> None:
    """Put names that are times in order; leave out or cut names that would touch each other."""
    for range_ in (figure.x_range, figure.y_range):
        if isinstance(range_, FactorRange) and are_times(list(range_.factors)):
            range_.factors = sorted(range_.factors)
    for across, axes in ((True, figure.xaxis), (False, figure.yaxis)):
        for axis in axes:
            if isinstance(axis, CategoricalAxis):
                axis.formatter = _formatter(figure, across, axis.major_label_orientation)


def _formatter(figure: Figure, across: bool, turned: Any) -> CustomJSTickFormatter:
    lying = across and turned in ("horizontal", 0)
    slope = abs(sin(turned)) if across and isinstance(turned, int | float) else 1.0
    least = 44 if lying else 14 / max(slope, 0.3)
    given = {"plot": figure, "across": across, "lying": lying, "least": least}
    return CustomJSTickFormatter(args=given, code=_CODE)


def are_times(names: list[Any]) -> bool:
    """Whether all names are years, months, quarters, weeks or days that sort as they follow each other."""
    return bool(names) and all(isinstance(name, str) and _TIME.fullmatch(name) for name in names)
