"""Figures of the chart builder, designed with hvPlot in the style of the house."""

from typing import Any

import polars as pl
from bokeh.models import FactorRange
from bokeh.models.annotations import ColorBar
from bokeh.plotting import figure as Figure  # noqa: N812

from dashboard import theme
from dashboard.sql_page.axis_names import make_room, small_legends
from dashboard.sql_page.chart_shapes import AGGREGATES, ChartChoice, Shaped

_MANY_BARS, _LONG_LABEL, _LONGEST_LABEL = 12, 12, 32


def figure_of(shaped: Shaped, choice: ChartChoice) -> Figure:
    """The Bokeh figure of a chart, ready for the page."""
    import holoviews as hv

    flat = choice.kind == "bar" and _lies_better(shaped.frame)
    figure: Figure = hv.render(_plot(shaped, choice, flat), backend="bokeh")
    axes = {"scatter": "both", "histogram": "both", "heatmap": None}
    theme.style_figure(figure, value_axis=axes.get(choice.kind, "x" if flat else "y"))
    make_room(figure)
    if flat and isinstance(figure.y_range, FactorRange):
        figure.y_range.factors = figure.y_range.factors[::-1]
    for legend in figure.legend:
        legend.title = choice.by
    small_legends(figure)
    for bar in (part for part in figure.right if isinstance(part, ColorBar)):
        bar.formatter = theme.compact_formatter()
        bar.background_fill_alpha = 0
        bar.title = None
    return figure


def _lies_better(frame: pl.DataFrame) -> bool:
    """Whether bars with these labels are easier to read lying."""
    labels = frame["x"].cast(pl.String)
    if not labels.str.contains(r"[A-Za-z]{3}").any():
        return False
    return labels.n_unique() > _MANY_BARS or bool((labels.str.len_chars() > _LONG_LABEL).any())


def _short(column: str) -> pl.Expr:
    text = pl.col(column)
    long = text.str.len_chars() > _LONGEST_LABEL
    return pl.when(long).then(text.str.slice(0, _LONGEST_LABEL - 1) + "…").otherwise(text).alias(column)


def _plot(shaped: Shaped, choice: ChartChoice, flat: bool) -> Any:
    import hvplot.pandas  # noqa: F401 - the frames are small, and pandas takes every kind of column

    counts = choice.aggregate == "count" and choice.kind in ("bar", "line", "heatmap")
    label = "rows" if counts else f"{choice.y} ({AGGREGATES[choice.aggregate].lower()})"
    frame = shaped.frame
    if choice.kind in ("bar", "box", "heatmap"):
        frame = frame.with_columns(_short(name) for name in ("x", "by") if name in frame.columns)
    rows = frame.to_pandas()
    split = "by" in frame.columns
    common: dict[str, Any] = {"xlabel": choice.x, "responsive": True, "color": theme.ACCENT}
    if split and choice.kind != "heatmap":
        common |= {"by": "by", "color": list(theme.CATEGORICAL), "legend": "right"}
    if choice.kind == "bar":
        stacked = split and choice.aggregate in ("sum", "count")
        bars = rows.hvplot.barh if flat else rows.hvplot.bar
        return bars(
            x="x", y="y", stacked=stacked, line_alpha=0, rot=0 if flat else 35, ylabel=label, **common
        )
    if choice.kind == "line":
        return rows.hvplot.line(x="x", y="y", line_width=2, ylabel=label, **common)
    if choice.kind == "scatter":
        return rows.hvplot.scatter(x="x", y="y", size=16, alpha=0.55, ylabel=choice.y, **common)
    if choice.kind == "histogram":
        import holoviews as hv

        edges = [*frame["left"], frame["right"][-1]]
        return hv.Histogram((edges, frame["y"].to_numpy()), kdims="x", vdims="y").opts(
            fill_color=theme.ACCENT, line_color=None, xlabel=choice.x, ylabel="rows", responsive=True
        )
    if choice.kind == "heatmap":
        del common["color"]
        cells = rows.hvplot.heatmap(
            x="x",
            y="by",
            C="y",
            cmap=list(theme.SEQUENTIAL),
            rot=35,
            ylabel=choice.by,
            **common,
        )
        return cells.opts(clipping_colors={"NaN": "#00000000"})
    boxes = rows.hvplot.box(
        y="y", by="x", box_fill_alpha=0.6, legend=False, rot=35, ylabel=choice.y, **common
    )
    lines = dict.fromkeys(("box_line_color", "whisker_color", "outlier_color"), theme.PALE)
    return boxes.opts(outlier_alpha=0.4, **lines)
