"""The document of an embedded view: the house colours without the shell of the dashboard."""

from functools import cache
from typing import Any

from dashboard import theme

TEMPLATE = """
{% block head %}<head>
<meta charset="utf-8">
<title>{{ title | e }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="../favicon.ico">
<style>{{ sales_css }}</style>
{{ bokeh_js
  | replace('<script type="text/javascript" src="../static/js/bokeh-gl.min.js"></script>', "")
  | replace('<script type="text/javascript" src="../static/js/bokeh-mathjax.min.js"></script>', "") }}
</head>{% endblock %}
{% block loader %}{% endblock %}
{% block connection_script %}{% endblock %}
{% block loader_script %}{% endblock %}
"""
_PAGE = """
html, body { height: auto; margin: 0; padding: 0; min-height: 0; background: transparent; }
html { font-family: Roboto, sans-serif; }
:root[data-theme="dark"]:not([data-hosted]) { background: var(--panel-background-color); }
body { display: block; overflow-x: hidden; color: var(--panel-on-surface-color); }
body > * { height: auto; }
.ended { margin: 0; padding: 24px; text-align: center; }
"""


@cache
def page_css() -> str:
    """The colours of both themes as the variables that the components read, and the page's own rules."""
    faces = "".join(_face(weight, file) for weight, file in _fonts().items())
    light, dark = _variables(theme.PALETTE_LIGHT), _variables(theme.PALETTE_DARK)
    return (
        f"{faces}:root{{{light}--chart-line-color:rgba(28,37,48,.14);}}"
        f':root[data-theme="dark"]{{{dark}--chart-line-color:rgba(232,237,242,.16);}}{_PAGE}'
    )


def template_variables() -> dict[str, Any]:
    """What the template needs."""
    return {"sales_css": page_css(), "theme_managed": True}


def _variables(palette: dict[str, Any]) -> str:
    named = {
        "--panel-primary-color": palette["primary"]["main"],
        "--panel-background-color": palette["background"]["default"],
        "--panel-on-background-color": palette["text"]["primary"],
        "--panel-surface-color": palette["background"]["paper"],
        "--panel-on-surface-color": palette["text"]["primary"],
        "--panel-on-secondary-color": palette["text"]["secondary"],
        "--success-bg-color": palette["success"]["main"],
        "--danger-bg-color": palette["error"]["main"],
        "--warning-bg-color": palette["warning"]["main"],
    }
    return "".join(f"{name}:{value};" for name, value in named.items())


def _fonts() -> dict[int, str]:
    """The bundled type by weight."""
    from importlib.resources import files

    found = {}
    for entry in (files("panel_material_ui") / "dist").iterdir():
        for weight in (400, 700):
            if entry.name.startswith(f"roboto-latin-{weight}-normal") and entry.name.endswith(".woff2"):
                found[weight] = entry.name
    return found


def _face(weight: int, file: str) -> str:
    return (
        f"@font-face{{font-family:Roboto;font-weight:{weight};font-display:swap;"
        f"src:url(../static/extensions/panel-material-ui/{file}) format('woff2')}}"
    )
