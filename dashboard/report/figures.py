"""The charts of a report: Bokeh figures that draw themselves from what is in the file."""

from collections.abc import Sequence

from bokeh.models import (
    Axis,
    BoxSelectTool,
    ColorBar,
    GlyphRenderer,
    Grid,
    Legend,
    Model,
    TapTool,
    Text,
)
from bokeh.plotting import figure as Figure  # noqa: N812

from dashboard import theme


def readied(figure: Figure, dark: bool) -> Figure:
    """``figure`` in the colours of a theme, without what only a server could answer."""
    palette = theme.PALETTE_DARK if dark else theme.PALETTE_LIGHT
    ink, quiet = palette["text"]["primary"], palette["text"]["secondary"]
    line = palette["divider"]
    for axis in figure.select({"type": Axis}):
        axis.update(
            axis_label_text_color=quiet, major_label_text_color=quiet, axis_line_color=line,
            major_tick_line_color=line,
        )  # fmt: skip
        if hasattr(axis, "group_text_color"):
            axis.group_text_color = quiet
    for grid in figure.select({"type": Grid}):
        grid.grid_line_color = line
    for legend in figure.select({"type": Legend}):
        legend.update(
            label_text_color=ink, background_fill_alpha=0.0, border_line_alpha=0.0, title_text_color=quiet
        )
    for bar in figure.select({"type": ColorBar}):
        bar.update(major_label_text_color=quiet, title_text_color=quiet, background_fill_alpha=0.0)
    for renderer in figure.select({"type": GlyphRenderer}):
        glyph = renderer.glyph
        if isinstance(glyph, Text) and "text_color" not in glyph.properties_with_values(
            include_defaults=False
        ):
            glyph.text_color = ink
    figure.toolbar.tools = [
        tool for tool in figure.toolbar.tools if not isinstance(tool, TapTool | BoxSelectTool)
    ]
    for model in figure.references():
        _silence(model)
    return figure


def _silence(model: Model) -> None:
    """Take the server's callbacks away: nobody will answer them."""
    model._callbacks.clear()
    model._event_callbacks.clear()
    model.subscribed_events.clear()


def drawn(figures: Sequence[Figure]) -> tuple[str, list[str]]:
    """The script that draws figures, and for each the element it is drawn into."""
    from bokeh.embed.elements import script_for_render_items
    from bokeh.embed.util import OutputDocumentFor, standalone_docs_json_and_render_items

    if not figures:
        return "", []
    # not bokeh.embed.components: it asks for scripts of every extension that was imported
    with OutputDocumentFor(list(figures)):
        docs, (item,) = standalone_docs_json_and_render_items(list(figures))
    places = [f'<div id="{root.elementid}" data-root-id="{root.id}"></div>' for root in item.roots]
    return f"<script>{script_for_render_items(docs, [item])}</script>", places


def bokeh_scripts() -> str:
    """BokehJS itself: the part that draws, nothing else."""
    from bokeh.resources import Resources

    # only the raw text: rendering asks for scripts of every extension that was imported
    raw = Resources(mode="inline", components=["bokeh"]).js_raw
    return "".join(f"<script>{script}</script>" for script in raw)
