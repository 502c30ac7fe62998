"""OpenID Connect: authorization code with PKCE with any provider that has a discovery document."""

import base64
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt

from core.errors import SettingsError
from core.settings import Settings
from dashboard.security.claims import SignInError

_SECONDS = 10.0
_KEPT_SECONDS = 3600.0
_LEEWAY_SECONDS = 60
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_REMEDY = "Try again; if it stays so, ask whoever runs the dashboard."


@dataclass(frozen=True)
class Begun:
    """A sign-in under way: what must come back with it."""

    state: str
    nonce: str
    verifier: str


def begin() -> Begun:
    """New random values for one sign-in."""
    return Begun(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))


class Provider:
    """One OpenID provider, by its issuer.

    Raises
    ------
    SettingsError
        Issuer or client id is missing, or the issuer is not an ``https`` address.
    """

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oauth_issuer.rstrip("/")
        self.client_id = settings.oauth_client_id
        self._client_secret = settings.oauth_client_secret
        if not self.issuer or not self.client_id:
            raise SettingsError(
                "Sign-in by OpenID Connect lacks its provider.",
                "Set SALES_OAUTH_ISSUER and SALES_OAUTH_CLIENT_ID.",
            )
        parts = urlsplit(self.issuer)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise SettingsError(
                f"SALES_OAUTH_ISSUER = {self.issuer!r} is not an https address.", "Give one with https://."
            )
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._known_until = 0.0
        self._keys: jwt.PyJWKClient | None = None

    def address(self, begun: Begun, redirect: str) -> str:
        """Where the browser is sent to sign in.

        Raises
        ------
        SignInError
            The provider does not answer.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "scope": "openid profile email",
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        where = str(self._discovered()["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    def claims(self, code: str, begun: Begun, redirect: str) -> dict[str, Any]:
        """What the provider says of the person who came back with ``code``.

        Raises
        ------
        SignInError
            The provider refuses the code or does not answer, or its ID token is not good: signature,
            issuer, audience, nonce and expiry are checked.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "client_id": self.client_id,
            "code_verifier": begun.verifier,
        }
        if self._client_secret:
            form["client_secret"] = self._client_secret
        try:
            answer = httpx.post(str(self._discovered()["token_endpoint"]), data=form, timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise SignInError("The sign-in provider does not answer.", _REMEDY) from error
        if answer.status_code != 200:
            raise SignInError("The sign-in provider did not accept the sign-in.", _REMEDY)
        try:
            token = str(answer.json()["id_token"])
        except (ValueError, KeyError, TypeError):
            raise SignInError("The sign-in provider sent no ID token.", _REMEDY) from None
        return self._checked(token, begun.nonce)

    def sign_out_address(self, back: str) -> str:
        """Where a browser is sent to sign out at the provider too; empty if it has no such page."""
        try:
            where = str(self._discovered().get("end_session_endpoint") or "")
        except SignInError:
            return ""
        query = urlencode({"client_id": self.client_id, "post_logout_redirect_uri": back})
        return f"{where}{'&' if '?' in where else '?'}{query}" if where else ""

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        try:
            assert self._keys is not None
            key = self._keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self.client_id,
                issuer=str(self._discovered()["issuer"]),
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise SignInError("The ID token of the sign-in provider is not good.", _REMEDY) from error
        parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        foreign = len(parties) > 1 and claims.get("azp") != self.client_id
        if foreign or not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise SignInError("The ID token of the sign-in provider is for somebody else.", _REMEDY)
        return claims

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            if time.monotonic() < self._known_until:
                return self._known
            try:
                where = f"{self.issuer}/.well-known/openid-configuration"
                found = httpx.get(where, timeout=_SECONDS).raise_for_status().json()
                missing = {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"} - found.keys()
            except (httpx.HTTPError, ValueError, AttributeError) as error:
                raise SignInError("The sign-in provider does not answer.", _REMEDY) from error
            if missing or str(found["issuer"]).rstrip("/") != self.issuer:
                raise SignInError("The sign-in provider's discovery document is not its own.", _REMEDY)
            self._keys = jwt.PyJWKClient(str(found["jwks_uri"]), timeout=int(_SECONDS))
            self._known, self._known_until = found, time.monotonic() + _KEPT_SECONDS
            return self._known
