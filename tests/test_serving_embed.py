"""Embed tokens, grants and the answers at /embed, without a browser."""

import json
import urllib.error
import urllib.request

import pytest

from core.errors import SalesError, SettingsError
from core.settings import Settings
from dashboard.embedding.access import embed_mode, granted, moved
from dashboard.embedding.gate import frame_ancestors
from dashboard.embedding.issuing import checked_token
from dashboard.embedding.tokens import EmbedRefusedError, issue_ticket, issue_token, read_token
from tests.conftest import RunningServer, ServeFunction

KEY = "a key of this test that is long enough to sign"
SIGNED = Settings(embed="signed", embed_key=KEY)
ORIGIN = "https://intranet.example"


def shown(view: str = "revenue-timeline", token: str = "", **query: str) -> object:
    return granted(SIGNED, view, query | {"token": token})


def test_a_token_pins_its_view_and_filters() -> None:
    token = checked_token(SIGNED, ["revenue-timeline"], {"country": "USA,France"}, hours=1)
    grant = granted(SIGNED, "revenue-timeline", {"token": token, "country": "USA"})
    assert grant.pins.to_query() == {"country": "USA,France"}
    assert grant.filters.to_query() == {"country": "USA"}
    with pytest.raises(EmbedRefusedError, match="fixes country"):
        moved(grant, {"country": "Japan"})


@pytest.mark.parametrize(
    ("view", "query", "said"),
    [
        ("key-figures", {}, "other views"),
        ("revenue-timeline", {"country": "USA,Japan"}, "fixes country"),
        ("revenue-timeline", {"as_of": "2026-01-01"}, "the as-of date"),
        ("no-such-view", {}, "There is no view"),
    ],
)
def test_what_a_token_does_not_grant_is_refused(view: str, query: dict[str, str], said: str) -> None:
    token = issue_token(
        KEY.encode(), ["revenue-timeline"], {"country": "USA", "as_of": "2025-06-30"}, hours=1
    )
    with pytest.raises(EmbedRefusedError, match=said):
        granted(SIGNED, view, query | {"token": token})


def test_tokens_of_another_key_and_tickets_after_their_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmbedRefusedError, match="not valid"):
        shown(token=issue_token(b"another key that is long enough to sign", ["revenue-timeline"], hours=1))
    claims = read_token(KEY.encode(), issue_token(KEY.encode(), ["revenue-timeline"], hours=1))
    monkeypatch.setattr("dashboard.embedding.tokens.TICKET_SECONDS", -1)
    with pytest.raises(EmbedRefusedError, match="has expired"):
        shown(token=issue_ticket(KEY.encode(), claims))


@pytest.mark.parametrize("pins", [{"country": ""}, {"country": " , "}, {"as_of": ""}])
def test_a_token_that_fixes_nothing_where_it_names_a_filter_shows_nothing(pins: dict[str, str]) -> None:
    with pytest.raises(EmbedRefusedError, match="to nothing"):
        shown(token=issue_token(KEY.encode(), ["revenue-timeline"], pins, hours=1))


def test_a_view_is_limited_only_to_what_decides_alone_what_it_shows() -> None:
    with pytest.raises(SalesError, match="cannot be limited to country"):
        checked_token(SIGNED, ["sales-forecast"], {"country": "USA"})


def test_without_sign_in_only_this_computer_is_open() -> None:
    assert embed_mode(Settings()) == "open"
    assert embed_mode(Settings(host="0.0.0.0")) == "signed"
    assert embed_mode(Settings(sign_in="basic")) == "signed"


def test_sites_are_named_in_full() -> None:
    assert frame_ancestors(Settings()) == "frame-ancestors 'self'"
    assert frame_ancestors(Settings(embed_origins=[ORIGIN])) == f"frame-ancestors 'self' {ORIGIN}"
    assert frame_ancestors(Settings(embed_origins=["HTTPS://Intranet.Example:443"])).endswith(
        f"'self' {ORIGIN}"
    )
    assert frame_ancestors(Settings(embed_origins=["http://[::1]:8080"])).endswith(" http://[::1]:8080")
    assert frame_ancestors(Settings(embed_origins=["*"])) == "frame-ancestors *"


@pytest.mark.parametrize(
    "text",
    [
        "intranet.example; script-src *",
        "https://intranet.example;script-src",
        "https://intranet.example;",
        "https://intranet.example\nX-Header: 1",
        "https://intranet.example\n",
        "https://intranet.example/",
        "https://intranet.example/page",
        "https://intranet.example?x",
        "https://user@intranet.example",
        "https://*.example",
        "https://intranet.example:99999",
        "https://intranet.example:0",
        "https://intranet..example",
        "https://-intranet.example",
        "https://[::1",
        "https://bücher.example",
        "https:intranet.example",
        "javascript://intranet.example",
        "'self'",
        "https://",
    ],
)
def test_what_is_no_site_is_refused_before_anybody_is_served(text: str) -> None:
    with pytest.raises(SettingsError, match=r"SALES_EMBED_ORIGINS names .* is no site"):
        frame_ancestors(Settings(embed_origins=[ORIGIN, text]))


