"""The tab Explorer: every chart and option of hvPlot over the rows of a result; idle until it is opened.

The chart builder stays beside it because it sums up all rows of a result, where hvPlot's explorer draws rows
as they are, and so only some of a large result.
"""

import html
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from core.adhoc import QueryResult
from core.errors import SalesError
from dashboard.sql_page.explorer_rows import Sample, sample_of
from dashboard.sql_page.running import ROWS, UNEXPECTED, Background

if TYPE_CHECKING:
    from dashboard.sql_page.explorer_plot import ResultExplorer

log = logging.getLogger(__name__)

_CODE = "Python code"
_WIDGETS: dict[str, Any] = {
    "kind": pmui.Select, "x": pmui.Select, "y": pmui.Select, "z": pmui.Select, "y_multi": pmui.MultiChoice,
    "by": pmui.MultiChoice, "groupby": pmui.MultiChoice, "legend": pmui.Select, "logx": pmui.Checkbox,
    "logy": pmui.Checkbox, "xlim": pmui.RangeSlider, "ylim": pmui.RangeSlider, "title": pmui.TextInput,
    "xlabel": pmui.TextInput, "ylabel": pmui.TextInput, "clabel": pmui.TextInput, "rot": pmui.IntSlider,
    "cmap": pmui.Select, "cnorm": pmui.Select, "colorbar": pmui.Checkbox, "symmetric": pmui.Checkbox,
    "alpha": pmui.FloatSlider, "opts": pmui.LiteralInput, "color": pmui.Select, "clim": pmui.LiteralInput,
}  # fmt: skip
_THROTTLED = {"xlim", "ylim", "rot", "alpha"}
_FLAT: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (6, 0)}
_CHOICE_STYLE = """.MuiInputBase-root { min-height: 37px; }
.MuiSelect-select { min-height: 0 !important; padding-top: 4px !important; padding-bottom: 4px !important; }
.MuiChip-root { height: 24px; }
.MuiInputLabel-root:not(.MuiInputLabel-shrink) { transform: translate(14px, 9px) !important; }"""
_CODE_STYLE = """:host { color: var(--panel-on-surface-color, #1c2530) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0;
  font: 12px/1.6 ui-monospace, Menlo, monospace }"""
_TITLE_STYLE = ":host { color: var(--panel-on-surface-color, #1c2530); font: 700 14px Roboto, sans-serif }"


