"""Which addresses mean a database server, and how they are opened."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from core.database.server.address import Address, parse_address
from core.database.server.database import ServerDatabase
from core.database.server.dialect import Dialect
from core.errors import DatabaseError

_POSTGRES = ("core.database.server.postgres:PostgresDialect", "postgresql://user@host:5432/company")
_MYSQL = ("core.database.server.mysql:dialect_for", "mysql://user@host:3306/company")
_MSSQL = ("core.database.server.mssql:dialect_for", "mssql://user@host:1433/company")
_DATABRICKS = (
    "core.database.server.databricks:DatabricksDialect",
    "databricks://token@host?http_path=/sql/1.0/warehouses/id&catalog=main&schema=sales",
)
_SCHEMES: dict[str, tuple[str, str]] = {
    "postgresql": _POSTGRES,
    "postgres": _POSTGRES,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mssql": _MSSQL,
    "azuresql": _MSSQL,
    "databricks": _DATABRICKS,
}
"""By scheme: what makes the dialect (of the address, or of nothing), and an example."""
_DRIVERS = {
    **dict.fromkeys(("postgresql", "postgres"), ("", "psycopg")),
    **dict.fromkeys(("mysql", "mariadb"), ("", "pymysql")),
    "databricks": ("",),
}
"""What may follow ``+`` in a scheme; addresses of SQL Server are checked by its dialect."""


def open_server(url: str, *, read_only: bool) -> ServerDatabase:
    """The database at ``url``; nothing is asked of the server yet.

    Raises
    ------
    DatabaseError
        The address is not complete, has an unknown driver or option, or a package is not installed.
    """
    scheme = url.strip().partition(":")[0].partition("+")[0].lower()
    if scheme not in _SCHEMES:
        raise DatabaseError(
            f"Addresses that begin with {scheme}: cannot be opened here.", f"Known are {', '.join(_SCHEMES)}."
        )
    place, example = _SCHEMES[scheme]
    address = with_settings(parse_address(url, example))
    known = _DRIVERS.get(scheme)
    if known is not None and address.driver not in known:
        raise DatabaseError(
            f"No driver {address.driver} is known for {address.scheme} addresses.",
            f"Give an address such as {example}",
        )
    dialect = _dialect(place, address)
    if not dialect.capabilities.writable:
        from core.database.server.serverless import ServerlessDatabase

        return ServerlessDatabase(dialect, address, read_only=read_only)
    return ServerDatabase(dialect, address, read_only=read_only)


def with_settings(address: Address) -> Address:
    """``address`` with the password of the settings, where it names a user but no password."""
    if not address.user or address.password is not None:
        return address
    from core.settings import read_settings

    return replace(address, password=read_settings().database_password or None)


def _dialect(place: str, address: Address) -> Dialect:
    module, _, name = place.partition(":")
    make: Callable[..., Dialect] = getattr(import_module(module), name)
    return make() if isinstance(make, type) else make(address)
