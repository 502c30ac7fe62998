"""The running server tells its state: metrics, request ids, JSON logs, and the Operations page."""

import json
import re
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import RunningServer, ServeFunction

Open = Callable[..., Page]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(serve: ServeFunction) -> RunningServer:
    return serve(SALES_LOG_FORMAT="json")


def metrics(server: RunningServer, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(server.url + "/metrics", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def value(text: str, name: str) -> float:
    """The value of a sample; ``name`` with its labels as they are written."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


def test_a_visit_is_seen_in_metrics_logs_and_on_the_page(server: RunningServer, watched: Open) -> None:
    page = watched(server.url + "/?page=operations")
    report = page.locator(".sd-server")
    expect(report.get_by_role("status")).to_contain_text("read at", timeout=60_000)
    expect(report.locator(".figures")).to_contain_text("Pages open")
    expect(report.get_by_role("region", name="Database and models")).to_contain_text("SQLite")
    page.locator("nav").get_by_role("button", name="Overview").click()
    expect(page.locator(".sd-figures, .sd-card").first).to_be_visible(timeout=30_000)
    expect(page.locator(".bk-Figure").first).to_be_visible(timeout=30_000)
    page.locator("nav").get_by_role("button", name="Operations").click()
    timings = report.get_by_role("region", name="Clicks, pages, views and queries")
    expect(timings.get_by_role("row").filter(has_text="overview").first).to_be_visible(timeout=30_000)
    before = report.get_by_role("status").inner_text()
    page.wait_for_timeout(1100)  # the clock of the report has seconds
    report.get_by_role("button", name="Read again").click()
    expect(report.get_by_role("status")).not_to_have_text(before, timeout=30_000)

    status, text = metrics(server)
    assert status == 200
    assert value(text, "sales_sessions") >= 1
    assert value(text, "sales_sessions_opened_total") >= 1
    assert value(text, "sales_database_up") == 1
    assert value(text, 'sales_page_build_seconds_count{page="overview"}') == 1
    assert value(text, 'sales_query_seconds_count{query="operations/last_load"}') >= 1
    assert value(text, "sales_event_loop_lag_seconds_count") >= 1

    lines = [json.loads(line) for line in server.log().splitlines()]
    answered = [line for line in lines if line.get("route") == "page" and line.get("status") == 200]
    assert answered
    assert all(len(line["request_id"]) >= 8 for line in answered)


@pytest.mark.parametrize(
    ("given", "kept"), [("trace-12345678", True), ("short", False), ("a b\tc'<x>y", False)]
)
def test_a_request_keeps_the_id_of_the_proxy_if_it_is_a_plain_word(
    server: RunningServer, given: str, kept: bool
) -> None:
    request = urllib.request.Request(server.url + "/readyz", headers={"X-Request-ID": given})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert (answer.headers["X-Request-ID"] == given) is kept
        assert re.fullmatch(r"[\w.:-]{8,64}", answer.headers["X-Request-ID"])


def test_metrics_are_for_this_machine_or_for_a_token(serve: ServeFunction, server: RunningServer) -> None:
    assert metrics(server, **{"X-Forwarded-For": "203.0.113.9"})[0] == 404
    guarded = serve(SALES_METRICS_TOKEN="collector-token-1")
    assert metrics(guarded)[0] == 404
    assert metrics(guarded, Authorization="Bearer wrong")[0] == 404
    assert metrics(guarded, Authorization="Bearer collector-token-1")[0] == 200
    assert "collector-token-1" not in guarded.log()
    public = serve(SALES_PUBLIC_URL="https://sales.example")
    assert metrics(public)[0] == 404


def test_the_report_fits_a_phone_in_the_dark(server: RunningServer, watched: Open) -> None:
    page = watched(server.url + "/?page=operations&theme=dark", width=390, height=844)
    report = page.locator(".sd-server")
    expect(report.get_by_role("status")).to_contain_text("read at", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
