"""The front door of the real server: names it is asked for, what strangers are told, what forms take back."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from core.roles import Role
from dashboard.security.script_nonce import mark_scripts, nonce_of_scripts
from dashboard.security.users import UsersFile
from tests.conftest import RunningServer, ServeFunction
from tests.wire import token_of, visitor

PASSWORD = "correct horse battery"
EVIL = "evil.example"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("people") / "users.txt"
    UsersFile(file).put("vera", Role.VIEWER, PASSWORD)
    return file


@pytest.fixture(scope="module")
def company(demo_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company in a file of its own, which can be taken away."""
    file = tmp_path_factory.mktemp("company") / "secret-place.sqlite"
    file.write_bytes(next(demo_server.log_file.parent.glob("data/demo.sqlite")).read_bytes())
    return file


@pytest.fixture(scope="module")
def guarded(serve: ServeFunction, people: Path, company: Path) -> RunningServer:
    """A dashboard where people sign in, behind a proxy on this machine."""
    return serve(
        SALES_SIGN_IN="basic", SALES_USERS_FILE=str(people), SALES_DATABASE_URL=f"sqlite:///{company}",
        SALES_RATE_LIMITS="login=3", SALES_TRUSTED_PROXIES="127.0.0.1",
    )  # fmt: skip


def eventually[T](ask: Callable[[], T], good: Callable[[T], bool], seconds: float = 120) -> T:
    until = time.monotonic() + seconds
    while not good(found := ask()):
        assert time.monotonic() < until, found
        time.sleep(0.2)
    return found


@pytest.mark.parametrize("path", ["/", "/?page=sql", "/embed/key-figures", "/readyz"])
def test_another_site_that_leads_its_name_here_reads_nothing(demo_server: RunningServer, path: str) -> None:
    """DNS rebinding: the browser of whoever runs the dashboard asks this server for the other site's name."""
    client = visitor(demo_server.url)
    port = demo_server.url.rpartition(":")[2]
    answer = client.get(path, headers={"Host": f"{EVIL}:{port}", "Origin": f"http://{EVIL}:{port}"})
    assert answer.status_code == 421
    assert "SALES_ALLOWED_ORIGINS" in answer.text
    assert "token" not in answer.text
    assert client.get(path, headers={"Host": f"localhost:{port}"}).status_code == 200


def test_nor_does_it_open_a_websocket(demo_server: RunningServer) -> None:
    client = visitor(demo_server.url)
    port = demo_server.url.rpartition(":")[2]

    def shake_hands(host: str, origin: str) -> int:
        headers = {
            "Host": host, "Origin": f"http://{origin}", "Connection": "Upgrade", "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": f"bokeh, {token_of(client.get('/').text)}",
        }  # fmt: skip
        with httpx.stream("GET", f"{demo_server.url}/ws", headers=headers, trust_env=False) as answer:
            return answer.status_code

    own = f"127.0.0.1:{port}"
    assert shake_hands(own, own) == 101
    assert shake_hands(f"{EVIL}:{port}", own) == 403
    assert shake_hands(own, f"{EVIL}:{port}") == 403


def test_strangers_are_not_told_why_the_database_is_gone(guarded: RunningServer, company: Path) -> None:
    assert guarded.get("/readyz")[2] == b"ready"
    away = company.rename(company.with_name("away.sqlite"))
    try:
        _, _, told = eventually(lambda: guarded.get("/readyz"), lambda answer: answer[0] == 503)
    finally:
        away.rename(company)
    assert told == b"not ready: the database does not answer"
    assert "secret-place.sqlite" in guarded.log(), "the log says it"
    assert guarded.log().count("not ready: ") == 1


