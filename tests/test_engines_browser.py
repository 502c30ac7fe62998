"""The dashboard on PostgreSQL and MariaDB, as a person uses it: every page, typed SQL, upload, training."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect

from core.database import open_database
from core.transfer import copy_database
from tests.conftest import RunningServer, ServeFunction
from tests.conftest_servers import ENCODED, PASSWORD, DatabaseServer

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
SLOW, TRAINING = 90_000, 300_000
PAGES = [
    "overview", "explore", "sql", "data", "actions", "sales", "churn", "recommendations", "credit", "predict",
    "features", "models", "operations",
]  # fmt: skip
NAMES = {"postgres": "PostgreSQL", "mariadb": "MariaDB"}
NOTES = pl.DataFrame({"Order": [1, 2, 3], "user": ["Ann", "Bob", "Eve"], "Visited On": ["a", "b", "c"]})


@dataclass(frozen=True)
class Served:
    """A company on a database server, and the dashboard that shows it."""

    engine: str
    database: DatabaseServer
    place: str
    server: RunningServer

    @property
    def quote(self) -> str:
        """What names are quoted with."""
        return '"' if self.engine == "postgres" else "`"


@pytest.fixture(scope="module", params=NAMES)
def served(request: pytest.FixtureRequest, predicted_file: Path, serve: ServeFunction) -> Served:
    """A generated company without models, copied to a server of each kind."""
    found: DatabaseServer = request.getfixturevalue(f"{request.param}_server")
    address = found.fresh()
    assert copy_database(f"sqlite:///{predicted_file}", address).verified
    with open_database(address, read_only=False) as database:
        database.write("Visit Notes", NOTES)
    server = serve(SALES_DATABASE_URL=address)
    return Served(request.param, found, address.rpartition("/")[2], server)


def shown(page: Page) -> None:
    """Wait until the page has drawn itself, and nothing on it has failed."""
    expect(page.locator('.sd-card[data-state="loading"]:visible')).to_have_count(0, timeout=SLOW)
    expect(page.locator('.sd-card[data-state="error"]:visible')).to_have_count(0)
    expect(page.locator('[role="alert"]:visible')).to_have_count(0)


def section(page: Page, label: str) -> Locator:
    return page.locator(f'section[aria-label="{label}"]:visible')


def run(page: Page, text: str) -> Locator:
    """Type a query and run it; its rows."""
    page.locator(".sd-sql .ace_text-input").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".sd-sql")).to_have_attribute("data-state", "done", timeout=SLOW)
    return page.locator(".sd-result tbody tr")


def test_every_page_opens(watched: Open, served: Served) -> None:
    page = watched(served.server.url + "/?page=overview")
    for name in PAGES:
        page.locator(f'[data-page="{name}"]').click(timeout=SLOW)
        page.wait_for_url(f"**page={name}**", timeout=SLOW)
        expect(page.locator(f'[data-page="{name}"]')).to_have_attribute("aria-current", "page", timeout=SLOW)
        expect(page.locator(".sd-card:visible, .sd-sql:visible, section:visible").first).to_be_visible(
            timeout=SLOW
        )
        shown(page)
        if name == "overview":
            expect(page.get_by_text(NAMES[served.engine], exact=True)).to_be_visible(timeout=SLOW)
    assert PASSWORD not in page.content() + page.url
    assert ENCODED not in page.content() + page.url


def test_typed_sql_is_completed_as_the_engine_writes_names(watched: Open, served: Served) -> None:
    page = watched(served.server.url + "/?page=sql")
    page.locator('.sd-sql[data-ready="true"]').wait_for(timeout=SLOW)
    expect(page.locator(".sd-catalogue .empty")).to_have_count(0, timeout=SLOW)
    page.locator(".sd-sql .ace_text-input").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("SELECT COUNT(*) AS rows_found FROM Vis")
    popup = page.locator(".ace_autocomplete")
    page.keyboard.type("i")
    expect(popup).to_contain_text("Visit Notes", timeout=SLOW)
    page.keyboard.press("Enter")
    mark = served.quote
    expect(page.locator(".sd-sql .ace_content")).to_contain_text(f"FROM {mark}Visit Notes{mark}")
    expect(popup).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".sd-sql")).to_have_attribute("data-state", "done", timeout=SLOW)
    expect(page.locator(".sd-result tbody tr")).to_have_text("3")

    column = (
        "Order" if served.engine == "mariadb" else "order"
    )  # PostgreSQL keeps plain names in small letters
    rows = run(page, f"SELECT {mark}{column}{mark}, {mark}Visited On{mark} FROM {mark}Visit Notes{mark}")
    expect(rows).to_have_count(3)
    rows = run(page, "SELECT country, COUNT(*) AS customers FROM stg_customers GROUP BY country")
    expect(rows.first).to_be_visible()
    page.locator('.sd-result [data-tab="plan"]').click()
    expect(page.locator(".sd-result pre")).to_contain_text("customers", timeout=SLOW)


def test_what_is_wrong_with_typed_sql_is_said_with_its_place(watched: Open, served: Served) -> None:
    page = watched(served.server.url + "/?page=sql")
    page.locator('.sd-sql[data-ready="true"]').wait_for(timeout=SLOW)
    wrong = {
        "DELETE FROM orders": "DELETE changes data (line 1, column 1)",
        "SELECT statuss\nFROM stg_orders": "There is no column statuss (line 1, column 8)",
        "SELECT 1 AS a\nFROM stg_order": "There is no table stg_order (line 2, column 6)",
    }
    for text, said in wrong.items():
        page.locator(".sd-sql .ace_text-input").focus()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(text)
        page.keyboard.press("Control+Enter")
        expect(page.locator(".sd-sql .status")).to_contain_text(said, timeout=SLOW)


def test_a_file_becomes_a_table_of_the_server(watched: Open, served: Served) -> None:
    page = watched(served.server.url + "/?page=data")
    add = section(page, "Add data")
    expect(add).to_be_visible(timeout=SLOW)
    text = "Paint Name,code,since,used\nred,1,2024-01-31,true\nblue,2,2024-02-29,false\n"
    file = {"name": "paints.csv", "mimeType": "text/csv", "buffer": text.encode()}
    add.locator('input[type="file"]').set_input_files(file)  # type: ignore[arg-type]
    section(page, "Preview").locator('[data-act="load"]').click(timeout=SLOW)
    tables = section(page, "Tables")
    expect(tables.locator('[data-table="paints"]')).to_contain_text("2", timeout=SLOW)
    tables.get_by_role("button", name="Profile paints").click()
    profile = tables.locator('dialog [data-part="profile"] tbody tr')
    expect(profile).to_have_count(4, timeout=SLOW)
    expect(profile.filter(has_text="since")).to_contain_text("2024-01-31")
    tables.get_by_role("button", name="Close").click()
    assert served.database.admin("SELECT code FROM paints ORDER BY code", served.place) == [(1,), (2,)]


def test_a_task_is_trained_and_its_page_fills(watched: Open, served: Served) -> None:
    page = watched(served.server.url + "/?page=churn")
    page.get_by_role("button", name="Train now").click(timeout=SLOW)
    badge = page.locator(".sd-trust .badge:visible")
    expect(badge).to_have_text("Enough data", timeout=TRAINING)
    shown(page)
    expect(page.locator(".figure:visible").first).to_be_visible(timeout=SLOW)
    stored = served.database.admin("SELECT COUNT(*) FROM scores_churn", served.place)
    assert int(str(stored[0][0])) > 50
    page.locator('[data-page="models"]').click()
    expect(page.get_by_text(re.compile("churn", re.I)).first).to_be_visible(timeout=SLOW)
    shown(page)


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        ("seller", "not-the-one", "does not let seller in"),
        ("stranger", "unknown-2", "stranger may not read the table orders"),
    ],
)
def test_a_page_says_in_one_sentence_what_is_wrong_with_the_database(
    watched: Open, postgres_server: DatabaseServer, serve: ServeFunction, user: str, password: str, said: str
) -> None:
    place = postgres_server.fresh().rpartition("/")[2]
    postgres_server.admin("CREATE TABLE orders (id INTEGER)", place)
    if user == "stranger":
        postgres_server.admin(f"CREATE USER {user} PASSWORD '{password}'", place)
    server = serve(wait=False, SALES_DATABASE_URL=postgres_server.address(place, user, password))
    until = time.monotonic() + 60
    while server.get("/")[0] == 503:  # starting
        assert time.monotonic() < until, server.log()
        time.sleep(0.3)
    page = watched(server.url + "/?page=overview")
    expect(page.locator('[role="alert"]:visible').first).to_contain_text(said, timeout=SLOW)
    assert password not in page.content() + page.url + server.log()
    assert said in server.log()
    assert "Traceback" not in server.log()


def test_the_server_log_stays_clean(served: Served) -> None:
    log = served.server.log()
    for secret in (PASSWORD, ENCODED):
        assert secret not in log
    assert "Traceback" not in log
    assert not re.findall(r"^.* (?:WARNING|ERROR) .*$", log, re.M)
