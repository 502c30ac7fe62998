"""Copying a database on the Data page, as an admin does it in a browser."""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.database import open_database
from core.roles import Role, policy
from core.settings import Settings
from dashboard.current_database import CurrentDatabase
from dashboard.data_page.copy_desk import CopyDesk
from dashboard.sql_page.running import Background
from tests.conftest import RunningServer, ServeFunction

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
SLOW = 45_000


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company whose lines take some seconds to copy, beside a small table."""
    file = tmp_path_factory.mktemp("company") / "company.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            "CREATE TABLE shops (shop INTEGER PRIMARY KEY, name TEXT);"
            "INSERT INTO shops VALUES (1, 'Nord'), (2, 'Süd');"
            "CREATE TABLE lines (line INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops(shop), amount REAL);"
            "INSERT INTO lines WITH RECURSIVE n(i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000)"
            " SELECT i, i % 2 + 1, i / 8.0 FROM n;"
        )
    return file


@pytest.fixture(scope="module")
def server(serve: ServeFunction, company: Path) -> RunningServer:
    return serve(SALES_DATABASE_URL=f"sqlite:///{company}")


def copy_card(page: Page) -> Locator:
    return page.locator('section[aria-label="Copy"]:visible')


def open_copy(watched: Open, server: RunningServer, **size: int) -> Page:
    page = watched(server.url + "/?page=data", **size)
    expect(copy_card(page)).to_contain_text("All tables (2)", timeout=SLOW)
    return page


def choose(card: Locator, *names: str) -> None:
    card.locator("summary").click()
    for box in card.locator(".picks label").all():
        wanted = (box.locator(".name").text_content() or "") in names
        box.locator("input").set_checked(wanted)


def test_a_table_is_copied_and_read_back(watched: Open, server: RunningServer, tmp_path: Path) -> None:
    page = open_copy(watched, server)
    card = copy_card(page)
    expect(card.locator('[data-act="copy"]')).to_be_disabled()
    target = tmp_path / "copy.duckdb"
    card.get_by_label("Address to copy to").fill(f"duckdb:///{target}")

    card.locator('[data-act="test"]').click()
    expect(card.locator(".notice")).to_have_text(
        "copy.duckdb is not there yet; the copy makes it.", timeout=SLOW
    )

    choose(card, "shops")
    expect(card.locator("summary")).to_have_text("1 of 2 tables")
    card.locator('[data-act="copy"]').click()
    expect(card.locator(".notice")).to_contain_text(
        f"2 rows in 1 table are in duckdb:///{target}, read back and the same", timeout=SLOW
    )
    row = card.locator('[data-part="copied"] tbody tr')
    expect(row).to_have_count(1)
    expect(row.locator("td").first).to_have_text("shops")
    with open_database(f"duckdb:///{target}") as database:
        assert database.query("SELECT name FROM shops ORDER BY shop")["name"].to_list() == ["Nord", "Süd"]

    card.locator('[data-act="copy"]').click()
    expect(card.locator(".notice")).to_contain_text(
        "The target has tables of these names already: shops", timeout=SLOW
    )
    card.get_by_text("Replace tables of the same names").click()
    card.locator('[data-act="copy"]').click()
    expect(card.locator(".notice")).to_contain_text("read back and the same", timeout=SLOW)


def test_a_copy_under_way_tells_how_far_it_is_and_can_be_cancelled(
    watched: Open, server: RunningServer, tmp_path: Path
) -> None:
    page = open_copy(watched, server)
    card = copy_card(page)
    target = tmp_path / "copy.sqlite"
    card.get_by_label("Address to copy to").fill(f"sqlite:///{target}")
    card.locator('[data-act="copy"]').click()

    expect(card.get_by_role("status")).to_contain_text("Copying lines (2 of 2)", timeout=SLOW)
    expect(card.get_by_label("Address to copy to")).to_be_disabled()
    status, _, _ = server.get("/healthz")
    assert status == 200
    card.locator('[data-act="cancel"]').click()

    expect(card.locator(".notice")).to_have_text("It was cancelled; nothing was changed.", timeout=SLOW)
    assert not target.exists()


def test_a_password_is_neither_shown_nor_kept(watched: Open, server: RunningServer) -> None:
    page = open_copy(watched, server)
    card = copy_card(page)
    secret = "ge heim/@1"
    card.get_by_label("Address to copy to").fill("postgresql://me@127.0.0.1:1/company")
    card.get_by_label("Password").fill(secret)
    expect(card.get_by_label("Password")).to_have_attribute("type", "password")

    for button in ("test", "copy"):
        card.locator(f'[data-act="{button}"]').click()
        expect(card.locator('.notice[role="alert"]')).to_contain_text("127.0.0.1", timeout=SLOW)
        assert secret not in (card.text_content() or "")

    assert secret not in page.url
    assert "heim" not in page.url
    assert "heim" not in server.log()
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "heim" not in stored


def test_only_an_admin_copies_whatever_a_browser_sends(company: Path, tmp_path: Path) -> None:
    current = CurrentDatabase(Settings(data_dir=tmp_path, database_url=f"sqlite:///{company}"))
    desk = CopyDesk(current, Background(None))
    target = tmp_path / "copy.sqlite"
    sent = {"address": f"postgresql://me@127.0.0.1:1/{target.name}", "password": "geheim", "replace": True}

    with policy(lambda role: role < Role.ADMIN):
        for kind in ("test", "copy"):
            desk.card._handle_msg({"kind": kind, **sent, "address": f"sqlite:///{target}"})
            assert "needs the role admin" in desk.card.state["message"]
    assert not target.exists()

    desk.card._handle_msg({"kind": "test", **sent})
    until = time.monotonic() + 30
    while desk.card.state["phase"] != "idle" and time.monotonic() < until:
        time.sleep(0.05)
    assert "127.0.0.1" in desk.card.state["message"]
    assert "geheim" not in json.dumps(desk.card.state)
    current.database.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "neither a database address nor an SQLite file"),
        ("oracle://x/y", "No engine is known"),
        ("sqlite:////no/such/folder/x.sqlite", "There is no folder /no/such/folder"),
        ("", "to itself"),
    ],
)
def test_what_cannot_be_a_target_is_refused_in_a_sentence(
    watched: Open, server: RunningServer, company: Path, address: str, said: str
) -> None:
    card = copy_card(open_copy(watched, server))
    card.get_by_label("Address to copy to").fill(address or f"sqlite:///{company}")

    card.locator('[data-act="test"]').click()

    expect(card.locator('.notice[role="alert"]')).to_contain_text(said, timeout=SLOW)


def test_the_card_fits_a_phone(watched: Open, server: RunningServer) -> None:
    page = open_copy(watched, server, width=390, height=844)
    card = copy_card(page)
    card.locator("summary").click()
    box = card.bounding_box()
    assert box is not None
    for part in card.locator("input, button, summary, p").all():
        inner = part.bounding_box()
        assert inner is None or inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
