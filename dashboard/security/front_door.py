"""Who comes in, by the way of signing in that was set."""

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit

from core.errors import SettingsError
from core.roles import Person, Role
from core.settings import Settings
from dashboard.security.checks import check_settings
from dashboard.security.claims import RoleNames, person_of_principal
from dashboard.security.cookies import SESSION_COOKIE, SignedCookies
from dashboard.security.ended import EndedSignIns
from dashboard.security.hosts import ServedHosts
from dashboard.security.keys import key_for
from dashboard.security.open_id import Provider
from dashboard.security.requests import Proxies, Scope, cookie
from dashboard.security.users import User, UserError, UsersFile, users_path

log = logging.getLogger(__name__)

_READING = ThreadPoolExecutor(1, thread_name_prefix="front-door")
"""Every request waits for it at times: not behind work that waits for a database."""
FRESH_SECONDS = 1.0
"""How old what is known of users and sign-outs may be."""


class FrontDoor:
    """Tells who sends a request.

    Attributes
    ----------
    mode
        ``none``, ``basic``, ``oauth`` or ``proxy``.
    served
        The names under which the server is asked for.
    cookies, ended, users, provider, role_names
        What the modes need; ``provider`` only exists for ``oauth``.

    Raises
    ------
    SettingsError
        A setting cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        check_settings(settings)
        self.settings = settings
        self.mode = str(settings.sign_in)
        self.served = ServedHosts(settings)
        self.proxies = Proxies(settings.trusted_proxies)
        self.role_names = RoleNames(settings)
        self.cookies = SignedCookies(key_for(settings, "sign-in"), settings.session_hours * 3600)
        self.ended = EndedSignIns(settings.data_folder / "ended-sign-ins")
        self.users = UsersFile(users_path(settings))
        self.provider = Provider(settings) if self.mode == "oauth" else None
        self._record_key = key_for(settings, "records of users")
        self._role_seconds = min(settings.session_hours, settings.role_hours) * 3600
        self._read_at = -FRESH_SECONDS
        self._reading = asyncio.Lock()
        if self.mode == "basic" and not self.users.users():
            raise SettingsError(
                f"There are no users in {self.users.path}, so nobody could sign in.",
                "Add one: sales-dashboard user add NAME --role admin",
            )

    @property
    def people_sign_in(self) -> bool:
        """Whether anybody must sign in."""
        return self.mode != "none"

    @property
    def hosts(self) -> list[str]:
        """Hosts beside the one asked whose pages are the dashboard's own or allowed."""
        public = urlsplit(self.settings.public_url).netloc
        return [*self.settings.allowed_origins, *([public] if public else [])]

    def person(self, scope: Scope) -> Person | None:
        """Who sends a request, already resolved by ``proxies``; None if nobody is known."""
        if self.mode == "proxy":
            found = None
            if "proxy" in (scope.get("state") or {}):
                found = person_of_principal(scope, self.role_names)
            return replace(found, until=time.time() + self._role_seconds) if found is not None else None
        if not self.people_sign_in:
            return None
        found = self.cookies.person(cookie(scope, SESSION_COOKIE))
        return None if found is None else self.current(found)

    def current(self, person: Person) -> Person | None:
        """The person if they are still signed in, as far as it was known at the last ``refresh``."""
        if person.until < time.time() or self.ended.has(person.session):
            return None
        if self.mode != "basic":
            return person
        user = self.users.known().get(person.name)
        if user is None or not hmac.compare_digest(self._record(user), person.record):
            return None
        return person

    async def refresh(self) -> None:
        """Read anew what changes outside of this process: users, and what was signed out elsewhere.

        At most once in ``FRESH_SECONDS``, and not on the event loop: the files may be on a slow share.
        """
        if not self.people_sign_in or time.monotonic() - self._read_at < FRESH_SECONDS:
            return
        async with self._reading:
            if time.monotonic() - self._read_at >= FRESH_SECONDS:
                await asyncio.get_running_loop().run_in_executor(_READING, self._read)
                self._read_at = time.monotonic()

    def _read(self) -> None:
        self.ended.read()
        if self.mode == "basic":
            try:
                self.users.users()
            except UserError as error:
                log.error("%s", error)

    def begun(self, name: str, role: Role) -> Person:
        """Somebody who comes from a provider now; their role is asked for anew after some hours."""
        return Person(name, role, secrets.token_urlsafe(16), time.time() + self._role_seconds)

    def begun_by_password(self, user: User) -> Person:
        """Somebody who signs in with a password now: for as long as their line in the file stays as it is."""
        until = time.time() + self.cookies.seconds
        return Person(user.name, user.role, secrets.token_urlsafe(16), until, self._record(user))

    def _record(self, user: User) -> str:
        """A digest of all that is known of a user; it tells nothing of the password."""
        text = "\0".join((user.name, str(user.role), user.hash))
        return hmac.new(self._record_key, text.encode(), hashlib.sha256).hexdigest()[:24]
