"""ASGI middleware before everything else: who asks, may they, how often, and how it is answered."""

import logging
import secrets
import sys
from typing import Any
from urllib.parse import parse_qsl, quote

from bokeh.util.token import get_session_id

from core.roles import Person, Role, acting_as
from dashboard.security import live_sessions
from dashboard.security.front_door import FrontDoor
from dashboard.security.headers import SecuredResponse
from dashboard.security.own_pages import message_page
from dashboard.security.rate_limits import TooOftenError, spend
from dashboard.security.requests import Scope, address, header, network, same_origin
from dashboard.security.script_nonce import mark_scripts, nonce_of_scripts

log = logging.getLogger(__name__)

PUBLIC = ("/static/", "/components/", "/sign-in", "/embed/")
"""Beginnings of paths that need no sign-in; embedded views check tokens of their own."""
PUBLIC_PATHS = {"/favicon.ico", "/embed.js", "/readyz", "/metrics", "/sign-out"}
NEEDED = {"/data/upload": Role.ADMIN}
"""Routes that need more than being signed in."""
LIMITED = {"/data/upload": "upload"}
OPENING = {"/", "/autoload.js"}
"""Routes that make a session; those of embedded views are counted at their own gate."""
_TAKES_UP = ("bokeh-session-id", "bokeh-token")
_SAFE = {"GET", "HEAD", "OPTIONS"}
_CLOSED_BY_US = 4001


