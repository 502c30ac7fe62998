"""The document around a report: type, colours and layout, all within the file."""

import base64
from functools import cache
from importlib.resources import files
from typing import Any

from dashboard import theme

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline' blob:; "
    "img-src data: blob:; font-src data:"
)
"""What the file may do: nothing that leaves it, even if somebody changed it."""

_CSS = """
*,*::before,*::after{box-sizing:border-box}
html{background:var(--page);color:var(--ink);font:13px/1.45 Roboto,sans-serif}
body{margin:0 auto;max-width:1400px;padding:24px}
header h1{margin:0;font-size:24px;line-height:32px}
h2{margin:0;font-size:14px;line-height:20px}
h3{margin:12px 0 4px;font-size:13px}
p{margin:0}
ul{margin:4px 0;padding-left:20px}
.status,.source,.description,.note,.count,.caption,.detail,footer{color:var(--quiet);font-size:12px}
.chips{display:flex;flex-wrap:wrap;gap:8px;margin:12px 0 0;padding:0;list-style:none}
.chips li{padding:4px 12px;border:1px solid var(--line);border-radius:16px;background:var(--surface)}
.notices{margin-top:12px;color:var(--warning)}
main{display:flex;flex-wrap:wrap;gap:16px;margin:16px 0}
.card{flex:1 1 min(100%,400px);min-width:0}
.open,.card.wide{flex:1 1 100%;min-width:0}
.card{display:flex;flex-direction:column;padding:16px;border:1px solid var(--line);border-radius:8px;
background:var(--surface);break-inside:avoid}
.chart{position:relative;height:var(--height,320px);margin-top:8px}
.chart>div{position:absolute;inset:0}
.said{padding:24px;color:var(--quiet);text-align:center}
.said.error{color:var(--ink);border-left:3px solid var(--error);text-align:left}
.note{margin-top:4px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(168px,1fr));gap:16px;margin:0}
.figure{display:flex;flex-direction:column;padding:16px;border:1px solid var(--line);border-radius:8px;
background:var(--surface)}
.figure dt{color:var(--quiet);font-size:12px}
dd{margin:0}
.value{font-size:24px;line-height:32px;white-space:nowrap;font-variant-numeric:tabular-nums}
.change{font-size:12px;color:var(--quiet)}
.change.good{color:var(--success)}
.change.bad{color:var(--error)}
.figure .note{margin-top:auto;padding-top:4px;font-size:11px;line-height:14px}
.spark svg{display:block;width:100%;height:32px;margin-top:4px}
.spark polyline{fill:none;stroke:var(--accent);stroke-width:1.5;vector-effect:non-scaling-stroke}
.spark polygon{fill:var(--accent);opacity:.12}
.caption{margin-bottom:8px}
.trust{display:flex;gap:16px;align-items:flex-start;padding:12px 16px;border:1px solid var(--line);
border-radius:8px;background:var(--surface)}
.badge{flex:none;padding:2px 12px;border-radius:12px;color:#fff;background:#5c6b73;
font-size:12px;font-weight:700}
.badge.good{background:#1e7a5a}
.badge.thin{background:#8a5c07}
.badge.bad{background:#b83a34}
.headline{font-weight:700}
.lead{margin:8px 0}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:12px 16px;margin:8px 0 0}
.facts dt{color:var(--quiet);font-size:12px}
.facts dd{overflow-wrap:anywhere}
.inputs{display:flex;flex-wrap:wrap;gap:4px 24px;margin-top:8px;color:var(--quiet)}
.inputs b{color:var(--ink)}
.short{display:grid;gap:8px;margin:12px 0 0;padding:0;list-style:none}
.short li{display:flex;justify-content:space-between;gap:16px}
.short li>span:last-child{flex:none;font-variant-numeric:tabular-nums}
small{display:block;color:var(--quiet);font-size:11px}
.scroll{margin-top:8px;max-height:560px;overflow:auto}
table{width:100%;border-collapse:collapse}
th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{position:sticky;top:0;background:var(--surface);color:var(--quiet);font-size:12px;font-weight:400}
td{overflow-wrap:break-word}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.count{margin-top:8px}
.dot{display:inline-block;width:8px;height:8px;margin-right:6px;border-radius:50%;background:var(--quiet)}
.dot.high{background:#c2403a}
.dot.medium{background:#c98a1b}
.dot.low{background:#2e8b6e}
@media(max-width:600px){
body{padding:16px}
.figures{grid-template-columns:repeat(2,minmax(0,1fr));gap:8px}
.figure{padding:12px}
.value{font-size:20px;line-height:28px}
.trust{flex-direction:column;gap:8px}
table{width:max-content;min-width:100%}
td{max-width:200px}
}
@media print{.scroll{max-height:none;overflow:visible}body{max-width:none}}
"""


@cache
def _faces() -> str:
    """The bundled type, so that the file needs no other."""
    faces = []
    for entry in (files("panel_material_ui") / "dist").iterdir():
        for weight in (400, 700):
            if entry.name.startswith(f"roboto-latin-{weight}-normal") and entry.name.endswith(".woff2"):
                data = base64.b64encode(entry.read_bytes()).decode("ascii")
                faces.append(
                    f"@font-face{{font-family:Roboto;font-weight:{weight};"
                    f"src:url(data:font/woff2;base64,{data}) format('woff2')}}"
                )
    return "".join(faces)


def style(dark: bool) -> str:
    """The style sheet of a report."""
    palette: dict[str, Any] = theme.PALETTE_DARK if dark else theme.PALETTE_LIGHT
    colors = {
        "page": palette["background"]["default"],
        "surface": palette["background"]["paper"],
        "ink": palette["text"]["primary"],
        "quiet": palette["text"]["secondary"],
        "line": palette["divider"],
        "accent": palette["primary"]["main"],
        "success": palette["success"]["main"],
        "error": palette["error"]["main"],
        "warning": palette["warning"]["main"],
    }
    named = "".join(f"--{name}:{value};" for name, value in colors.items())
    scheme = "dark" if dark else "light"
    return f"{_faces()}:root{{color-scheme:{scheme};{named}}}{_CSS}"
