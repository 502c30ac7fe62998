"""Every page as a person sees it: it opens, draws all its charts, fits the screen and stays legible."""

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from core.database import open_database
from tests.conftest import RunningServer, ServeFunction

pytestmark = pytest.mark.browser
Open = Callable[..., Page]

PAGES = {
    "overview": "/?page=overview",
    "reach": "/?page=explore&tab=reach",
    "products": "/?page=explore&tab=products",
    "money": "/?page=explore&tab=money",
    "receivables": "/?page=explore&tab=receivables",
}


def wait_until_drawn(page: Page) -> None:
    """Wait until every visible card has left its loading state."""
    expect(page.locator(".figure:visible").first).to_be_visible(timeout=30_000)
    expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=30_000)


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_a_page_draws_every_chart(watched: Open, demo_server: RunningServer, path: str) -> None:
    page = watched(demo_server.url + path)
    wait_until_drawn(page)
    assert page.locator('.sd-card[data-state="ready"]:visible').count() >= 3
    expect(page.locator('.sd-card[data-state="error"]')).to_have_count(0)
    expect(page.locator(".figure")).to_have_count(6, timeout=20_000)


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_a_phone_needs_no_horizontal_scrolling(watched: Open, demo_server: RunningServer, path: str) -> None:
    page = watched(demo_server.url + path, width=390, height=844)
    wait_until_drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator(".MuiBackdrop-root")).to_be_hidden()
    widths = page.locator(".sd-card:visible").evaluate_all(
        "cards => cards.map(c => c.getBoundingClientRect().right)"
    )
    assert widths
    assert max(widths) <= 390


