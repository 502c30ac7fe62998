"""Files that people take away are limited as other expensive actions are, by person or by client."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import RunningServer, ServeFunction
from tests.wire import Wire, visitor

SLOW = 60_000


@pytest.fixture(scope="module")
def server(serve: ServeFunction) -> RunningServer:
    """A dashboard that gives two files a minute."""
    return serve(SALES_RATE_LIMITS="export=2", SALES_TRUSTED_PROXIES="127.0.0.1")


def from_address(server: RunningServer, address: str) -> Wire:
    """A page that was opened through a proxy, from that address."""
    client = visitor(server.url)
    client.headers["X-Forwarded-For"] = address
    return Wire(client, "?page=explore")


def test_no_client_takes_more_files_than_allowed(server: RunningServer, watched: Callable[..., Page]) -> None:
    page = watched(server.url + "/?page=explore")
    card = page.locator('.sd-card[data-state="ready"]').first
    expect(card).to_be_visible(timeout=SLOW)
    for _ in range(2):
        with page.expect_download(timeout=SLOW) as download:
            card.get_by_role("button", name="Download the rows (CSV)").click()
        assert download.value.suggested_filename.endswith(".csv")
    card.get_by_role("button", name="Download the rows (CSV)").click()
    told = page.get_by_role("dialog")
    expect(told).to_contain_text("That is too often: no further export for", timeout=SLOW)
    told.get_by_role("button", name="Close").click()

    page.goto(server.url + "/?page=features&tab=table")  # another page of the same client
    page.get_by_role("button", name="Export CSV").click(timeout=SLOW)
    expect(page.get_by_text("That is too often: no further export for")).to_be_visible(timeout=SLOW)


@pytest.mark.parametrize(("kind", "network"), [("rows", "a"), ("picture", "b"), ("anything", "c")])
def test_other_clients_go_on(server: RunningServer, kind: str, network: str) -> None:
    """Also of messages that no button sends; an IPv6 client is one, whichever of its addresses it takes."""
    with from_address(server, f"2001:db8:{network}::1") as greedy:
        card = greedy.wait_for("ViewCard")
        for _ in range(2):
            greedy.say(card, {"kind": kind})
        greedy.answered("picture" if kind == "picture" else "rows")
    with from_address(server, f"2001:db8:{network}::ffff") as greedy:
        greedy.say(greedy.wait_for("ViewCard"), {"kind": kind})
        assert "no further export" in greedy.answered("refused")
    with from_address(server, f"2001:db8:{network}:1::1") as other:
        other.say(other.wait_for("ViewCard"), {"kind": "rows"})
        assert "csv" in other.answered("rows")
