"""Where the dashboard may copy a database to: what ``SALES_COPY_TARGETS`` names."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from core.errors import DatabaseError, SettingsError
from core.settings import Settings

EVERYWHERE = "*"
FAMILIES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "mssql",
    "azuresql": "mssql",
    "databricks": "databricks",
    "sc": "sc",
}
"""Schemes of servers, and which of them speak of the same kind of server."""
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433, "databricks": 443, "sc": 15002}
_SERVER = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?"
    r"(?P<host>(?:\*\.)?[a-z0-9._-]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>\d{1,5}))?/?",
    re.I,
)
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_REMEDY = "Write folders such as /data/copies, hosts such as db.example, *.example or db.example:5433, or *."


@dataclass(frozen=True)
class ServerPattern:
    """Servers that may be copied to.

    Attributes
    ----------
    family
        The kind of server; empty: any.
    host
        In lower case; ``*.example`` means every host below ``example``.
    port
        0: the usual one of its kind.
    """

    family: str
    host: str
    port: int = 0

    def covers(self, family: str, host: str, port: int) -> bool:
        """Whether a server is one of them."""
        name = plain_host(host)
        if not name or (self.family and family != self.family):
            return False
        if (port or PORTS.get(family, 0)) != (self.port or PORTS.get(family, 0)):
            return False
        return name.endswith(self.host[1:]) if self.host.startswith("*.") else name == self.host

    def __str__(self) -> str:
        scheme = f"{self.family}://" if self.family else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}{host}{f':{self.port}' if self.port else ''}"


@dataclass(frozen=True)
class CopyTargets:
    """What may be copied to; ``everywhere``, or what lies within ``folders`` and on ``servers``."""

    everywhere: bool = False
    folders: tuple[Path, ...] = ()
    servers: tuple[ServerPattern, ...] = ()

    def __str__(self) -> str:
        if self.everywhere:
            return "everywhere"
        named = [f"files in {folder}" for folder in self.folders] + [str(server) for server in self.servers]
        return ", ".join(named) or "nothing"


def copy_targets(settings: Settings) -> CopyTargets:
    """What ``settings`` permit.

    Raises
    ------
    SettingsError
        A part of ``SALES_COPY_TARGETS`` is neither a folder nor a server.
    """
    if EVERYWHERE in settings.copy_targets:
        return CopyTargets(everywhere=True)
    if not settings.copy_targets:
        return _usual(settings)
    folders = [Path(text) for text in settings.copy_targets if text.startswith("/")]
    servers = [_pattern(text) for text in settings.copy_targets if not text.startswith("/")]
    return CopyTargets(folders=tuple(folders), servers=tuple(servers))


def plain_host(host: str) -> str:
    """A host in lower case with one name for this machine; empty if no server can be called so."""
    name = host.lower().rstrip(".")
    if not _HOST.fullmatch(name):
        return ""
    return "127.0.0.1" if name in ("localhost", "::1") else name


def _usual(settings: Settings) -> CopyTargets:
    """Everywhere for whoever sits at this computer; else beside the data that the dashboard has already."""
    is_served_elsewhere = settings.public_url or settings.allowed_origins  # by a proxy on this computer
    is_here = settings.host == "localhost" or _is_loopback(settings.host)
    if settings.sign_in == "none" and is_here and not is_served_elsewhere:
        return CopyTargets(everywhere=True)
    return CopyTargets(folders=(settings.data_folder,), servers=_own_server(settings.database_url))


def _own_server(url: str) -> tuple[ServerPattern, ...]:
    """The server of an address; none if it is a file, or wrong, which whatever opens it will say."""
    from core.database import is_server
    from core.transfer.places import server_of

    if not is_server(url):
        return ()
    try:
        address = server_of(url)
    except DatabaseError:
        return ()
    host = plain_host(address.host)
    return (ServerPattern(FAMILIES[address.scheme], host, address.port or 0),) if host else ()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pattern(text: str) -> ServerPattern:
    found = _SERVER.fullmatch(text)
    scheme = (found["scheme"] or "").lower() if found else ""
    if found is None or int(found["port"] or 0) > 65535 or (scheme and scheme not in FAMILIES):
        raise SettingsError(
            f"SALES_COPY_TARGETS names {text!r}, which is neither a folder nor a server.", _REMEDY
        )
    host = found["host"].lower().strip("[]")
    return ServerPattern(
        FAMILIES.get(scheme, ""),
        host if host.startswith("*.") else plain_host(host),
        int(found["port"] or 0),
    )
