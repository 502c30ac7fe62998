"""The Features page in a browser, as an analyst uses it."""

import io
from collections.abc import Callable

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from core.snapshots import FEATURES
from tests.conftest import RunningServer

Open = Callable[..., Page]


def analyse(page: Page) -> None:
    """Pick a feature, see its distribution and SQL, take the table along."""
    expect(page.locator(".sd-features .row").first).to_be_visible(timeout=60_000)
    page.get_by_label("Search features").first.fill("365 amount ordered")
    page.locator('.sd-features .row[data-name="revenue_365"]').click()
    page.wait_for_url("**feature=revenue_365**")
    card = page.locator('section.sd-card[aria-label^="Amount ordered in the last 365 days ("]')
    expect(card).to_have_attribute("data-state", "ready", timeout=60_000)
    expect(card.locator(".note")).to_contain_text("customers")
    code = page.get_by_label("SQL of the feature")
    expect(code.locator(".hit").first).to_contain_text("revenue_365")
    expect(page.locator(".sd-story .file")).to_have_text("sql/features/purchases.sql")

    page.get_by_role("tab", name="Table").click()
    table = page.locator('section.sd-card[aria-label^="All customers and features"]')
    expect(table).to_have_attribute("data-state", "ready", timeout=60_000)
    with page.expect_download() as download:
        table.get_by_text("Export Parquet").click()
    rows = pl.read_parquet(io.BytesIO(download.value.path().read_bytes()))
    assert rows.columns == ["customer_id", "customer_name", "as_of_day", *FEATURES]
    assert rows.height > 50


def test_an_analyst_studies_a_feature_and_exports_the_table(
    watched: Open, demo_server: RunningServer
) -> None:
    analyse(watched(f"{demo_server.url}/?page=features"))


def test_the_genuine_data_have_features_too(watched: Open, genuine_server: RunningServer) -> None:
    analyse(watched(f"{genuine_server.url}/?page=features"))


@pytest.mark.parametrize("tab", ["distributions", "relations", "drift", "customer", "table"])
def test_no_chapter_is_wider_than_a_phone(watched: Open, demo_server: RunningServer, tab: str) -> None:
    page = watched(f"{demo_server.url}/?page=features&tab={tab}", width=390, height=900)
    expect(page.locator("section.sd-card").first).to_have_attribute("data-state", "ready", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
