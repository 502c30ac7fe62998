"""How pages use the room they have: rows of cards without holes, whole lists, legends that fit a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import RunningServer

Open = Callable[..., Page]
PATIENCE = 60_000


def wait_until_drawn(page: Page) -> None:
    expect(page.locator(".sd-card:visible").first).to_be_visible(timeout=PATIENCE)
    expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=PATIENCE)


def rows_of_cards(page: Page) -> list[list[dict[str, float]]]:
    """Left, right and height of the cards that are seen, by the row in which they stand."""
    boxes = page.locator(".sd-grid .sd-card:visible").evaluate_all(
        """cards => cards.map(card => {
            const {left, right, top, height} = card.getBoundingClientRect()
            return {left, right, top, height}
        })"""
    )
    rows: dict[int, list[dict[str, float]]] = {}
    for box in boxes:
        rows.setdefault(round(box["top"]), []).append(box)
    return list(rows.values())


@pytest.mark.parametrize("width", [1440, 2560])
@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("/?page=overview", "Revenue by product line"),
        ("/?page=explore&tab=receivables", "Order lines behind"),
        ("/?page=credit&tab=ageing", "Late payment and default"),
    ],
)
def test_cards_of_a_row_are_of_one_height_and_fill_it(
    watched: Open, predicted_server: RunningServer, path: str, last: str, width: int
) -> None:
    page = watched(predicted_server.url + path, width=width, height=1440)
    card = page.locator(f'section.sd-card[aria-label^="{last}"]')
    expect(card).to_have_attribute("data-state", "ready", timeout=PATIENCE)
    wait_until_drawn(page)
    rows = rows_of_cards(page)
    assert len(rows) >= 2
    left, right = min(row[0]["left"] for row in rows), max(row[-1]["right"] for row in rows)
    for row in rows:
        assert {round(card["height"]) for card in row} == {round(row[0]["height"])}
        assert row[0]["left"] == pytest.approx(left, abs=1)
        assert row[-1]["right"] == pytest.approx(right, abs=1)


def test_a_list_of_actions_is_shown_whole_and_a_phone_scrolls_in_it(
    watched: Open, predicted_server: RunningServer
) -> None:
    page = watched(predicted_server.url + "/?page=actions", width=1440, height=900)
    wait_until_drawn(page)
    scroll = page.locator(".sd-actions .scroll:visible")
    expect(scroll.locator("tbody tr")).to_have_count(15, timeout=PATIENCE)
    hidden = "node => node.scrollHeight - node.clientHeight"
    handle = scroll.element_handle()
    page.wait_for_function(f"node => ({hidden})(node) <= 1", arg=handle, timeout=PATIENCE)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(f"node => ({hidden})(node) > 1000", arg=handle, timeout=PATIENCE)


def test_the_legend_of_the_quality_of_models_fits_a_phone(
    watched: Open, predicted_server: RunningServer
) -> None:
    page = watched(predicted_server.url + "/?page=models", width=390, height=844)
    wait_until_drawn(page)
    card = page.locator('section.sd-card[aria-label^="Quality at past dates"]')
    labels = card.locator(".bk-Legend .bk-label")
    expect(labels.first).to_be_visible(timeout=PATIENCE)
    assert labels.count() >= 5
    box = card.bounding_box()
    assert box is not None
    rights = labels.evaluate_all("labels => labels.map(label => label.getBoundingClientRect().right)")
    assert max(rights) <= box["x"] + box["width"]
