"""Roles are held on the server: whatever a browser sends, and also when a role is taken away later."""

import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from core.roles import Role
from dashboard.security.users import UsersFile
from tests.conftest import RunningServer, ServeFunction
from tests.wire import Wire, open_socket, signed_in, token_of, visitor

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> UsersFile:
    """Somebody of every role, all with the same password."""
    file = UsersFile(tmp_path_factory.mktemp("people") / "users.txt")
    for name, role in (("vera", Role.VIEWER), ("ann", Role.ANALYST), ("adam", Role.ADMIN)):
        file.put(name, role, PASSWORD)
    return file


@pytest.fixture(scope="module")
def server(serve: ServeFunction, users: UsersFile, tmp_path_factory: pytest.TempPathFactory) -> RunningServer:
    """A dashboard with password sign-in on a company of the user's own, so that tables can be dropped."""
    file = tmp_path_factory.mktemp("company") / "company.sqlite"
    demo = serve()  # makes the demo database, which is copied
    made = next(demo.log_file.parent.glob("data/demo.sqlite"))
    with sqlite3.connect(made) as old, sqlite3.connect(file) as new:
        old.backup(new)
        new.execute("CREATE TABLE notes (text TEXT)")
    old.close()
    new.close()
    return serve(
        SALES_SIGN_IN="basic",
        SALES_RATE_LIMITS="login=200",
        SALES_USERS_FILE=str(users.path),
        SALES_DATABASE_URL=f"sqlite:///{file}",
    )


