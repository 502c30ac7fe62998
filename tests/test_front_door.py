"""The front door without a server: sign-ins that end, names that are served, what strangers are told."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.errors import SettingsError
from core.roles import Person, Role
from core.settings import Settings
from dashboard.security.checks import check_settings
from dashboard.security.cookies import SESSION_COOKIE
from dashboard.security.ended import EndedSignIns
from dashboard.security.front_door import FrontDoor
from dashboard.security.hosts import ServedHosts, hears_details
from dashboard.security.keys import key_for
from dashboard.security.rate_limits import RateLimits, TooOftenError
from dashboard.security.requests import network
from dashboard.security.users import UsersFile
from dashboard.threads import in_thread

PASSWORD = "correct horse battery"


def asked(host: str, client: str = "127.0.0.1", **headers: str) -> dict[str, Any]:
    """A request for ``host``."""
    sent = [(b"host", host.encode())]
    sent += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": sent, "client": (client, 4711)}


def done[T](work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives, run in an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture
def users(tmp_path: Path) -> UsersFile:
    file = UsersFile(tmp_path / "users.txt")
    file.put("vera", Role.VIEWER, PASSWORD)
    return file


def basic(folder: Path, **settings: Any) -> FrontDoor:
    return FrontDoor(Settings(sign_in="basic", data_dir=folder, secret_key="s" * 40, **settings))


def signed_in(door: FrontDoor, name: str) -> dict[str, Any]:
    """A request with the cookie of somebody who signed in with the right password."""
    user = door.users.check(name, PASSWORD)
    assert user is not None
    return asked("localhost", cookie=f"{SESSION_COOKIE}={door.cookies.packed(door.begun_by_password(user))}")


def after_a_second(door: FrontDoor, request: dict[str, Any]) -> Person | None:
    """Who sends the request, once what changed outside has been looked at anew."""
    door._read_at -= 1
    done(door.refresh())
    return door.person(request)


def test_a_cookie_is_worth_nothing_once_the_line_of_its_user_changes(
    tmp_path: Path, users: UsersFile
) -> None:
    door = basic(tmp_path)
    request = signed_in(door, "vera")
    found = after_a_second(door, request)
    assert found is not None
    assert (found.name, found.role) == ("vera", Role.VIEWER)
    line = users.path.read_text()
    users.path.write_text(line.replace(":viewer:", ":admin:"))
    assert after_a_second(door, request) is None
    users.path.write_text(line + "# as it was\n")
    assert after_a_second(door, request) is not None
    users.put("vera", Role.VIEWER, PASSWORD)  # the same password, with another salt
    assert after_a_second(door, request) is None
    assert door.current(found) is None, "nor is an open page that was begun with it"


def test_the_file_of_users_is_not_read_for_every_request(
    tmp_path: Path, users: UsersFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = basic(tmp_path)
    request = signed_in(door, "vera")
    looked: list[float] = []
    read = UsersFile.users

    def counted(file: UsersFile) -> Any:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()  # it is read beside the event loop, not on it
        looked.append(time.monotonic())
        return read(file)

    monkeypatch.setattr(UsersFile, "users", counted)

    async def many() -> None:
        for _ in range(50):
            await door.refresh()
            assert door.person(request) is not None

    door._read_at -= 1
    done(many())
    assert 1 <= len(looked) <= 2
    users.path.write_text("vera:king:nonsense\n")
    assert after_a_second(door, request) is None, "a file that cannot be read lets nobody in"


def test_secrets_are_read_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key = key_for(settings, "embedding")
    (tmp_path / "secret.key").unlink()
    assert key_for(settings, "embedding") == key


def test_a_sign_out_is_known_where_the_folder_is_shared(tmp_path: Path) -> None:
    here, there = (EndedSignIns(tmp_path / "ended") for _ in range(2))
    here.read()
    here.end("sign-in-1", time.time() + 60)
    here.end("sign-in-2", time.time() - 60)
    assert here.has("sign-in-1")
    assert not there.has("sign-in-1")
    there.read()
    assert there.has("sign-in-1")
    assert not there.has("sign-in-3")
    names = [file.name for file in (tmp_path / "ended").iterdir()]
    assert len(names) == 1, "what is over is forgotten"
    assert "sign-in" not in names[0]


def test_a_sign_out_holds_on_this_server_though_it_cannot_be_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ended").write_text("a file where the folder should be")
    here = EndedSignIns(tmp_path / "ended")
    here.end("sign-in-1", time.time() + 60)
    assert here.has("sign-in-1")
    assert "a sign-out cannot be kept" in caplog.text


def test_the_role_that_a_provider_told_is_asked_for_anew(tmp_path: Path) -> None:
    settings = Settings(
        sign_in="oauth", oauth_issuer="https://id.example", oauth_client_id="x", data_dir=tmp_path,
        session_hours=12, role_hours=2,
    )  # fmt: skip
    person = FrontDoor(settings).begun("ann", Role.ADMIN)
    assert person.until == pytest.approx(time.time() + 2 * 3600, abs=5)


def test_pages_opened_through_a_proxy_end_when_the_role_is_old(tmp_path: Path) -> None:
    door = FrontDoor(Settings(sign_in="proxy", trusted_proxies=["10.0.0.1"], data_dir=tmp_path, role_hours=2))
    claims = [{"typ": "preferred_username", "val": "ann"}, {"typ": "roles", "val": "analyst"}]
    principal = base64.b64encode(json.dumps({"claims": claims}).encode()).decode()
    request = asked("sales.example", "10.0.0.1", x_ms_client_principal=principal)
    found = door.person(door.proxies.resolved(request))
    assert found is not None
    assert found.until == pytest.approx(time.time() + 2 * 3600, abs=5)


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("localhost:5006", True), ("LOCALHOST", True), ("127.0.0.1:5006", True), ("[::1]:5006", True),
        ("192.0.2.7:5006", True), ("evil.example:5006", False), ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False), ("evil.example@localhost", False), ("localhost:5006:1", False),
        ("localhost/", False), ("", False),
    ],
)  # fmt: skip
def test_a_name_that_another_site_gave_this_machine_is_not_served(host: str, served: bool) -> None:
    assert ServedHosts(Settings()).serves(asked(host)) is served


def test_names_of_the_settings_are_served() -> None:
    local = ServedHosts(Settings(allowed_origins=["pc7:5006", "*.lan"], public_url="https://sales.example"))
    for host in ("pc7:5006", "pc7", "sales.example", "a.lan:80", "localhost"):
        assert local.serves(asked(host))
    assert not local.serves(asked("evil.example"))
    everywhere = {"host": "0.0.0.0", "allow_anonymous": True}
    assert ServedHosts(Settings(**everywhere)).serves(asked("any.example")), "its names are not known"
    named = ServedHosts(Settings(**everywhere, allowed_origins=["sales.example"]))
    assert named.serves(asked("10.0.0.5:8000"))
    assert not named.serves(asked("evil.example"))
    assert ServedHosts(Settings(sign_in="basic")).serves(asked("internal")), "cookies keep to their name"
    assert ServedHosts(Settings(allowed_origins=["*"])).serves(asked("any.example"))


@pytest.mark.parametrize(
    ("request_", "settings", "told"),
    [
        (asked("localhost:5006"), {}, True),
        (asked("127.0.0.1"), {}, True),
        (asked("evil.example"), {}, False),
        (asked("localhost", "192.0.2.7"), {}, False),
        (asked("localhost", x_forwarded_for="192.0.2.7"), {}, False),
        (asked("localhost"), {"sign_in": "basic"}, False),
        (asked("localhost"), {"public_url": "https://sales.example"}, False),
    ],
)
def test_details_are_for_who_sits_at_the_machine(
    request_: dict[str, Any], settings: dict[str, Any], told: bool
) -> None:
    assert hears_details(request_, Settings(**settings)) is told


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "", True),
    ],
)
def test_an_ipv6_client_does_not_multiply_itself(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same


def test_one_client_cannot_use_up_the_attempts_of_a_name() -> None:
    limits = RateLimits({"login": 6}, clock=lambda: 0.0)
    for _ in range(6):
        limits.spend("login", "address 192.0.2.7")
        limits.spend("login", "name vera", times=5)
    with pytest.raises(TooOftenError):
        limits.spend("login", "address 192.0.2.7")
    for _ in range(24):
        limits.spend("login", "name vera", times=5)
    with pytest.raises(TooOftenError, match="for 2 seconds"):
        limits.spend("login", "name vera", times=5)


def test_people_stay_signed_in_while_the_users_are_read_again(tmp_path: Path, users: UsersFile) -> None:
    users.users()
    (tmp_path / "users.txt").touch()
    reading = Stopped(users)
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(reading.users)
        assert reading.begun.wait(30)
        assert "vera" in users.known()
        reading.may_go_on.set()
        assert "vera" in again.result()


class Stopped:
    """A read of the users that halts where the file is looked at."""

    def __init__(self, users: UsersFile) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self._users, self._path = users, users.path
        users.path = self  # type: ignore[assignment]

    def users(self) -> Any:
        return self._users.users()

    def stat(self) -> Any:
        self.begun.set()
        assert self.may_go_on.wait(30)
        return self._path.stat()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._path, name)


def test_a_file_of_users_that_is_no_text_lets_nobody_in_and_fails_no_request(
    tmp_path: Path, users: UsersFile
) -> None:
    door = basic(tmp_path)
    request = signed_in(door, "vera")
    assert after_a_second(door, request) is not None
    users.path.write_bytes(b"\xff\xfe\x00")
    assert after_a_second(door, request) is None


@pytest.mark.usefixtures("users")
def test_an_old_sign_out_that_cannot_be_removed_fails_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = basic(tmp_path)
    request = signed_in(door, "vera")
    door.ended.end("long ago", 1)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "unlink", refused)
    assert after_a_second(door, request) is not None


@pytest.mark.usefixtures("users")
def test_requests_do_not_wait_behind_work_that_waits(tmp_path: Path) -> None:
    door = basic(tmp_path)
    request = signed_in(door, "vera")

    async def with_a_slow_database() -> Person | None:
        slow = threading.Event()
        work = [asyncio.create_task(in_thread(slow.wait, 60)) for _ in range(30)]
        try:
            await asyncio.wait_for(door.refresh(), 30)
        finally:
            slow.set()
        await asyncio.gather(*work)
        return door.person(request)

    assert done(with_a_slow_database()) is not None


def test_a_host_written_as_an_address_is_told_at_the_start() -> None:
    check_settings(Settings(allowed_origins=["sales.example", "pc7:5006", "*"]))
    with pytest.raises(SettingsError, match=r"https://sales\.example"):
        check_settings(Settings(allowed_origins=["https://sales.example"]))
