"""From what a provider says of a person to the role they have here."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import SalesError, SettingsError
from core.roles import Person, Role, role_named
from core.settings import Settings
from dashboard.security.requests import Scope, header

_NAME_CLAIMS = (
    "preferred_username",
    "upn",
    "email",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "name",
    "sub",
)


class SignInError(SalesError):
    """Somebody cannot be let in."""


class RoleNames:
    """Which values of the role claim mean which role.

    Raises
    ------
    SettingsError
        ``SALES_ROLE_NAMES`` holds something else than VALUE=ROLE.
    """

    def __init__(self, settings: Settings) -> None:
        self.claim = settings.oauth_role_claim
        self.default = role_named(settings.default_role) if settings.default_role else None
        self.by_value = {role.name.lower(): role for role in Role}
        for text in settings.role_names:
            value, _, name = text.rpartition("=")
            try:
                self.by_value[value.strip().lower()] = role_named(name)
            except ValueError as error:
                raise SettingsError(
                    f"{text!r} in SALES_ROLE_NAMES cannot be used: {error}.",
                    "Write VALUE=ROLE, such as Sales.Admin=admin.",
                ) from None

    def role(self, values: Iterable[str]) -> Role | None:
        """The highest role that any of the values means, or the default one."""
        found = [self.by_value[value.lower()] for value in values if value.lower() in self.by_value]
        return max(found, default=self.default)


def person_of_claims(claims: Mapping[str, Any], names: RoleNames) -> tuple[str, Role]:
    """Name and role of the person of whom an ID token speaks.

    Raises
    ------
    SignInError
        They have no role here.
    """
    said = claims.get(names.claim, ())
    values = [said] if isinstance(said, str) else [str(value) for value in said or ()]
    name = next((str(claims[claim]) for claim in _NAME_CLAIMS if claims.get(claim)), "")
    role = names.role(values)
    if not name or role is None:
        raise SignInError(
            f"{name or 'This account'} has no role in the sales dashboard.",
            "Ask whoever runs the dashboard for the role viewer, analyst or admin.",
        )
    return name[:200], role


def person_of_principal(scope: Scope, names: RoleNames) -> Person | None:
    """The person whom the built-in sign-in of Azure Container Apps put into the headers of a request.

    Only to be asked about requests of a trusted proxy. None if the headers are missing or cannot be read.
    """
    packed = header(scope, "x-ms-client-principal")
    if not packed or len(packed) > 100_000:
        return None
    try:
        principal = json.loads(base64.b64decode(packed, validate=True))
        claims: dict[str, list[str]] = {}
        for claim in principal.get("claims") or ():
            claims.setdefault(str(claim["typ"]), []).append(str(claim["val"]))
        role_claims = {names.claim, str(principal.get("role_typ") or names.claim)}
        name_claim = str(principal.get("name_typ") or "")
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError):
        return None
    values = [value for claim in role_claims for value in claims.get(claim, ())]
    role = names.role(values)
    name = header(scope, "x-ms-client-principal-name") or next(
        (claims[claim][0] for claim in (name_claim, *_NAME_CLAIMS) if claims.get(claim)), ""
    )
    return Person(name[:200], role, f"proxy:{name}") if name and role is not None else None
