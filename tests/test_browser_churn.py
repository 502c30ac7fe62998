"""The Churn page as its readers use it: marketing plans a campaign, sales opens a customer."""

import csv
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import RunningServer

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
SLOW = 60_000


def move(slider: Locator, value: float, *, let_go: bool = True) -> None:
    """Move a slider as a hand does: it tells while it moves, and once more when let go."""
    slider.evaluate(
        """(input, [value, rests]) => {
            input.value = value
            input.dispatchEvent(new Event("input", {bubbles: true}))
            if (rests) input.dispatchEvent(new Event("change", {bubbles: true}))
        }""",
        [value, let_go],
    )


def percent(text: str) -> int:
    """The number of a text such as 27%."""
    found = re.search(r"\d+", text)
    assert found is not None, text
    return int(found[0])


def test_marketing_plans_a_campaign(watched: Open, predicted_server: RunningServer) -> None:
    page = watched(f"{predicted_server.url}/?page=churn")
    expect(page.locator(".sd-actions .link").first).to_be_visible(timeout=SLOW)
    page.get_by_role("tab", name="Campaign").click()
    desk = page.locator(".sd-desk")
    expect(desk).to_have_attribute("data-state", "ready", timeout=SLOW)
    expect(page.locator('.sd-card[aria-label^="Whom to turn to"]')).to_be_hidden()
    best = desk.locator('[data-key="best"] .value')
    before = percent(best.inner_text())
    cost = desk.get_by_label("Cost of one contact")
    usual = float(cost.input_value())
    move(cost, usual * 5, let_go=False)
    expect(best).not_to_have_text(f"{before}%", timeout=SLOW)
    assert percent(best.inner_text()) > before
    move(cost, usual * 5)
    page.wait_for_url("**cost=*")

    move(desk.get_by_label("Contact from a risk of"), 40)
    page.wait_for_url("**threshold=40*")
    rows = page.locator('.sd-card[aria-label^="Campaign list"]')
    today = desk.locator('[data-key="today"] .value').inner_text()
    expect(rows.locator(".foot span")).to_have_text(re.compile(f" of {today}$"), timeout=SLOW)
    with page.expect_download() as file:
        rows.get_by_role("button", name="Export CSV").click()
    with file.value.path().open(encoding="utf-8-sig", newline="") as text:
        exported = list(csv.DictReader(text))
    assert len(exported) == int(today.replace(",", ""))
    assert all(float(row["Risk of no order"]) >= 0.4 - 1e-9 for row in exported)

    page.reload()
    expect(desk).to_have_attribute("data-state", "ready", timeout=SLOW)
    expect(desk.locator('[data-key="today"] .value')).to_have_text(today, timeout=SLOW)
    name = rows.locator(".link").first.inner_text()
    rows.locator(".link").first.click()
    page.wait_for_url("**page=customer**id=*")
    expect(page.get_by_role("heading", name=name)).to_be_visible(timeout=SLOW)


def test_a_customer_with_other_figures_has_another_risk(
    watched: Open, predicted_server: RunningServer
) -> None:
    page = watched(f"{predicted_server.url}/?page=churn&tab=what-if")
    desk = page.locator(".sd-desk")
    expect(desk).to_have_attribute("data-state", "ready", timeout=SLOW)
    risk = desk.locator('[data-key="risk"] .value')
    known = risk.inner_text()
    move(desk.get_by_label("Days since the last order"), 360)
    expect(risk).not_to_have_text(known, timeout=SLOW)
    assert percent(risk.inner_text()) > percent(known)
    expect(desk).to_contain_text("An order now would change the risk")
    desk.get_by_role("button", name="Back to what is known").click()
    expect(risk).to_have_text(known, timeout=SLOW)


@pytest.mark.parametrize("tab", ["risk", "campaign", "retention", "quality", "what-if"])
def test_every_chapter_fits_a_phone(watched: Open, predicted_server: RunningServer, tab: str) -> None:
    page = watched(f"{predicted_server.url}/?page=churn&tab={tab}", width=390, height=844)
    expect(page.locator('.sd-card[data-state="ready"]:visible').first).to_be_visible(timeout=SLOW)
    expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=SLOW)
    expect(page.locator('.sd-card[data-state="error"]')).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_genuine_data_without_a_model_show_who_comes_back(
    watched: Open, genuine_server: RunningServer
) -> None:
    page = watched(f"{genuine_server.url}/?page=churn&tab=retention")
    expect(page.locator('.sd-card[data-state="ready"]:visible')).to_have_count(3, timeout=SLOW)
    expect(page.locator(".sd-trust")).to_contain_text("No churn model was trained")
    page.get_by_role("tab", name="Risk").click()
    expect(page.locator('.sd-card[data-state="empty"]:visible').first).to_contain_text("no scores")
