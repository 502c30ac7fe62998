"""Tell unixODBC of the driver for SQL Server that an installed package carries."""

import platform
import sys
import sysconfig
from pathlib import Path

NAME = "ODBC Driver 18 for SQL Server"


def driver_library(packages: Path, machine: str) -> Path:
    """The driver's library for Debian on this kind of processor.

    Raises
    ------
    FileNotFoundError
        The package does not carry one.
    """
    kind = {"amd64": "x86_64", "aarch64": "arm64"}.get(machine, machine)
    for folder in packages.glob(f"mssql_python_odbc/libs/linux/debian_ubuntu/{kind}/lib"):
        for library in sorted(folder.glob("libmsodbcsql-18*.so*")):
            return library
    raise FileNotFoundError(f"mssql_python_odbc carries no driver for {machine}")


def entry(library: Path) -> str:
    """The lines of ``odbcinst.ini``."""
    return f"[{NAME}]\nDescription=Microsoft ODBC Driver 18 for SQL Server\nDriver={library}\nUsageCount=1\n"


if __name__ == "__main__":
    found = driver_library(Path(sysconfig.get_path("purelib")), platform.machine())
    Path(sys.argv[1]).write_text(entry(found), encoding="utf-8")
