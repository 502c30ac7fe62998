"""A server that speaks SQL Server's protocol, for tests of the real driver: pysqlbridge over JSON files."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest
from sql_companies import Tables

USER, PASSWORD = "reader", "p;w}d{=' \"%@/:"


@dataclass(frozen=True)
class TdsServer:
    """Where it listens; ``log`` is everything that clients sent."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    def url(self, password: str = PASSWORD, options: str = "trust_server_certificate=yes") -> str:
        """The address of its database."""
        return f"mssql://{USER}:{quote(password, safe='')}@127.0.0.1:{self.port}/master?{options}"


@contextmanager
def tds_server(tables: Tables, folder: Path) -> Iterator[TdsServer]:
    """Serve the tables of a company; skips where the driver or the server is not installed."""
    pytest.importorskip("pyodbc", reason="needs unixODBC (Debian: libodbc2)", exc_type=ImportError)
    if find_spec("pysqlbridge") is None:
        pytest.skip("needs a server that speaks SQL Server's protocol: pip install pysqlbridge")
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    settings = {
        "tables": [{"name": name, "json": f"{name}.json"} for name in tables],
        "logins": [{"user": USER, "password": PASSWORD}],
    }
    (folder / "served.json").write_text(json.dumps(settings), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pysqlbridge.server", "--config", "served.json", "--port", str(port)]
    said = folder / "said.log"
    with said.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--log", "sent.log"], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(port, process, said)
        yield TdsServer(port, process, folder / "sent.log")
    finally:
        process.kill()
        process.wait(15)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", said: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        if "listening on" in said.read_text(encoding="utf-8"):
            return
        time.sleep(0.05)
    raise AssertionError(f"the server on port {port} did not start: {said.read_text(encoding='utf-8')}")
