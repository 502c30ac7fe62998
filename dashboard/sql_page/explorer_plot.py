"""hvPlot's explorer with the choices that can work on the rows of a query, drawn in the style of the house.

Imported only when an explorer is opened: it brings hvPlot's user interface with it.
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from math import prod
from types import SimpleNamespace
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import param
from bokeh.models import CategoricalAxis, DatetimeAxis
from bokeh.models.annotations import ColorBar
from hvplot.plotting import hvPlot
from hvplot.ui import Colormapping as _Colormapping
from hvplot.ui import Controls, hvDataFrameExplorer

from core.errors import SalesError
from dashboard import theme
from dashboard.sql_page.axis_names import are_times, make_room, small_legends

KINDS = {
    "scatter": "Points",
    "line": "Line",
    "step": "Steps",
    "area": "Area",
    "bar": "Bars",
    "barh": "Bars, lying",
    "hist": "Histogram",
    "kde": "Density",
    "box": "Boxes",
    "violin": "Violins",
    "heatmap": "Heat map",
    "hexbin": "Hexagons",
    "bivariate": "Density in two directions",
}
if find_spec("scipy") is None:
    KINDS = {kind: title for kind, title in KINDS.items() if kind not in ("kde", "violin", "bivariate")}
_SINGLE_Y = {"heatmap", "hexbin", "bivariate"}
_NO_X = {"hist", "kde", "box", "violin"}
_COLOURED = {"scatter", "heatmap", "hexbin", "bivariate"}
_SMOOTHED = {"violin", "kde", "bivariate"}
_NUMBERS_ACROSS = {"hexbin", "bivariate"}
_NO_ALPHA = {"box", "violin", "heatmap", "hexbin", "bivariate"}
MOST_CATEGORIES, MOST_SPLITS, MOST_PAGES, MOST_SHAPES = 200, 20, 1_000, 1_000
MOST_SMOOTHED, MOST_LEVEL_NAMES = 2_000, 6
_LOOKS = {
    "heatmap": {"clipping_colors": {"NaN": "#00000000"}},
    "box": {
        "box_fill_color": theme.ACCENT, "box_fill_alpha": 0.6, "outlier_alpha": 0.4,
        **dict.fromkeys(("box_line_color", "whisker_color", "outlier_color"), theme.PALE),
    },
    "violin": {
        "violin_fill_color": theme.ACCENT, "violin_fill_alpha": 0.6,
        **dict.fromkeys(("violin_line_color", "box_line_color", "stats_color"), theme.PALE),
    },
}  # fmt: skip
_COLOUR_MAPS = {
    "Blue": "", "Viridis": "viridis", "Cividis": "cividis", "Plasma": "plasma", "Magma": "magma",
    "Greens": "Greens", "Oranges": "Oranges", "Red to blue": "RdBu_r", "Ten colours": "Category10",
}  # fmt: skip

GROUPS = {
    "Axes": ("axes", ("logx", "logy", "xlim", "ylim", "legend")),
    "Labels": ("labels", ("title", "xlabel", "ylabel", "clabel", "rot")),
    "Colours": ("colormapping", ("color", "cmap", "cnorm", "clim", "colorbar", "symmetric")),
    "Style": ("style", ("alpha",)),
    "HoloViews options": ("advanced", ("opts",)),
}
FIELDS = ("kind", "x", "y", "y_multi", "z", "by", "groupby")
_LABELS = {
    "kind": "Chart", "x": "Across (x)", "y": "Value (y)", "y_multi": "Values (y)", "z": "Colour shows",
    "by": "Split by", "groupby": "One chart for each", "logx": "Logarithmic across",
    "logy": "Logarithmic upwards", "xlim": "Range across", "ylim": "Range upwards", "xlabel": "Across",
    "ylabel": "Upwards", "clabel": "Colour bar", "rot": "Turn the names across (degrees)",
    "color": "Colour shows", "cmap": "Colours", "cnorm": "Scale of the colours",
    "clim": "Range of the colours", "colorbar": "Colour bar", "symmetric": "Even around zero",
    "alpha": "Opacity", "opts": "As a Python dict", "legend": "Legend",
}  # fmt: skip


class Colormapping(_Colormapping):
    """Options of colours; those of the house until others are chosen."""

    cmap = param.Selector(default="", objects=_COLOUR_MAPS)

    cnorm = param.Selector(default="linear", objects={"Linear": "linear", "Logarithmic": "log"})

    colorbar = param.Boolean(default=True)

    def _update_coloropts(self) -> None:
        """Choose nothing for the reader."""


class ResultExplorer(hvDataFrameExplorer):
    """hvPlot's explorer without its layout: parameters, the plot they ask for, and the code for it.

    ``changed`` is called after every change; nothing is drawn before ``plot`` or ``figure`` is called.
    """

    kind = param.Selector(default="scatter", objects={title: kind for kind, title in KINDS.items()})

    colormapping = param.ClassSelector(class_=Colormapping)

    changed: Callable[[], None] | None = None

    def __init__(self, rows: pd.DataFrame, **first: Any) -> None:
        super().__init__(rows, legend="right", **first)
        numbers = [name for name in rows.columns if _is_number(rows[name])]
        self._controls.parameters = []  # its widgets are not shown: these do not follow
        self._controls = SimpleNamespace(parameters=[])
        self.param.y_multi.objects = numbers
        self.param.z.objects = numbers
        self.z = numbers[0]
        for owner, names in ((self, FIELDS), *((getattr(self, g), n) for g, n in GROUPS.values())):
            for name in names:
                owner.param[name].label = _LABELS.get(name, owner.param[name].label)
        self._toggle_controls()

    def _refresh(self, *_events: Any) -> None:
        if self.changed is not None:
            self.changed()

    def _toggle_controls(self, _event: Any = None) -> None:
        single = self.kind in _SINGLE_Y
        if single and self.y_multi:
            self.y = self.y_multi[0]
        elif not single and not self.y_multi and self.y in self.param.y_multi.objects:
            self.y_multi = [self.y]
        across = [] if self.kind in _NO_X else ["x"]
        self._controls.parameters = ["kind", *across, "y" if single else "y_multi", "by", "groupby"]
        self._show_fields()

    def _check_y(self, event: Any) -> None:
        if len(event.new) > 1 and self.by:
            self.by = []

    def _check_by(self, event: Any) -> None:
        if event.new and self.kind not in _SINGLE_Y and len(self.y_multi) > 1:
            self.y_multi = self.y_multi[:1]

    @param.depends("x", "y", "y_multi", "kind", watch=True)
    def _forget_ranges(self) -> None:
        if isinstance(self.axes, Controls):
            self.axes.param.update(xlim=None, ylim=None)

    def _show_fields(self) -> None:
        kind = self.kind
        shown = {
            "x": kind not in _NO_X, "y": kind in _SINGLE_Y, "y_multi": kind not in _SINGLE_Y,
            "z": kind in ("heatmap", "hexbin"), "by": kind not in _SINGLE_Y,
        }  # fmt: skip
        for place, name in enumerate(FIELDS):
            self.param[name].precedence = place if shown.get(name, True) else -1

    @param.depends("x")
    def xlim(self) -> tuple[float, float] | None:
        """The range of the column across, if it holds numbers."""
        return self._range([self.x])

    @param.depends("y", "y_multi")
    def ylim(self) -> tuple[float, float] | None:
        """The range of the columns upwards, if they hold numbers."""
        return self._range(self._chosen_y())

    def _range(self, names: list[str]) -> tuple[float, float] | None:
        if not names or not all(name in self._data and _is_number(self._data[name]) for name in names):
            return None
        values = self._data[names].to_numpy(dtype=float).ravel()
        values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if values.size else None

    def groups(self) -> list[str]:
        """Titles of the groups of options that this kind of chart has."""
        left_out = {"Colours"} if self.kind not in _COLOURED else set()
        return [title for title in GROUPS if title not in left_out and self.options_of(title)[1]]

    def options_of(self, title: str) -> tuple[Controls, list[str]]:
        """The object that holds a group of options, and those that can work with this kind of chart."""
        group, names = GROUPS[title]
        owner, hidden = getattr(self, group), set()
        if self.kind in _NO_X or self._range([self.x]) is None:
            hidden |= {"xlim", "logx"}
        if self.kind in _NO_X or self.kind == "heatmap" or self._range(self._chosen_y()) is None:
            hidden |= {"ylim", "logy"} if self.kind not in ("box", "violin") else {"ylim"}
        if self.kind in ("bar", "barh", "area"):
            hidden |= {"xlim", "ylim", "logx", "logy"}
        if self.kind != "scatter":
            hidden |= {"color"}
        if self.kind not in _COLOURED:
            hidden |= {"clabel"}
        if self.kind in _NO_ALPHA:
            hidden |= {"alpha"}
        return owner, [name for name in names if name not in hidden]

    def plot(self) -> Any:
        """The chart as a HoloViews object.

        Raises
        ------
        SalesError
            The choices do not fit each other or the rows.
        """
        kind, y = self.kind, self._chosen_y()
        x = None if kind in _NO_X else self.x
        self._check(kind, x, y)
        chosen = {
            name: value
            for title in self.groups()
            for owner, names in [self.options_of(title)]
            for name, value in owner.kwargs.items()
            if name in names and name not in ("opts", "title") and value != owner.param[name].default
        }
        chosen.setdefault("legend", self.axes.legend)
        if kind not in ("hist", "kde", "violin", "box", "heatmap", "hexbin", "bivariate"):
            chosen.setdefault("color", list(theme.CATEGORICAL) if self.by or len(y) > 1 else theme.ACCENT)
        elif kind in ("hist", "kde"):
            chosen["color"] = list(theme.CATEGORICAL) if self.by or len(y) > 1 else theme.ACCENT
        if kind in ("bar", "barh", "hist"):
            chosen["line_alpha"] = 0
        if kind == "scatter":
            chosen["size"] = 16
        if kind in ("hist", "kde") and (self.by or len(y) > 1):
            chosen.setdefault("alpha", 0.6)
        if any(self._count(name) > MOST_LEVEL_NAMES for name in self._named_across(kind, x)):
            chosen.setdefault("rot", 60)
        if kind in ("heatmap", "hexbin"):
            chosen |= {"C": self.z, "reduce_function": np.mean}
            chosen.setdefault("cmap", list(theme.SEQUENTIAL))
            if kind == "hexbin":
                chosen.pop("reduce_function")
        if isinstance(chosen.get("color"), str) and chosen["color"] in self._data:
            chosen.setdefault("cmap", list(theme.SEQUENTIAL))
        by = [] if kind in _SINGLE_Y else list(self.by)
        for axis, names in (("logx", [x]), ("logy", y)):
            low, _ = (chosen.get(axis) and self._range([n for n in names if n])) or (1.0, 1.0)
            if low <= 0:
                raise SalesError("A logarithmic axis needs values above 0.", "Switch it off under Axes.")
        rows = self._rows()
        if kind == "bivariate":
            rows = rows.astype(dict.fromkeys([x, *y], float))  # HoloViews cannot mix kinds of numbers here
        drawn = hvPlot(rows)(
            kind=kind, x=x, y=y[0] if len(y) == 1 else y, by=by, groupby=list(self.groupby),
            responsive=True, shared_axes=False, **chosen,
        )  # fmt: skip
        if kind in _LOOKS:
            drawn = drawn.opts(**_LOOKS[kind])
        if self.advanced.opts:
            drawn = drawn.opts(**self.advanced.opts)
        return drawn

    def _rows(self) -> pd.DataFrame:
        """The rows to draw, in the order of time; fewer where a density is estimated, which takes long."""
        step = -(-len(self._data) // MOST_SMOOTHED) if self.kind in _SMOOTHED else 1
        rows = self._data.iloc[::step]
        if self.x in rows and _is_text(rows[self.x]) and are_times(list(rows[self.x].unique())):
            return rows.sort_values(self.x, kind="stable")
        return rows

    def figure(self) -> Any:
        """The chart as a Bokeh figure, or as a HoloViews object if there is one for each of several values.

        Raises ``SalesError`` with what hvPlot says about choices that cannot be drawn.
        """
        try:
            drawn = self.plot()
            if self.groupby:
                return drawn.opts(hooks=[lambda plot, _element: dress(plot.state)])
            figure = hv.render(drawn, backend="bokeh")
        except SalesError:
            raise
        except Exception as error:  # hvPlot and HoloViews raise anything
            raise SalesError(f"This cannot be drawn: {_first_line(error)}", "Choose other columns.") from None
        dress(figure)
        return figure

    def remark(self) -> str:
        """What a reader may get wrong about the chart."""
        rows = len(self._rows())
        if rows < len(self._data):
            return f"The density is estimated from {rows:,} rows."
        if self.kind not in ("bar", "barh", "line", "area", "step") or self.x not in self._data:
            return ""
        keys = [self.x, *self.by, *self.groupby]
        if not self._data.duplicated(keys).any():
            return ""
        return f"Several rows have the same {' and '.join(keys)}: they lie on top of each other."

    def fields(self) -> dict[str, Any]:
        """What is drawn, as another explorer over the same columns takes it."""
        y = self._chosen_y()
        return {"kind": self.kind, "x": self.x, "y": y[0] if len(y) == 1 else y, "by": list(self.by)}

    def _chosen_y(self) -> list[str]:
        return [self.y] if self.kind in _SINGLE_Y else list(self.y_multi)

    def _is_numeric(self, name: str | None) -> bool:
        return name in self._data and _is_number(self._data[name])

    def _check(self, kind: str, x: str | None, y: list[str]) -> None:
        """Refuse what cannot be drawn, or would take the browser or the server minutes."""
        if not y:
            raise SalesError("No value is chosen yet.", "Choose one under Values.")
        if kind in _NUMBERS_ACROSS and not all(self._is_numeric(name) for name in (x, *y)):
            raise SalesError("This chart needs numbers in both directions.", "Choose other columns.")
        used = [name for name in (x, *y, *([] if kind in _SINGLE_Y else self.by), *self.groupby) if name]
        if twice := {name for name in used if used.count(name) > 1}:
            raise SalesError(f"{min(twice)} is chosen twice.", "Each column can be used once.")
        if kind != "heatmap" and self._range(y) is None:
            raise SalesError(f"{' and '.join(y)}: there are no numbers.", "Choose another column.")
        if kind == "step" and x in self._data and _is_text(self._data[x]):
            raise SalesError("Steps need numbers or dates across.", "Choose another column, or bars.")
        for name in self._categories(kind, x, y):
            self._few(name, MOST_CATEGORIES, "for an axis")
        if kind not in _SINGLE_Y:
            most = MOST_CATEGORIES if kind in ("box", "violin") else MOST_SPLITS
            for name in self.by:
                self._few(name, most, "to split by")
            shapes = prod(self._count(name) for name in self.by)
            if shapes > most:
                raise SalesError(
                    f"{shapes:,} combinations are too many to split by.", "Choose fewer columns."
                )
            if kind in ("bar", "barh") and shapes * self._count(x) > MOST_SHAPES:
                raise SalesError("These are too many bars.", "Split by a column with fewer values.")
        for name in self.groupby:
            self._few(name, MOST_PAGES, "for a chart each")

    def _categories(self, kind: str, x: str | None, y: list[str]) -> Iterator[str]:
        """Columns whose every value gets a place on an axis."""
        for name in (x, *(y if kind in _SINGLE_Y else ())):
            if name in self._data and (kind in ("bar", "barh", "heatmap") or _is_text(self._data[name])):
                yield name

    def _named_across(self, kind: str, x: str | None) -> list[str]:
        """Columns whose values are written along the axis across."""
        if kind in ("box", "violin"):
            return list(self.by)
        return [] if kind == "barh" else [name for name in self._categories(kind, x, []) if name == x]

    def _count(self, name: str | None) -> int:
        return int(self._data[name].nunique(dropna=False)) if name in self._data else len(self._data)

    def _few(self, name: str, most: int, purpose: str) -> None:
        count = self._count(name)
        if count > most:
            raise SalesError(
                f"{name} has {count:,} different values, too many {purpose} (at most {most}).",
                "Choose another column, or let the query sum the rows up.",
            )


def dress(figure: Any) -> None:
    """Give a figure of the explorer the look of the house; its tools stay."""
    tools = list(figure.toolbar.tools)
    kinds = {side: axes for side, axes in (("x", figure.xaxis), ("y", figure.yaxis)) if _has_numbers(axes)}
    value_axis = "both" if len(kinds) == 2 else next(iter(kinds), None)
    theme.style_figure(figure, value_axis=value_axis)
    make_room(figure)
    figure.toolbar.tools = tools
    figure.toolbar_location = "above"
    figure.toolbar.autohide = True
    for axis in (*figure.xaxis, *figure.yaxis):
        if isinstance(axis, DatetimeAxis) and hasattr(axis.ticker, "desired_num_ticks"):
            axis.ticker.desired_num_ticks = 4
    small_legends(figure)
    for bar in (part for part in figure.right if isinstance(part, ColorBar)):
        bar.formatter = theme.compact_formatter()
        bar.background_fill_alpha = 0


def _has_numbers(axes: Any) -> bool:
    return bool(axes) and not any(isinstance(axis, CategoricalAxis | DatetimeAxis) for axis in axes)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)


def _is_text(column: pd.Series) -> bool:
    return column.dtype.kind in "OSU"


def _first_line(error: Exception) -> str:
    words = str(error).strip().splitlines()
    return (words[0] if words else type(error).__name__)[:200].rstrip(".") + "."
