"""The routes of signing in and out."""

import logging
import re
import secrets
import time
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from core.errors import SalesError
from core.roles import Person
from dashboard.security import open_id
from dashboard.security.claims import SignInError, person_of_claims
from dashboard.security.cookies import FORM_COOKIE, FORM_SECONDS, SESSION_COOKIE, set_cookie
from dashboard.security.front_door import FrontDoor
from dashboard.security.live_sessions import LiveSessions
from dashboard.security.own_pages import message_page, password_page
from dashboard.security.rate_limits import TooOftenError, spend
from dashboard.security.requests import address, cookie, is_secure, network
from dashboard.threads import in_thread

log = logging.getLogger(__name__)

_LONGEST_FORM = 20_000
_NAME_TIMES = 5
_KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")
"""What the cookie of the form holds; anything else was not set here, and is not sent back."""
_NO_STORE = {"Cache-Control": "no-store"}


def add_sign_in(app: FastAPI, door: FrontDoor, live: LiveSessions) -> None:
    """Serve ``/sign-in``, ``/sign-in/callback`` and ``/sign-out`` as the mode of sign-in needs them."""

    @app.get("/sign-in")
    async def sign_in(request: Request, back: str = "/") -> Response:
        """The form, or the way to the provider."""
        if door.mode == "none" or door.person(request.scope) is not None:
            return RedirectResponse(_local(back), 303)
        if door.mode == "oauth":
            return await _to_provider(request, door, _local(back))
        if door.mode == "proxy":
            return RedirectResponse(f"/.auth/login/aad?post_login_redirect_uri={quote(_local(back))}", 303)
        return _form(request, door, back=_local(back))

    @app.post("/sign-in")
    async def password(request: Request) -> Response:
        """Check name and password."""
        if door.mode != "basic":
            return _refusal("Nobody signs in with a password here.", 404)
        form = await _fields(request)
        back = _local(form.get("back", "/"))
        name = form.get("name", "")[:100]
        facts = door.cookies.form_facts(form.get("form", "")) or {}
        if not _same(cookie(request.scope, FORM_COOKIE), str(facts.get("key", ""))):
            return _form(request, door, back=back, name=name, problem="The form was too old. Sign in again.")
        try:
            _spend_attempt(request, name)
        except TooOftenError as error:
            log.warning("refused: too many attempts to sign in from %s", address(request.scope))
            answer = _form(request, door, back=back, name=name, problem=str(error), status=429)
            answer.headers["Retry-After"] = str(error.seconds)
            return answer
        user = await in_thread(door.users.check, name, form.get("password", "")[:1000])
        if user is None:
            log.warning("refused: a wrong name or password from %s", address(request.scope))
            return _form(
                request, door, back=back, name=name, problem="Name or password is wrong.", status=401
            )
        return _welcome(request, door, door.begun_by_password(user), back)

    @app.get("/sign-in/callback")
    async def callback(request: Request, code: str = "", state: str = "", error: str = "") -> Response:
        """Take up a person who comes back from the provider."""
        if door.provider is None:
            return _refusal("Nobody signs in with a provider here.", 404)
        facts = door.cookies.form_facts(cookie(request.scope, FORM_COOKIE)) or {}
        if not _same(state, str(facts.get("state", ""))):
            return _refusal("This sign-in was not begun here, or too long ago.", 400)
        if error or not code:
            log.warning("refused: the sign-in provider said %.100r", error)
            return _refusal("The sign-in provider let nobody in.", 403)
        try:
            _spend_attempt(request)
            begun = open_id.Begun(facts["state"], facts["nonce"], facts["verifier"])
            claims = await in_thread(door.provider.claims, code, begun, _callback(request, door))
            person = person_of_claims(claims, door.role_names)
        except SalesError as problem:
            log.warning("refused: %s (%s)", problem, problem.__cause__ or "no more is known")
            return _refusal(problem.message, 403, problem.remedy)
        return _welcome(request, door, door.begun(*person), _local(str(facts.get("back", "/"))))

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        """End the sign-in: its cookie means nothing any more and its open pages are closed."""
        person = door.person(request.scope)
        if person is not None:
            if door.mode != "proxy":  # there the proxy says with each request who is signed in
                await in_thread(door.ended.end, person.session, person.until)
            log.info("%s signed out", person.name)
            await live.end_of(person)
        after = "/sign-in"
        if door.provider is not None:
            after = await in_thread(door.provider.sign_out_address, _base(request, door)) or "/"
        elif door.mode == "proxy":
            after = "/.auth/logout"
        answer = JSONResponse({"next": after}, headers=_NO_STORE)
        secure = is_secure(request.scope)
        answer.headers.append("Set-Cookie", set_cookie(SESSION_COOKIE, "", secure=secure, seconds=0))
        return answer


