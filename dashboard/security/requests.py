"""What a request says of itself: headers, cookies, address and scheme, and whom to believe about them."""

import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from core.errors import SettingsError

Scope = dict[str, Any]
FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded")
"""Headers that only a proxy may set."""
_PRINCIPAL = b"x-ms-"


def header(scope: Scope, name: str) -> str:
    """The header of that name (lower case); empty if there is none, or if it was sent twice."""
    found = [value for key, value in scope["headers"] if key.lower() == name.encode()]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def cookie(scope: Scope, name: str) -> str:
    """The value of a cookie; empty if there is none."""
    jar: SimpleCookie = SimpleCookie()
    for key, value in scope["headers"]:
        if key.lower() == b"cookie":
            try:
                jar.load(value.decode("latin-1"))
            except CookieError:
                return ""
    return jar[name].value if name in jar else ""


def is_secure(scope: Scope) -> bool:
    """Whether the person's browser speaks TLS."""
    return scope.get("scheme") in ("https", "wss")


def address(scope: Scope) -> str:
    """The address that a request came from, as far as it is known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def network(where: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 network that an IPv6 client has for itself."""
    try:
        found = ipaddress.ip_address(where)
    except ValueError:
        return where
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def same_origin(scope: Scope, allowed_hosts: list[str]) -> bool:
    """Whether a request was sent by the dashboard's own pages, or those of an allowed host."""
    site, origin = header(scope, "sec-fetch-site"), header(scope, "origin")
    try:
        host = urlsplit(origin).netloc
    except ValueError:  # no browser sends such an origin
        return False
    if site and site not in ("same-origin", "none"):
        return host in allowed_hosts
    if not origin:
        return site == "same-origin"
    return host == header(scope, "host") or host in allowed_hosts


class Proxies:
    """The proxies in front of the server, which alone are believed about whom they speak for.

    Parameters
    ----------
    networks
        Their addresses or networks, such as ``10.0.0.0/8``.

    Raises
    ------
    SettingsError
        One is not an address.
    """

    def __init__(self, networks: list[str]) -> None:
        try:
            self._networks = [ipaddress.ip_network(text, strict=False) for text in networks]
        except ValueError as error:
            raise SettingsError(
                f"SALES_TRUSTED_PROXIES cannot be used: {error}.",
                "Give addresses or networks, such as 10.0.0.0/8, separated by commas.",
            ) from None

    def trusts(self, peer: str) -> bool:
        """Whether ``peer`` is one of the proxies."""
        try:
            found = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def resolved(self, scope: Scope) -> Scope:
        """The request as it is to be understood.

        From a proxy: with the scheme and address of the browser that it speaks for. From anybody else:
        without the headers that only a proxy may set.
        """
        scope = dict(scope)
        peer = address(scope)
        if not self.trusts(peer):
            scope["headers"] = [
                (key, value)
                for key, value in scope["headers"]
                if key.lower() not in FORWARDED and not key.lower().startswith(_PRINCIPAL)
            ]
            return scope
        scope["state"] = {**(scope.get("state") or {}), "proxy": peer}
        proto = header(scope, "x-forwarded-proto").split(",")[-1].strip().lower()
        if proto in ("http", "https"):
            is_socket = scope["type"] == "websocket"
            scope["scheme"] = {"http": "ws", "https": "wss"}[proto] if is_socket else proto
        hops = [hop.strip() for hop in header(scope, "x-forwarded-for").split(",") if hop.strip()]
        for hop in reversed(hops):  # the last one was added by the nearest proxy
            if not self.trusts(_bare(hop)):
                scope["client"] = (_bare(hop), 0)
                break
        return scope


def _bare(hop: str) -> str:
    """An address without its port."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
