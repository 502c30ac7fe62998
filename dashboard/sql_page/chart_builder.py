"""The chart builder: which columns of a result are drawn, and how; idle until its tab is opened."""

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from core.adhoc import QueryResult
from core.errors import SalesError
from dashboard.sql_page.chart_figures import figure_of
from dashboard.sql_page.chart_shapes import AGGREGATES, KINDS, ChartChoice, Shaped, shape, suggested
from dashboard.sql_page.running import ROWS, Background

_NONE = "–"


class ChartBuilder:
    """Choices above, one figure below. Holds the result until ``clear`` or the next ``offer``.

    ``tell`` is given what a reader must know about the figure, or why there is none.
    """

    def __init__(self, background: Background, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._background = background
        self._result: QueryResult | None = None
        self._drawn: tuple[int, ChartChoice] | None = None
        self._setting = False
        self._figure = pn.Column(pn.Spacer(), sizing_mode="stretch_both", margin=0)
        self._widgets: dict[str, pmui.Select] = {}
        self.panel = pn.Column(pn.Spacer(), sizing_mode="stretch_both", margin=0)

    def offer(self, result: QueryResult) -> None:
        """Make ``result`` what is drawn, when the tab is open."""
        self._result = result

    def clear(self) -> None:
        """Forget the result and its figure."""
        self.forget()
        self._figure[:] = [pn.Spacer()]

    def forget(self) -> None:
        """Let go of the result without touching the page, whose session may be over."""
        self._result = self._drawn = None

    def draw(self) -> None:
        """Draw the choice if that is not what is drawn already."""
        result = self._result
        if result is None or not result.rows:
            return
        if not self._widgets:
            self._build()
        if self._drawn is None or self._drawn[0] != id(result):
            self._offer_columns(result)
        self._redraw()

    def _build(self) -> None:
        common: dict[str, Any] = {"size": "small", "width": 144, "margin": (8, 8, 8, 0)}
        labels = {"kind": "Chart", "x": "Across", "y": "Value", "by": "Split by", "aggregate": "Summed up by"}
        options: dict[str, Any] = {
            "kind": {title: kind for kind, title in KINDS.items()},
            "aggregate": {title: name for name, title in AGGREGATES.items()},
        }
        for part, label in labels.items():
            chosen = options.get(part, [])
            self._widgets[part] = pmui.Select(label=label, options=chosen, **common)
            self._widgets[part].param.watch(self._chosen, "value")
        self.panel[:] = [pn.FlexBox(*self._widgets.values(), margin=0), self._figure]

    def _offer_columns(self, result: QueryResult) -> None:
        names = [name for name, _ in result.columns]
        current = self._choice()
        fits = {current.x, current.y} <= set(names) and current.by in ("", *names) and current.x
        choice = current if fits else suggested(result.columns)
        self._setting = True
        try:
            widgets = self._widgets
            widgets["kind"].value, widgets["aggregate"].value = choice.kind, choice.aggregate
            for part, options in (("x", names), ("y", names), ("by", [_NONE, *names])):
                widgets[part].param.update(options=options, value=getattr(choice, part) or options[0])
        finally:
            self._setting = False

    def _choice(self) -> ChartChoice:
        values = {part: widget.value or "" for part, widget in self._widgets.items()}
        if values["by"] == _NONE:
            values["by"] = ""
        return ChartChoice(**values)

    def _chosen(self, _event: Any) -> None:
        if not self._setting:
            self._redraw()

    def _redraw(self) -> None:
        result, choice = self._result, self._choice()
        if result is None or self._drawn == (id(result), choice):
            return
        wanted = self._drawn = (id(result), choice)
        self._show_fields(choice)

        def done(outcome: Shaped | SalesError) -> None:
            if self._drawn == wanted:
                self._show(outcome, choice)

        self._background.start(ROWS, lambda: shape(result.frame, choice), done)

    def _show_fields(self, choice: ChartChoice) -> None:
        shown = {"y": choice.kind != "histogram", "by": choice.kind not in ("histogram", "box"),
                 "aggregate": choice.kind in ("bar", "line", "heatmap")}  # fmt: skip
        for part, visible in shown.items():
            self._widgets[part].visible = visible

    def _show(self, outcome: Shaped | SalesError, choice: ChartChoice) -> None:
        if isinstance(outcome, SalesError):
            self._tell(str(outcome))
            self._figure[:] = [pn.Spacer()]
            return
        self._tell(outcome.note)
        figure = figure_of(outcome, choice)
        self._figure[:] = [pn.pane.Bokeh(figure, sizing_mode="stretch_both", margin=0)]