class Guard:
    """Wraps the whole application but the probe of liveness.

    Parameters
    ----------
    app
        The ASGI application behind.
    door
        Tells who sends a request.
    session_count
        How many pages are open.
    """

    def __init__(self, app: Any, *, door: FrontDoor, session_count: Any) -> None:
        self._app, self._door, self._session_count = app, door, session_count
        mark_scripts()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = self._door.proxies.resolved(scope)
        await self._door.refresh()
        person = self._door.person(scope)
        scope["user"] = person
        with acting_as(person):
            if scope["type"] == "http":
                await self._http(scope, receive, send, person)
            else:
                await self._websocket(scope, receive, send, person)

    async def _http(self, scope: Scope, receive: Any, send: Any, person: Person | None) -> None:
        response = SecuredResponse(scope, send)
        refused = self._refused(scope, person)
        if refused is not None:
            await _answer(scope, response, *refused)
            return
        try:
            with nonce_of_scripts(response.nonce):
                await self._app(scope, receive, response)
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("a request for %s failed; reference %s", quote(scope["path"]), reference)
            if response.started:
                raise
            text = "Something went wrong on the server. What you did before is kept."
            page = message_page(
                "This page cannot be shown", text, link=("/", "Open the dashboard"), reference=reference,
                remedy="Tell whoever runs the dashboard this reference; the server's log has the details.",
            )  # fmt: skip
            await _answer(scope, response, 500, page, [])

    def _refused(
        self, scope: Scope, person: Person | None
    ) -> tuple[int, str, list[tuple[bytes, bytes]]] | None:
        """Status, page and headers of the answer if the request goes no further."""
        path, method = scope["path"], scope["method"]
        if not self._door.served.serves(scope):
            log.warning("refused: a request for the host %.100r", header(scope, "host"))
            return 421, message_page(
                "Not this server", "The dashboard is not served under the name that was asked for.",
                remedy="Whoever runs it can add the name to SALES_ALLOWED_ORIGINS.",
            ), []  # fmt: skip
        if method not in _SAFE and not same_origin(scope, self._door.hosts):
            log.warning("refused: %s %s was sent by another site's page", method, quote(path))
            return (
                403,
                message_page(
                    "Not allowed", "This was sent by another site's page.", link=("/", "Open the dashboard")
                ),
                [],
            )
        if _names_a_session(scope):
            log.warning("refused: %s asked for a session by its name", address(scope))
            return 400, message_page(
                "Not allowed", "A page is always opened anew.", link=("/", "Open the dashboard")
            ), []  # fmt: skip
        if path.startswith("/components/") and path.split("/")[2] not in sys.modules:
            # Panel would import, and so run, whatever module the address names
            return 404, message_page("Not found", "There is no such file."), []
        public = path.startswith(PUBLIC) or path in PUBLIC_PATHS
        if self._door.people_sign_in and not public:
            if person is None:
                return self._to_sign_in(scope)
            needed = NEEDED.get(path)
            if needed is not None and person.role < needed:
                log.warning("refused: %s (%s) for %s, which needs %s", person.name, person.role, path, needed)
                return 403, message_page("Not allowed", f"This needs the role {needed}."), []
        if path in LIMITED:
            try:
                spend(LIMITED[path], person.name if person else network(address(scope)))
            except TooOftenError as error:
                return 429, message_page("Too often", str(error)), [_retry_after(error.seconds)]
        is_full = self._session_count() >= self._door.settings.max_sessions
        if path in OPENING and method in ("GET", "HEAD") and is_full:
            log.warning("refused: as many pages are open as SALES_MAX_SESSIONS allows")
            return 503, message_page(
                "The dashboard is full", "As many people look at it as the server can serve.",
                remedy="Close pages you do not need, or try again in a minute.", link=("/", "Try again"),
            ), [_retry_after(60)]  # fmt: skip
        return None

    def _to_sign_in(self, scope: Scope) -> tuple[int, str, list[tuple[bytes, bytes]]]:
        if scope["method"] in _SAFE and "text/html" in header(scope, "accept"):
            if self._door.mode == "proxy":
                return 403, message_page(
                    "Not signed in", "The sign-in in front of the dashboard let nobody with a role through.",
                    remedy="Ask whoever runs the dashboard for the role viewer, analyst or admin.",
                ), []  # fmt: skip
            query = scope.get("query_string", b"").decode("latin-1")
            back = quote(scope["path"] + (f"?{query}" if query else ""), safe="")
            return 302, "", [(b"location", f"/sign-in?back={back}".encode())]
        return 401, message_page("Not signed in", "Sign in first.", link=("/sign-in", "Sign in")), []

    async def _websocket(self, scope: Scope, receive: Any, send: Any, person: Person | None) -> None:
        live = live_sessions.LIVE
        key = _session_key(scope)
        if not self._door.served.serves(scope):
            log.warning("refused: a websocket for the host %.100r", header(scope, "host"))
            await _turned_away(receive, send)
            return
        if self._door.people_sign_in and not scope["path"].startswith(PUBLIC) and person is None:
            log.warning("refused: a websocket of %s without sign-in", address(scope))
            await _turned_away(receive, send)
            return
        opened = live.find(key) if live is not None and key else None
        foreign = opened is not None and opened.person is not None and (
            person is None or opened.person.name != person.name
        )  # fmt: skip
        if foreign or (live is not None and live.has_ended(key)):
            log.warning("refused: a websocket of %s for a session of another or an ended one", address(scope))
            await _turned_away(receive, send)
            return

        async def close() -> None:
            nonlocal closed
            if not closed:
                closed = True
                await send({"type": "websocket.close", "code": _CLOSED_BY_US, "reason": "session ended"})

        closed = False

        async def received() -> Any:
            nonlocal closed
            waiting = live.find(key) if live is not None else None
            if waiting is not None:
                waiting.close = close
            message = await receive()
            if message["type"] == "websocket.disconnect":
                closed = True
            if live is not None and message["type"] == "websocket.receive":
                session = live.find(key)
                if session is not None:
                    live.use(session)
                    await self._door.refresh()
                    if session.person is not None and self._door.current(session.person) is None:
                        await close()
                        return {"type": "websocket.disconnect", "code": _CLOSED_BY_US}
            return message

        await self._app(scope, received, send)


def _session_key(scope: Scope) -> str:
    """The id of the Bokeh session that a websocket asks for; its signature is checked by Bokeh."""
    offered = scope.get("subprotocols") or []
    if len(offered) != 2:
        return ""
    try:
        return str(get_session_id(offered[1]))
    except Exception:  # any text can come here, and Bokeh refuses what is no token
        return ""


def _names_a_session(scope: Scope) -> bool:
    """Whether an address names the session of its page: who made the address could look on as it is used."""
    query = scope.get("query_string", b"").decode("latin-1")
    asked = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    headers = {key.lower().decode("latin-1") for key, _ in scope["headers"]}
    return any(name in asked or name in headers for name in _TAKES_UP)


async def _turned_away(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})


async def _answer(
    scope: Scope, send: Any, status: int, page: str, headers: list[tuple[bytes, bytes]]
) -> None:
    body = page.encode()
    own = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": status, "headers": own + headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _retry_after(seconds: int) -> tuple[bytes, bytes]:
    return b"retry-after", b"%d" % seconds