def test_whoever_sits_at_the_machine_is_told(serve: ServeFunction, company: Path) -> None:
    server = serve(SALES_DATABASE_URL=f"sqlite:///{company}")
    away = company.rename(company.with_name("away.sqlite"))
    try:
        _, _, told = eventually(lambda: server.get("/readyz"), lambda answer: answer[0] == 503)
        forwarded = visitor(server.url).get("/readyz", headers={"X-Forwarded-For": "192.0.2.7"})
    finally:
        away.rename(company)
    assert b"secret-place.sqlite" in told
    assert (forwarded.status_code, forwarded.text) == (503, "not ready: the database does not answer")


def test_strangers_are_not_told_why_the_server_did_not_start(
    serve: ServeFunction, people: Path, tmp_path: Path
) -> None:
    absent = tmp_path / "absent.sqlite"
    server = serve(
        wait=False, SALES_SIGN_IN="basic", SALES_USERS_FILE=str(people),
        SALES_DATABASE_URL=f"sqlite:///{absent}",
    )  # fmt: skip
    _, _, page = eventually(lambda: server.get("/"), lambda answer: b"could not start" in answer[2])
    assert "absent.sqlite" not in page.decode()
    assert "The server&#x27;s log says why" in page.decode()
    assert "absent.sqlite" in server.log()


@pytest.mark.parametrize(
    "kept", [f'"AAAAAAAAAAAAAAAAAAAAAAAA\\073 Domain={EVIL}"', '"a\\015\\012X-Evil: 1"', "short", "a" * 300]
)
def test_the_cookie_of_the_form_is_not_sent_back_as_it_came(guarded: RunningServer, kept: str) -> None:
    answer = visitor(guarded.url).get("/sign-in", headers={"Cookie": f"sales_login={kept}"})
    cookie = answer.headers["set-cookie"]
    assert re.match(r"sales_login=[A-Za-z0-9_-]{20,64}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert EVIL not in cookie
    assert "x-evil" not in answer.headers


def test_attempts_count_by_client_and_do_not_keep_the_owner_of_a_name_out(guarded: RunningServer) -> None:
    def tried(address: str, name: str, password: str) -> int:
        client = visitor(guarded.url)
        client.headers["X-Forwarded-For"] = address
        form = re.search(r'name="form" value="([^"]+)"', client.get("/sign-in").text)
        assert form is not None
        return client.post("/sign-in", data={"form": form[1], "name": name, "password": password}).status_code

    guesses = [tried(f"2001:db8:9::{part}", "vera", f"guess {part}") for part in range(1, 6)]
    assert guesses == [401, 401, 401, 429, 429], "one IPv6 client with many addresses"
    assert [tried("192.0.2.9", name, "guess") for name in "abcd"] == [401, 401, 401, 429], "whatever the name"
    assert tried("192.0.2.10", "vera", PASSWORD) == 303


def test_the_form_of_another_tab_still_works(guarded: RunningServer) -> None:
    """Opening the form twice does not make the first one worthless."""
    client = visitor(guarded.url)
    first = re.search(r'name="form" value="([^"]+)"', client.get("/sign-in").text)
    client.get("/sign-in")
    assert first is not None
    answer = client.post("/sign-in", data={"form": first[1], "name": "vera", "password": PASSWORD})
    assert answer.status_code == 303


def test_a_nonce_is_put_into_templates_and_not_into_what_fills_them() -> None:
    from bokeh.core.templates import MACROS, SCRIPT_TAG
    from panel.io.resources import BASE_TEMPLATE

    mark_scripts()
    mark_scripts()  # a second server of the same process
    with nonce_of_scripts("n0"):
        script = SCRIPT_TAG.render(js_code="let html = '<script>x()'", type="", id="")
        meta = {"description": '"><script>hacked()</script>'}
        page = BASE_TEMPLATE.render(meta=meta, docs=[], macros=MACROS, plot_script=script)
    assert script.count("nonce") == 1
    assert script.strip().startswith('<script nonce="n0">')
    assert "<script>hacked()</script>" in page
    assert page.count('<script nonce="n0">') == page.count("<script") - 2 > 0
    assert "nonce" not in SCRIPT_TAG.render(js_code="1", type="", id=""), "as in a saved report"
