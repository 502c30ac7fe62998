"""Where a copy comes from and goes to: addresses that are the same, demos that are spared, passwords."""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.copy_targets import FAMILIES, PORTS
from core.database import database_path, is_server, open_database, shown_url
from core.database.base import Database
from core.database.server.address import Address, parse_address
from core.database.server.address import with_password as sign_in_with
from core.database.server.mssql_address import AZURE
from core.database.spark.address import spark_address
from core.errors import DatabaseError

_EXAMPLE = "postgresql://user@host:5432/company"
_ANOTHER = "Give another address to copy to."
_FAMILIES = FAMILIES | {"sqlserver": "mssql"}


def file_of(url: str) -> Path | None:
    """The file or folder that an address names, be it there or not; ``None`` for a server.

    Raises
    ------
    DatabaseError
        The address names nothing that is known.
    """
    return None if is_server(url) else database_path(url)


def server_of(url: str) -> Address:
    """The parts of the address of a server, as they are read by what opens it: each kind has its own way.

    Raises
    ------
    DatabaseError
        The address cannot be understood.
    """
    if url.strip().partition(":")[0].lower() != "sc":
        return parse_address(url, _EXAMPLE)
    spark = spark_address(url)
    where = "/".join((spark.catalog, spark.schema, spark.tables))
    return Address("sc", "", spark.host, spark.port, where, "")


def identity(url: str) -> str:
    """A text that is the same for all addresses of one database, without a password.

    Raises
    ------
    DatabaseError
        The address cannot be understood.
    """
    file = file_of(url)
    if file is not None:
        return f"file {os.path.realpath(file.absolute())}"
    address = server_of(url)
    return f"{_place(address)} {address.database}"


def with_password(url: str, password: str, known: str = "") -> str:
    """``url`` with ``password`` for its user, if it names a server and has no password itself.

    Parameters
    ----------
    known
        The address that ``SALES_DATABASE_PASSWORD`` is for: servers elsewhere are never sent that one.

    Raises
    ------
    DatabaseError
        There is a password, but no user that it could be for.
    """
    if file_of(url) is not None:
        return url
    address = server_of(url)
    if address.password is not None:
        return url
    if not address.user:
        if password:
            raise DatabaseError(
                f"{shown_url(url)} names no user for the password.", f"Give an address such as {_EXAMPLE}"
            )
        return url
    if not password and known and is_server(known) and _place(server_of(known)) == _place(address):
        return url
    return sign_in_with(url, password)


def check_typed(url: str, known: str = "") -> None:
    """Check that an address that somebody typed in a browser takes nothing from the server that opens it.

    The server's own sign-in by Entra ID goes to Azure only, or to where its own database is; its token for
    Spark goes only there; and the ODBC driver, a library that the server runs, is not theirs to choose.

    Parameters
    ----------
    known
        The address of the server's own database.

    Raises
    ------
    DatabaseError
        The address asks for either.
    """
    if file_of(url) is not None:
        return
    address = server_of(url)
    ours = bool(known) and is_server(known) and _place(server_of(known)) == _place(address)
    if address.scheme == "sc" and not ours and ";token=" not in url and _has_password():
        raise DatabaseError(
            f"{shown_url(url)} names no token, and the server's own is for its own database only.",
            "Give an address such as sc://host:15002/;token=…;use_ssl=true",
        )
    if _FAMILIES.get(address.scheme, address.scheme) != "mssql":
        return
    if any(name.lower() == "driver" for name in address.options):
        raise DatabaseError("The driver cannot be chosen here.", "Leave it out of the address.")
    if not address.user and not address.host.lower().endswith(AZURE) and not ours:
        raise DatabaseError(
            f"{shown_url(url)} names no user, and the server's own sign-in is for Azure only.",
            "Give an address such as mssql://user@host:1433/company",
        )


def _has_password() -> bool:
    """Whether this server has a password that it would send by itself."""
    from core.settings import read_settings

    return bool(read_settings().database_password)


def _place(address: Address) -> str:
    """Kind of server, host and port."""
    family = _FAMILIES.get(address.scheme, address.scheme)
    host = address.host.lower().replace("localhost", "127.0.0.1")
    return f"{family} {host}:{address.port or PORTS.get(family, 0)}"


def check_places(source: str, target: str, demo: Path | None) -> None:
    """Check that a copy may go from ``source`` to ``target``.

    Parameters
    ----------
    demo
        The file of the demo company, which is never written to.

    Raises
    ------
    DatabaseError
        They are the same, the target is the demo, or its folder is not there.
    """
    if identity(source) == identity(target):
        raise DatabaseError(f"{shown_url(target)} would be copied to itself.", _ANOTHER)
    file = file_of(target)
    if file is None:
        return
    if demo is not None and os.path.realpath(file) == os.path.realpath(demo):
        raise DatabaseError("The demo company is never written to.", _ANOTHER)
    if not file.absolute().parent.is_dir():
        raise DatabaseError(
            f"There is no folder {file.absolute().parent} for the copy.",
            f"Create it: mkdir -p {file.absolute().parent}",
        )
    ours = file_of(source)
    if ours is not None and ours.is_dir() and file.absolute().is_relative_to(ours.absolute()):
        raise DatabaseError(f"{file.name} lies within the folder that is copied.", _ANOTHER)


def open_target(url: str) -> Database:
    """The database at ``url`` for writing; a folder of Parquet files is made.

    Raises
    ------
    DatabaseError
        It cannot be opened.
    """
    file = file_of(url)
    if file is not None and url.strip().lower().startswith("parquet:"):
        try:
            file.mkdir(exist_ok=True)
        except OSError as error:
            raise DatabaseError(
                f"The folder {file} cannot be made: {error.strerror}.", "Choose another."
            ) from error
    return open_database(url, read_only=False)


def is_there(url: str) -> bool:
    """Whether there is something at ``url`` already; servers are always there."""
    file = file_of(url)
    return file is None or file.exists()


@contextmanager
def alone(target: str) -> Iterator[None]:
    """Let only one copy at a time go to a database, of all processes of this person on this machine.

    Raises
    ------
    DatabaseError
        Another copy goes there.
    """
    person = os.getuid() if hasattr(os, "getuid") else "me"
    name = hashlib.sha256(identity(target).encode()).hexdigest()[:20]
    lock = Path(tempfile.gettempdir()) / f"sales-copy-{person}-{name}.lock"
    with closing(sqlite3.connect(lock, isolation_level=None, timeout=0)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise DatabaseError(
                f"Another copy to {shown_url(target)} is under way.", "Wait until it has ended, or end it."
            ) from error
        yield
