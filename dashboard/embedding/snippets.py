"""What is pasted into a host page to show a view there."""

import html
from collections.abc import Mapping
from urllib.parse import urlencode

FROM_BACK_END = "TOKEN FROM YOUR SERVER"


def iframe_snippet(
    base: str, slug: str, title: str, height: int, query: Mapping[str, str], token: str = ""
) -> str:
    """An iframe of a fixed height; ``base`` is the address of the dashboard with a slash at its end."""
    asked = dict(query) | ({"signed": "1"} if token else {})
    search = f"?{urlencode(asked, safe=',:')}" if asked else ""
    address = html.escape(f"{base}embed/{slug}{search}{f'#token={token}' if token else ''}")
    return (
        f'<iframe src="{address}" title="{html.escape(title)}" width="100%" height="{height}" '
        'style="border: 0" loading="lazy"></iframe>'
    )


def script_snippet(base: str, slug: str, query: Mapping[str, str], token: str = "") -> str:
    """The loader and an element that has the height of its view, and follows its attributes."""
    given = {"view": slug} | {name.replace("_", "-"): value for name, value in query.items()}
    if token:
        given["token"] = token
    attributes = " ".join(f'{name}="{html.escape(value)}"' for name, value in given.items())
    return (
        f'<script src="{html.escape(base)}embed.js" async></script>\n<sales-view {attributes}></sales-view>'
    )
