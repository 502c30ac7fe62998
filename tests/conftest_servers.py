"""Private database servers for tests: PostgreSQL and MariaDB on free ports of 127.0.0.1, gone afterwards.

Debian's packages ``postgresql`` and ``mariadb-server`` supply the programs. Tests are skipped where they are
absent, or fail if ``SALES_TEST_REQUIRE_SERVERS`` is set.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pymysql
import pytest

PASSWORD = "s3cret/word"  # has to be percent-encoded in an address
ENCODED = "s3cret%2Fword"
_START_SECONDS = 60


@dataclass
class DatabaseServer:
    """A running server and its administrator.

    ``admin(sql, database)`` runs a statement as the administrator and gives the rows; ``fresh()`` makes an
    empty database and gives the address of a user who owns it.
    """

    engine: str
    port: int
    admin: Callable[..., list[tuple[object, ...]]]
    made: list[str] = field(default_factory=list)

    def fresh(self) -> str:
        """The address of a new empty database."""
        name = f"company_{len(self.made)}"
        self.made.append(name)
        if self.engine == "postgres":
            self.admin(f"CREATE DATABASE {name} OWNER seller")
        else:
            self.admin(f"CREATE DATABASE {name}")
            self.admin(f"GRANT ALL ON {name}.* TO 'seller'@'%'")
        return self.address(name)

    def address(self, database: str, user: str = "seller", password: str = ENCODED) -> str:
        """The address of a database for a user."""
        scheme = "postgresql" if self.engine == "postgres" else "mariadb"
        return f"{scheme}://{user}:{password}@127.0.0.1:{self.port}/{database}"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _program(name: str, *folders: str) -> str:
    places = [str(path) for pattern in folders for path in sorted(Path("/").glob(pattern), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        what = f"{name} is not installed (Debian packages postgresql and mariadb-server)"
        if os.environ.get("SALES_TEST_REQUIRE_SERVERS"):
            pytest.fail(what)
        pytest.skip(what)
    return found


def _folder(user: str) -> Path:
    """A folder that the server's own user can use, since neither server runs as root."""
    folder = Path(tempfile.mkdtemp(prefix="sales-test-"))
    if os.getuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def _as(user: str) -> dict[str, object]:
    """Whom a program runs as."""
    if os.getuid() != 0:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _run(command: Sequence[str], user: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **_as(user))
    if done.returncode:
        pytest.fail(f"{command} failed: {done.stdout}{done.stderr}")


def _wait(process: subprocess.Popen[bytes], log: Path, answers: Callable[[], object]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with suppress(Exception):  # not yet
            answers()
            return
        time.sleep(0.1)
    pytest.fail(f"the database server did not start: {log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.send_signal(signal.SIGINT if process.args[0].endswith("postgres") else signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[DatabaseServer]:
    """A PostgreSQL cluster of its own."""
    initdb = _program("initdb", "usr/lib/postgresql/*/bin")
    server = _program("postgres", "usr/lib/postgresql/*/bin")
    folder, port = _folder("postgres"), free_port()
    data, secret, log = folder / "data", folder / "secret", folder / "log"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    signing = ["-A", "scram-sha-256", "-U", "postgres", f"--pwfile={secret}"]
    making = [initdb, "-D", str(data), *signing, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    _run(making, "postgres")
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "max_connections": "60",
        "shared_buffers": "32MB",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [server, "-D", str(data), "-p", str(port), *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd="/", **_as("postgres"))

    def admin(sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        place = {"host": "127.0.0.1", "port": port, "user": "postgres", "password": PASSWORD}
        with psycopg.connect(dbname=database, autocommit=True, **place) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    try:
        _wait(process, log, lambda: admin("SELECT 1"))
        admin(f"CREATE ROLE seller LOGIN PASSWORD '{PASSWORD}'")
        yield DatabaseServer("postgres", port, admin)
    finally:
        _end(process, folder)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[DatabaseServer]:
    """A MariaDB server of its own."""
    install = _program("mariadb-install-db")
    server = _program("mariadbd", "usr/sbin")
    folder, port = _folder("mysql"), free_port()
    data, socket_file, log = folder / "data", folder / "socket", folder / "log"
    making = [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    _run([*making, "--skip-test-db"], "mysql")
    options = [
        "--no-defaults", f"--datadir={data}", f"--port={port}", f"--socket={socket_file}",
        "--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2",
        "--innodb-buffer-pool-size=48M", "--max-allowed-packet=64M",
    ]  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen([server, *options], stdout=out, stderr=out, cwd="/", **_as("mysql"))

    def admin(sql: str, database: str = "mysql") -> list[tuple[object, ...]]:
        with (
            pymysql.connect(
                unix_socket=str(socket_file), user="root", database=database, autocommit=True
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    try:
        _wait(process, log, lambda: socket_file.stat() and admin("SELECT 1"))
        admin(f"CREATE USER 'seller'@'%' IDENTIFIED BY '{PASSWORD}'")
        yield DatabaseServer("mysql", port, admin)
    finally:
        _end(process, folder)


@pytest.fixture
def postgres_url(postgres_server: DatabaseServer) -> str:
    """The address of an empty PostgreSQL database."""
    return postgres_server.fresh()


@pytest.fixture
def mariadb_url(mariadb_server: DatabaseServer) -> str:
    """The address of an empty MariaDB database."""
    return mariadb_server.fresh()
