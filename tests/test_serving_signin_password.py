"""Signing in with a password, in a real browser and by hand."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.errors import SettingsError
from core.roles import Role
from core.settings import Settings
from dashboard.security.checks import check_settings
from dashboard.security.users import UserError, UsersFile, hashed, matches
from tests.conftest import RunningServer, ServeFunction
from tests.wire import signed_in, visitor

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("people") / "users.txt"
    UsersFile(file).put("vera", Role.VIEWER, PASSWORD)
    return file


@pytest.fixture(scope="module")
def server(serve: ServeFunction, people: Path) -> RunningServer:
    return serve(SALES_SIGN_IN="basic", SALES_USERS_FILE=str(people), SALES_RATE_LIMITS="login=200")


def test_a_person_signs_in_works_and_signs_out(server: RunningServer, watched: Callable[..., Page]) -> None:
    page = watched(server.url + "/?page=explore&country=USA")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Signed in as vera")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Remove filter Country: USA")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("navigation", name="Pages").get_by_role("button", name="SQL")).to_have_count(0)
    page.get_by_role("button", name="Signed in as vera").click()
    expect(page.get_by_text("Role: viewer")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=30_000)
    page.goto(server.url + "/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_form_fits_a_phone_and_is_dark_at_night(server: RunningServer, browser: object) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(server.url + "/")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 22, 28)"
    context.close()


def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(server: RunningServer) -> None:
    client = visitor(server.url)
    form = client.get("/sign-in").text
    key = re.search(r'name="form" value="([^"]+)"', form)
    assert key is not None
    answer = client.post("/sign-in", data={"form": key[1], "name": "vera", "password": PASSWORD})
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("sales_session="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie  # this server speaks plain HTTP on the loopback address
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"password": "wrong"}, 401, "Name or password is wrong"),
        ({"name": "nobody"}, 401, "Name or password is wrong"),
        ({"form": "made-up"}, 200, "The form was too old"),
    ],
)
def test_what_is_wrong_lets_nobody_in(
    server: RunningServer, change: dict[str, str], status: int, told: str
) -> None:
    client = visitor(server.url)
    key = re.search(r'name="form" value="([^"]+)"', client.get("/sign-in").text)
    assert key is not None
    answer = client.post("/sign-in", data={"form": key[1], "name": "vera", "password": PASSWORD} | change)
    assert (answer.status_code, told in answer.text) == (status, True)
    assert "sales_session" not in client.cookies


def test_a_form_of_another_browser_lets_nobody_in(server: RunningServer) -> None:
    """Another site cannot sign somebody in as a person of its choosing."""
    key = re.search(r'name="form" value="([^"]+)"', visitor(server.url).get("/sign-in").text)
    assert key is not None
    victim = visitor(server.url)
    victim.get("/sign-in")
    victim.post("/sign-in", data={"form": key[1], "name": "vera", "password": PASSWORD})
    assert "sales_session" not in victim.cookies


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/data/upload"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "", "Sec-Fetch-Site": "cross-site"}],
)
def test_other_sites_cannot_post(server: RunningServer, path: str, headers: dict[str, str]) -> None:
    client = signed_in(server.url, "vera", PASSWORD)
    answer = client.post(path, content=b"x", headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert client.get("/sign-in").status_code == 303, "still signed in"


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:x"]
)
def test_signing_in_leads_to_this_server_only(server: RunningServer, back: str) -> None:
    client = signed_in(server.url, "vera", PASSWORD)
    answer = client.get("/sign-in", params={"back": back})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_an_altered_cookie_is_no_cookie(server: RunningServer) -> None:
    kept = signed_in(server.url, "vera", PASSWORD).cookies["sales_session"]
    payload, rest = kept.split(".", 1)
    altered = payload[:-2] + ("AA" if payload[-2:] != "AA" else "BB") + "." + rest
    assert visitor(server.url, sales_session=kept).get("/").status_code == 200
    for value in (altered, kept[:-1], "", "x.y.z"):
        assert visitor(server.url, sales_session=value).get("/").status_code == 302


def test_guessing_is_slowed_down(serve: ServeFunction, people: Path) -> None:
    server = serve(SALES_SIGN_IN="basic", SALES_USERS_FILE=str(people), SALES_RATE_LIMITS="login=3")
    client = visitor(server.url)
    statuses = []
    for attempt in range(5):
        key = re.search(r'name="form" value="([^"]+)"', client.get("/sign-in").text)
        assert key is not None
        answer = client.post(
            "/sign-in", data={"form": key[1], "name": "vera", "password": f"guess {attempt}"}
        )
        statuses.append(answer.status_code)
    assert statuses == [401, 401, 401, 429, 429]
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert "too often" in answer.text
    assert "too many attempts" in server.log()
    assert "guess" not in server.log()


def test_a_session_ends_and_says_so(serve: ServeFunction, people: Path, watched: Callable[..., Page]) -> None:
    server = serve(SALES_SIGN_IN="basic", SALES_USERS_FILE=str(people), SALES_IDLE_MINUTES="0.5")
    page = watched(server.url + "/?page=explore")
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("Nothing was done on this page for 30 seconds")).to_be_visible()
    page.get_by_role("button", name="Open again").click()
    expect(page.get_by_role("button", name="Signed in as vera")).to_be_visible(timeout=30_000)
    assert "page=explore" in page.url


def test_a_full_server_says_so(serve: ServeFunction) -> None:
    server = serve(SALES_MAX_SESSIONS="2")
    client = visitor(server.url)
    assert [client.get("/").status_code for _ in range(2)] == [200, 200]
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert "The dashboard is full" in answer.text
    until = time.monotonic() + 60  # pages that nobody connects to are forgotten soon
    while client.get("/").status_code != 200:
        assert time.monotonic() < until
        time.sleep(1)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])
def test_strangers_are_not_let_in_by_accident(host: str) -> None:
    with pytest.raises(SettingsError, match="everybody") as refused:
        check_settings(Settings(host=host))
    assert "SALES_ALLOW_ANONYMOUS=yes" in refused.value.remedy
    check_settings(Settings(host=host, allow_anonymous=True))
    check_settings(Settings(host=host, sign_in="basic"))
    check_settings(Settings(host="127.0.0.1"))


def test_sign_in_without_users_says_how_to_add_one(serve: ServeFunction, tmp_path: Path) -> None:
    server = serve(wait=False, SALES_SIGN_IN="basic", SALES_USERS_FILE=str(tmp_path / "none.txt"))
    until = time.monotonic() + 120
    while b"could not start" not in server.get("/")[2]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert "sales-dashboard user add" in server.log()


def test_passwords_are_kept_as_slow_hashes(tmp_path: Path) -> None:
    file = UsersFile(tmp_path / "users.txt")
    assert file.put("ann", Role.ANALYST, PASSWORD)
    text = file.path.read_text()
    assert PASSWORD not in text
    assert text.startswith("ann:analyst:scrypt$32768$8$1$")
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.check("ann", PASSWORD) is not None
    assert file.check("ann", PASSWORD + "x") is None
    assert file.check("bob", PASSWORD) is None
    assert hashed(PASSWORD) != hashed(PASSWORD)
    assert not matches(PASSWORD, "scrypt$9999999999$8$1$AA==$AA==")
    with pytest.raises(UserError, match="shorter than"):
        file.put("ann", Role.ADMIN, "short")
    with pytest.raises(UserError, match="cannot be the name"):
        file.put("a:b", Role.ADMIN, PASSWORD)
    file.path.write_text("ann:king:scrypt$1\n")
    with pytest.raises(UserError, match="Line 1"):
        file.users()
