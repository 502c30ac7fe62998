"""Who comes in, by the way of signing in that was set."""

import logging
import time
from urllib.parse import urlsplit

from core.errors import SettingsError
from core.roles import Person
from core.settings import Settings
from dashboard.security.checks import check_settings
from dashboard.security.claims import RoleNames, person_of_principal
from dashboard.security.cookies import SESSION_COOKIE, SignedCookies
from dashboard.security.keys import key_for
from dashboard.security.open_id import Provider
from dashboard.security.requests import Proxies, Scope, cookie
from dashboard.security.users import UserError, UsersFile, users_path

log = logging.getLogger(__name__)


class FrontDoor:
    """Tells who sends a request.

    Attributes
    ----------
    mode
        ``none``, ``basic``, ``oauth`` or ``proxy``.
    cookies, users, provider, role_names
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
        self.proxies = Proxies(settings.trusted_proxies)
        self.role_names = RoleNames(settings)
        self.cookies = SignedCookies(key_for(settings, "sign-in"), settings.session_hours * 3600)
        self.users = UsersFile(users_path(settings))
        self.provider = Provider(settings) if self.mode == "oauth" else None
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
            from_proxy = "proxy" in (scope.get("state") or {})
            return person_of_principal(scope, self.role_names) if from_proxy else None
        if not self.people_sign_in:
            return None
        found = self.cookies.person(cookie(scope, SESSION_COOKIE))
        return None if found is None else self.current(found)

    def current(self, person: Person) -> Person | None:
        """The person with the role they have now; None if they are not signed in any more."""
        if person.until < time.time() or self.cookies.has_ended(person):
            return None
        if self.mode != "basic":
            return person
        try:
            user = self.users.users().get(person.name)
        except UserError as error:
            log.error("%s", error)
            return None
        if user is None:
            return None
        return Person(person.name, user.role, person.session, person.until)
