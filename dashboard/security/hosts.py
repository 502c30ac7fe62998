"""Names under which the server is asked for, and who hears details of what went wrong.

Where nobody signs in, a page of another site could read everything by letting its own name lead to this
machine (DNS rebinding): the browser of somebody on it then takes the server for that site. Such a page cannot
change the name that the browser asks for, so other names than those of the settings are refused. Addresses
are never refused: nobody can redirect them.
"""

import ipaddress
import re
from fnmatch import fnmatchcase

from core.settings import Settings
from dashboard.security.requests import FORWARDED, Scope, address, header

_LOOPBACK = ("localhost", "::1")
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s\[\]/@:?#\\]+))(?::\d+)?", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether an address or name is that of this machine for itself."""
    return host in _LOOPBACK or host.startswith(("127.", "::ffff:127."))


class ServedHosts:
    """The names of one server.

    Where people sign in, any name will do: their cookies go to the server's own name only. So it is on an
    address that others reach without sign-in, unless the settings name a host.
    """

    def __init__(self, settings: Settings) -> None:
        named = [settings.public_url.partition("://")[2], *settings.allowed_origins]
        names = {host_name(host) for host in named if host_name(host)}
        local = is_loopback(settings.host)
        self._any = settings.sign_in != "none" or "*" in names or not (local or names)
        self._names = names | {"localhost", settings.host.lower()}

    def serves(self, scope: Scope) -> bool:
        """Whether a request asks for one of them."""
        if self._any:
            return True
        name = host_name(header(scope, "host"))
        if not name:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return any(fnmatchcase(name, known) for known in self._names)
        return True


def hears_details(scope: Scope, settings: Settings) -> bool:
    """Whether a request comes from this machine, where nobody signs in and no proxy is between."""
    if settings.sign_in != "none" or settings.public_url or not is_loopback(address(scope)):
        return False
    forwarded = scope.get("was_forwarded") or any(key.lower() in FORWARDED for key, _ in scope["headers"])
    return not forwarded and ServedHosts(settings).serves(scope)


def host_name(host: str) -> str:
    """A host without its port, in lower case; empty if it is none."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower().rstrip(".") if found else ""
