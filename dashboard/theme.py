"""The look of the product: colours, type, number formats and the house style of figures.

Colours can be told apart with the common colour-vision deficiencies (hues after Okabe & Ito, 2008) and keep
enough contrast on both surfaces. The page shell sets text and grid colours of figures live
when the theme changes; what is set here works on light and dark.
"""

from collections.abc import Sequence
from typing import Any

from bokeh.models import (
    AllLabels,
    CategoricalAxis,
    CustomJSTickFormatter,
    DatetimeAxis,
    DatetimeTickFormatter,
    HoverTool,
    Legend,
    NoOverlap,
    NumeralTickFormatter,
)
from bokeh.plotting import figure as Figure  # noqa: N812

ACCENT = "#1B6FB8"
PALE = "#8A94A6"
PALE_ALPHA = 0.22
MUTED_ALPHA = 0.35
NO_DATA = "#8A94A633"
SECOND = "#D9822B"
RISK = {"low": "#2E8B6E", "medium": "#C98A1B", "high": "#C2403A"}
AGEING = (ACCENT, "#E0B04F", "#D98E3A", "#CC6636", RISK["high"])
"""From what is not yet due to what is longest past due."""
INK_ON_DARK, INK_ON_PALE = "#FFFFFF", "#1C2530"
"""Text on the cells of a heat map."""

CATEGORICAL = (
    "#1B6FB8",
    "#D9822B",
    "#2E8B6E",
    "#B65A92",
    "#4FA3D1",
    "#B8472F",
    "#8C7A1F",
    "#6C6FB5",
    "#5C6B73",
    "#A3785A",
)
SEQUENTIAL = ("#DCEAF6", "#B9D5EC", "#8FBBDF", "#619FD0", "#3583BF", "#1B6FB8", "#12558F", "#0B3C68")

PALETTE_LIGHT = {
    "primary": {"main": ACCENT},
    "background": {"default": "#F4F6F8", "paper": "#FFFFFF"},
    "text": {"primary": "#1C2530", "secondary": "#566170"},
    "divider": "#DFE4EA",
    "success": {"main": "#1E7A5A"},
    "error": {"main": "#B83A34"},
    "warning": {"main": "#9A6508"},
}
PALETTE_DARK = {
    "primary": {"main": "#6BB0EA"},
    "background": {"default": "#11161C", "paper": "#1A212A"},
    "text": {"primary": "#E8EDF2", "secondary": "#A3AFBD"},
    "divider": "#2C3641",
    "success": {"main": "#7CCBAA"},
    "error": {"main": "#F0958F"},
    "warning": {"main": "#E5B662"},
}
_SHARED = {
    "typography": {"fontFamily": "Roboto, sans-serif", "fontSize": 13},
    "shape": {"borderRadius": 8},
    "components": {"MuiPaper": {"styleOverrides": {"root": {"backgroundImage": "none"}}}},
}
THEME_CONFIG = {"light": {"palette": PALETTE_LIGHT, **_SHARED}, "dark": {"palette": PALETTE_DARK, **_SHARED}}

PAGE_SX = {
    "& .header": {
        "backgroundColor": "background.paper",
        "color": "text.primary",
        "boxShadow": "none",
        "borderBottom": "1px solid",
        "borderColor": "divider",
        "backgroundImage": "none",
    },
    "& .header .title": {"color": "text.primary", "fontSize": "18px", "fontWeight": 700},
    "& main": {"backgroundColor": "background.default"},
    "& .sidebar": {"backgroundImage": "none", "backgroundColor": "background.paper"},
}

_LEGEND_CSS = """
:host { font-size: 12.6px; max-width: 100%; }
.bk-grid { display: flex; flex-wrap: wrap; gap: 2px 16px !important; width: auto; max-width: 100%; }
:host(.bk-vertical) .bk-grid { flex-direction: column; flex-wrap: nowrap; }
"""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def category_colors(categories: Sequence[str]) -> dict[str, str]:
    """A fixed colour for each category: the same name has the same colour on every page."""
    return {name: CATEGORICAL[i % len(CATEGORICAL)] for i, name in enumerate(sorted(categories))}


def money(value: float, currency: str = "") -> str:
    """``value`` shortened for a person: 9.37 M, 84.2 K, 950; with the currency code before it if given."""
    return f"{currency} {compact_number(value)}".strip()


def compact_number(value: float) -> str:
    """``value`` with three significant digits and K, M or B; a real minus sign before negatives."""
    size = abs(value)
    for divisor, suffix in ((1e9, " B"), (1e6, " M"), (1e3, " K")):
        if size >= divisor * 0.9995:
            scaled = size / divisor
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{'−' if value < 0 else ''}{scaled:.{digits}f}{suffix}"
    return f"{'−' if value < 0 and round(size) else ''}{size:,.0f}"


