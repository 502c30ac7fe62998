"""An id for every request, in its log lines and in the header of its answer."""

import logging
import re
import secrets
import time
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

from dashboard.observability.metrics import Metrics

log = logging.getLogger("dashboard.requests")

HEADER = b"x-request-id"
_FORWARDED = {b"x-forwarded-for", b"forwarded", b"x-real-ip"}
_ACCEPTED = re.compile(rb"^[A-Za-z0-9_.:-]{8,64}$")
_current: ContextVar[str] = ContextVar("request_id", default="")
_ROUTES = {
    "/": "page", "/ws": "websocket", "/readyz": "readiness", "/metrics": "metrics", "/embed.js": "embed",
    "/data/upload": "upload", "/sign-in": "sign-in", "/sign-out": "sign-in", "/autoload.js": "autoload",
}  # fmt: skip
_BEGINNINGS = {"/static/": "static", "/components/": "static", "/embed/": "embed", "/sign-in/": "sign-in"}


def current_request_id() -> str:
    """The id of the request (or of the connection of the page) that is being answered; empty outside."""
    return _current.get()


def route_of(path: str) -> str:
    """What kind of address a path is: one of few words, so that metrics stay few."""
    if path in _ROUTES:
        return _ROUTES[path]
    return next((route for start, route in _BEGINNINGS.items() if path.startswith(start)), "other")


def _level(route: str, status: int) -> int:
    if status >= 500 and route != "readiness":
        return logging.WARNING
    return logging.DEBUG if route in ("static", "readiness", "metrics") else logging.INFO


class RequestIds:
    """ASGI middleware around everything: gives ids, counts and times answers, writes one line for each.

    ``scope["was_forwarded"]`` says whether a proxy was between, trusted or not.

    An id that a proxy in front has given already (``X-Request-ID``) is kept if it is a plain word.
    """

    def __init__(self, app: Any, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = given.decode() if _ACCEPTED.match(given) else secrets.token_hex(8)
        token = _current.set(request_id)
        scope["was_forwarded"] = any(name in _FORWARDED for name, _ in scope["headers"])
        start, status = time.perf_counter(), 500

        async def sending(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != HEADER]
                message = {**message, "headers": [*headers, (HEADER, request_id.encode())]}
            await send(message)

        is_http = scope["type"] == "http"
        try:
            await self._app(scope, receive, sending if is_http else send)
        finally:
            seconds = time.perf_counter() - start
            route = route_of(scope["path"])
            if is_http:
                self._metrics.answered(route, scope["method"], status, seconds)
                log.log(
                    _level(route, status),
                    "%s %s answered %d", scope["method"], quote(scope["path"]), status,  # no line ends
                    extra={"route": route, "status": status, "milliseconds": round(seconds * 1000, 1)},
                )  # fmt: skip
            _current.reset(token)
