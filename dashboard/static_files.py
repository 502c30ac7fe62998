"""Pure ASGI middleware: static files compressed once and cached by browsers."""

import gzip
from posixpath import normpath
from typing import Any

from dashboard.threads import in_thread

_COMPRESSIBLE = (b"javascript", b"text/", b"json", b"svg")
_STATIC = ("/static/", "/components/")
_WEEK = b"public, max-age=604800"
_MOST_KEPT = 1_000
_LARGE = 100_000


class StaticFiles:
    """Keeps the gzipped body of every static file in memory (a few megabytes) and lets browsers cache it.

    The files carry a version in their address or change only with an upgrade, hence the week.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._kept: dict[str, tuple[list[tuple[bytes, bytes]], bytes]] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # one file has any number of addresses, /static/./x and so on: those are answered but not kept
        is_plain = normpath(scope["path"]) == scope["path"]
        static = is_plain and scope["path"].startswith(_STATIC) and scope["method"] == "GET"
        accepts = any(k == b"accept-encoding" and b"gzip" in v for k, v in scope["headers"])
        key = scope["path"]
        if static and accepts and key in self._kept:
            headers, body = self._kept[key]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await self._app(scope, receive, _Sender(send, self._kept if static else None, key, accepts))


class _Sender:
    """Collects a response and sends it compressed; responses that are streamed pass through as they are."""

    def __init__(self, send: Any, kept: dict[str, Any] | None, key: str, accepts: bool) -> None:
        self._send, self._kept, self._key, self._accepts = send, kept, key, accepts
        self._start: dict[str, Any] | None = None
        self._body = bytearray()

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            if self._accepts and self._worth_compressing(message):
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish()
            return
        await self._send(message)

    def _worth_compressing(self, message: dict[str, Any]) -> bool:
        headers = dict(message["headers"])
        kind = headers.get(b"content-type", b"")
        return b"content-encoding" not in headers and any(part in kind for part in _COMPRESSIBLE)

    async def _finish(self) -> None:
        assert self._start is not None
        static = self._kept is not None and self._start["status"] == 200
        level = 9 if static else 3
        if len(self._body) > _LARGE:  # a tenth of a second, off the event loop
            body = await in_thread(gzip.compress, bytes(self._body), level, mtime=0)
        else:
            body = gzip.compress(bytes(self._body), level, mtime=0)
        dropped = (b"content-length", b"cache-control") if static else (b"content-length",)
        headers = [(k, v) for k, v in self._start["headers"] if k.lower() not in dropped]
        headers += [
            (b"content-encoding", b"gzip"),
            (b"content-length", b"%d" % len(body)),
            (b"vary", b"Accept-Encoding"),
        ]
        if static:
            headers.append((b"cache-control", _WEEK))
            assert self._kept is not None
            if len(self._kept) < _MOST_KEPT:
                self._kept[self._key] = (headers, body)
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
