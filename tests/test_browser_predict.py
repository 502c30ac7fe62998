"""Predict any table as an analyst does: choose, train, read how good it is, try changes, use the scores."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect

from core.database import open_database
from core.demo import ensure_demo_database
from core.ingest import ingest
from core.settings import Settings
from tests.conftest import RunningServer, ServeFunction

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
FLAT_FILE = Path(__file__).resolve().parents[2] / "shared" / "flat_sales" / "sales_data.csv"
SLOW = 90_000
ROWS = 300


def visits() -> pl.DataFrame:
    """What a visitor spends follows age and town; ``refund`` is written down afterwards."""
    random = np.random.default_rng(8)
    age, town = random.integers(18, 80, ROWS), random.choice(["Bern", "Lyon", "Oslo"], ROWS)
    spend = 20.0 + 3 * age + 60 * (town == "Oslo") + random.normal(0, 8, ROWS)
    returned = random.uniform(size=ROWS) < 1 / (1 + np.exp(-(age - 50) / 8))
    return pl.DataFrame(
        {
            "visit": np.arange(1, ROWS + 1),
            "age": age,
            "town": town,
            "currency": "CHF",
            "spend": spend.round(2),
            "returned": np.where(returned, "yes", "no"),
            "refund": [5.0 if yes else None for yes in returned],
        }
    )


@pytest.fixture(scope="module")
def server(serve: ServeFunction, tmp_path_factory: pytest.TempPathFactory) -> RunningServer:
    """The demo with tables of an analyst in it."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("predict"))
    address = str(ensure_demo_database(settings))
    with open_database(address, read_only=False) as database:
        database.write("visits", visits())
        database.write("few", visits().head(12))
        database.write("nobody", visits().clear())
    if FLAT_FILE.is_file():
        ingest([FLAT_FILE], settings.resolved_database_url)
    return serve(SALES_DATA_DIR=str(settings.data_dir))


def section(page: Page, label: str) -> Locator:
    return page.locator(f'section[aria-label="{label}"]:visible')


def form(page: Page) -> Locator:
    return section(page, "What to predict")


def train(page: Page, title: str) -> Locator:
    """Train what is chosen; the report, once it is there."""
    form(page).locator('[data-act="train"]').click()
    report = section(page, "How good it is")
    expect(report.locator("h2")).to_have_text(title, timeout=SLOW)
    return report


def test_an_analyst_predicts_a_column_and_uses_the_scores_in_sql(
    watched: Open, server: RunningServer
) -> None:
    page = watched(server.url + "/?page=predict", height=1600)
    expect(section(page, "How good it is")).to_have_count(0)
    form(page).get_by_label("Table or view").select_option("visits", timeout=SLOW)
    form(page).get_by_label("Predict the column").select_option("spend", timeout=SLOW)
    page.wait_for_url("**page=predict&table=visits&target=spend")
    columns = form(page).locator("[data-column]")
    expect(columns.filter(has_text="currency")).to_contain_text("It is the same in every row")
    expect(columns.filter(has_text="visit")).to_contain_text("keys")
    expect(columns.filter(has_text="visit").get_by_role("checkbox")).not_to_be_checked()

    report = train(page, "Predicted: the amount of spend")
    expect(report.locator(".badge")).to_have_text("Enough data")
    expect(report.locator('[data-part="verdict"]')).to_contain_text(
        re.compile(r"Better than always predicting the mean: improvement in MAE .+95 % interval")
    )
    expect(report.locator('[data-part="choice"]')).to_contain_text("simple model is used")
    expect(report.locator('[data-part="split"]')).to_contain_text("a quarter of the rows, drawn at random")
    used = report.locator('[data-metric="MAE"] .used')
    expect(used).to_have_text(re.compile(r"^\d\.\d+\s*\d\.\d+ to \d\.\d+$"))
    for title in ("What the prediction rests on", "Predicted and actual on the test rows"):
        drawn = page.locator(".sd-card", has=page.get_by_role("heading", name=title))
        expect(drawn).to_have_attribute("data-state", "ready")
        expect(drawn.locator("canvas").first).to_be_visible()

    rows = page.locator(".sd-actions:visible")
    expect(rows).to_contain_text("1–15 of 300")
    expect(rows.locator("tbody tr").first).to_contain_text(
        re.compile("(raises|lowers) the spend expected by")
    )
    rows.get_by_role("button", name="3", exact=True).click()
    what_if = section(page, "What if")
    expect(what_if).to_contain_text("Row 3 (visit 3)")
    before = what_if.locator('[data-part="score"]').inner_text()
    what_if.locator('[data-input="town"]').select_option("Oslo" if visits()["town"][2] != "Oslo" else "Bern")
    expect(what_if.locator('[data-part="score"]')).not_to_have_text(before)
    expect(what_if).to_contain_text(f"{before} as it is")
    expect(what_if.locator('[data-part="interval"]')).to_contain_text(" to ")
    what_if.locator('[data-input="age"]').fill("130")
    expect(what_if).to_contain_text("Outside what the model has seen")

    keep = section(page, "Keep and use")
    keep.get_by_label("Name of the model").fill("visitors")
    keep.locator('[data-act="write"]').click()
    expect(keep.get_by_role("dialog")).to_contain_text("Write 300 rows into scores_table_visitors?")
    keep.get_by_role("button", name="Write the scores", exact=True).click()
    expect(keep.locator(".notice")).to_contain_text("300 scores are in the table", timeout=SLOW)
    expect(keep.locator('[data-model="visitors"]')).to_contain_text("spend, from visits.")
    keep.locator('[data-act="sql"]').click()
    page.wait_for_url("**page=sql**")

    query = (
        "SELECT COUNT(*) AS n, COUNT(reasons) AS told FROM scores_table_visitors s JOIN visits v "
        "ON v.visit = s.visit WHERE s.low < s.score AND s.score < s.high"
    )
    sql = watched(f"{server.url}/?page=sql&q={quote(query)}")
    sql.get_by_role("button", name=re.compile("^Run")).first.click(timeout=SLOW)
    answer = sql.get_by_role("region", name="Result").get_by_role("row", name="300")
    expect(answer).to_contain_text(re.compile("300.*300"), timeout=SLOW)

    later = watched(server.url + "/?page=predict", height=1600)
    section(later, "Keep and use").get_by_role("button", name="Open visitors").click(timeout=SLOW)
    expect(section(later, "How good it is").locator("h2")).to_have_text(
        "Predicted: the amount of spend", timeout=SLOW
    )
    expect(form(later).get_by_label("Table or view")).to_have_value("visits")


