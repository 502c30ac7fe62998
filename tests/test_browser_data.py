"""The Data page as a new user meets it: a file dropped, looked at, loaded, mapped, seen on every page."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import RunningServer, ServeFunction
from tests.test_browser_filters import card, figure_value, table_total
from tests.test_browser_pages import contrast, wait_until_drawn

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
FLAT_FILE = Path(__file__).resolve().parents[2] / "shared" / "flat_sales" / "sales_data.csv"
SLOW = 30_000


@pytest.fixture(scope="module")
def server(serve: ServeFunction) -> RunningServer:
    """A server of its own: these tests change what it shows."""
    return serve(SALES_UPLOAD_MEGABYTES="1")


@pytest.fixture(scope="module")
def flat_file() -> Path:
    if not FLAT_FILE.is_file():
        pytest.skip("the flat sales file is not beside this checkout (shared/flat_sales)")
    return FLAT_FILE


def section(page: Page, label: str) -> Locator:
    return page.locator(f'section[aria-label="{label}"]:visible')


def open_data(watched: Open, server: RunningServer, **size: int) -> Page:
    page = watched(server.url + "/?page=data", **size)
    expect(section(page, "Add data")).to_be_visible(timeout=SLOW)
    expect(section(page, "Tables")).to_be_visible()
    return page


def upload(page: Page, file: Path | dict[str, object]) -> None:
    section(page, "Add data").locator('input[type="file"]').set_input_files(file)  # type: ignore[arg-type]


def text_file(name: str, text: str) -> dict[str, object]:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def test_a_new_user_sees_a_flat_file_in_explore_and_in_sql(
    watched: Open, server: RunningServer, flat_file: Path
) -> None:
    page = open_data(watched, server)
    expect(section(page, "Database")).to_contain_text("Shown: the demo company")
    other = watched(server.url + "/?page=overview")
    wait_until_drawn(other)

    upload(page, flat_file)
    preview = section(page, "Preview")
    expect(preview.locator('[data-act="load"]')).to_have_text("Load 2,000 rows", timeout=SLOW)
    expect(preview.locator("th", has_text="income")).to_contain_text("400 missing")
    expect(preview.get_by_label("Type of purchase_date")).to_have_value("date")
    preview.get_by_text("Column profile").click()
    income = preview.locator('[data-part="profile"] tbody tr', has_text="income")
    expect(income).to_contain_text("400 (20%)")
    preview.locator('[data-act="load"]').click()
    expect(preview).to_contain_text("2,000 rows loaded into sales_data", timeout=SLOW)
    expect(section(page, "Tables").locator('[data-table="sales_data"]')).to_contain_text(
        "sales_data.csv", timeout=SLOW
    )

    mapping = section(page, "Mapping")
    expect(mapping.locator('[data-count="revenue"]')).to_have_text("2,528,245.78", timeout=SLOW)
    expect(mapping.locator('[data-key="sales-customer_id"]')).to_have_value("customer_id")
    mapping.get_by_text("SQL of 4 views").click()
    expect(mapping.locator("pre")).to_contain_text("-- title: Order lines with canonical names")
    mapping.locator('[data-act="store"]').click()
    mapping.locator('[data-act="switch"]').click(timeout=SLOW)

    page.wait_for_url("**page=explore**")
    expect(page.locator(".status")).to_contain_text("As known on 1 January 2025", timeout=SLOW)
    wait_until_drawn(page)
    expect(figure_value(page, "orders")).to_have_text("1,992")
    expect(figure_value(page, "revenue")).to_have_text("USD 2.52 M")
    expect(figure_value(page, "gross_profit")).to_have_text("–")
    expect(table_total(page)).to_contain_text("of 2,000")
    expect(card(page, "Revenue by country (USD)")).to_have_attribute("data-state", "ready")
    expect(card(page, "Customers by credit limit").locator(".overlay")).to_contain_text("Needs credit limits")
    expect(page.locator('.sd-card[data-state="error"]')).to_have_count(0)
    for tab in ("products", "money", "receivables"):
        page.locator(f'[data-tab="{tab}"]').click()
        wait_until_drawn(page)
        expect(page.locator('.sd-card[data-state="error"]')).to_have_count(0)
    expect(card(page, "Who owes most").locator(".overlay")).to_contain_text("Needs payments", timeout=SLOW)

    expect(other.locator(".status")).to_contain_text("As known on 1 January 2025", timeout=SLOW)
    page.locator('[data-page="sql"]').click()
    page.wait_for_url("**page=sql**")
    query = "SELECT region, COUNT(*) AS n FROM sales_data WHERE income IS NULL GROUP BY region"
    sql = watched(f"{server.url}/?page=sql&q={query}")
    sql.get_by_role("button", name=re.compile("^Run")).first.click(timeout=SLOW)
    row = sql.get_by_role("region", name="Result").get_by_role("row", name="South")
    expect(row).to_contain_text("96", timeout=SLOW)


def test_types_are_corrected_and_problems_listed(watched: Open, server: RunningServer) -> None:
    page = open_data(watched, server)
    rows = "".join(f"{n},0{n % 9 + 1}/03/2024,x{n}\n" for n in range(1, 40))
    upload(page, text_file("visits.csv", f"visitor,day,code\n{rows}"))
    preview = section(page, "Preview")
    expect(preview.get_by_label("Type of code")).to_have_value("text", timeout=SLOW)
    preview.get_by_label("Type of code").select_option("integer")
    expect(preview.locator('[data-part="problems"] tbody tr').first).to_contain_text("'x1'", timeout=SLOW)
    expect(preview.locator('[data-act="load"]')).to_be_disabled()
    with page.expect_download() as download:
        preview.get_by_text("Download as CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[0] == "file,line,column,reason,remedy,value"
    assert len(lines) == 40
    preview.get_by_label("Type of code").select_option("text")
    expect(preview.locator('[data-part="problems"]')).to_have_count(0, timeout=SLOW)
    preview.get_by_role("button", name="Discard").click()
    expect(preview).to_have_count(0)


def test_a_file_that_cannot_be_taken_says_why(watched: Open, server: RunningServer) -> None:
    page = open_data(watched, server)
    upload(page, text_file("big.csv", "a\n" + "1\n" * 800_000))
    expect(section(page, "Add data").locator(".failed")).to_contain_text("larger than the 1 MB", timeout=SLOW)
    upload(page, {"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG nonsense"})
    expect(section(page, "Preview").locator('[role="alert"]')).to_contain_text("picture.png", timeout=SLOW)


def test_tables_are_renamed_and_dropped_with_confirmation(watched: Open, server: RunningServer) -> None:
    page = open_data(watched, server)
    upload(page, text_file("colours.csv", "name,code\nred,1\nblue,2\n"))
    section(page, "Preview").locator('[data-act="load"]').click(timeout=SLOW)
    tables = section(page, "Tables")
    tables.get_by_role("button", name="Rename colours").click(timeout=SLOW)
    page.get_by_label("New name").fill("paints")
    page.keyboard.press("Enter")
    expect(tables.locator('[data-table="paints"]')).to_contain_text("2", timeout=SLOW)
    expect(tables.locator('[data-table="paints"]')).to_contain_text("colours.csv")
    tables.get_by_role("button", name="Profile paints").click()
    expect(tables.locator('dialog [data-part="profile"] tbody tr')).to_have_count(2, timeout=SLOW)
    tables.get_by_role("button", name="Close").click()
    tables.get_by_role("button", name="Drop paints").click()
    drop = tables.get_by_role("button", name="Drop table")
    expect(drop).to_be_disabled(timeout=SLOW)
    page.get_by_label("Type paints to confirm").fill("paint")
    expect(drop).to_be_disabled()
    page.get_by_label("Type paints to confirm").fill("paints")
    drop.click()
    expect(tables.locator('[data-table="paints"]')).to_have_count(0, timeout=SLOW)
    expect(tables).to_contain_text("paints was dropped")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_went_wrong_can_be_read(watched: Open, server: RunningServer, theme: str) -> None:
    page = watched(f"{server.url}/?page=data&theme={theme}")
    expect(section(page, "Add data")).to_be_visible(timeout=SLOW)
    upload(page, {"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG nonsense"})
    alert = section(page, "Preview").locator('[role="alert"]')
    expect(alert).to_contain_text("picture.png", timeout=SLOW)
    assert contrast(page, '[role="alert"]:visible') >= 4.5


def test_the_connection_can_be_tested_and_the_demo_comes_back(watched: Open, server: RunningServer) -> None:
    page = open_data(watched, server)
    source = section(page, "Database")
    source.locator('[data-act="test"]').click()
    expect(source.locator('[role="status"]')).to_contain_text("answers", timeout=SLOW)
    if source.locator('[data-act="back"]').count():
        source.locator('[data-act="back"]').click()
    expect(source).to_contain_text("Shown: the demo company", timeout=SLOW)


def test_the_page_fits_a_phone(watched: Open, server: RunningServer) -> None:
    page = open_data(watched, server, width=390, height=844)
    upload(
        page, text_file("wide.csv", ",".join(f"column_{n}" for n in range(20)) + "\n" + ",".join("1" * 20))
    )
    expect(section(page, "Preview").locator('[data-act="load"]')).to_be_visible(timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    rights = page.locator("section.card:visible").evaluate_all(
        "cards => cards.map(c => c.getBoundingClientRect().right)"
    )
    assert max(rights) <= 390
    section(page, "Preview").get_by_role("button", name="Discard").click()


def test_the_server_log_stays_clean(server: RunningServer) -> None:
    assert "Traceback" not in server.log()
    assert "ERROR" not in server.log()