def eventually(holds: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


def test_nothing_is_served_before_signing_in(server: RunningServer) -> None:
    client = visitor(server.url)
    answer = client.get("/?page=churn&country=USA")
    assert answer.status_code == 302
    assert answer.headers["location"] == "/sign-in?back=%2F%3Fpage%3Dchurn%26country%3DUSA"
    for path in ("/metadata", "/autoload.js?bokeh-autoload-element=x", "/session_info"):
        assert client.get(path, headers={"Accept": "*/*"}).status_code == 401
    upload = client.post("/data/upload", content=b"x", headers={"Origin": server.url})
    assert upload.status_code == 401
    assert client.get("/readyz").status_code == 200
    with pytest.raises(InvalidStatus) as refused:
        open_socket(client, "whatever")
    assert refused.value.response.status_code == 403


def test_a_viewer_is_not_shown_what_they_may_not_do(server: RunningServer) -> None:
    with Wire(signed_in(server.url, "vera", PASSWORD)) as wire:
        pages = re.findall(r"'(\w+)'", wire.told("Navigation"))
        assert "churn" in pages
        assert not {"sql", "predict"} & set(pages)
        assert not {"SQL", "Data"} & set(pages)


@pytest.mark.parametrize("slug", ["sql", "data", "predict"])
def test_a_viewer_who_knows_the_address_is_told_which_role_it_needs(server: RunningServer, slug: str) -> None:
    client = signed_in(server.url, "vera", PASSWORD)
    with Wire(client, f"?page={slug}") as wire:
        eventually(lambda: "it needs the role analyst" in wire.told("PageMessage"))
        assert not wire.find("SqlEditor")
    with Wire(client) as wire:
        wire.say(wire.find("Navigation"), {"kind": "open", "page": slug})
        eventually(lambda: "it needs the role analyst" in wire.told("PageMessage"))


def test_a_viewer_cannot_train(server: RunningServer) -> None:
    with Wire(signed_in(server.url, "vera", PASSWORD), "?page=churn") as wire:
        wire.say(wire.wait_for("TrustStrip"), {"kind": "train"})
        eventually(lambda: "refused: training models for vera (viewer)" in server.log())
        eventually(lambda: "it needs the role admin" in wire.told("TrustStrip"))


def test_an_analyst_cannot_change_tables(server: RunningServer) -> None:
    with Wire(signed_in(server.url, "ann", PASSWORD), "?page=data") as wire:
        tables = wire.wait_for("DataTables")
        wire.say(tables, {"kind": "drop", "table": "notes", "confirmed": "notes"})
        eventually(lambda: "refused: changing tables for ann (analyst)" in server.log())
        upload = wire.wait_for("DataUpload")
        wire.say(upload, {"kind": "announce", "id": "1", "name": "a.csv", "size": 3})
        eventually(lambda: "refused: loading data for ann (analyst)" in server.log())
    client = signed_in(server.url, "ann", PASSWORD)
    answer = client.post("/data/upload", content=b"a\n1", headers={"x-upload-ticket": "guess"})
    assert answer.status_code == 403
    assert "admin" in answer.text
    with Wire(signed_in(server.url, "adam", PASSWORD), "?page=data") as wire:
        eventually(lambda: "notes" in wire.told("DataTables"))
        wire.say(wire.find("DataTables"), {"kind": "drop", "table": "notes", "confirmed": "notes"})
        eventually(lambda: "notes was dropped" in wire.told("DataTables"))


@pytest.mark.parametrize("change", ["role", "password", "removed and added again"])
def test_who_is_changed_signs_in_anew(server: RunningServer, users: UsersFile, change: str) -> None:
    """The cookie and the open pages end within seconds, also of who does nothing on them."""
    users.put("tom", Role.ANALYST, PASSWORD)
    client = signed_in(server.url, "tom", PASSWORD)
    with Wire(client, "?page=sql") as wire:
        editor = wire.wait_for("SqlEditor")
        wire.say(editor, {"kind": "run", "text": "SELECT 41 + 1 AS answer"})
        eventually(lambda: "1 row" in wire.told("SqlResult"))
        before = users.path.read_text()
        if change == "role":  # as an operator may change it, by hand
            users.path.write_text(before.replace("tom:analyst:", "tom:viewer:"))
        elif change == "password":
            users.put("tom", Role.ANALYST, PASSWORD + " staple")
        else:
            users.remove("tom")
            users.put("tom", Role.ANALYST, PASSWORD)
        assert users.path.read_text() != before
        assert wire.closed_with() == 4001
    assert visitor(server.url, **dict(client.cookies)).get("/").status_code == 302
    password = PASSWORD + " staple" if change == "password" else PASSWORD
    assert signed_in(server.url, "tom", password).get("/").status_code == 200


def test_who_is_removed_is_put_out(server: RunningServer, users: UsersFile) -> None:
    users.put("una", Role.VIEWER, PASSWORD)
    client = signed_in(server.url, "una", PASSWORD)
    with Wire(client) as wire:
        navigation = wire.find("Navigation")
        users.remove("una")
        wire.say(navigation, {"kind": "open", "page": "churn"})
        assert wire.closed_with() == 4001
    assert client.get("/").status_code == 302


def test_a_session_of_another_cannot_be_taken_over(server: RunningServer) -> None:
    adam, vera = (signed_in(server.url, name, PASSWORD) for name in ("adam", "vera"))
    token = token_of(adam.get("/?page=sql").text)
    with pytest.raises(InvalidStatus) as refused:
        open_socket(vera, token)
    assert refused.value.response.status_code == 403
    open_socket(adam, token).close()


def test_signing_out_ends_cookie_and_pages(server: RunningServer) -> None:
    client = signed_in(server.url, "vera", PASSWORD)
    kept = dict(client.cookies)
    with Wire(client) as wire:
        assert client.post("/sign-out").status_code == 200
        assert wire.closed_with() == 4001
    stolen = visitor(server.url, **kept)
    assert stolen.get("/").status_code == 302


def test_a_sign_out_holds_on_replicas_too(serve: ServeFunction, users: UsersFile, tmp_path: Path) -> None:
    """As far as they share the data folder; the shared secret alone would not tell them."""
    settings = {
        "SALES_SIGN_IN": "basic", "SALES_USERS_FILE": str(users.path), "SALES_SECRET_KEY": "s" * 40,
        "SALES_DATA_DIR": str(tmp_path / "shared"),
    }  # fmt: skip
    one, other = serve(**settings), serve(**settings)
    kept = dict(signed_in(one.url, "vera", PASSWORD).cookies)
    with Wire(visitor(other.url, **kept)) as wire:
        assert visitor(one.url, **kept).post("/sign-out").status_code == 200
        assert wire.closed_with() == 4001, "the page that is open at the other replica ends too"
    assert visitor(other.url, **kept).get("/").status_code == 302


def test_the_log_is_clean(server: RunningServer) -> None:
    assert "Traceback" not in server.log()
    assert PASSWORD not in server.log()