def _spend_attempt(request: Request, name: str = "") -> None:
    """Count an attempt to sign in.

    By the client, and by the name, of which more are let through: a single client that keeps trying a name
    does not keep its owner out.
    """
    spend("login", f"address {network(address(request.scope))}")
    if name:
        spend("login", f"name {name}", times=_NAME_TIMES)


def _welcome(request: Request, door: FrontDoor, person: Person, back: str) -> Response:
    log.info("%s (%s) signed in", person.name, person.role)
    secure = is_secure(request.scope)
    answer = RedirectResponse(back, 303, headers=_NO_STORE)
    left = max(1.0, person.until - time.time())
    packed = set_cookie(SESSION_COOKIE, door.cookies.packed(person), secure=secure, seconds=left)
    answer.headers.append("Set-Cookie", packed)
    answer.headers.append("Set-Cookie", set_cookie(FORM_COOKIE, "", secure=secure, seconds=0))
    return answer


def _form(
    request: Request, door: FrontDoor, *, back: str, name: str = "", problem: str = "", status: int = 200
) -> Response:
    kept = cookie(request.scope, FORM_COOKIE)
    key = kept if _KEY.fullmatch(kept) else secrets.token_urlsafe(24)
    page = password_page(problem=problem, form=door.cookies.form({"key": key}), back=back, name=name)
    answer = HTMLResponse(page, status, headers=_NO_STORE)
    packed = set_cookie(FORM_COOKIE, key, secure=is_secure(request.scope), seconds=FORM_SECONDS)
    answer.headers.append("Set-Cookie", packed)
    return answer


async def _to_provider(request: Request, door: FrontDoor, back: str) -> Response:
    assert door.provider is not None
    begun = open_id.begin()
    try:
        where = await in_thread(door.provider.address, begun, _callback(request, door))
    except SignInError as error:
        log.warning("%s (%s)", error, error.__cause__ or "no more is known")
        return _refusal(error.message, 502, error.remedy)
    facts = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "back": back}
    answer = RedirectResponse(where, 303, headers=_NO_STORE)
    packed = set_cookie(
        FORM_COOKIE, door.cookies.form(facts), secure=is_secure(request.scope), seconds=FORM_SECONDS
    )
    answer.headers.append("Set-Cookie", packed)
    return answer


def _refusal(text: str, status: int, remedy: str = "") -> Response:
    page = message_page("Not signed in", text, remedy=remedy, link=("/sign-in", "Try again"))
    return HTMLResponse(page, status, headers=_NO_STORE)


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form that is not larger than forms are."""
    from urllib.parse import parse_qsl

    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > _LONGEST_FORM:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _base(request: Request, door: FrontDoor) -> str:
    scheme = "https" if is_secure(request.scope) else "http"
    return door.settings.public_url or f"{scheme}://{request.headers.get('host', '')}"


def _callback(request: Request, door: FrontDoor) -> str:
    return f"{_base(request, door)}/sign-in/callback"


def _local(back: str) -> str:
    """``back`` if it is an address of this server, else its start page."""
    plain = back.startswith("/") and not back.startswith(("//", "/\\", "/sign-"))
    return back if plain and all(ord(char) > 31 for char in back) and "\\" not in back else "/"


def _same(one: Any, other: str) -> bool:
    return bool(one) and secrets.compare_digest(str(one).encode(), other.encode())
