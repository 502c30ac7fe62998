"""The SQL page as an analyst uses it: write, complete, run, page, sort, draw, save, cancel, share."""

import csv
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect
from python_calamine import CalamineWorkbook

from tests.conftest import RunningServer, ServeFunction
from tests.test_browser_pages import contrast

pytestmark = pytest.mark.browser
Open = Callable[..., Page]

MILLION = """WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
SELECT i, i * 7919 % 1000003 AS shuffled, 'row ' || i AS name FROM n"""
HEAVY = "SELECT COUNT(*) FROM customers a, customers b, customers c, customers d"


@pytest.fixture
def desk(watched: Open, genuine_server: RunningServer) -> Page:
    """The SQL page on the genuine data."""
    return opened(watched(genuine_server.url + "/?page=sql"))


def opened(page: Page) -> Page:
    """The page when its editor is there and its tables are known."""
    page.locator('.sd-sql[data-ready="true"]').wait_for(timeout=30_000)
    expect(page.locator(".sd-catalogue .empty")).to_have_count(0, timeout=30_000)
    return page


def write(page: Page, text: str) -> None:
    """Replace what stands in the editor."""
    page.locator(".sd-sql .ace_text-input").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def run(page: Page, text: str) -> None:
    """Write and run by keyboard."""
    write(page, text)
    page.keyboard.press("Control+Enter")


def status(page: Page) -> Locator:
    """The line below the editor."""
    return page.locator(".sd-sql .status")


def state(page: Page, name: str) -> None:
    """Wait until the query is in this state."""
    expect(page.locator(".sd-sql")).to_have_attribute("data-state", name, timeout=60_000)


def column(page: Page, number: int) -> list[str]:
    """The texts of a column of the page of rows shown."""
    return page.locator(f".sd-result tbody td:nth-child({number})").all_inner_texts()


def test_a_query_is_completed_run_turned_sorted_and_saved(desk: Page, genuine_sqlite: Path) -> None:
    write(desk, "SELECT customerName, country, creditLimit FROM customers WHERE cre")
    popup = desk.locator(".ace_autocomplete")
    desk.keyboard.type("d")
    expect(popup).to_be_visible()
    expect(popup).to_contain_text("creditLimit")
    desk.keyboard.press("Enter")
    desk.keyboard.type(" >= 0 ORDER BY customerNumber")
    desk.keyboard.press("Escape")  # closes the list if it is open again, else leaves the editor
    desk.locator(".sd-sql .ace_text-input").focus()
    desk.keyboard.press("Control+Enter")
    state(desk, "done")
    with sqlite3.connect(genuine_sqlite) as connection:
        known = connection.execute(
            "SELECT customerName, country, creditLimit FROM customers ORDER BY customerNumber"
        ).fetchall()
    connection.close()
    foot = desk.locator(".sd-result .foot span")
    expect(foot).to_have_text(f"1–20 of {len(known)}")
    assert column(desk, 1) == [row[0] for row in known[:20]]
    desk.get_by_text("Next").click()
    expect(foot).to_have_text(f"21–40 of {len(known)}")
    assert column(desk, 1) == [row[0] for row in known[20:40]]
    desk.locator(".sd-result th button", has_text="creditLimit").click()
    expect(desk.locator('.sd-result th[aria-sort="descending"]')).to_have_text("creditLimit ↓")
    expect(foot).to_have_text(f"1–20 of {len(known)}")
    expect(desk.locator(".sd-result tbody td:nth-child(3)").first).to_have_text("227,600.00")
    assert desk.locator(".sd-result tbody td.number").count() == 20
    with desk.expect_download() as download:
        desk.locator(".exports button", has_text="CSV").click()
    with download.value.path().open(encoding="utf-8", newline="") as file:
        saved = list(csv.reader(file))
    assert saved[0] == ["customerName", "country", "creditLimit"]
    assert [(name, country, float(limit)) for name, country, limit in saved[1:]] == known
    with desk.expect_download() as download:
        desk.locator(".exports button", has_text="Parquet").click()
    assert download.value.path().read_bytes()[:4] == b"PAR1"


