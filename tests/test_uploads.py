"""The upload route: streamed, bounded, from the dashboard's own pages only, and nothing left behind."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import ClientDisconnect

from dashboard import uploads
from dashboard.uploads import UploadError, Uploads, add_upload_route, safe_name

HERE = {"origin": "http://testserver"}


def in_a_thread[T](work: Coroutine[Any, Any, T]) -> T:
    """The outcome of ``work``; the main thread may have the browser tests' event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture
def kept(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", limit_megabytes=2)


class Client:
    """Posts to an application without a network."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def post(self, path: str, *, content: bytes, headers: dict[str, str]) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await client.post(path, content=content, headers=headers)

        return in_a_thread(send())


@pytest.fixture
def client(kept: Uploads) -> Client:
    app = FastAPI()
    add_upload_route(app, kept, ["intranet.example"])
    return Client(app)


def left(kept: Uploads) -> list[Path]:
    return [path for path in kept.folder.rglob("*") if path.is_file()] if kept.folder.exists() else []


def test_a_file_arrives_as_it_was_sent(client: Client, kept: Uploads) -> None:
    content = bytes(range(256)) * 6000
    ticket = kept.ticket("My sales 2024.csv", len(content))
    answer = client.post("/data/upload", content=content, headers={**HERE, "x-upload-ticket": ticket})
    assert answer.status_code == 200
    upload = kept.get(answer.json()["key"])
    assert (upload.name, upload.size) == ("My sales 2024.csv", len(content))
    assert upload.path.read_bytes() == content
    kept.discard(upload.key)
    assert left(kept) == []
    with pytest.raises(UploadError, match="not on the server any more"):
        kept.get(upload.key)


def test_a_ticket_is_good_once(client: Client, kept: Uploads) -> None:
    ticket = kept.ticket("a.csv", 3)
    headers = {**HERE, "x-upload-ticket": ticket}
    assert client.post("/data/upload", content=b"a\n1", headers=headers).status_code == 200
    assert client.post("/data/upload", content=b"a\n1", headers=headers).status_code == 403
    assert client.post("/data/upload", content=b"a\n1", headers=HERE).status_code == 403


def test_a_ticket_expires(client: Client, kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "TICKET_SECONDS", -1.0)
    headers = {**HERE, "x-upload-ticket": kept.ticket("a.csv", 3)}
    assert client.post("/data/upload", content=b"a\n1", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://testserver", 200),
        ("https://intranet.example", 200),
        ("http://evil.example", 403),
        ("http://testserver.evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_other_sites_cannot_post(client: Client, kept: Uploads, origin: str, status: int) -> None:
    headers = {"origin": origin, "x-upload-ticket": kept.ticket("a.csv", 3)}
    assert client.post("/data/upload", content=b"a\n1", headers=headers).status_code == status


def test_too_large_a_file_is_refused_before_and_while_it_is_sent(client: Client, kept: Uploads) -> None:
    with pytest.raises(UploadError, match="larger than the 2 MB") as caught:
        kept.ticket("big.csv", 3 << 20)
    assert "SALES_UPLOAD_MEGABYTES" in caught.value.remedy
    ticket = kept.ticket("big.csv", 10)
    answer = client.post(
        "/data/upload", content=b"x" * (3 << 20), headers={**HERE, "x-upload-ticket": ticket}
    )
    assert answer.status_code == 413
    assert "larger than" in answer.json()["error"]
    assert left(kept) == []
    with pytest.raises(UploadError, match="is empty"):
        kept.ticket("empty.csv", 0)


def test_a_broken_upload_leaves_nothing(kept: Uploads) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half of it"
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        in_a_thread(kept.receive(kept.ticket("a.csv", 100), broken()))
    assert list(kept.folder.iterdir()) == []


def test_it_is_never_whole_in_memory(kept: Uploads) -> None:
    import tracemalloc

    big = Uploads(kept.folder, limit_megabytes=200)

    async def blocks() -> AsyncIterator[bytes]:
        block = b"x" * 65_536
        for _ in range(64 * 16):
            yield block

    ticket = big.ticket("big.csv", 64 << 20)
    tracemalloc.start()
    upload = in_a_thread(big.receive(ticket, blocks()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert upload.path.stat().st_size == 64 << 20
    assert peak < 8 << 20


def test_old_files_are_removed(client: Client, kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {**HERE, "x-upload-ticket": kept.ticket("a.csv", 3)}
    client.post("/data/upload", content=b"a\n1", headers=headers)
    assert len(left(kept)) == 1
    later = time.time() + uploads.KEPT_SECONDS + 10
    monkeypatch.setattr(uploads.time, "time", lambda: later)
    kept.tidy()
    assert left(kept) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sales.csv", "sales.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\sales 2024.xlsx", "sales 2024.xlsx"),
        (".htaccess", "htaccess"),
        ("a\0b.csv", "ab.csv"),
        ("Übersicht (März).csv", "Übersicht (März).csv"),
        ("a;rm -rf $HOME|.csv", "a_rm -rf _HOME_.csv"),
        ("", "upload"),
        ("..", "upload"),
        ("x" * 300 + ".csv.gz", "x" * 97 + ".gz"),
    ],
)
def test_names_are_made_harmless(name: str, expected: str) -> None:
    assert safe_name(name) == expected
