"""Security headers of every response."""

import re
import secrets
from typing import Any

from dashboard.security.requests import Scope, header, is_secure

_HOST = re.compile(r"^[A-Za-z0-9.\-\[\]:]{1,255}$")
_ANCESTORS = re.compile(r"frame-ancestors[^;]*")
_PERMISSIONS = b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"
_STATIC = ("/static/", "/components/")
_YEAR = b"max-age=31536000"


def content_security_policy(scope: Scope, nonce: str, ancestors: str) -> str:
    """What a page may load and run: all from this server, scripts in the page only with the nonce."""
    host = header(scope, "host")
    socket = "wss" if is_secure(scope) else "ws"
    connect = f" {socket}://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval' blob:",
            "script-src-attr 'none'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self'{connect} blob: data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            ancestors,
        )
    )


class SecuredResponse:
    """Passes a response on with security headers.

    Attributes
    ----------
    nonce
        What the scripts in this page must carry to run.
    started
        Whether anything was passed on.
    """

    def __init__(self, scope: Scope, send: Any) -> None:
        self._scope, self._send = scope, send
        self.nonce = secrets.token_urlsafe(16)
        self.started = False

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": self._headers(message.get("headers", []))}
        await self._send(message)

    def _headers(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        if self._scope["path"].startswith(_STATIC):  # kept for everybody, so nothing of this request
            return [*given, (b"x-content-type-options", b"nosniff")]
        kept = [(key, value) for key, value in given if key.lower() != b"content-security-policy"]
        own = [value for key, value in given if key.lower() == b"content-security-policy"]
        found = _ANCESTORS.search(own[0].decode("latin-1")) if own else None
        ancestors = found[0].strip() if found else "frame-ancestors 'self'"
        policy = content_security_policy(self._scope, self.nonce, ancestors)
        kept += [
            (b"content-security-policy", policy.encode("latin-1")),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", _PERMISSIONS),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]
        if not found:
            kept.append((b"x-frame-options", b"SAMEORIGIN"))
        if is_secure(self._scope):
            kept.append((b"strict-transport-security", _YEAR))
        return kept