def test_a_chart_is_built_over_the_result(desk: Page) -> None:
    run(desk, "SELECT country, creditLimit, state FROM customers")
    state(desk, "done")
    expect(desk.locator(".sd-result .bk-Figure")).to_have_count(0)
    desk.locator('.sd-result [data-tab="chart"]').click()
    figure = desk.locator(".sd-result .bk-Figure")
    expect(figure).to_be_visible(timeout=20_000)
    for label, option in (("Chart", "Histogram"), ("Across", "creditLimit")):
        desk.get_by_label(label, exact=True).locator("visible=true").click()
        desk.get_by_role("menuitem", name=option, exact=True).click()
    expect(figure).to_be_visible()
    expect(desk.get_by_label("Split by", exact=True)).to_be_hidden()
    desk.locator('.sd-result [data-tab="plan"]').click()
    expect(desk.locator(".sd-result pre")).to_contain_text("SCAN customers")


def pick(page: Page, label: str, option: str) -> None:
    """Choose from a list of the explorer; the list closes when the chart is drawn anew."""
    page.get_by_label(label, exact=True).locator("visible=true").first.click()
    items = page.get_by_role("menuitem").or_(page.get_by_role("option"))
    items.filter(has_text=re.compile(f"^{option}$")).locator("visible=true").first.click()
    expect(items.locator("visible=true")).to_have_count(0)


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_the_explorer_offers_every_chart(
    watched: Open, genuine_server: RunningServer, theme: str, width: int
) -> None:
    text = "SELECT country, city, creditLimit, customerNumber FROM customers WHERE creditLimit > 0"
    path = f"/?page=sql&theme={theme}&q={quote(text)}"
    page = watched(genuine_server.url + path, width=width, height=1500)
    page.locator('.sd-sql[data-ready="true"]').wait_for(timeout=30_000)
    page.locator(".sd-sql .run").click()
    state(page, "done")
    page.locator('.sd-result [data-tab="explorer"]').click()
    explorer = page.locator(".sd-result .place.explorer")
    figure = explorer.locator(".bk-Figure")
    expect(figure).to_be_visible(timeout=30_000)
    pick(page, "Chart", "Boxes")
    expect(page.get_by_label("Across (x)", exact=True)).to_be_hidden()
    pick(page, "Split by", "country")
    pick(page, "Chart", "Bars")
    pick(page, "Across (x)", "country")
    expect(explorer.locator(".chart-note")).to_contain_text("chosen twice")
    expect(figure).to_have_count(0)
    explorer.get_by_role("button", name="country").locator("svg").last.click()
    expect(figure).to_be_visible()
    expect(explorer.locator(".chart-note")).to_contain_text("lie on top of each other")
    page.get_by_role("button", name="Python code", exact=True).click()
    expect(explorer.locator("pre", has_text="df.hvplot")).to_contain_text("kind='bar'")
    page.get_by_role("button", name="Labels", exact=True).click()
    explorer.get_by_role("textbox", name="Title").fill("Credit by country")
    page.keyboard.press("Enter")
    titled = explorer.locator("pre", has_text=re.compile("^Credit by country$"))
    expect(titled).to_be_visible(timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    edge = page.locator(".sd-result").evaluate("card => card.getBoundingClientRect().right")
    for part in (figure, page.get_by_label("Chart", exact=True).locator("visible=true").first):
        box = part.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= edge
    for selector in (
        'label:has-text("Chart"):visible',
        ".MuiAccordion-heading:visible",
        ".chart-note:visible",
    ):
        assert contrast(page, selector) >= 4.5, selector
    run(page, "SELECT 1 AS one")
    state(page, "done")
    expect(figure).to_be_visible(timeout=20_000)
    expect(explorer.locator(".chart-note")).to_have_text("")


def test_files_hold_what_was_asked_for(desk: Page) -> None:
    run(
        desk,
        """SELECT 9007199254740993 AS big, '=1+1' AS risky, 'Ünï ☃' AS name, NULL AS gap, 1.5 AS x,
        '007' AS id, DATE('2024-01-31') AS day""",
    )
    state(desk, "done")
    files = {}
    for form in ("CSV", "Parquet", "Excel"):
        with desk.expect_download() as download:
            desk.locator(".exports button", has_text=form).click()
        files[form] = download.value.path()
    parquet = pl.read_parquet(files["Parquet"])
    names = ["big", "risky", "name", "gap", "x", "id", "day"]
    assert parquet.columns == names
    assert parquet.row(0)[:6] == (9007199254740993, "=1+1", "Ünï ☃", None, 1.5, "007")
    csv_rows = list(csv.reader(files["CSV"].read_text("utf-8").splitlines()))
    assert csv_rows[1] == ["9007199254740993", "'=1+1", "Ünï ☃", "", "1.5", "007", "2024-01-31"]
    sheet = CalamineWorkbook.from_path(files["Excel"]).get_sheet_by_index(0).to_python()
    assert sheet[0] == names
    assert sheet[1][:6] == ["9007199254740993", "=1+1", "Ünï ☃", "", 1.5, "007"]


def test_what_is_refused_or_cut_says_where_and_why(desk: Page) -> None:
    run(desk, "-- tidy up\n  DELETE FROM customers")
    state(desk, "error")
    expect(status(desk)).to_contain_text("DELETE changes data (line 2, column 3)")
    expect(desk.locator(".sd-wrong-word")).to_have_count(1)
    run(desk, "SELECT customerName,\n  wrong\nFROM customers")
    expect(status(desk)).to_contain_text("line 2, column 3")
    expect(desk.locator(".ace_gutter-cell.ace_error")).to_have_text("2")
    over = desk.locator(".ace_marker-layer:has(.sd-wrong-word) .ace_active-line")
    expect(over).to_have_count(0)
    desk.keyboard.type(" ")
    expect(desk.locator(".sd-wrong-word")).to_have_count(0)
    desk.get_by_label("Rows at most").select_option("1000")
    run(desk, "SELECT * FROM orderdetails")
    state(desk, "done")
    expect(desk.locator(".sd-result .remark")).to_contain_text("Cut off at 1,000 rows")


def test_a_million_rows_stay_fluid(desk: Page) -> None:
    desk.get_by_label("Rows at most").select_option("1000000")
    run(desk, MILLION)
    state(desk, "done")
    foot = desk.locator(".sd-result .foot span")
    expect(foot).to_have_text("1–20 of 1,000,000")
    turned = desk.evaluate("performance.now()")
    desk.locator(".jump input").fill("50000")
    desk.keyboard.press("Enter")
    expect(foot).to_have_text("999,981–1,000,000 of 1,000,000")
    assert column(desk, 1)[-1] == "1000000"
    desk.locator(".sd-result th button", has_text="shuffled").click()
    expect(desk.locator(".sd-result tbody td:nth-child(2)").first).to_have_text("1000002")
    assert desk.evaluate("performance.now()") - turned < 5_000
    desk.locator(".sd-result .scroll").focus()
    desk.keyboard.press("PageDown")
    expect(foot).to_have_text("21–40 of 1,000,000")


def test_a_heavy_query_is_cancelled_and_hinders_nobody(
    desk: Page, watched: Open, genuine_server: RunningServer
) -> None:
    run(desk, HEAVY)
    state(desk, "running")
    clock = desk.locator(".sd-sql .clock")
    expect(clock).to_be_visible()
    other = opened(watched(genuine_server.url + "/?page=sql"))
    run(other, "SELECT COUNT(*) AS n FROM customers")
    state(other, "done")
    assert column(other, 1) == ["122"]
    state(desk, "running")
    desk.locator(".sd-sql .ace_text-input").focus()
    desk.keyboard.press("Escape")
    state(desk, "cancelled")
    expect(status(desk)).to_contain_text("cancelled after")
    run(desk, "SELECT 1 AS one")
    state(desk, "done")


def test_a_link_restores_text_and_values_but_runs_nothing(
    desk: Page, watched: Open, genuine_server: RunningServer
) -> None:
    text = "SELECT COUNT(*) AS n FROM orders WHERE orderDate < :until"
    run(desk, text)
    expect(status(desk)).to_contain_text(":until has no value")
    desk.get_by_label("until").fill("2004-01-01")
    desk.keyboard.press("Enter")
    state(desk, "done")
    assert column(desk, 1) == ["111"]
    desk.wait_for_url("**&q=**until**")
    other = opened(watched(desk.url))
    expect(other.locator(".sd-sql .ace_content")).to_contain_text("FROM orders")
    expect(other.get_by_label("until")).to_have_value("2004-01-01")
    expect(status(other)).to_contain_text("has not been run")
    expect(other.locator(".sd-result tbody tr")).to_have_count(0)
    long = "SELECT 1" + " + 1" * 300
    third = opened(watched(f"{genuine_server.url}/?page=sql&q={quote(long)}"))
    third.locator(".sd-sql .run").click()
    state(third, "done")
    assert column(third, 1) == ["301"]
    third.wait_for_url("**q=~*")


def test_tables_queries_and_history_fill_the_editor(desk: Page) -> None:
    write(desk, "SELECT  FROM customers")
    for _ in range(len(" FROM customers")):
        desk.keyboard.press("ArrowLeft")
    tables = desk.locator(".sd-catalogue")
    table = tables.locator("details.table", has=desk.get_by_title("Insert customers", exact=True))
    expect(table.locator(".count").first).to_have_text("122")
    table.locator("summary").click(position={"x": 6, "y": 8})
    table.locator("li button", has_text="city").click()
    expect(desk.locator(".sd-sql .ace_content")).to_contain_text("SELECT city FROM")
    desk.keyboard.press("Control+Enter")
    state(desk, "done")
    assert column(desk, 1)[0] == "Nantes"
    desk.locator('.sd-catalogue [data-tab="queries"]').click()
    tables.locator(".search").fill("pareto")
    tables.locator(".item").first.click()
    desk.locator(".sd-sql .inputs input").first.press("Enter")
    expect(desk.locator(".sd-result .facts")).to_contain_text("109 rows", timeout=20_000)
    desk.locator('.sd-catalogue [data-tab="history"]').click()
    expect(tables.locator(".past")).to_have_count(2)
    tables.locator(".past", has_text="SELECT city").click()
    expect(desk.locator(".sd-sql .ace_content")).to_contain_text("city")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_needs_no_horizontal_scrolling_and_text_is_legible(
    watched: Open, genuine_server: RunningServer, theme: str
) -> None:
    path = f"/?page=sql&theme={theme}&q={quote('SELECT * FROM customers')}"
    page = watched(genuine_server.url + path, width=390, height=844)
    page.locator('.sd-sql[data-ready="true"]').wait_for(timeout=30_000)
    page.locator(".sd-sql .run").click()
    state(page, "done")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".sd-result").evaluate("card => card.getBoundingClientRect().right") <= 390
    parts = (
        ".status",
        ".facts",
        ".run",
        ".plain",
        ".choice",
        ".ace_keyword",
        ".ace_identifier",
        "td",
        ".tabs button",
    )
    for selector in parts:
        assert contrast(page, f"{selector}:visible") >= 4.5, selector


