"""Parts of security that need no server: masks of logs, buckets of tokens, keys, exported texts."""

import asyncio
import io
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from core.errors import SettingsError
from core.roles import Role
from core.settings import Settings, read_settings
from dashboard.security.claims import RoleNames
from dashboard.security.front_door import FrontDoor
from dashboard.security.guard import Guard
from dashboard.security.keys import key_for
from dashboard.security.live_sessions import _in_words
from dashboard.security.log_masks import MaskedFormatter, masked
from dashboard.security.rate_limits import RateLimits, TooOftenError, parsed_limits
from dashboard.security.requests import same_origin
from dashboard.sql_page.files import safe_for_spreadsheets
from dashboard.static_files import StaticFiles


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("cannot open postgresql://ann:s3cret@db.example/sales", "s3cret"),
        ("cannot open mssql://ann:p%40ss:w0rd@db.example/sales?x=1", "w0rd"),
        ("Driver={ODBC};Server=db;UID=ann;PWD=s3cret;Encrypt=yes", "s3cret"),
        ("GET /embed/x?token=abc.def-123&theme=dark", "abc.def-123"),
        ("GET /sign-in/callback?code=0.AXoA-xyz&state=1", "AXoA-xyz"),
        ("{'access_token': 'ya29.x', 'id_token': 'q'}", "ya29.x"),
        ("Authorization: Bearer ya29.abcdefgh", "ya29.abcdefgh"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln was refused", "eyJzdWIiOiIxIn0"),
        ("client_secret=of-the-provider", "of-the-provider"),
        ("SALES_SECRET_KEY=abcdefgh", "abcdefgh"),
        ("ann:admin:scrypt$32768$8$1$AAAA$BBBB", "BBBB"),
        ("Cookie: sales_session=WyJhZGFtIl0.x.y", "WyJhZGFtIl0"),
    ],
)
def test_secrets_are_masked(line: str, secret: str) -> None:
    assert secret not in masked(line)
    assert "***" in masked(line)


def test_what_is_no_secret_stays() -> None:
    for line in (
        "sqlite:////data/company.sqlite", "The server now shows postgresql://ann@db.example/sales.",
        "refused: training models for vera (viewer)", "SELECT token FROM words", "3 rows at 12:30:05",
    ):  # fmt: skip
        assert masked(line) == line


def test_tracebacks_are_masked_too() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(MaskedFormatter(logging.Formatter("%(message)s")))
    log = logging.Logger("masked")
    log.addHandler(handler)
    try:
        raise ValueError("postgresql://ann:s3cret@db.example/sales")
    except ValueError:
        log.exception("it failed with %s", "password=s3cret")
    assert "Traceback" in out.getvalue()
    assert "s3cret" not in out.getvalue()


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    limits = RateLimits({"query": 3}, clock=lambda: now[0])
    for _ in range(3):
        limits.spend("query", "ann")
    with pytest.raises(TooOftenError, match="no further query for 20 seconds") as refused:
        limits.spend("query", "ann")
    assert refused.value.seconds == 20
    limits.spend("query", "bob")
    limits.spend("export", "ann")
    now[0] = 20.0
    limits.spend("query", "ann")
    with pytest.raises(TooOftenError):
        limits.spend("query", "ann")


def test_limits_are_read_from_settings() -> None:
    assert parsed_limits(["query=60", " export = 5 "]) == {"query": 60, "export": 5}
    for wrong in ("query", "query=0", "query=many", "dancing=3"):
        with pytest.raises(SettingsError, match="is not a limit"):
            parsed_limits([wrong])


