"""A page as one HTML file: written by the command and from the page, opened without a network."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser, Page, Request, expect

from core.database import Database
from core.demo import ensure_demo_database
from core.filters import SalesFilters
from core.roles import (
    NotAllowedError,
    Person,
    Role,
    acting_as,
    allow_everything,
    known_people_only,
    set_policy,
)
from core.sales_data import key_figures, load_sales
from core.settings import Settings
from dashboard import theme
from dashboard.cli import cli
from dashboard.current_database import CurrentDatabase
from dashboard.report.making import make_report
from dashboard.report.queue import ReportQueue, ReportQueueFullError
from tests.conftest import RunningServer, ServeFunction

PATIENCE = 60_000
MOST_BYTES = 6_000_000
ATTACK = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
DRAWN = "() => window.Bokeh && Bokeh.documents.length === 1 && Bokeh.documents[0].is_idle"

OpenFunction = Callable[[Path], Page]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo company in its embedded database."""
    folder = tmp_path_factory.mktemp("company")
    ensure_demo_database(Settings(data_dir=folder))
    return folder


@pytest.fixture
def opened(browser: Browser) -> Iterator[OpenFunction]:
    """Open a report by its file, where everything else is refused; nothing else may be asked for."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    asked: list[str] = []
    complaints: list[str] = []

    def open_file(file: Path) -> Page:
        page = context.new_page()
        page.route(lambda url: url != file.as_uri(), lambda route: route.abort())

        def note(request: Request) -> None:
            if not request.url.startswith("data:") and request.url != file.as_uri():
                asked.append(request.url)

        page.on("request", note)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield open_file
    context.close()
    assert not asked
    assert not [text for text in complaints if "GPU stall" not in text]


@pytest.fixture
def run(company: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the command on the demo company."""
    monkeypatch.setenv("SALES_DATA_DIR", str(company))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli, ["report", *arguments])


def expected_figures(database: Database, country: str) -> dict[str, str]:
    """The key figures that core computes for one country, as they are written."""
    sales = load_sales(database, None, terms_days=Settings().payment_terms_days)
    told = key_figures(sales, SalesFilters(countries=[country]))
    return {
        figure.key: theme.money(figure.value, "USD") if figure.unit == "money" else f"{figure.value:,.0f}"
        for figure in told.figures
        if figure.value is not None and not figure.is_estimate
    }


def check_overview(page: Page, database: Database) -> None:
    """The Overview of the USA: chip, figures of core, and drawn charts."""
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.locator(".chips li")).to_have_text(["Country: USA"])
    expect(page.locator(".source")).to_contain_text("SQLite")
    expected = expected_figures(database, "USA")
    assert {"revenue", "orders"} <= expected.keys()
    for key, value in expected.items():
        expect(page.locator(f'.figure[data-key="{key}"] .value')).to_have_text(value)
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    assert page.locator(".chart").count() >= 3
    for chart in page.locator(".chart").all():
        expect(chart.locator("canvas").first).to_be_attached(timeout=PATIENCE)


