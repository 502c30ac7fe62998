"""The prediction pages on the genuine company, each used for its main task, in a browser."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.database import open_database
from core.jobs import score_customers, train_model
from core.jobs.registry import TASKS
from core.model_store import open_model_store
from core.settings import Settings
from tests.conftest import RunningServer, ServeFunction

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PATIENT = 90_000
LARGEST = "Euro+ Shopping Channel"


@pytest.fixture(scope="module")
def trained_genuine(
    serve: ServeFunction, genuine_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> RunningServer:
    """The genuine company with models and scores of all tasks, served."""
    folder = tmp_path_factory.mktemp("genuine")
    file = folder / "company.sqlite"
    shutil.copyfile(genuine_sqlite, file)
    file.chmod(0o644)
    settings = Settings(database_url=f"sqlite:///{file}", data_dir=folder / "data")
    with open_database(settings.database_url, read_only=False) as database:
        store = open_model_store(settings, database)
        for task in TASKS:
            train_model(database, store, task)
            score_customers(database, store, task, currency=settings.currency)
    return serve(SALES_DATABASE_URL=settings.database_url, SALES_DATA_DIR=str(folder / "data"))


def card(page: Page, title: str) -> Locator:
    """The card whose title begins so, once it shows its content."""
    found = page.locator(f'.sd-card[aria-label^="{title}"]')
    expect(found).to_have_attribute("data-state", "ready", timeout=PATIENT)
    return found


def test_a_sales_manager_goes_from_the_list_to_a_customer(
    watched: Open, trained_genuine: RunningServer
) -> None:
    page = watched(f"{trained_genuine.url}/?page=actions")
    listed = card(page, "Sales: whom to call")
    expect(page.locator(".sd-trust:visible").first).to_contain_text("Thin")
    listed.get_by_label("Search customers, owners, steps").fill(LARGEST)
    row = listed.locator("tbody tr")
    expect(row).to_have_count(1, timeout=PATIENT)
    expect(row).to_contain_text("the risk.")
    assert listed.evaluate("node => node.scrollWidth <= node.clientWidth")
    row.get_by_text(LARGEST).click()
    expect(page.locator("h1")).to_have_text(LARGEST, timeout=PATIENT)
    story = card(page, "Joint recommendation")
    expect(story).to_contain_text("What drives the risk of no order", timeout=PATIENT)
    expect(story).to_contain_text("Ordered 26 times so far, 15 times in the last year: lowers the risk.")


def test_the_forecast_is_that_of_a_season_before(watched: Open, trained_genuine: RunningServer) -> None:
    page = watched(f"{trained_genuine.url}/?page=sales")
    card(page, "Sales by month and forecast")
    expect(page.locator(".sd-trust:visible").first).to_contain_text("Seasonal naive", timeout=PATIENT)
    expect(page.locator('.figure[data-key="baseline"]')).to_contain_text("Baseline", timeout=PATIENT)


def test_churn_is_honest_and_its_list_can_be_exported(watched: Open, trained_genuine: RunningServer) -> None:
    page = watched(f"{trained_genuine.url}/?page=churn")
    listed = card(page, "Whom to turn to")
    expect(page.locator(".sd-trust:visible")).to_contain_text("Thin")
    with page.expect_download(timeout=PATIENT) as waiting:
        listed.get_by_role("button", name="Export CSV").click()
    lines = waiting.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == 85, "84 customers ordered in the last year"


def test_products_are_offered_with_reasons(watched: Open, trained_genuine: RunningServer) -> None:
    page = watched(f"{trained_genuine.url}/?page=recommendations")
    again = card(page, "Buy again")
    expect(again.locator("tbody tr").first).to_contain_text("Bought on", timeout=PATIENT)
    expect(page.locator("h1")).to_have_text(LARGEST)


def test_an_earlier_date_says_so_and_leads_back(watched: Open, trained_genuine: RunningServer) -> None:
    page = watched(f"{trained_genuine.url}/?page=overview&as_of=2004-12-01")
    back = page.locator(".sd-filters .back")
    expect(back).to_contain_text("Looking back to 1 December 2004", timeout=PATIENT)
    back.get_by_role("button", name="Back to the latest date").click()
    expect(back).to_have_count(0, timeout=PATIENT)
    expect(page.locator(".sd-filters .status")).to_contain_text("As known on 1 June 2005", timeout=PATIENT)


def test_model_cards_say_what_the_data_bear(watched: Open, trained_genuine: RunningServer) -> None:
    page = watched(f"{trained_genuine.url}/?page=models&tab=credit")
    expect(page.locator(".sd-trust:visible")).to_contain_text("Not enough data (2 events)", timeout=PATIENT)
    expect(page.get_by_text("Model card", exact=True).last).to_be_visible(timeout=PATIENT)


def test_an_analyst_predicts_credit_limits_and_learns_how_sure_that_is(
    watched: Open, trained_genuine: RunningServer
) -> None:
    page = watched(f"{trained_genuine.url}/?page=predict&table=customers&target=creditLimit")
    form = page.locator('section[aria-label="What to predict"]:visible')
    expect(form.get_by_label("Predict the column")).to_have_value("creditLimit", timeout=PATIENT)
    form.locator('[data-act="train"]').click()
    report = page.locator('section[aria-label="How good it is"]:visible')
    expect(report.locator("h2")).to_have_text("Predicted: the amount of creditLimit", timeout=PATIENT)
    expect(report.locator('[data-part="split"]')).to_contain_text("drawn at random")
    expect(report.locator('[data-metric="MAE"] .used')).to_contain_text(" to ")  # its interval
    expect(report.locator('[data-part="verdict"]')).to_contain_text("95 % interval")
    expect(page.locator(".sd-actions:visible")).to_contain_text("of 122", timeout=PATIENT)
