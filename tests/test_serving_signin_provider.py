"""Signing in with a provider: OpenID Connect on a real one of our own, and headers of a proxy in front."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from playwright.sync_api import Page, expect

from core.errors import SettingsError
from core.settings import Settings
from dashboard.security.checks import check_settings
from dashboard.security.requests import Proxies, header
from tests.conftest import RunningServer, ServeFunction
from tests.oidc_provider import Provider
from tests.wire import Wire, visitor


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


@pytest.fixture(scope="module")
def server(serve: ServeFunction, provider: Provider) -> RunningServer:
    return serve(
        SALES_SIGN_IN="oauth",
        SALES_OAUTH_ISSUER=provider.issuer,
        SALES_OAUTH_CLIENT_ID=provider.client_id,
        SALES_OAUTH_CLIENT_SECRET=provider.client_secret,
        SALES_ROLE_NAMES="Sales.Admin=admin,Sales.Readers=viewer",
        SALES_RATE_LIMITS="login=200",
    )


def through(server: RunningServer) -> tuple[httpx.Client, httpx.Response]:
    """A client that went to the provider and back; the answer to its coming back."""
    client = visitor(server.url)
    away = client.get("/sign-in", params={"back": "/?page=churn"})
    assert away.status_code == 303, away.text
    back = httpx.get(away.headers["location"], trust_env=False).headers["location"]
    return client, client.get(back)


def test_a_person_comes_back_signed_in(
    server: RunningServer, provider: Provider, watched: Callable[..., Page]
) -> None:
    provider.reset(preferred_username="vera@company.example", roles=["Sales.Readers"])
    page = watched(server.url + "/?page=explore")
    expect(page.get_by_role("button", name="Signed in as vera@company.example")).to_be_visible(timeout=30_000)
    assert "page=explore" in page.url
    page.get_by_role("button", name="Signed in as").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(provider.issuer + "/signed-out?*")
    query = dict(parse_qsl(urlsplit(page.url).query))
    assert query == {"client_id": "sales", "post_logout_redirect_uri": server.url}


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "a@x.example", "roles": ["Sales.Admin", "Sales.Readers"]}, "admin"),
        ({"email": "b@x.example", "roles": "analyst"}, "analyst"),
        ({"sub": "77", "roles": ["Sales.Readers", "Others"]}, "viewer"),
    ],
)
def test_the_highest_role_counts(
    server: RunningServer, provider: Provider, claims: dict[str, Any], role: str
) -> None:
    provider.reset(**claims)
    client, answer = through(server)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?page=churn")
    with Wire(client) as wire:
        assert f"'{role}'" in wire.told("Account")


def test_who_has_no_role_is_not_let_in(server: RunningServer, provider: Provider) -> None:
    provider.reset(email="guest@x.example", roles=["Others"])
    client, answer = through(server)
    assert answer.status_code == 403
    assert "guest@x.example has no role" in answer.text
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    "spoil",
    [
        {"iss": "https://evil.example"},
        {"aud": "another application"},
        {"aud": ["sales", "another application"], "azp": "another application"},
        {"nonce": "of somebody else"},
        {"exp": int(time.time()) - 3600},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 7200},
    ],
    ids=lambda spoil: next(iter(spoil)),
)
def test_an_id_token_that_is_not_for_us_lets_nobody_in(
    server: RunningServer, provider: Provider, spoil: dict[str, Any]
) -> None:
    provider.reset(email="a@x.example", roles=["Sales.Admin"])
    provider.spoil = spoil
    client, answer = through(server)
    assert answer.status_code == 403
    assert "The ID token" in answer.text
    assert "sales_session" not in client.cookies


@pytest.mark.parametrize("kind", ["another key", "HS256", "none"])
def test_an_id_token_that_the_provider_did_not_sign_lets_nobody_in(
    server: RunningServer, provider: Provider, kind: str
) -> None:
    provider.reset(email="a@x.example", roles=["Sales.Admin"])
    if kind == "another key":
        provider.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        provider.algorithm = kind
    client, answer = through(server)
    assert answer.status_code == 403
    assert "sales_session" not in client.cookies


def test_a_code_works_once_and_only_for_who_began(server: RunningServer, provider: Provider) -> None:
    provider.reset(email="a@x.example", roles=["Sales.Admin"])
    began, other = visitor(server.url), visitor(server.url)
    away = began.get("/sign-in").headers["location"]
    assert "code_challenge=" in away
    back = httpx.get(away, trust_env=False).headers["location"]
    assert other.get(back).status_code == 400, "the state is bound to the browser that began"
    assert began.get(re.sub(r"state=[^&]+", "state=other", back)).status_code == 400
    assert began.get(back).status_code == 303
    assert began.get(back).status_code == 400


def test_the_log_holds_neither_codes_nor_tokens(server: RunningServer, provider: Provider) -> None:
    log = server.log()
    assert provider.client_secret not in log
    assert "eyJ" not in log
    assert "code=" not in log
    assert "Traceback" not in log


def test_an_absent_provider_is_a_clear_page(serve: ServeFunction) -> None:
    server = serve(
        SALES_SIGN_IN="oauth", SALES_OAUTH_ISSUER="http://127.0.0.1:9", SALES_OAUTH_CLIENT_ID="sales"
    )
    answer = visitor(server.url).get("/sign-in")
    assert answer.status_code == 502
    assert "The sign-in provider does not answer." in answer.text


def principal(name: str, *roles: str) -> dict[str, str]:
    """The headers that the built-in sign-in of Azure Container Apps puts on a request."""
    claims = [{"typ": "preferred_username", "val": name}, *({"typ": "roles", "val": role} for role in roles)]
    packed = base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()
    return {"x-ms-client-principal": packed, "x-ms-client-principal-name": name}


@pytest.fixture(scope="module")
def behind_proxy(serve: ServeFunction) -> RunningServer:
    return serve(SALES_SIGN_IN="proxy", SALES_TRUSTED_PROXIES="127.0.0.1", SALES_DEFAULT_ROLE="viewer")


def test_the_proxy_says_who_comes(behind_proxy: RunningServer) -> None:
    client = visitor(behind_proxy.url)
    assert client.get("/").status_code == 403
    answer = client.get("/", headers=principal("ann@x.example", "analyst") | {"x-forwarded-proto": "https"})
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]
    assert "wss://" in answer.headers["content-security-policy"]
    assert client.get("/", headers=principal("guest@x.example")).status_code == 200
    assert client.get("/", headers={"x-ms-client-principal": "%%%"}).status_code == 403
    upload = client.post("/data/upload", content=b"x", headers=principal("ann@x.example", "analyst"))
    assert (upload.status_code, "admin" in upload.text) == (403, True)


def test_a_client_that_claims_to_be_the_proxy_is_nobody(serve: ServeFunction) -> None:
    server = serve(SALES_SIGN_IN="proxy", SALES_TRUSTED_PROXIES="10.1.2.3,10.9.0.0/16")
    headers = principal("eve@x.example", "admin") | {
        "x-forwarded-for": "10.1.2.3",
        "x-forwarded-proto": "https",
        "forwarded": "for=10.1.2.3",
    }
    answer = visitor(server.url).get("/", headers=headers)
    assert answer.status_code == 403
    assert "strict-transport-security" not in answer.headers


def test_forwarded_headers_are_believed_of_proxies_only() -> None:
    proxies = Proxies(["10.0.0.0/8"])

    def resolved(peer: str, **headers: str) -> dict[str, Any]:
        sent = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        return proxies.resolved(
            {"type": "http", "scheme": "http", "client": (peer, 1), "headers": sent, "state": {}}
        )

    told = {"x_forwarded_proto": "https", "x_forwarded_for": "6.6.6.6, 8.8.8.8:4711, 10.2.2.2"}
    believed = resolved("10.0.0.1", **told)
    assert (believed["scheme"], believed["client"][0]) == ("https", "8.8.8.8")
    stranger = resolved("8.8.4.4", **told)
    assert (stranger["scheme"], stranger["client"][0], stranger["headers"]) == ("http", "8.8.4.4", [])
    assert header(resolved("8.8.4.4", x_ms_client_principal="x"), "x-ms-client-principal") == ""
    twice = {"headers": [(b"x-ms-client-principal", b"a"), (b"x-ms-client-principal", b"b")]}
    assert header(twice, "x-ms-client-principal") == ""


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sign_in": "oauth"}, "lacks its provider"),
        ({"sign_in": "proxy"}, "lacks the proxy"),
        ({"trusted_proxies": ["the proxy"]}, "SALES_TRUSTED_PROXIES cannot be used"),
    ],
)
def test_half_a_configuration_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        check_settings(Settings(**settings))
