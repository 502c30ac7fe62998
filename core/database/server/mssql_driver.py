"""Microsoft's ODBC driver: found where the system knows it, or else in the package that carries it."""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.database.server.mssql_address import DRIVER_NAME
from core.errors import DatabaseError

_PACKAGE = "mssql_python_odbc"
_FLAVOURS = {"debian": "debian_ubuntu", "ubuntu": "debian_ubuntu", "suse": "suse", "alpine": "alpine"}


def pyodbc() -> Any:
    """The module ``pyodbc``, set up to leave pooling to us.

    Raises
    ------
    DatabaseError
        It or the library that it needs is missing; names the package to install.
    """
    try:
        import pyodbc as module
    except ImportError as error:
        if "libodbc" in str(error):
            raise DatabaseError(
                "The library libodbc.so.2, which SQL Server is reached through, is missing.",
                "Install the package libodbc2 (Debian, Ubuntu: apt-get install libodbc2 libgssapi-krb5-2).",
            ) from None
        raise DatabaseError(
            "The Python package pyodbc, which SQL Server is reached through, is missing.",
            "Install it: pip install pyodbc",
        ) from None
    module.pooling = False
    module.native_uuid = False
    return module


@cache
def driver() -> str:
    """The driver for a connection string: its registered name, or the library of the installed package.

    Raises
    ------
    DatabaseError
        There is none.
    """
    if DRIVER_NAME in pyodbc().drivers():
        return DRIVER_NAME
    library = carried_library()
    if library is None:
        raise DatabaseError(
            f"The {DRIVER_NAME} is not installed.",
            "Install Microsoft's package msodbcsql18, or the Python package mssql-python, which carries it.",
        )
    return str(library)


def carried_library() -> Path | None:
    """The driver's library inside the installed package, for this system; ``None`` if there is none."""
    spec = find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        found = sorted((Path(place) / "libs").glob(f"linux/*/{os.uname().machine}/lib/libmsodbcsql-*.so*"))
        flavour = _FLAVOURS.get(_distribution(), "debian_ubuntu")
        found.sort(key=lambda file: flavour not in file.parts)
        if found:
            return found[0]
    return None


def _distribution() -> str:
    """The name of the Linux distribution, or of the one it is made of."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return ""
    entries = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    for name in f"{entries.get('ID', '')} {entries.get('ID_LIKE', '')}".replace('"', "").split():
        if name in _FLAVOURS:
            return name
    return ""
