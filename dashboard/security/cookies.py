"""The signed cookie of somebody who signed in, and the one that protects the form before."""

import time
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

from core.roles import Person, Role

SESSION_COOKIE = "sales_session"
FORM_COOKIE = "sales_login"
FORM_SECONDS = 900


class SignedCookies:
    """Makes and reads the cookies of one server, or of replicas with the same secret.

    Parameters
    ----------
    key
        Signs the cookies.
    seconds
        The longest that a sign-in lasts.
    """

    def __init__(self, key: bytes, seconds: float) -> None:
        self.seconds = seconds
        self._sessions = URLSafeTimedSerializer(key, salt="session")
        self._forms = URLSafeTimedSerializer(key, salt="form")

    def packed(self, person: Person) -> str:
        """The value of the cookie of somebody who signs in now."""
        return self._sessions.dumps(
            [person.name, int(person.role), person.session, person.until, person.record]
        )

    def person(self, value: str) -> Person | None:
        """The person of a cookie; None if it is not ours or too old."""
        try:
            name, role, session, until, record = self._sessions.loads(value, max_age=int(self.seconds) + 1)
            if until < time.time():
                return None
            return Person(str(name), Role(role), str(session), float(until), str(record))
        except (BadData, ValueError, TypeError):
            return None

    def form(self, facts: dict[str, Any]) -> str:
        """A signed value that comes back soon: what a form or a way through a provider was begun with."""
        return self._forms.dumps(facts)

    def form_facts(self, value: str) -> dict[str, Any] | None:
        """What ``form`` was given; None if it is not ours or too old."""
        try:
            facts = self._forms.loads(value, max_age=FORM_SECONDS)
        except BadData:
            return None
        return facts if isinstance(facts, dict) else None


def set_cookie(name: str, value: str, *, secure: bool, seconds: float | None) -> str:
    """A ``Set-Cookie`` header; ``seconds`` None: until the browser ends, 0: gone at once."""
    age = "" if seconds is None else f"; Max-Age={int(seconds)}"
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}{age}"