def test_the_secret_is_made_once_and_kept_to_the_server(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key = key_for(settings, "sign-in")
    assert len(key) == 32
    assert key == key_for(settings, "sign-in") != key_for(settings, "embedding")
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
    with pytest.raises(SettingsError, match="shorter than 32"):
        key_for(Settings(secret_key="short"), "sign-in")


def test_replicas_with_one_secret_share_their_keys(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("x" * 40 + "\n")
    one, two = (
        read_settings({"SALES_SECRET_KEY_FILE": str(file), "SALES_DATA_DIR": str(tmp_path / name)})
        for name in ("one", "two")
    )
    assert key_for(one, "sign-in") == key_for(two, "sign-in")
    assert "xxxx" not in repr(one)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings({"SALES_SECRET_KEY_FILE": str(tmp_path / "absent")})


def test_values_of_the_claim_mean_roles() -> None:
    names = RoleNames(Settings(role_names=["8f1c-group=analyst", "a=b=admin"], default_role="viewer"))
    assert names.role(["8F1C-GROUP"]) is Role.ANALYST
    assert names.role(["admin", "viewer"]) is Role.ADMIN
    assert names.role(["a=b"]) is Role.ADMIN
    assert names.role([]) is Role.VIEWER
    assert RoleNames(Settings()).role(["others"]) is None
    with pytest.raises(SettingsError, match="no role"):
        RoleNames(Settings(role_names=["x=king"]))


def test_texts_cannot_become_formulas_but_numbers_stay_numbers() -> None:
    frame = pl.DataFrame(
        {
            "=name": ["=1+1", "+49 30", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "Ann", "-12.5", None],
            "amount": [-1.5, 2.0, -3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, None],
        }
    )
    safe = safe_for_spreadsheets(frame)
    assert safe.columns == ["'=name", "amount"]
    assert safe["'=name"].to_list() == [
        "'=1+1", "'+49 30", "'-2+3", "'@SUM(A1)", "'\t=1", "'\r=1", "' =1", "Ann", "-12.5", None,
    ]  # fmt: skip
    assert safe["amount"].equals(frame["amount"])


def test_a_failure_tells_a_reference_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError("postgresql://ann:s3cret@db.example is down")

    async def ask() -> httpx.Response:
        guard = Guard(failing, door=FrontDoor(Settings(data_dir=tmp_path)), session_count=lambda: 0)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(guard), base_url="http://localhost"
        ) as client:
            return await client.get("/")

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asyncio.run, ask()).result()
    assert answer.status_code == 500
    assert "Something went wrong on the server" in answer.text
    assert not {"RuntimeError", "Traceback", "s3cret"} & set(re.split(r"\W+", answer.text))
    found = re.search(r"Reference (\w{8})", answer.text)
    assert found is not None
    assert f"reference {found[1]}" in caplog.text
    assert "nosniff" in answer.headers["x-content-type-options"]


def test_durations_read_well() -> None:
    assert [_in_words(s) for s in (43200, 3600, 5400, 120, 6, 1)] == [
        "12 hours", "1 hour", "1.5 hours", "2 minutes", "6 seconds", "1 second",
    ]  # fmt: skip


def test_a_key_that_is_too_short_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match="SALES_EMBED_KEY cannot be used") as refused:
        read_settings({"SALES_EMBED_KEY": "short-but-secret"})
    assert "short-but-secret" not in str(refused.value)


@pytest.mark.parametrize("origin", ["http://[", "http://there", "null", ""])
def test_what_is_sent_by_another_site_is_told_from_our_own(origin: str) -> None:
    headers = [(b"host", b"here"), (b"origin", origin.encode())]
    assert not same_origin({"headers": headers}, [])
    assert same_origin({"headers": [(b"host", b"here"), (b"origin", b"http://here")]}, [])


def test_one_file_under_many_addresses_is_kept_once() -> None:
    async def file(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/javascript")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"1"})

    async def ask(files: StaticFiles, path: str) -> None:
        async def send(_message: dict[str, Any]) -> None: ...

        headers = [(b"accept-encoding", b"gzip")]
        await files({"type": "http", "method": "GET", "path": path, "headers": headers}, None, send)

    files = StaticFiles(file)
    with ThreadPoolExecutor(1) as pool:
        for path in ("/static/a.js", "/static/./a.js", "/static//a.js", "/static/x/../a.js"):
            pool.submit(asyncio.run, ask(files, path)).result()
    assert list(files._kept) == ["/static/a.js"]


@pytest.mark.parametrize(
    "query", ["bokeh-session-id=abc", "page=sales&bokeh%2Dsession-id=", "bokeh-token=abc"]
)
def test_nobody_opens_a_page_whose_session_another_has_named(tmp_path: Path, query: str) -> None:
    async def page(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(path: str) -> int:
        guard = Guard(page, door=FrontDoor(Settings(data_dir=tmp_path)), session_count=lambda: 0)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(guard), base_url="http://localhost"
        ) as client:
            return (await client.get(path)).status_code

    with ThreadPoolExecutor(1) as pool:
        for path in ("/", "/embed/key-figures"):
            assert pool.submit(asyncio.run, ask(f"{path}?{query}")).result() == 400
            assert pool.submit(asyncio.run, ask(f"{path}?page=sales")).result() == 200
        # an address runs no module that is not in use
        assert pool.submit(asyncio.run, ask("/components/unittest.__main__/a/b/c")).result() == 404
        assert pool.submit(asyncio.run, ask("/components/dashboard.security.guard/a/b/c")).result() == 200
