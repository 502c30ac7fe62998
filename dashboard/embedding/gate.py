"""ASGI middleware before everything at /embed: who may frame a view, tokens, and refusals in words."""

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from core.settings import Settings
from dashboard.embedding.access import embed_mode, granted
from dashboard.embedding.origins import EVERYWHERE, embedding_sites
from dashboard.embedding.share import Place, require_patience, require_room, reserved
from dashboard.embedding.tokens import AUDIENCE, EmbedRefusedError, issue_ticket, read_token, signing_key
from dashboard.security.requests import address

_FOLDER = Path(__file__).parent
_SCRIPTS = {"/embed.js": "sales-view.js", "/embed/opening.js": "opening.js"}
_PREFIX = "/embed/"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sales dashboard</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>:root{{color-scheme:light dark}}body{{margin:0;padding:24px;font:14px/1.5 Roboto,sans-serif;
text-align:center;color:#566170}}@media(prefers-color-scheme:dark){{body{{color:#a3afbd}}}}</style>
<body{expired}><p role="alert">{message}</p><script src="opening.js"></script></body></html>"""
_OPENING = "This view is shown with an embed token only. Ask whoever runs the page for one."


def frame_ancestors(settings: Settings) -> str:
    """Who may show the pages of embedded views in a frame, as a directive of a content security policy.

    Raises
    ------
    SettingsError
        An origin of ``SALES_EMBED_ORIGINS`` is none.
    """
    sites = embedding_sites(settings)
    return "frame-ancestors *" if sites == (EVERYWHERE,) else " ".join(["frame-ancestors 'self'", *sites])


class EmbedGate:
    """Answers what belongs to embedding and passes everything else on.

    Parameters
    ----------
    session_count
        How many pages are open, the dashboard's own too.

    Raises
    ------
    SettingsError
        The settings of embedding cannot be used.
    """

    def __init__(self, app: Any, settings: Settings, session_count: Callable[[], int]) -> None:
        self._app = app
        self._settings = settings
        self._session_count = session_count
        self._coming: set[Place] = set()
        self._sites = embedding_sites(settings)
        self._ancestors = frame_ancestors(settings)
        self._scripts = {path: (_FOLDER / name).read_bytes() for path, name in _SCRIPTS.items()}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/embed.js" or path.startswith(_PREFIX)):
            await self._app(scope, receive, send)
            return
        send = _framed(send, self._ancestors)
        if path in self._scripts:
            await _answer(send, 200, self._scripts[path], b"text/javascript; charset=utf-8", _SHARED)
        elif path == "/embed/allowed":
            await self._allowed(scope, send)
        elif path == "/embed/exchange":
            await self._exchange(scope, send)
        else:
            await self._view(scope, receive, send)

    async def _allowed(self, scope: dict[str, Any], send: Any) -> None:
        """Whether the asking site may embed views, for the loader to say so in words."""
        origin = _header(scope, b"origin")
        own = f"{scope.get('scheme', 'http')}://{_header(scope, b'host')}"
        if embed_mode(self._settings) == "off":
            told = {"allowed": False, "message": "This dashboard is not embedded in other sites."}
        elif origin in (*self._sites, own, "") or EVERYWHERE in self._sites:
            told = {"allowed": True, "message": ""}
        else:
            told = {
                "allowed": False,
                "message": f"The sales dashboard does not allow {origin} to show its views. Whoever runs it "
                "can add the site to SALES_EMBED_ORIGINS.",
            }
        headers = [*_SHARED[1:], (b"cache-control", b"no-store"), (b"vary", b"Origin")]
        await _answer(send, 200, json.dumps(told).encode(), b"application/json", headers)

    async def _exchange(self, scope: dict[str, Any], send: Any) -> None:
        """A ticket for the token of the header ``Authorization``."""
        if scope["method"] != "POST":
            await _answer(send, 405, b"{}", b"application/json", [(b"allow", b"POST")])
            return
        kind, _, token = _header(scope, b"authorization").partition(" ")
        try:
            key = signing_key(self._settings)
            shown = token if kind.lower() == "bearer" else ""
            # a ticket stands in addresses: it must not live on by being exchanged for another
            ticket = issue_ticket(key, read_token(key, shown, (AUDIENCE,)))
            told = {"ticket": ticket}
        except EmbedRefusedError as error:
            told = {"message": str(error)}
        # 200 also for a refusal: the page says it in words, and the console of the host stays clean
        await _answer(send, 200, json.dumps(told).encode(), b"application/json", _UNSHARED)

    async def _view(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        slug, _, rest = scope["path"].removeprefix(_PREFIX).partition("/")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if rest or scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, EmbedRefusedError("There is nothing here.", "", 404))
            return
        try:
            if not (query.get("token") or query.get("ticket")):
                needs = embed_mode(self._settings) == "signed" or "signed" in query
                if needs and embed_mode(self._settings) != "off":
                    await _answer(send, 200, _page(_OPENING), _HTML, _UNSHARED)
                    return
            granted(self._settings, slug, query)
            coming = sum(not place.is_taken for place in self._coming)
            require_room(self._settings, self._session_count(), coming=coming)
            require_patience(address(scope))
        except EmbedRefusedError as error:
            await _refuse(send, error)
            return
        with reserved(self._coming):
            await self._app(scope, receive, send)


_HTML = b"text/html; charset=utf-8"
_SHARED = [
    (b"cache-control", b"public, max-age=3600"),
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
]
_UNSHARED = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_REPLACED = (b"x-frame-options", b"content-security-policy", b"referrer-policy")


def _framed(send: Any, ancestors: str) -> Any:
    """``send`` with the headers that let allowed sites, and only those, frame what is sent."""

    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            policy = next((v for k, v in headers if k.lower() == b"content-security-policy"), b"").decode()
            kept = [part.strip() for part in policy.split(";") if part.strip()]
            kept = [part for part in kept if not part.startswith("frame-ancestors")]
            headers = [(k, v) for k, v in headers if k.lower() not in _REPLACED]
            headers.append((b"content-security-policy", "; ".join([*kept, ancestors]).encode()))
            headers.append((b"referrer-policy", b"no-referrer"))
            message = {**message, "headers": headers}
        await send(message)

    return sending


async def _refuse(send: Any, error: EmbedRefusedError) -> None:
    again = [(b"retry-after", b"%d" % error.retry_after)] if error.retry_after else []
    page = _page(str(error), expired=error.status == 401)
    await _answer(send, error.status, page, _HTML, [*_UNSHARED, *again])


def _page(message: str, expired: bool = False) -> bytes:
    return _PAGE.format(
        message=html.escape(message), expired=' data-expired="yes"' if expired else ""
    ).encode()


async def _answer(
    send: Any, status: int, body: bytes, kind: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    told = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


def _header(scope: dict[str, Any], name: bytes) -> str:
    return next((v for k, v in scope["headers"] if k.lower() == name), b"").decode("latin-1")