def test_the_menu_of_a_phone_opens_and_leads_to_a_page(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/", width=390, height=844)
    wait_until_drawn(page)
    page.get_by_label("Open drawer").click()
    expect(page.locator(".sd-controls")).to_be_visible(timeout=20_000)
    page.locator('[data-page="explore"]').click()
    expect(page.locator(".sd-tabs")).to_be_visible(timeout=15_000)
    expect(page.locator(".sd-controls")).to_have_count(0, timeout=20_000)


def test_pages_switch_without_a_reload(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/")
    wait_until_drawn(page)
    page.evaluate("window.untouched = true")
    page.locator('[data-page="explore"]').click()
    expect(page.locator(".sd-tabs")).to_be_visible(timeout=20_000)
    page.wait_for_url("**page=explore**")
    assert page.evaluate("window.untouched") is True
    page.go_back()
    expect(page.locator('[data-page="overview"]')).to_have_attribute("aria-current", "page", timeout=20_000)
    page.wait_for_url("**page=overview**")


def contrast(page: Page, selector: str) -> float:
    """The WCAG contrast ratio of the text of an element against the nearest opaque background."""
    return page.locator(selector).first.evaluate(
        """node => {
            const channels = text => (text.match(/[\\d.]+/g) ?? []).map(Number)
            const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
                .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
            let at = node, back = [255, 255, 255]
            while (at) {
                if (at instanceof Element) {
                    const c = channels(getComputedStyle(at).backgroundColor)
                    if (c.length === 3 || c[3] === 1) { back = c; break }
                }
                at = at.parentNode instanceof ShadowRoot ? at.parentNode.host : at.parentNode
            }
            const [a, b] = [light(channels(getComputedStyle(node).color)), light(back)].sort((x, y) => y - x)
            return (a + .05) / (b + .05)
        }"""
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_legible_in_both_themes(watched: Open, demo_server: RunningServer, theme: str) -> None:
    """At least 4.5:1, what WCAG 2 AA asks of normal text."""
    page = watched(f"{demo_server.url}/?page=explore&theme={theme}")
    wait_until_drawn(page)
    for selector in (
        ".title",
        ".description",
        ".figure dt",
        ".figure .value",
        ".figure .change",
        ".sd-nav button",
    ):
        assert contrast(page, f"{selector}:visible") >= 4.5, selector


def test_the_theme_can_be_switched_and_is_in_the_address(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/")
    wait_until_drawn(page)
    page.get_by_label("Toggle theme").click()
    page.wait_for_url("**theme=dark**")
    page.reload()
    wait_until_drawn(page)
    expect(page.locator(".mui-dark").first).to_be_attached()


def test_a_card_shows_its_sql_and_gives_its_rows(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore")
    wait_until_drawn(page)
    card = page.locator('section.sd-card[aria-label^="Revenue by country (USD)"]')
    card.get_by_label("Show the SQL behind this").click()
    expect(card.locator("dialog pre").first).to_contain_text("SELECT")
    expect(card.locator("dialog code").first).to_have_text("sql/eda/revenue_by_country.sql", timeout=20_000)
    card.get_by_text("Close").click()
    with page.expect_download() as download:
        card.get_by_label("Download the rows (CSV)").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",")[:3] == ["label", "value", "revenue"]
    assert len(lines) > 10


def test_a_card_fills_the_screen(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore")
    wait_until_drawn(page)
    card = page.locator('section.sd-card[aria-label^="Revenue by country (USD)"]')
    before = card.locator(".bk-Figure").bounding_box()
    card.get_by_label("Full screen").click()
    page.wait_for_function("document.fullscreenElement !== null")
    page.wait_for_timeout(500)
    after = card.locator(".bk-Figure").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > 1.5 * before["width"]
    assert after["height"] > 1.5 * before["height"]


def test_the_table_turns_its_pages_and_sorts(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore")
    wait_until_drawn(page)
    table = page.locator('section[aria-label^="Order lines behind"]')
    expect(table.locator("tbody tr")).to_have_count(12, timeout=20_000)
    first = table.locator("tbody tr").first.inner_text()
    table.get_by_text("Next").click()
    expect(table.locator(".foot span")).to_contain_text("13–24 of")
    assert table.locator("tbody tr").first.inner_text() != first
    table.locator("th button", has_text="Revenue").click()
    expect(table.locator('th[aria-sort="descending"]')).to_have_text("Revenue ↓", timeout=20_000)
    expect(table.locator(".foot span")).to_contain_text("1–12 of")
    shown = [
        float(text.replace(",", "")) for text in table.locator("tbody td:nth-child(8)").all_inner_texts()
    ]
    assert shown == sorted(shown, reverse=True)


def test_the_server_log_stays_clean(demo_server: RunningServer) -> None:
    assert "WARNING" not in demo_server.log()
    assert "ERROR" not in demo_server.log()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_cards_do_not_overlap(watched: Open, demo_server: RunningServer, width: int, height: int) -> None:
    page = watched(demo_server.url + "/?page=explore", width=width, height=height)
    wait_until_drawn(page)
    table = page.locator('.sd-card[aria-label^="Order lines"]')
    expect(table).to_be_visible(timeout=15_000)
    boxes = [card.bounding_box() for card in page.locator(".sd-grid .sd-card").all()]
    below = table.bounding_box()
    assert below is not None
    assert all(box is not None and box["y"] + box["height"] <= below["y"] for box in boxes)


def test_only_the_open_chapter_is_seen(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore")
    wait_until_drawn(page)
    page.get_by_role("tab", name="Money").click()
    expect(page.locator('.sd-card[aria-label^="Revenue and gross profit"]')).to_be_visible(timeout=15_000)
    expect(page.locator('.sd-card[aria-label^="Revenue by country on the map"]')).to_be_hidden()


def test_data_can_be_mapped_before_anything_is_known_of_sales(
    watched: Open, serve: ServeFunction, tmp_path: Path
) -> None:
    file = tmp_path / "other.sqlite"
    with open_database(f"sqlite:///{file}", read_only=False) as database:
        database.write("visits", pl.DataFrame({"who": ["a", "b"], "day": ["2024-01-01", "2024-01-02"]}))
    server = serve(SALES_DATABASE_URL=f"sqlite:///{file}")
    page = watched(server.url + "/?page=data")
    expect(page.get_by_role("heading", name="Mapping")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("visits").first).to_be_visible()
    page.locator('[data-page="overview"]').click()
    expect(page.get_by_text("lacks the table orders")).to_be_visible()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see CPU time")
def test_a_server_that_nobody_asks_rests(watched: Open, serve: ServeFunction) -> None:
    """No timer or loop of any session takes a share of a core that could be noticed."""
    server = serve()
    page = watched(server.url + "/?page=explore&country=France")
    wait_until_drawn(page)
    page.locator(".sd-filters button").first.click()
    page.wait_for_url(lambda url: "country" not in url)
    page.wait_for_timeout(3000)
    before = _cpu_seconds(server)
    page.wait_for_timeout(4000)
    assert _cpu_seconds(server) - before < 2.0


def _cpu_seconds(server: RunningServer) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