@pytest.fixture(scope="module")
def server(serve: ServeFunction) -> RunningServer:
    return serve(SALES_EMBED="signed", SALES_EMBED_KEY=KEY, SALES_EMBED_ORIGINS=ORIGIN)


def test_pages_name_who_may_frame_them(server: RunningServer) -> None:
    token = issue_token(KEY.encode(), ["key-figures"], hours=1)
    status, headers, body = server.get(f"/embed/key-figures?token={token}")
    assert status == 200
    assert f"frame-ancestors 'self' {ORIGIN}" in headers["content-security-policy"]
    assert "x-frame-options" not in headers
    assert b"bokeh" in body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/embed/key-figures?token=nonsense", 403),
        ("/embed/no-such-view?token=nonsense", 404),
        ("/embed/key-figures/autoload.js?bokeh-autoload-element=1", 404),
        ("/embed/key-figures/metadata", 404),
    ],
)
def test_no_session_is_made_for_what_is_refused(server: RunningServer, path: str, status: int) -> None:
    answered, _, body = server.get(path)
    assert answered == status
    assert b"bokeh" not in body


def test_without_a_token_only_the_page_that_looks_for_one_is_served(server: RunningServer) -> None:
    status, _, body = server.get("/embed/key-figures")
    assert status == 200
    assert b"with an embed token only" in body
    assert b"bokeh" not in body


def test_the_loader_learns_whether_its_site_is_allowed(server: RunningServer) -> None:
    def asked(origin: str) -> bool:
        request = urllib.request.Request(f"{server.url}/embed/allowed", headers={"Origin": origin})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(json.load(answer)["allowed"])

    assert asked(ORIGIN)
    assert not asked("https://elsewhere.example")


def exchanged(server: RunningServer, token: str) -> dict[str, str]:
    request = urllib.request.Request(
        f"{server.url}/embed/exchange",
        method="POST",
        headers={"Authorization": f"Bearer {token}", "Origin": server.url},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, str] = json.load(answer)
        return found


def test_a_ticket_cannot_be_exchanged_for_another(server: RunningServer) -> None:
    ticket = exchanged(server, issue_token(KEY.encode(), ["key-figures"], hours=1))["ticket"]
    assert server.get(f"/embed/key-figures?ticket={ticket}")[0] == 200
    assert "not valid" in exchanged(server, ticket)["message"]


def test_a_full_server_makes_no_sessions_for_embedded_views(serve: ServeFunction) -> None:
    server = serve(SALES_EMBED="signed", SALES_EMBED_KEY=KEY, SALES_MAX_SESSIONS="2", SALES_MAX_EMBEDS="2")
    token = issue_token(KEY.encode(), ["key-figures"], hours=1)
    assert [server.get(f"/embed/key-figures?token={token}")[0] for _ in range(2)] == [200, 200]
    status, headers, body = server.get(f"/embed/key-figures?token={token}")
    assert status == 503
    assert "frame-ancestors" in headers["content-security-policy"]
    assert b"The dashboard is full" in body
    assert b"bokeh" not in body


def test_embedded_views_leave_room_for_the_dashboard(serve: ServeFunction) -> None:
    server = serve(SALES_EMBED="signed", SALES_EMBED_KEY=KEY, SALES_MAX_SESSIONS="4")  # two of them for views
    path = f"/embed/key-figures?token={issue_token(KEY.encode(), ['key-figures'], hours=1)}"
    assert [server.get(path)[0] for _ in range(2)] == [200, 200]
    status, headers, body = server.get(path)
    assert (status, headers["retry-after"]) == (503, "60")
    assert b"As many of these views are open as the server shows at the same time." in body
    assert b"bokeh" not in body
    assert server.get("/")[0] == 200
    assert server.get("/")[0] == 200
    assert server.get("/")[0] == 503


def asked_by(server: RunningServer, path: str, browser_at: str) -> tuple[int, str]:
    """Status and text of the answer to a browser for which a proxy on this machine speaks."""
    request = urllib.request.Request(server.url + path, headers={"X-Forwarded-For": browser_at})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_one_address_cannot_open_views_without_end(serve: ServeFunction) -> None:
    server = serve(
        SALES_EMBED="signed",
        SALES_EMBED_KEY=KEY,
        SALES_RATE_LIMITS="embed=2",
        SALES_TRUSTED_PROXIES="127.0.0.1",
    )
    path = f"/embed/key-figures?token={issue_token(KEY.encode(), ['key-figures'], hours=1)}"
    assert [asked_by(server, path, "203.0.113.7")[0] for _ in range(2)] == [200, 200]
    status, told = asked_by(server, path, "203.0.113.7")
    assert status == 429
    assert "Views are opened too often from this address. Reload the page in" in told
    # whoever is behind the same proxy at another address is not kept out
    assert asked_by(server, path, "203.0.113.8")[0] == 200
    # of version 6, a whole network counts as one
    assert [asked_by(server, path, f"2001:db8::{i}")[0] for i in (1, 2, 3)] == [200, 200, 429]
    # a refused token takes nothing from the address
    assert [asked_by(server, "/embed/key-figures?token=x", "203.0.113.9")[0] for _ in range(4)] == [403] * 4
    assert asked_by(server, path, "203.0.113.9")[0] == 200
