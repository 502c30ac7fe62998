"""The Sales page in a browser, as a sales manager uses it."""

import datetime as dt
from collections.abc import Callable

from playwright.sync_api import Page, expect

from core.database import Database
from core.predictions import dates_scored
from tests.conftest import RunningServer

Open = Callable[..., Page]
CHART = 'section.sd-card[aria-label^="Sales by month and forecast"]'


def test_a_sales_manager_sees_the_forecast_of_a_line_and_what_happened(
    watched: Open, predicted_server: RunningServer, predicted_database: Database
) -> None:
    page = watched(f"{predicted_server.url}/?page=sales")
    chart = page.locator(CHART)
    expect(chart).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(chart.locator(".note")).to_contain_text("80 % interval")
    expect(page.locator('.figure[data-key="baseline"]')).to_contain_text("Baseline")

    lines = page.locator('section.sd-card[aria-label^="Forecast of the months ahead by product line"]')
    figure = lines.locator(".bk-Figure")
    expect(figure).to_be_visible()
    figure.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = figure.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 24)  # the top bar
    page.wait_for_url("**product_line=**")
    expect(chart.locator("h2")).not_to_contain_text("all product lines")

    then = dates_scored(predicted_database, "sales")[0] + dt.timedelta(days=2)
    page.goto(f"{page.url}&as_of={then.isoformat()}")
    expect(page.locator(CHART)).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(page.locator(f"{CHART} .note")).to_contain_text("months are over")
    expect(page.locator('.figure[data-key="came"]')).to_contain_text("against the forecast")


def test_customers_by_expected_spend_can_be_exported(watched: Open, predicted_server: RunningServer) -> None:
    page = watched(f"{predicted_server.url}/?page=sales&tab=customers")
    card = page.locator('section.sd-card[aria-label^="Expected spend by customer"]')
    expect(card).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(page.locator('.figure[data-key="factor"]')).to_contain_text("×")
    card.get_by_label("Search customers").fill("zzzz-nobody")
    expect(card.locator("tbody tr")).to_have_count(0)
    card.get_by_label("Search customers").fill("")
    expect(card.locator("tbody tr")).not_to_have_count(0)
    with page.expect_download() as download:
        card.get_by_text("Export CSV").click()
    head = download.value.path().read_text(encoding="utf-8").splitlines()[0]
    assert {"Customer", "Owner", "Expected spend", "80 % interval", "Suggested step"} <= set(head.split(","))
