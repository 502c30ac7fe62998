"""A small OpenID Connect provider on the loopback address, with keys of its own, as the tests need it."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


class Provider:
    """Signs everybody in at once, as the person that ``claims`` describes.

    Attributes
    ----------
    claims
        What the ID token says beside issuer, audience, nonce and times.
    spoil
        Changes the claims of the ID token before it is signed.
    signing_key
        The key it signs with; another one than ``key`` is not published.
    """

    client_id = "sales"
    client_secret = "of the provider"

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.signing_key = self.key
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}
        self.spoil: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider._authorized(dict(parse_qsl(parts.query))))
                    self.end_headers()
                elif parts.path == "/.well-known/openid-configuration":
                    self._say(200, provider._discovery())
                elif parts.path == "/keys":
                    self._say(200, provider._published())
                else:
                    self._say(200, {"signed": "out"})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._say(*provider._exchanged({key: values[0] for key, values in parse_qs(body).items()}))

            def _say(self, status: int, content: dict[str, Any]) -> None:
                packed = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(packed)))
                self.end_headers()
                self.wfile.write(packed)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1})
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reset(self, **claims: Any) -> None:
        """Sign people in as this person, honestly."""
        self.claims, self.spoil, self.signing_key, self.algorithm = claims, {}, self.key, "RS256"

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/signed-out",
        }

    def _published(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256"}]}

    def _authorized(self, query: dict[str, str]) -> str:
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def _exchanged(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        query = self._codes.pop(form.get("code", ""), None)
        if query is None:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        good = (
            challenge == query["code_challenge"]
            and form["redirect_uri"] == query["redirect_uri"]
            and form["client_id"] == self.client_id
            and form.get("client_secret") == self.client_secret
        )
        if not good:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": self.client_id, "sub": "1", "iat": now, "exp": now + 300,
            "nonce": query["nonce"],
        } | self.claims | self.spoil  # fmt: skip
        key: Any = self.signing_key if self.algorithm == "RS256" else b"k" * 32
        token = jwt.encode(claims, key if self.algorithm != "none" else None, self.algorithm, {"kid": "1"})
        return 200, {"id_token": token, "access_token": secrets.token_urlsafe(), "token_type": "Bearer"}
