"""The reader's task: see today's top churn risk, open that customer, read the recommendation, go back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from core.database import Database
from core.predictions import dates_scored
from tests.conftest import RunningServer

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
WORDS = re.compile("^(Grow|Hold|Collect)$")


def card(page: Page, title: str) -> Locator:
    """The card with a title that begins so."""
    return page.locator(f'.sd-card[aria-label^="{title}"]:visible')


def wait_until_drawn(page: Page) -> None:
    """Wait until every visible card has left its loading state."""
    expect(page.locator(".sd-card:visible").first).to_be_visible(timeout=90_000)
    expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=90_000)


def test_the_sales_manager_goes_from_the_top_risk_to_its_customer_and_back(
    watched: Open, predicted_server: RunningServer
) -> None:
    page = watched(predicted_server.url + "/?page=overview", height=1400)
    wait_until_drawn(page)
    risks = card(page, "Churn risks")
    expect(risks.locator("ol li")).to_have_count(5)
    expect(risks.locator("ol li").first.locator(".detail")).to_contain_text("no order")
    first = risks.locator("ol li .name").first
    name = first.text_content() or ""
    first.click()
    expect(page.locator("h1")).to_have_text(name, timeout=15_000)
    page.wait_for_url("**page=customer&id=*")
    wait_until_drawn(page)
    told = card(page, "Joint recommendation")
    expect(told.locator(".word")).to_have_text(WORDS)
    expect(told.locator("li").first).to_contain_text(re.compile("open|overdue|pays"))
    figure = page.locator('.figure[data-key="p_reorder"]:visible')
    expect(figure.locator(".value")).to_have_text(re.compile(r"^\d+%$"))
    expect(figure.locator(".change")).to_have_text(re.compile(r"^\d+% to \d+%$"))
    expect(page.locator('.figure[data-key="next_order"]:visible .value')).to_contain_text("20")
    for title in (
        "Purchases by month",
        "Open invoices over time",
        "Days past due",
        "Buy again",
        "New for you",
    ):
        expect(card(page, title)).to_have_attribute("data-state", "ready")
    page.get_by_role("button", name="Back to Overview").click()
    page.wait_for_url("**page=overview*")
    expect(card(page, "Churn risks").locator("ol li .name").first).to_have_text(name)
    assert "Traceback" not in predicted_server.log()


def test_the_history_of_the_browser_leads_back_too(watched: Open, predicted_server: RunningServer) -> None:
    page = watched(predicted_server.url + "/?page=actions&tab=finance", height=1200)
    wait_until_drawn(page)
    link = page.locator(".sd-actions tbody .link:visible").first
    name = link.text_content() or ""
    link.click()
    expect(page.locator("h1")).to_have_text(name, timeout=15_000)
    page.wait_for_url("**page=customer&id=*")
    expect(page.get_by_role("button", name="Back to Actions")).to_be_visible()
    page.go_back()
    page.wait_for_url("**page=actions&tab=finance*")
    expect(card(page, "Finance")).to_be_visible()
    expect(page.locator("h1:visible")).to_have_count(0)
    page.go_forward()
    expect(page.locator("h1:visible")).to_have_text(name)


def test_another_customer_is_found_by_name(watched: Open, predicted_server: RunningServer) -> None:
    page = watched(predicted_server.url + "/?page=customer&id=nobody")
    expect(page.get_by_text("There is no customer 'nobody'")).to_be_visible(timeout=90_000)
    expect(page.locator(".sd-card:visible")).to_have_count(0)
    page.get_by_role("combobox").fill("a")
    expect(page.get_by_role("option").first).to_be_visible()
    name = page.get_by_role("option").first.locator(".name").text_content() or ""
    page.get_by_role("combobox").press("ArrowDown")
    page.get_by_role("combobox").press("Enter")
    expect(page.locator("h1")).to_have_text(name)
    wait_until_drawn(page)
    expect(page.get_by_text("There is no customer")).to_be_hidden()


def test_a_past_date_shows_what_came_after(
    watched: Open, predicted_server: RunningServer, predicted_database: Database
) -> None:
    day = dates_scored(predicted_database, "churn")[-2]
    page = watched(f"{predicted_server.url}/?page=actions&as_of={day}", height=1200)
    wait_until_drawn(page)
    page.locator(".sd-actions tbody .link:visible").first.click()
    wait_until_drawn(page)
    told = card(page, "Joint recommendation")
    expect(told.get_by_text("What happened after")).to_be_visible()
    expect(told.get_by_text(re.compile("They ordered|They did not order"))).to_be_visible()
    expect(page.locator('.figure[data-key="p_reorder"]:visible .note')).to_have_text(
        re.compile(r"They did( not)?\.$")
    )


def test_order_lines_and_a_single_customer_in_the_filters_lead_to_the_page(
    watched: Open, predicted_server: RunningServer
) -> None:
    page = watched(predicted_server.url + "/?page=explore&tab=reach", height=1600)
    wait_until_drawn(page)
    link = page.locator(".sd-table tbody .link:visible").first
    link.scroll_into_view_if_needed()
    name = link.text_content() or ""
    link.click()
    expect(page.locator("h1")).to_have_text(name, timeout=15_000)
    key = re.search(r"id=([^&]+)", page.url)
    page.wait_for_url("**page=customer&id=*")
    key = re.search(r"id=([^&]+)", page.url)
    assert key is not None
    page.goto(f"{predicted_server.url}/?page=explore&customer={key[1]}")
    page.get_by_role("button", name="Open customer page").click(timeout=90_000)
    expect(page.locator("h1:visible")).to_have_text(name, timeout=15_000)
    expect(page.get_by_role("button", name="Open customer page")).to_have_count(0)


@pytest.mark.parametrize("path", ["/?page=customer&id={}", "/?page=actions", "/?page=overview"])
def test_a_phone_needs_no_horizontal_scrolling(
    watched: Open, predicted_server: RunningServer, predicted_database: Database, path: str
) -> None:
    key = predicted_database.query("SELECT MIN(customer_id) AS k FROM stg_orders")["k"][0]
    page = watched(predicted_server.url + path.format(key), width=390, height=844)
    wait_until_drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    right = page.locator(".sd-card:visible").evaluate_all(
        "cards => cards.map(card => card.getBoundingClientRect().right)"
    )
    assert right
    assert max(right) <= 390


def test_a_list_is_exported(watched: Open, predicted_server: RunningServer) -> None:
    page = watched(predicted_server.url + "/?page=actions")
    wait_until_drawn(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").locator("visible=true").click()
    text = download.value.path().read_text(encoding="utf-8")
    head = text.splitlines()[0]
    for title in ("Customer", "Owner", "Value at stake", "Suggested step", "Reason"):
        assert title in head


def test_genuine_data_without_models_offer_to_train(watched: Open, genuine_server: RunningServer) -> None:
    page = watched(genuine_server.url + "/?page=overview")
    wait_until_drawn(page)
    expect(page.locator(".sd-trust:visible")).to_have_count(1)
    expect(page.get_by_role("button", name="Train now")).to_be_visible()
    expect(card(page, "Churn risks")).to_have_attribute("data-state", "empty")
    page.goto(genuine_server.url + "/?page=customer&id=141")
    expect(page.locator("h1")).to_have_text("Euro+ Shopping Channel", timeout=90_000)
    wait_until_drawn(page)
    expect(card(page, "Purchases by month")).to_have_attribute("data-state", "ready")
    expect(page.locator('.figure[data-key="p_reorder"]:visible .change')).to_have_text("no model yet")