def test_the_command_writes_a_page_that_opens_offline(
    run: Callable[..., Result], opened: OpenFunction, demo_database: Database, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    ended = run("--page", "overview", "--filter", "country=USA", "--out", str(out))
    assert ended.exit_code == 0, ended.output
    assert out.stat().st_size < MOST_BYTES
    page = opened(out)
    check_overview(page, demo_database)
    chart = page.locator('[data-view="revenue-by-country"] .chart')
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    for step in (0.4, 0.41):  # along the uppermost bar
        page.mouse.move(box["x"] + box["width"] * step, box["y"] + 20)
    expect(page.locator(".bk-Tooltip").get_by_text("USA").first).to_be_visible(timeout=PATIENCE)


def test_a_chapter_in_the_dark_on_a_phone(
    run: Callable[..., Result], opened: OpenFunction, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    ended = run(
        "--page",
        "explore",
        "--tab",
        "products",
        "--as-of",
        "2026-01-15",
        "--theme",
        "dark",
        "--out",
        str(out),
    )
    assert ended.exit_code == 0, ended.output
    page = opened(out)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("heading", name="Explore: Products")).to_be_visible()
    expect(page.locator(".status")).to_contain_text("As known on 15 January 2026")
    rows = page.locator('[data-view="order-rows"]')
    expect(rows.locator("tbody tr")).to_have_count(100)
    expect(rows.locator(".count")).to_contain_text(re.compile(r"The first 100 of [\d,]{5,} rows\."))
    page.wait_for_function(DRAWN, timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(17, 22, 28)"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--page", "nowhere"), "There is no page 'nowhere'."),
        (("--filter", "colour=red"), "'colour' in the address means nothing here"),
        (("--filter", "country"), "'country' is no filter."),
        (("--filter", "country=Atlantis"), "Country 'Atlantis' is not in the data"),
        (("--as-of", "yesterday"), "'yesterday'"),
        (("--page", "explore", "--tab", "nothing"), "The page Explore has no tab 'nothing'."),
        (("--page", "sql"), "The page SQL is worked with on the running dashboard"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_sentence(
    run: Callable[..., Result], tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    out = tmp_path / "report.html"
    ended = run(*arguments, "--out", str(out))
    assert ended.exit_code == 1
    assert told in ended.output
    assert "Traceback" not in ended.output
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_said_before_the_work(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    ended = run("--out", str(tmp_path / "absent" / "report.html"))
    assert ended.exit_code == 1
    assert "cannot be written: No such file or directory" in ended.output


def test_hostile_names_are_text(company: Path, opened: OpenFunction, tmp_path: Path) -> None:
    file = tmp_path / "hostile.sqlite"
    with sqlite3.connect(company / "demo.sqlite") as old, sqlite3.connect(file) as new:
        old.backup(new)
        new.execute("UPDATE customers SET customerName = ? || customerNumber", (ATTACK,))
        new.execute("UPDATE products SET productName = ? || productCode", (ATTACK,))
        customer = new.execute("SELECT customerNumber FROM orders LIMIT 1").fetchone()[0]
    old.close()
    new.close()
    current = CurrentDatabase(Settings(database_url=f"sqlite:///{file}", data_dir=tmp_path))
    for i, query in enumerate(
        (f"page=explore&tab=receivables&customer={customer}", "page=explore&tab=products")
    ):
        out = tmp_path / f"report{i}.html"
        out.write_text(make_report(current, "?" + query).html, encoding="utf-8")
        page = opened(out)
        page.wait_for_function(DRAWN, timeout=PATIENCE)
        expect(page.get_by_text(ATTACK).first).to_be_attached(timeout=PATIENCE)
        for chart in page.locator(".chart").all():
            chart.scroll_into_view_if_needed()
            box = chart.bounding_box()
            assert box is not None
            for across in (0.3, 0.5, 0.7):
                page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * 0.4)
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
    current.database.close()


def test_a_page_that_may_not_be_seen_is_not_saved(company: Path) -> None:
    current = CurrentDatabase(Settings(data_dir=company))
    set_policy(known_people_only)
    try:
        with acting_as(Person("vera", Role.VIEWER)):
            assert "Overview" in make_report(current, "?page=overview").html
            with pytest.raises(NotAllowedError):
                make_report(current, "?page=operations")
        with pytest.raises(NotAllowedError):
            make_report(current, "?page=overview")
    finally:
        set_policy(allow_everything)
        current.database.close()


def test_the_page_one_looks_at_is_saved_from_the_header(
    demo_server: RunningServer,
    watched: Callable[..., Page],
    opened: OpenFunction,
    demo_database: Database,
    tmp_path: Path,
) -> None:
    page = watched(f"{demo_server.url}/?page=overview&country=USA")
    expect(page.locator(".figure").first).to_be_visible(timeout=PATIENCE)
    with page.expect_download(timeout=PATIENCE) as download:
        page.get_by_role("button", name="Save as report").click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"overview-\d{4}-\d\d-\d\d\.html", name)
    out = tmp_path / name
    shutil.move(download.value.path(), out)
    assert out.stat().st_size < MOST_BYTES
    check_overview(opened(out), demo_database)
    expect(page.get_by_role("button", name="Save as report")).to_be_enabled(timeout=PATIENCE)


def test_a_page_without_a_report_says_so_below_the_button(
    demo_server: RunningServer, watched: Callable[..., Page]
) -> None:
    page = watched(f"{demo_server.url}/?page=sql")
    expect(page.get_by_text("As known on").first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Save as report").click()
    expect(page.locator(".report-said")).to_contain_text("running dashboard", timeout=PATIENCE)


def test_only_so_many_reports_wait_for_one_person_and_in_all() -> None:
    queue = ReportQueue(in_all=3, per_person=2)
    first, second = queue.enter("ann"), queue.enter("ann")
    assert (first.ahead, second.ahead) == (0, 1)
    with pytest.raises(ReportQueueFullError, match=r"As many reports of yours .* \(2\)"):
        queue.enter("ann")
    third = queue.enter("ben")
    with pytest.raises(ReportQueueFullError, match=r"as the server takes \(3\)"):
        queue.enter("cleo")
    first.leave()
    first.leave()  # gives only one place back
    assert queue.enter("ann").ahead == 2
    with pytest.raises(ReportQueueFullError):
        queue.enter("ben")
    third.leave()
    assert queue.enter("cleo").ahead == 2


HELD_BACK = """
import pathlib, time
import dashboard.report.button as button
from dashboard.report.queue import ReportQueue

button.QUEUE = ReportQueue(in_all=2)
made = button.make_report

def once_there(current, search):
    while not pathlib.Path({file!r}).exists():
        time.sleep(0.05)
    return made(current, search)

button.make_report = once_there
"""


def test_a_full_queue_is_told_to_who_asks(
    serve: ServeFunction, watched: Callable[..., Page], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    server = serve(first=HELD_BACK.format(file=str(go)))
    pages = [watched(f"{server.url}/?page=overview") for _ in range(3)]
    for page in pages:
        expect(page.locator(".figure").first).to_be_visible(timeout=PATIENCE)
    pages[0].locator(".report-save").click()
    expect(pages[0].locator(".report-save")).to_have_text("Saving …", timeout=PATIENCE)
    pages[1].locator(".report-save").click()
    expect(pages[1].locator(".report-said")).to_have_text(
        "One report is made before this one.", timeout=PATIENCE
    )
    pages[2].locator(".report-save").click()
    expect(pages[2].locator(".report-said")).to_contain_text(
        "As many reports wait to be made as the server takes (2).", timeout=PATIENCE
    )
    expect(pages[2].locator(".report-save")).to_be_enabled()
    with pages[1].expect_download(timeout=PATIENCE), pages[0].expect_download(timeout=PATIENCE):
        go.touch()
    expect(pages[1].locator(".report-said")).to_be_hidden(timeout=PATIENCE)
    with pages[2].expect_download(timeout=PATIENCE):  # there is room again
        pages[2].locator(".report-save").click()
