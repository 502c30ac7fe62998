"""The Credit page as a clerk of finance uses it, and as it is where the data cannot support a prediction."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.database import Database, open_database
from core.filters import SalesFilters
from core.jobs.prepare import prepare
from core.model_store import open_model_store
from core.predictions import scores_on
from core.predictions.credit import review
from core.predictions.credit_desk import Judged, Request, judge, loaded_credit
from core.predictions.people import selected_customers
from core.sales_data import load_sales
from core.settings import Settings
from tests.conftest import RunningServer, ServeFunction

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
SOON = 30_000


def first_that_can_be_judged(database: Database, settings: Settings) -> tuple[str, str, Judged]:
    """Key and name of the first of the review list whose usual invoice the desk judges, and its answer."""
    sales = load_sales(database, None, terms_days=30)
    scores = {task: scores_on(database, task) for task in ("credit", "churn", "spend")}
    frames = {task: found.frame for task, found in scores.items() if found is not None}
    rows = review(selected_customers(sales, SalesFilters()), currency="USD", **frames)
    loaded = loaded_credit(database, lambda: open_model_store(settings, database))
    assert loaded is not None
    for row in rows.iter_rows(named=True):
        judged = judge(database, loaded, sales, Request(0.0, row["key"]), "USD")
        if judged is not None and not judged.answer.abstains:
            return row["key"], row["customer_name"], judged
    pytest.fail("the desk judges nobody of the review list")


def figure(page: Page, key: str) -> str:
    """A figure of the desk."""
    return page.locator(f'.sd-desk .figure[data-key="{key}"] .value').inner_text()


def test_a_clerk_reviews_a_customer_and_sees_the_decision_flip(
    watched: Open, predicted_server: RunningServer, predicted_database: Database, predicted_settings: Settings
) -> None:
    key, name, usual = first_that_can_be_judged(predicted_database, predicted_settings)
    page = watched(f"{predicted_server.url}/?page=credit")
    rows = page.locator(".sd-actions tbody tr")
    expect(rows.first).to_be_visible(timeout=SOON)
    expect(page.locator('.figure[data-key="loss"] .change').first).to_contain_text("95 %")

    page.locator(".sd-actions .search").fill(name)
    expect(rows.first).to_contain_text(name)
    rows.first.locator('input[type="checkbox"]').check()
    expect(page.locator(".sd-actions .chosen")).to_contain_text("1")
    with page.expect_download(timeout=SOON) as waiting:
        page.get_by_role("button", name="Export CSV").click()
    exported = Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert exported[0].startswith("Customer,Owner,Chance of default")
    assert len(exported) == 2
    assert name in exported[1]

    page.get_by_role("tab", name="Credit desk").click()
    desk = page.locator(".sd-desk")
    expect(desk).to_have_attribute("data-state", "ready", timeout=SOON)
    expect(desk.locator('input[type="search"]').first).to_have_value(f"{name} ({key})")
    amount = desk.get_by_label("Amount of the invoice")
    expect(amount).to_have_value(f"{usual.request.amount:.0f}")

    # what the usual invoice costs may be risked: it passes, ten times as much does not
    decision = desk.locator('.figure[data-key="decision"]')
    chance = desk.get_by_label("Chance of default at most")
    chance.evaluate("slider => { slider.value = 30; slider.dispatchEvent(new Event('change')) }")
    desk.get_by_label("Expected loss at most").fill(f"{usual.answer.expected_loss + 1:.0f}")
    desk.get_by_label("Expected loss at most").press("Enter")
    expect(decision).to_contain_text("within what may be risked", timeout=SOON)
    assert figure(page, "loss") == f"USD {usual.answer.expected_loss:,.0f}"
    amount.fill(f"{usual.request.amount * 1.5:.0f}")
    amount.press("Enter")
    expect(decision.locator(".value")).not_to_have_text("Grant", timeout=SOON)
    expect(desk.locator(".part", has_text="What would change the answer")).to_be_visible()
    page.wait_for_url(lambda url: f"amount={usual.request.amount * 1.5:.0f}" in url and f"who={key}" in url)
    kept = decision.inner_text()
    page.reload()
    expect(desk).to_have_attribute("data-state", "ready", timeout=SOON)
    assert decision.inner_text() == kept


@pytest.mark.parametrize("chapter", ["review", "ageing", "desk", "scorecard"])
def test_every_chapter_is_drawn_and_fits_a_phone(
    watched: Open, predicted_server: RunningServer, chapter: str
) -> None:
    page = watched(f"{predicted_server.url}/?page=credit&tab={chapter}", width=390, height=844)
    card = page.locator(":is(.sd-card)[data-state='ready']:visible")
    expect(card.first).to_be_visible(timeout=SOON)
    expect(page.locator(".sd-card[data-state='loading']:visible")).to_have_count(0, timeout=SOON)
    expect(page.locator(".sd-card[data-state='error']:visible")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.fixture(scope="module")
def prepared_genuine(
    serve: ServeFunction, genuine_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> RunningServer:
    """The genuine company with a credit model, served."""
    folder = tmp_path_factory.mktemp("genuine-credit")
    file = folder / "company.sqlite"
    shutil.copyfile(genuine_sqlite, file)
    settings = Settings(database_url=f"sqlite:///{file}", data_dir=folder / "data")
    with open_database(settings.database_url, read_only=False) as database:
        done = prepare(database, open_model_store(settings, database), tasks=("credit",), past=1)
    assert not done.failed
    return serve(SALES_DATABASE_URL=settings.database_url, SALES_DATA_DIR=str(folder / "data"))


def test_the_genuine_company_is_not_ranked_by_risk(watched: Open, prepared_genuine: RunningServer) -> None:
    """Two defaults bear no model: the badge says so, and ageing and the rate so far are shown instead."""
    page = watched(f"{prepared_genuine.url}/?page=credit")
    expect(page.get_by_text("Not enough data (2 events)").first).to_be_visible(timeout=SOON)
    expect(page.get_by_role("tab", name="Ageing")).to_have_attribute("aria-selected", "true", timeout=SOON)
    rates = page.locator(".sd-card", has_text="Late payment and default so far")
    expect(rates).to_contain_text("2 of 320", timeout=SOON)
    expect(rates).to_contain_text("nobody is ranked")
    expect(page.locator(".sd-card", has_text="How payments were matched")).to_contain_text("exactly their")

    page.get_by_role("tab", name="Review list").click()
    review_card = page.locator(".sd-card", has_text="Review list")
    expect(review_card).to_have_attribute("data-state", "empty", timeout=SOON)
    expect(review_card).to_contain_text("Nobody's chance of default can be told from another's")
    expect(page.locator(".sd-actions:visible")).to_have_count(0)

    page.get_by_role("tab", name="Credit desk").click()
    desk = page.locator(".sd-desk")
    expect(desk).to_have_attribute("data-state", "ready", timeout=SOON)
    expect(desk.locator('.figure[data-key="decision"]')).to_contain_text("No answer")
    expect(desk.locator(".lead")).to_contain_text("Not enough data")
    expect(desk.locator('.figure[data-key="default"]')).to_contain_text("any invoice")
