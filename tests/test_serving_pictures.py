"""Pictures and rows of a view, saved from the menu of its card in a browser."""

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.conftest import RunningServer

PATIENCE = 60_000
Open = Callable[..., Page]
Color = tuple[int, int, int]


def timeline(page: Page) -> Locator:
    """The card of the timeline, drawn."""
    card = page.locator(".sd-card", has=page.get_by_role("heading", name="Revenue by month"))
    expect(card).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    card.scroll_into_view_if_needed()
    page.wait_for_function("() => Bokeh.documents.every((document) => document.is_idle)", timeout=PATIENCE)
    return card


def saved(page: Page, card: Locator, entry: str) -> tuple[str, bytes]:
    """Name and content of what an entry of the card's menu saves."""
    card.get_by_role("button", name="More: picture, rows, embed").click()
    with page.expect_download(timeout=PATIENCE) as download:
        card.get_by_text(entry).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def light_of(color: Color) -> float:
    """Luminance from 0 (black) to 255."""
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def colors_in(picture: Image.Image, box: tuple[int, int, int, int]) -> Counter[Color]:
    part = picture.crop(box)
    return Counter({color: count for count, color in part.getcolors(part.width * part.height) or []})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chart_is_saved_as_a_picture(demo_server: RunningServer, watched: Open, theme: str) -> None:
    page = watched(f"{demo_server.url}/?page=overview&country=USA&theme={theme}")
    card = timeline(page)
    on_screen = card.locator(".content").bounding_box()
    assert on_screen is not None
    name, content = saved(page, card, "Save as picture (PNG)")
    assert name == "revenue-timeline.png"
    picture = Image.open(io.BytesIO(content)).convert("RGB")

    # twice as fine as the screen, with room for the title above and for the source below
    assert abs(picture.width - 2 * on_screen["width"]) <= 4
    assert 2 * on_screen["height"] + 60 < picture.height < 2 * on_screen["height"] + 400

    whole = colors_in(picture, (0, 0, picture.width, picture.height))
    (ground, most), *_others = whole.most_common(1)
    assert light_of(ground) > 230 if theme == "light" else light_of(ground) < 60
    assert 0.3 < most / whole.total() < 0.97  # neither blank nor painted over

    bars = sum(count for (r, g, b), count in whole.items() if b - r > 60 and b > g)
    assert bars / whole.total() > 0.01
    edge = 2 * 40
    for part in ((0, 0, picture.width, edge), (0, picture.height - edge, picture.width, picture.height)):
        words = colors_in(
            picture, part
        )  # title above, source below: letters that can be told from the ground
        told = sum(n for color, n in words.items() if abs(light_of(color) - light_of(ground)) > 90)
        assert told > 200
    axis = colors_in(picture, (0, edge, 2 * 60, picture.height - edge))  # its numbers, left of the bars
    assert sum(n for color, n in axis.items() if abs(light_of(color) - light_of(ground)) > 60) > 100


def test_the_rows_of_a_chart_are_saved_as_they_are_shown(demo_server: RunningServer, watched: Open) -> None:
    page = watched(f"{demo_server.url}/?page=overview&country=USA")
    name, content = saved(page, timeline(page), "Save the rows (CSV)")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert name == "revenue-timeline.csv"
    assert len(rows) == 36  # the three years of the demo, month by month
    assert sum(float(row["revenue"]) for row in rows) > 0
