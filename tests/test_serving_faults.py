"""What goes wrong in one place stays there: databases, views, disks, training jobs, killed servers."""

import os
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import RunningServer, ServeFunction
from tests.test_server_training import _child_of

Open = Callable[..., Page]
pytestmark = pytest.mark.browser
SLOW = 60_000


def shown(page: Page, name: str) -> None:
    """Open a page of the dashboard by its name in the navigation."""
    page.locator("nav").get_by_role("button", name=name, exact=True).click()


def run_sql(page: Page, text: str) -> None:
    editor = page.locator(".sd-sql")
    expect(editor).to_have_attribute("data-ready", "true", timeout=SLOW)
    editor.locator(".ace_text-input").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")


def own_copy(genuine_sqlite: Path, folder: Path) -> Path:
    file = folder / "company.sqlite"
    file.write_bytes(genuine_sqlite.read_bytes())
    return file


def test_a_database_that_is_gone_and_comes_back(
    serve: ServeFunction, watched: Open, genuine_sqlite: Path, tmp_path: Path
) -> None:
    file = own_copy(genuine_sqlite, tmp_path)
    server = serve(SALES_DATABASE_URL=f"sqlite:///{file}")
    page = watched(server.url + "/?page=explore&country=France")
    expect(page.locator(".bk-Figure").first).to_be_visible(timeout=SLOW)
    away = file.rename(tmp_path / "away.sqlite")

    other = watched(server.url + "/?page=sql")
    run_sql(other, "SELECT COUNT(*) AS n FROM customers")
    expect(other.locator(".sd-sql")).to_have_attribute("data-state", "error", timeout=SLOW)
    expect(other.locator(".sd-sql .status")).to_contain_text("company.sqlite")
    page.get_by_label("Remove filter Country: France").click()
    page.wait_for_url(lambda url: "country" not in url)  # what was read goes on
    expect(page.locator(".bk-Figure").first).to_be_visible()
    until = time.monotonic() + 30
    while server.get("/readyz")[0] != 503 and time.monotonic() < until:
        time.sleep(0.5)
    assert server.get("/readyz")[0] == 503
    assert server.get("/healthz")[0] == 200

    away.rename(file)
    run_sql(other, "SELECT COUNT(*) AS n FROM customers")
    expect(other.locator(".sd-sql")).to_have_attribute("data-state", "done", timeout=SLOW)
    assert "Traceback" not in server.log()


def test_a_server_without_its_database_says_so_and_finds_it_later(
    serve: ServeFunction, watched: Open, genuine_sqlite: Path, tmp_path: Path
) -> None:
    file = tmp_path / "later.sqlite"
    with closing(sqlite3.connect(file)):
        pass  # an empty file: a database without tables
    server = serve(SALES_DATABASE_URL=f"sqlite:///{file}")
    page = watched(server.url + "/")
    expect(page.get_by_role("alert").or_(page.locator(".problem")).first).to_be_visible(timeout=SLOW)
    with closing(sqlite3.connect(genuine_sqlite)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
    again = watched(server.url + "/?page=explore")
    expect(again.locator(".bk-Figure").first).to_be_visible(timeout=SLOW)


def test_a_view_that_fails_is_alone_in_that(
    serve: ServeFunction, watched: Open, genuine_sqlite: Path
) -> None:
    broken = (
        "import dashboard.views.timeline as timeline\n"
        "def fail(self, sales, filters): raise RuntimeError('inner words of the code')\n"
        "timeline.RevenueTimeline.data = fail"
    )
    server = serve(first=broken, SALES_DATABASE_URL=f"sqlite:///{genuine_sqlite}")
    page = watched(server.url + "/?page=overview")
    expect(page.get_by_text("This could not be drawn.").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Outstanding receivables").first).to_be_visible()
    assert "inner words" not in page.content()
    assert "inner words of the code" in server.log()
    shown(page, "Explore")
    expect(page.locator(".bk-Figure").first).to_be_visible(timeout=SLOW)


def test_a_full_disk_refuses_an_upload_and_keeps_the_data(
    serve: ServeFunction, browser: Browser, genuine_sqlite: Path, tmp_path: Path
) -> None:
    limit = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))"
    )
    file = own_copy(genuine_sqlite, tmp_path)
    before = file.read_bytes()
    server = serve(first=limit, SALES_DATABASE_URL=f"sqlite:///{file}")
    big = tmp_path / "big.csv"
    big.write_text("day,amount\n" + "2024-01-01,12.5\n" * 250_000, encoding="utf-8")
    page = browser.new_page()  # its console tells of the refusal
    page.goto(server.url + "/?page=data")
    with page.expect_file_chooser(timeout=SLOW) as chooser:
        page.get_by_text("Choose a file").or_(
            page.get_by_role("button", name=re.compile("hoose"))
        ).first.click()
    chooser.value.set_files(big)
    expect(
        page.get_by_text(re.compile("disk|space|could not be (kept|stored|written)", re.I)).first
    ).to_be_visible(timeout=SLOW)
    assert file.read_bytes() == before
    shown(page, "Explore")
    expect(page.locator(".bk-Figure").first).to_be_visible(timeout=SLOW)
    assert "Traceback" not in server.log()
    page.close()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see processes")
def test_a_training_job_that_dies_says_so_and_can_be_begun_again(
    serve: ServeFunction, watched: Open, genuine_sqlite: Path, tmp_path: Path
) -> None:
    file = own_copy(genuine_sqlite, tmp_path)
    server = serve(SALES_DATABASE_URL=f"sqlite:///{file}")
    page = watched(server.url + "/?page=churn")
    strip = page.locator(".sd-trust")
    strip.get_by_role("button", name="Train now").click(timeout=SLOW)
    until = time.monotonic() + 60
    while not (trainers := _child_of(server)) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(trainers[0], signal.SIGKILL)
    expect(strip).to_contain_text(re.compile("ended|stopped|failed", re.I), timeout=SLOW)
    expect(strip.get_by_role("button", name="Train now")).to_be_enabled(timeout=SLOW)
    shown(page, "Explore")
    expect(page.locator(".bk-Figure").first).to_be_visible(timeout=SLOW)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_killed_server_is_found_again_with_the_state_of_the_page(
    serve: ServeFunction, browser: Browser, genuine_sqlite: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    settings = {"SALES_DATABASE_URL": f"sqlite:///{genuine_sqlite}", "SALES_PORT": port}
    server: RunningServer = serve(**settings)
    page = browser.new_page()  # the console may complain of the lost socket
    page.goto(server.url + "/?page=explore&country=France")
    expect(page.locator(".bk-Figure").first).to_be_visible(timeout=SLOW)
    server.process.kill()
    server.process.wait()
    expect(page.get_by_role("alert").filter(has_text="connection")).to_be_visible(timeout=SLOW)
    serve(**settings)
    expect(page.get_by_role("alert").filter(has_text="connection")).to_have_count(0, timeout=SLOW)
    expect(page.locator(".bk-Figure").first).to_be_visible(timeout=SLOW)
    assert "country=France" in page.url
    page.close()