def test_a_column_that_tells_the_answer_is_left_out_with_one_click(
    watched: Open, server: RunningServer
) -> None:
    page = watched(server.url + "/?page=predict&table=visits&target=returned", height=1600)
    expect(form(page).get_by_label("Predict the column")).to_have_value("returned", timeout=SLOW)
    report = train(page, "Predicted: the chance that returned is " + _rarer())
    warning = report.locator('[data-suspect="refund"]')
    expect(warning).to_contain_text("was it known before the outcome?")
    expect(report.locator('[data-part="verdict"]')).to_contain_text("do not trust this")
    warning.get_by_role("button", name="Train without refund").click()
    expect(warning).to_have_count(0, timeout=SLOW)
    expect(report.locator('[data-part="verdict"]')).not_to_contain_text("do not trust this")
    report.get_by_text("Left out").click()
    expect(report.locator(".findings")).to_contain_text("refund: not chosen")


def _rarer() -> str:
    counts = visits()["returned"].value_counts().sort("count")
    return str(counts["returned"][0])


def test_what_cannot_be_predicted_is_said_and_nothing_is_lost(watched: Open, server: RunningServer) -> None:
    page = watched(server.url + "/?page=predict&table=few&target=spend")
    told = form(page).locator(".notice")
    expect(form(page).locator('[data-act="train"]')).to_be_enabled(timeout=SLOW)
    form(page).locator('[data-act="train"]').click()
    expect(told).to_contain_text("12 rows have a spend, and 40 are needed", timeout=SLOW)
    form(page).get_by_label("Table or view").select_option("nobody")
    expect(told).to_contain_text("There are no rows in nobody", timeout=SLOW)
    expect(form(page).get_by_label("Table or view")).to_have_value("few")
    form(page).get_by_label("Predict the column").select_option("currency")
    expect(form(page)).to_contain_text("It has one value only: nothing can be learned.")
    expect(form(page).locator('[data-act="train"]')).to_be_disabled()

    form(page).get_by_role("button", name="A query").click()
    for query, message in {
        "DELETE FROM visits": "DELETE changes data",
        "SELECT * FROM nowhere": "There is no table nowhere",
    }.items():
        form(page).get_by_label("Query", exact=True).fill(query)
        form(page).locator('[data-act="read"]').click()
        expect(told).to_contain_text(message, timeout=SLOW)
    expect(form(page).locator('[data-part="rows"]')).to_have_text("12 rows with 7 columns from few.")
    form(page).get_by_label("Query", exact=True).fill("SELECT age, town, spend FROM visits WHERE age > 30")
    form(page).locator('[data-act="read"]').click()
    expect(form(page).locator('[data-part="rows"]')).to_contain_text("3 columns from the query", timeout=SLOW)


def test_training_is_cancelled_and_can_be_started_again(watched: Open, server: RunningServer) -> None:
    page = watched(server.url + "/?page=predict&table=orderdetails&target=priceEach")
    expect(form(page).locator('[data-act="train"]')).to_be_enabled(timeout=SLOW)
    form(page).locator('[data-act="train"]').click()
    form(page).locator('[data-act="cancel"]').click()
    expect(form(page).locator(".notice")).to_contain_text("nothing was changed", timeout=SLOW)
    expect(form(page).locator('[data-act="train"]')).to_be_enabled()
    expect(section(page, "How good it is")).to_have_count(0)


def test_missing_incomes_of_a_flat_file_are_not_promised(watched: Open, server: RunningServer) -> None:
    if not FLAT_FILE.is_file():
        pytest.skip("the flat sales file is not beside this checkout (shared/flat_sales)")
    page = watched(server.url + "/?page=predict&table=sales_data&target=income", width=390)
    expect(form(page)).to_contain_text("400 rows have none: they are predicted.", timeout=SLOW)
    form(page).get_by_label("Split by time").select_option("purchase_date")
    report = train(page, "Predicted: the amount of income")
    expect(report.locator('[data-part="verdict"]')).to_contain_text("Do not act on these predictions.")
    expect(report.locator('[data-part="split"]')).to_contain_text("Tested on the rows from 2024-")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_server_log_stays_clean(server: RunningServer) -> None:
    assert not re.findall("ERROR|Traceback|WARNING", server.log())
