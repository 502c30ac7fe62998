"""Linked charts: a click or a brush filters everything, filters can be seen, removed, shared and restored."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import RunningServer
from tests.test_browser_pages import wait_until_drawn

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


def card(page: Page, title: str) -> Locator:
    """The visible card whose title starts with ``title``."""
    return page.locator(f'section.sd-card[aria-label^="{title}"]:visible')


def click_row(page: Page, title: str, row: int, rows: int) -> None:
    """Click the bar ``row`` (from 0, top to bottom) of a chart with ``rows`` bars, near its start."""
    figure = card(page, title)
    figure.scroll_into_view_if_needed()
    plot = figure.locator(".bk-CartesianFrame").bounding_box()
    assert plot is not None
    page.mouse.click(plot["x"] + 22, plot["y"] + plot["height"] * (row + 0.5) / rows)


def figure_value(page: Page, key: str) -> Locator:
    """The value of a key figure."""
    return page.locator(f'.figure[data-key="{key}"]:visible .value')


def table_total(page: Page) -> Locator:
    """The 'a–b of n' below the table of order lines."""
    return card(page, "Order lines behind").locator(".foot span")


def test_the_genuine_company_has_the_known_figures(watched: Open, genuine_server: RunningServer) -> None:
    """All time: revenue 9 365 336.43, gross profit 3 731 511.97, 320 live orders of 98 customers."""
    page = watched(genuine_server.url + "/?page=explore&period=2003-01-01..2005-12-31")
    wait_until_drawn(page)
    expect(figure_value(page, "revenue")).to_have_text("USD 9.37 M")
    expect(figure_value(page, "gross_profit")).to_have_text("USD 3.73 M")
    expect(figure_value(page, "orders")).to_have_text("320")
    expect(figure_value(page, "active_customers")).to_have_text("98")
    expect(table_total(page)).to_contain_text("of 2,917")


def test_a_click_on_a_country_filters_everything(watched: Open, genuine_server: RunningServer) -> None:
    page = watched(genuine_server.url + "/?page=explore&period=2003-01-01..2005-12-31")
    wait_until_drawn(page)
    click_row(page, "Revenue by country (USD)", 0, 15)
    expect(page.locator('.chip[data-key="country"]')).to_contain_text("Country: USA")
    expect(figure_value(page, "revenue")).to_have_text("USD 3.23 M")
    expect(figure_value(page, "active_customers")).to_have_text("35")
    expect(card(page, "Order lines behind").locator("tbody td:nth-child(4)").first).to_have_text("USA")
    page.wait_for_url("**country=USA**")

    click_row(page, "Revenue by country (USD)", 0, 15)
    expect(page.locator('.chip[data-key="country"]')).to_have_count(0)
    expect(figure_value(page, "revenue")).to_have_text("USD 9.37 M")


def test_a_brush_on_the_time_axis_sets_the_period(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore")
    wait_until_drawn(page)
    before = figure_value(page, "orders").inner_text()
    strip = card(page, "Revenue by month").locator(".bk-CartesianFrame").bounding_box()
    assert strip is not None
    page.mouse.move(strip["x"] + strip["width"] * 0.3, strip["y"] + 20)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.5, strip["y"] + 40, steps=6)
    page.mouse.up()
    chip = page.locator('.chip[data-key="period"]')
    expect(chip).to_be_visible()
    first, last = chip.inner_text().removeprefix("Period: ").split("\n")[0].split(" to ")
    assert first.endswith("-01")
    assert "2024" in first
    assert last > first
    expect(figure_value(page, "orders")).not_to_have_text(before)
    newest = card(page, "Order lines behind").locator("tbody td").first
    expect(newest).to_have_text(last[:8] + newest.inner_text()[8:])
    page.wait_for_url(f"**period={first}..{last}**")


def test_filters_are_removed_one_by_one_or_all_at_once(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore&country=USA,France&product_line=Ships&office=Chicago")
    wait_until_drawn(page)
    expect(page.locator(".chip")).to_have_count(4)
    page.get_by_label("Remove filter Country: France").click()
    expect(page.locator(".chip")).to_have_count(3)
    page.get_by_text("Clear all").click()
    expect(page.locator(".chip")).to_have_count(0)
    page.wait_for_function("!location.search.includes('country')")


def test_an_address_restores_the_whole_state(watched: Open, demo_server: RunningServer) -> None:
    path = "/?page=explore&tab=products&as_of=2025-10-01&period=2024-01-01..2024-12-31"
    path += "&product_line=Planes,Trains"
    page = watched(demo_server.url + path)
    wait_until_drawn(page)
    expect(page.locator('[data-tab="products"]')).to_have_attribute("aria-selected", "true")
    expect(page.locator(".status")).to_contain_text("As known on 1 October 2025")
    expect(page.locator(".chip")).to_have_count(3)
    shown = figure_value(page, "revenue").inner_text()
    page.reload()
    wait_until_drawn(page)
    expect(figure_value(page, "revenue")).to_have_text(shown)
    assert page.url.endswith(path)


def test_a_click_on_a_product_line_keeps_the_other_bars(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore&tab=products")
    wait_until_drawn(page)
    click_row(page, "Volume by product line", 1, 7)
    chip = page.locator('.chip[data-key="product_line"]')
    expect(chip).to_have_count(1)
    click_row(page, "Volume by product line", 3, 7)
    expect(chip).to_have_count(2)


def test_an_earlier_as_of_date_forgets_what_came_later(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore&as_of=2025-01-01")
    wait_until_drawn(page)
    newest = card(page, "Order lines behind").locator("tbody td").first.inner_text()
    assert newest < "2025-01-01"


def test_an_empty_selection_says_so_and_offers_a_way_out(watched: Open, demo_server: RunningServer) -> None:
    page = watched(
        demo_server.url + "/?page=explore&country=USA&office=Melbourne&period=2023-07-01..2023-07-02"
    )
    wait_until_drawn(page)
    expect(card(page, "Revenue by country (USD)").locator(".overlay")).to_contain_text("Nothing matches")
    expect(figure_value(page, "revenue")).to_have_text("USD 0")
    page.get_by_text("Clear all").click()
    expect(card(page, "Revenue by country (USD)")).to_have_attribute("data-state", "ready")


def test_nonsense_in_the_address_is_told_and_harmless(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=nowhere&period=yesterday&as_of=soon&country=Atlantis")
    wait_until_drawn(page)
    messages = " ".join(page.locator(".message").all_inner_texts())
    assert "no page 'nowhere'" in messages
    assert "yesterday" in messages
    assert "soon" in messages
    assert "Atlantis" in messages
    expect(figure_value(page, "revenue")).not_to_have_text("USD 0")


def test_sidebar_widgets_and_charts_agree(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore")
    wait_until_drawn(page)
    controls = page.locator(".sd-controls")
    controls.locator('details[data-dimension="product_line"] summary').focus()
    page.keyboard.press("Enter")
    controls.get_by_label("Ships").focus()
    page.keyboard.press("Space")
    expect(page.locator(".chip")).to_contain_text("Product line: Ships")
    page.wait_for_url("**product_line=Ships**")
    page.locator(".chip").click()
    expect(controls.get_by_label("Ships")).not_to_be_checked()
    controls.get_by_label("From").fill("2025-02-01")
    expect(page.locator('.chip[data-key="period"]')).to_contain_text("2025-02-01 to 2026-06-30")
    controls.get_by_label("As-of date").fill("2025-06-01")
    expect(page.locator(".status")).to_contain_text("As known on 1 June 2025")
    controls.get_by_text("Latest").click()
    expect(page.locator(".status")).to_contain_text("As known on 1 July 2026")


def test_a_click_on_a_month_is_that_month(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=explore")
    wait_until_drawn(page)
    strip = card(page, "Revenue by month").locator(".bk-CartesianFrame").bounding_box()
    assert strip is not None
    months, pad = 36, 0.02 / 1.04  # the axis is 4 % longer than the bars
    november_2025 = (28 + 0.5) / months * (1 - 2 * pad) + pad
    page.mouse.click(strip["x"] + strip["width"] * november_2025, strip["y"] + strip["height"] - 12)
    chip = page.locator('.chip[data-key="period"]')
    expect(chip).to_contain_text("2025-11-01 to 2025-11-30")
    expect(figure_value(page, "revenue")).to_have_text("USD 9.55 M")


def test_back_and_forward_go_one_step_at_a_time(watched: Open, demo_server: RunningServer) -> None:
    page = watched(demo_server.url + "/?page=overview")
    wait_until_drawn(page)
    page.locator('[data-page="explore"]').click()
    page.wait_for_url("**page=explore")
    wait_until_drawn(page)
    page.locator('[data-tab="money"]').click()
    page.wait_for_url("**tab=money")
    wait_until_drawn(page)
    page.go_back()
    expect(page.locator('[data-tab="reach"]')).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.locator('[data-page="overview"]')).to_have_attribute("aria-current", "page", timeout=15_000)
    assert page.url.endswith("page=overview")
    page.go_forward()
    expect(page.locator('[data-page="explore"]')).to_have_attribute("aria-current", "page", timeout=15_000)
    assert page.url.endswith("page=explore")