def test_odd_names_are_quoted_and_broken_views_say_why(
    watched: Open, serve: ServeFunction, genuine_sqlite: Path, tmp_path: Path
) -> None:
    file = tmp_path / "odd.sqlite"
    file.write_bytes(genuine_sqlite.read_bytes())
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("""
            CREATE TABLE "flat sales" ("Unit Price" REAL);
            INSERT INTO "flat sales" VALUES (12.5);
            CREATE VIEW lost AS SELECT * FROM nowhere;
        """)
    page = opened(watched(serve(SALES_DATABASE_URL=f"sqlite:///{file}").url + "/?page=sql"))
    tables = page.locator(".sd-catalogue")
    lost = tables.locator("details.table", has=page.get_by_title("Insert lost", exact=True))
    expect(lost.locator(".count").first).to_have_text("broken view")
    lost.locator("summary").click(position={"x": 6, "y": 8})
    expect(lost.locator(".why")).to_contain_text("nowhere")
    write(page, "SELECT * FROM ")
    tables.get_by_title("Insert flat sales", exact=True).click()
    expect(page.locator(".sd-sql .ace_content")).to_contain_text('FROM "flat sales"')
    expect(page.locator(".sd-sql .ace_focus, .sd-sql .ace_editor.ace_focus").first).to_be_attached()
    page.keyboard.type(" WHERE unit")
    expect(page.locator(".ace_autocomplete")).to_contain_text("Unit Price")
    page.keyboard.press("Enter")
    page.keyboard.type(" > 0")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    state(page, "done")
    assert column(page, 1) == ["12.50"]


def test_other_pages_do_not_load_the_editor(watched: Open, genuine_server: RunningServer) -> None:
    page = watched(genuine_server.url + "/?page=overview")
    page.locator(".sd-card").first.wait_for()
    names = "performance.getEntriesByType('resource').map(entry => entry.name).join()"
    assert "/ace" not in page.evaluate(names)
    page.locator('[data-page="sql"]').click()
    opened(page)
    assert "/ace.js" in page.evaluate(names)


def test_the_server_log_stays_clean(genuine_server: RunningServer) -> None:
    assert "WARNING" not in genuine_server.log()
    assert "ERROR" not in genuine_server.log()
