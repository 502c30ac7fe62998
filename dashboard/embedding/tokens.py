"""Embed tokens: which views somebody may see in another site, with which filters, and until when.

A token is a JSON web token (HS256) with these claims::

    aud    "sales-dashboard/embed"
    exp    seconds since 1970 after which nothing is shown any more
    views  slugs of views, or ["*"] for all
    pins   what is fixed, as in an address: {"country": "USA", "as_of": "2025-06-30"}
    role   "viewer": whoever shows it may look, and nothing else
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import SalesError
from core.roles import Role, role_named
from core.settings import Settings

AUDIENCE = "sales-dashboard/embed"
TICKET_AUDIENCE = "sales-dashboard/embed-ticket"
TICKET_SECONDS = 60
LONGEST_HOURS = 24 * 366
_ALGORITHM = "HS256"


class EmbedRefusedError(SalesError):
    """A view is not shown in another site; the person sees why.

    Parameters
    ----------
    status
        The HTTP status of the answer.
    retry_after
        Seconds after which it may be tried again; 0 where that is of no use.
    """

    def __init__(self, message: str, remedy: str = "", status: int = 403, *, retry_after: int = 0) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class Claims:
    """What a token says.

    Attributes
    ----------
    views
        Slugs of the views; ``("*",)`` for all.
    pins
        What is fixed, by the name it has in addresses.
    expires
        Seconds since 1970.
    role
        What whoever shows the token may do.
    """

    views: tuple[str, ...]
    pins: Mapping[str, str] = field(default_factory=dict)
    expires: float = 0.0
    role: Role = Role.VIEWER

    def covers(self, view: str) -> bool:
        """Whether the token is for ``view``."""
        return view in self.views or "*" in self.views


def signing_key(settings: Settings) -> bytes:
    """The secret that signs tokens: ``SALES_EMBED_KEY``, or one that follows from the server's own.

    Raises
    ------
    SettingsError
        The server's own secret cannot be kept.
    """
    if settings.embed_key:
        return settings.embed_key.encode()
    from dashboard.security.keys import key_for

    return key_for(settings, AUDIENCE)


def issue_token(
    key: bytes,
    views: Sequence[str],
    pins: Mapping[str, str] | None = None,
    *,
    hours: float = 24.0,
    role: Role = Role.VIEWER,
) -> str:
    """A token for ``views`` that is good for ``hours``.

    Raises
    ------
    SalesError
        There is no view, or the time is out of bounds.
    """
    if not views:
        raise SalesError("An embed token needs a view.", "Name one, or * for all.")
    if not 0 < hours <= LONGEST_HOURS:
        raise SalesError(f"A token cannot be good for {hours:g} hours.", "Choose up to a year.")
    claims = Claims(tuple(views), dict(pins or {}), time.time() + hours * 3600, role)
    return _signed(key, claims, AUDIENCE, claims.expires)


def issue_ticket(key: bytes, claims: Claims) -> str:
    """What stands in an address in place of a token: good for a minute, to open a page with."""
    return _signed(key, claims, TICKET_AUDIENCE, min(time.time() + TICKET_SECONDS, claims.expires))


def read_token(key: bytes, token: str, audiences: Sequence[str] = (AUDIENCE, TICKET_AUDIENCE)) -> Claims:
    """The claims of a token or ticket, of ``audiences`` alone.

    Raises
    ------
    EmbedRefusedError
        It was altered, is signed with another key, has expired, or is none.
    """
    import jwt

    try:
        found = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=list(audiences),
            options={"require": ["exp", "aud"]},
        )
        return _claims(found)
    except jwt.ExpiredSignatureError:
        raise EmbedRefusedError(
            "The embed token has expired.", "Reload the page that shows this view to get a new one.", 401
        ) from None
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
        raise EmbedRefusedError(
            "The embed token is not valid: it was altered, or signed with another key.",
            "Ask whoever runs the page that shows this view.",
        ) from None


def _signed(key: bytes, claims: Claims, audience: str, expires: float) -> str:
    import jwt

    content = {
        "aud": audience,
        "iat": int(time.time()),
        "exp": int(expires),
        "until": int(claims.expires),
        "views": list(claims.views),
        "pins": dict(claims.pins),
        "role": str(claims.role),
    }
    return jwt.encode(content, key, algorithm=_ALGORITHM)


def _claims(content: Mapping[str, Any]) -> Claims:
    views, pins = content.get("views", []), content.get("pins", {})
    if not views or isinstance(views, str) or not isinstance(pins, dict):
        raise ValueError("views or pins")
    is_ticket = content["aud"] == TICKET_AUDIENCE
    return Claims(
        tuple(str(view) for view in views),
        {str(name): str(value) for name, value in pins.items()},
        float(content["until"] if is_ticket else content["exp"]),
        role_named(str(content.get("role", "viewer"))),
    )
