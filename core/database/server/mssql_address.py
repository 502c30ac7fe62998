"""Addresses of SQL Server, Azure SQL and Synapse, and the ODBC connection strings made of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from core.database.server.address import Address
from core.errors import DatabaseError

SCHEMES = ("mssql", "mssql+pyodbc", "azuresql")
DRIVER_NAME = "ODBC Driver 18 for SQL Server"

_EXAMPLE = "Give an address such as mssql://user:password@host:1433/database or azuresql://host/database"
_HOST = re.compile(r"[A-Za-z0-9_.-]+(?:\\[A-Za-z0-9_$#-]+)?|[0-9A-Fa-f:.]+")
AZURE = (
    *(".database.windows.net", ".sql.azuresynapse.net", ".database.fabric.microsoft.com"),
    *(".database.usgovcloudapi.net", ".database.chinacloudapi.cn"),
)
_YES_OR_NO = dict.fromkeys(("true", "1", "on"), "yes") | dict.fromkeys(("false", "0", "off"), "no")
_OPTIONS = {
    "encrypt": "yes (the default), strict or no",
    "trust_server_certificate": "yes or no (the default)",
    "hostname_in_certificate": "the host name that the server's certificate bears",
    "login_timeout": "seconds for signing in, 1 to 300",
    "query_timeout": "seconds for one statement, 0 to 86400; 0: no limit",
    "authentication": "password or entra",
    "client_id": "client id of a user-assigned managed identity",
    "application_intent": "ReadOnly or ReadWrite (the default)",
    "driver": "name of an installed ODBC driver, or the file of one",
}


@dataclass(frozen=True)
class MssqlAddress:
    """Where a database of the SQL Server family is and how to sign in.

    ``user`` is empty for Entra ID; ``client_id`` names a user-assigned managed identity then. The password
    never shows in the text of the object.
    """

    host: str
    port: int = 1433
    database: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    encrypt: str = "yes"
    trust_server_certificate: bool = False
    hostname_in_certificate: str = ""
    login_timeout: int = 15
    query_timeout: int = 0
    application_intent: str = "ReadWrite"
    driver: str = ""

    @property
    def uses_entra(self) -> bool:
        """Whether a token of Entra ID takes the place of user and password."""
        return not self.user

    @property
    def profile(self) -> str:
        """``dedicated`` or ``serverless`` for the two pools of Synapse, else ``server``; by host name."""
        host = self.host.lower()
        if host.endswith("-ondemand.sql.azuresynapse.net"):
            return "serverless"
        return "dedicated" if host.endswith(".sql.azuresynapse.net") else "server"


def read_address(address: Address) -> MssqlAddress:
    """The parts of an address that name a database of this family.

    Parameters
    ----------
    address
        Of ``mssql://user:password@host:1433/database?option=value``, also with the scheme ``mssql+pyodbc``;
        ``azuresql://host/database`` signs in by Entra ID, as hosts of Azure do that are named without a user.

    Raises
    ------
    DatabaseError
        A part is missing or cannot be used; says which, never the password.
    """
    if address.driver not in ("", "pyodbc"):
        raise DatabaseError(f"The driver {_shown(address.driver)} is not used for SQL Server.", _EXAMPLE)
    options = _options(address.options)
    host = address.host
    if not _HOST.fullmatch(host):
        raise DatabaseError("The host of the address has characters that no host name has.", _EXAMPLE)
    if not address.database:
        raise DatabaseError(f"The address of {host} names no database.", _EXAMPLE)
    password = address.password or ""
    for what, text in (("database", address.database), ("user", address.user), ("password", password)):
        _require_plain(what, text)
    _check_sign_in(address, options.get("authentication", ""))
    return MssqlAddress(
        host=host,
        port=address.port or 1433,
        database=address.database,
        user=address.user,
        password=password if address.user else "",
        client_id=options.get("client_id", ""),
        encrypt=_one_of(options, "encrypt", ("yes", "strict", "no"), "yes"),
        trust_server_certificate=_one_of(options, "trust_server_certificate", ("yes", "no"), "no") == "yes",
        hostname_in_certificate=options.get("hostname_in_certificate", ""),
        login_timeout=_whole(options, "login_timeout", 15, 1, 300),
        query_timeout=_whole(options, "query_timeout", 0, 0, 86_400),
        application_intent=_one_of(options, "application_intent", ("ReadOnly", "ReadWrite"), "ReadWrite"),
        driver=options.get("driver", ""),
    )


def connection_string(address: MssqlAddress, driver: str = DRIVER_NAME) -> str:
    """What ODBC connects with; with Entra ID it holds neither user nor password.

    Parameters
    ----------
    driver
        Name of a registered driver or path of its library; that of the address comes first.
    """
    server = f"[{address.host}]" if ":" in address.host else address.host
    where = f"tcp:{server},{address.port}" if "\\" not in address.host else address.host
    pairs = [
        ("DRIVER", address.driver or driver),
        ("SERVER", where),
        ("DATABASE", address.database),
        ("Encrypt", address.encrypt),
        ("TrustServerCertificate", "yes" if address.trust_server_certificate else "no"),
        ("APP", "sales-dashboard"),
    ]
    if address.hostname_in_certificate:
        pairs.append(("HostnameInCertificate", address.hostname_in_certificate))
    if address.application_intent != "ReadWrite":
        pairs.append(("ApplicationIntent", address.application_intent))
    if address.user:
        pairs += [("UID", address.user), ("PWD", address.password)]
    return ";".join(f"{key}={braced(value)}" for key, value in pairs)


def braced(value: str) -> str:
    """``value`` in braces, so that nothing in it ends the value or begins another key."""
    return "{" + value.replace("}", "}}") + "}"


def _check_sign_in(address: Address, authentication: str) -> None:
    host, user, asked = address.host, address.user, authentication.lower()
    if asked not in ("", "entra", "password"):
        raise _unfit("authentication", authentication)
    if user and asked == "entra":
        raise DatabaseError(
            f"The address of {host} names a user and asks for Entra ID.", "Leave out one of them."
        )
    if user and not address.password:
        raise DatabaseError(
            f"The address of {host} names the user {user} but no password.",
            "Set SALES_DATABASE_PASSWORD, or leave out the user to sign in by Entra ID.",
        )
    by_entra = asked == "entra" or (
        not asked and (address.scheme == "azuresql" or host.lower().endswith(AZURE))
    )
    if not user and not by_entra:
        raise DatabaseError(
            f"The address of {host} names no user.",
            "Write mssql://user:password@host/database, or azuresql://host/database for Entra ID.",
        )


def _options(given: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in given.items():
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower().replace("-", "_")
        if name not in _OPTIONS:
            near = get_close_matches(name, list(_OPTIONS), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known options: {', '.join(sorted(_OPTIONS))}."
            raise DatabaseError(f"The address has the unknown option {_shown(key)!r}.", hint)
        _require_plain(name, value)
        found[name] = value
    return found


def _require_plain(what: str, text: str) -> None:
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text):
        raise DatabaseError(
            f"The {what} in the address has a control character.", "Percent-encode it as UTF-8, without any."
        )


def _one_of(options: Mapping[str, str], name: str, values: tuple[str, ...], default: str) -> str:
    text = options.get(name, default).lower()
    meant = _YES_OR_NO.get(text, text)
    for value in values:
        if meant == value.lower():
            return value
    raise _unfit(name, text)


def _whole(options: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = options.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise _unfit(name, text)
    return int(text)


def _unfit(name: str, value: str) -> DatabaseError:
    return DatabaseError(
        f"The option {name} of the address is {_shown(value)!r}.", f"Expected: {_OPTIONS[name]}."
    )


def _shown(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