def percent_change(value: float) -> str:
    """A relative change with its sign: +4.2 %, −12 %, more than +999 %."""
    if value > 9.99:
        return "> +999 %"
    digits = 1 if abs(value) < 0.0995 else 0
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value) * 100:.{digits}f} %"


def compact_formatter() -> CustomJSTickFormatter:
    """Axis ticks as 950, 84 K, 9.4 M."""
    return CustomJSTickFormatter(
        code="""
        const size = Math.abs(tick), sign = tick < 0 ? "−" : ""
        for (const [d, s] of [[1e9, " B"], [1e6, " M"], [1e3, " K"]])
            if (size >= d) return sign + parseFloat((size / d).toFixed(2)) + s
        return sign + parseFloat(size.toPrecision(12)).toString()
        """
    )


def short_name_formatter() -> CustomJSTickFormatter:
    """Names on an axis, long ones cut: they must leave room for the bars on a phone."""
    return CustomJSTickFormatter(code="return tick.length > 24 ? tick.slice(0, 23).trimEnd() + '…' : tick")


def day_formatter() -> CustomJSTickFormatter:
    """Days that are categories (2026-07-01) as 1 Jul 26."""
    return CustomJSTickFormatter(
        code=f"""
        const [year, month, day] = tick.split("-")
        return `${{Number(day)}} ${{{list(MONTHS)}[month - 1]}} ${{year.slice(2)}}`
        """
    )


def percent_axis(axes: Sequence[Any]) -> None:
    """Ticks of ``axes`` as whole per cents."""
    for axis in axes:
        axis.formatter = NumeralTickFormatter(format="0%")


def month_formatter() -> DatetimeTickFormatter:
    """Axis ticks of a time axis: Mar 24, 2024."""
    return DatetimeTickFormatter(
        days="%d %b", months="%b %y", years="%Y", hours="%d %b", context=None, strip_leading_zeros=True
    )


def hover(rows: Sequence[tuple[str, str]], **options: Any) -> HoverTool:
    """A hover tool with the house formats; ``rows`` are (label, '@column{format}')."""
    dates = {value[: value.index("{")]: "datetime" for _, value in rows if "{%" in value}
    return HoverTool(tooltips=list(rows), formatters=dates, **options)


def style_legend(legend: Legend) -> None:
    """Small labels, beside each other as far as the width reaches, then in further rows.

    The page shell sizes labels relative to the legend's own text, whose size is therefore set here.
    """
    legend.label_text_font_size = "12px"
    legend.margin = 0
    legend.padding = 0
    legend.stylesheets = [_LEGEND_CSS]
    if legend.ncols != "auto":
        legend.orientation = "horizontal"


def style_figure(figure: Figure, *, value_axis: str | None = "y") -> None:
    """Give a figure the house style: transparent, no toolbar, no title, compact ticks on ``value_axis``.

    ``value_axis`` is "x", "y", "both" or None. Colours of text, axes and grid belong to the page shell.
    """
    figure.title = None
    figure.toolbar_location = None
    figure.toolbar.logo = None
    figure.sizing_mode = "stretch_both"
    figure.min_height = 80
    figure.height = None
    figure.background_fill_alpha = 0
    figure.border_fill_alpha = 0
    figure.background_fill_color = None
    figure.border_fill_color = None
    figure.outline_line_color = None
    figure.min_border = 4
    for axis in (*figure.xaxis, *figure.yaxis):
        axis.axis_label_text_font_size = "12px"
        axis.major_label_text_font_size = "11px"
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_standoff = 6
        axis.minor_tick_line_color = None
        axis.major_tick_line_color = None
        if isinstance(axis, DatetimeAxis):
            axis.formatter = month_formatter()
        if isinstance(axis, CategoricalAxis):
            axis.formatter = short_name_formatter()
            level = axis in figure.below and axis.major_label_orientation in ("horizontal", 0)
            axis.major_label_policy = NoOverlap(min_distance=2) if level else AllLabels()
    for legend in figure.legend:
        style_legend(legend)
    values = {"x": [figure.xaxis], "y": [figure.yaxis], "both": [figure.xaxis, figure.yaxis]}
    for axes in values.get(value_axis or "", []):
        for axis in axes:
            axis.formatter = compact_formatter()
            if axis.ticker is not None and hasattr(axis.ticker, "desired_num_ticks"):
                axis.ticker.desired_num_ticks = 4
    vertical = value_axis in ("y", "both")
    horizontal = value_axis in ("x", "both")
    for grid in figure.ygrid:
        grid.visible = vertical
    for grid in figure.xgrid:
        grid.visible = horizontal