class ExplorerTab:
    """Controls beside one figure. Holds the rows it draws until ``clear`` or the next ``offer``.

    ``tell`` is given what a reader must know about the figure, or why there is none.
    """

    def __init__(self, background: Background, tell: Callable[[str], None]) -> None:
        self._background, self._tell = background, tell
        self._result: QueryResult | None = None
        self._asked: QueryResult | None = None
        self._columns: object = None
        self._kept: dict[str, Any] = {}
        self._note = ""
        self._due = False
        self._groups: list[str] = []
        self.explorer: ResultExplorer | None = None
        self.panel = pn.Column(pn.Spacer(), sizing_mode="stretch_width", margin=0)

    def offer(self, result: QueryResult) -> None:
        """Make ``result`` what is explored, when the tab is open."""
        self._result = result

    def clear(self) -> None:
        """Forget the rows and everything made of them, but not what was chosen."""
        if self.explorer is not None:
            self._kept = self.explorer.fields()
            self._options[:] = []
            self._which[:], self._figure[:] = [], [pn.Spacer()]
        self.forget()
        self.panel[:] = [pn.Spacer()]

    def forget(self) -> None:
        """Let go of the rows without touching the page, whose session may be over."""
        if self.explorer is not None:
            self.explorer.changed = None
        self._result = self._asked = self.explorer = None

    def draw(self) -> None:
        """Build the explorer if it is not there for this result."""
        result = self._result
        if result is None or not result.rows or self._asked is result:
            return
        self._asked = result
        self._tell("Preparing …")

        def done(outcome: Sample | SalesError) -> None:
            if self._asked is not result:
                return
            if isinstance(outcome, SalesError):
                self._tell(str(outcome))
            else:
                self._build(outcome, result)

        self._background.start(ROWS, lambda: sample_of(result), done)

    def _build(self, sample: Sample, result: QueryResult) -> None:
        from dashboard.sql_page.explorer_plot import FIELDS, ResultExplorer

        first: dict[str, Any] = self._kept if self._kept and self._columns == result.columns else sample.first
        self._columns, self._note = result.columns, sample.note
        explorer = self.explorer = ResultExplorer(sample.rows, **first)
        self._options = pmui.Accordion(
            toggle=True, disable_gutters=True, title_variant="body2", sizing_mode="stretch_width",
            margin=(8, 0), elevation=0, active=[],
        )  # fmt: skip
        self._title = pn.pane.Str("", visible=False, stylesheets=[_TITLE_STYLE], margin=(0, 0, 4, 0))
        self._which = pn.Row(margin=0)
        self._figure = pn.Column(pn.Spacer(), sizing_mode="stretch_width", height=480, margin=0)
        self._code = pn.pane.HTML("", stylesheets=[_CODE_STYLE], sizing_mode="stretch_width", margin=0)
        self._groups = []
        self._show_groups()
        self._options.param.watch(lambda _event: self._fill_group(), "active")
        narrow, wide = ({"flex": flex, "min-width": "0"} for flex in ("1 1 232px", "5 1 460px"))
        controls = pn.Column(_pane(explorer, FIELDS), self._options, margin=0, styles=narrow)
        chart = pn.Column(self._title, self._which, self._figure, margin=0, styles=wide)
        self.panel[:] = [pn.FlexBox(  # the chart comes first where the two do not fit beside each other
            controls, chart, gap="16px", flex_wrap="wrap-reverse", align_items="flex-end",
            sizing_mode="stretch_width", margin=(8, 0),
        )]  # fmt: skip
        explorer.changed = self._changed
        self._redraw()

    def _show_groups(self) -> None:
        explorer = self.explorer
        assert explorer is not None
        groups = [*explorer.groups(), _CODE]
        if groups != self._groups:
            self._groups = groups
            self._options[:] = [(title, pn.Column(pn.Spacer(height=0), margin=0)) for title in groups]
            self._options.active = []
        self._fill_group()

    def _fill_group(self) -> None:
        """Make the widgets of the group that is open, if they are not those wanted now."""
        explorer, opened = self.explorer, self._options.active
        if explorer is None or not opened or opened[0] >= len(self._groups):
            return
        title, place = self._groups[opened[0]], self._options[opened[0]]
        if title == _CODE:
            place[:] = [self._code]
            return
        owner, names = explorer.options_of(title)
        shown = getattr(place[0], "parameters", None)
        if shown != names:
            place[:] = [_pane(owner, names, explorer)]

    def _changed(self) -> None:
        """Ask for one new figure; changes that come together are drawn together."""
        if not self._due:
            self._due = True
            self._background.tell(self._redraw)

    def _redraw(self) -> None:
        self._due = False
        explorer = self.explorer
        if explorer is None:
            return
        with pn.io.hold():
            self._show_groups()
            self._title.param.update(object=explorer.labels.title, visible=bool(explorer.labels.title))
            self._code.object = f"<pre>{html.escape(explorer.plot_code())}</pre>"
            try:
                figure, which = _figure_pane(explorer.figure())
                self._which[:], self._figure[:] = which, [figure]
            except SalesError as error:
                self._no_figure(str(error))
            except Exception:
                log.exception("the explorer could not draw")
                self._no_figure(UNEXPECTED)
            else:
                self._tell(" ".join(filter(None, (explorer.remark(), self._note))))

    def _no_figure(self, why: str) -> None:
        self._which[:], self._figure[:] = [], [pn.Spacer()]
        self._tell(why)


def _figure_pane(figure: Any) -> tuple[pn.viewable.Viewable, list[Any]]:
    """The pane, and the lists to choose from which of several charts it shows."""
    if hasattr(figure, "kdims"):
        pane = pn.pane.HoloViews(
            figure, linked_axes=False, sizing_mode="stretch_width", height=480, margin=0,
            widget_layout=pn.Row,
            widgets={dimension.name: pmui.Select for dimension in figure.kdims},
        )  # fmt: skip
        for choice in pane.widget_box:
            choice.param.update(size="small", margin=(8, 12, 8, 0))
        return pane, [pane.widget_box]
    return pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0), []


def _pane(owner: Any, names: Any, explorer: Any = None) -> pn.Param:
    """The widgets of some parameters; a change of one reaches the explorer at once."""
    widgets: dict[str, Any] = {
        name: {"type": _WIDGETS[name], **_FLAT, **({"throttled": True} if name in _THROTTLED else {})}
        for name in names
    }
    for name in names:
        if name in ("xlim", "ylim"):
            widgets[name]["format"] = "0,0.[00]"
        flat = {"stylesheets": [_CHOICE_STYLE]} if _WIDGETS[name] is pmui.MultiChoice else {"size": "small"}
        widgets[name] |= flat
    if "color" in widgets:
        widgets["color"]["options"] = {"–": "", **{name: name for name in explorer._data.columns}}
    pane = pn.Param(
        owner.param, parameters=list(names), widgets=widgets, show_name=False, sizing_mode="stretch_width",
        margin=0,
    )  # fmt: skip
    for kind in (pmui.MultiChoice, pmui.Select):
        for choice in pane.select(kind):
            choice.param.watch(_close, "value")
    return pane


def _close(event: Any) -> None:
    """Close the list that was chosen from: it lies over the chart and the other fields.

    One of several choices stays open by design; one of a single choice opens anew on a busy browser.
    """
    event.obj.dropdown_open = False
