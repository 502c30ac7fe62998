"""Addresses of database servers: ``postgresql://user:password@host:port/database?option=value``."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from core.errors import DatabaseError

_SHAPE = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)$", re.S)


@dataclass(frozen=True)
class Address:
    """Where a database is and who asks; the password is never shown.

    ``password`` is ``None`` where the address gives none; ``driver`` is what follows ``+`` in the scheme.
    """

    scheme: str
    driver: str
    host: str
    port: int | None
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def shown(self) -> str:
        """The address without password and options."""
        port = f":{self.port}" if self.port else ""
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{self.host}{port}/{self.database}"

    @property
    def place(self) -> str:
        """Host and port, for sentences."""
        return f"{self.host}:{self.port}" if self.port else self.host


def parse_address(url: str, example: str) -> Address:
    """The parts of an address; user, password and database name may be percent-encoded.

    Raises
    ------
    DatabaseError
        It names no host or no database, or the port is none. The text itself is never repeated.
    """
    remedy = f"Give an address such as {example}"
    match = _SHAPE.match(url.strip())
    if match is None:
        raise DatabaseError("The database address cannot be understood.", remedy)
    scheme, _, driver = match["scheme"].lower().partition("+")
    user, password, rest = _sign_in(match["rest"])
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise DatabaseError(f"The {scheme} address has no usable host and port.", remedy) from None
    if not host:
        raise DatabaseError(f"The {scheme} address names no host.", remedy)
    database = unquote(parts.path.lstrip("/"))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Address(scheme, driver, host, port, database, user, password, options)


def with_password(url: str, password: str) -> str:
    """``url`` with a password for its user; unchanged if it names no user or has one already."""
    match = _SHAPE.match(url)
    if match is None or "@" not in match["rest"].split("?", 1)[0]:
        return url
    sign_in, _, place = match["rest"].rpartition("@") if "?" not in match["rest"] else _cut(match["rest"])
    if ":" in sign_in:
        return url
    return f"{match['scheme']}://{sign_in}:{quote(password, safe='')}@{place}"


def _cut(rest: str) -> tuple[str, str, str]:
    before, mark, options = rest.partition("?")
    sign_in, at, place = before.rpartition("@")
    return sign_in, at, place + mark + options


def _sign_in(rest: str) -> tuple[str, str | None, str]:
    """User, password and what follows; a password may hold ``@`` and ``/`` as they are."""
    sign_in, at, place = _cut(rest)
    if not at:
        return "", None, rest
    user, colon, password = sign_in.partition(":")
    return unquote(user), unquote(password) if colon else None, place
