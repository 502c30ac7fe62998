"""Processes under measurement: started here, read through the kernel's accounts, stopped by their id."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 600.0


class Server:
    """A server process that prints its address first; a context manager that ends it.

    ``started`` is the moment before the process was made (``time.perf_counter``).
    """

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SALES_")}
        self.started = time.perf_counter()
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in stop
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=clean | dict(environ or {}),
        )
        assert self._process.stdout is not None
        found = re.search(r"http://[^\s/]+", self._process.stdout.readline())
        if found is None:
            self._log.seek(0)
            said = self._log.read()[-500:]
            self.stop()
            raise RuntimeError(f"the server did not start: {arguments}: {said}")
        self.url = found[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def stop(self) -> None:
        """End the process: politely, then for good."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def cpu(self) -> float:
        """CPU seconds of all threads so far: the kernel's clock of that process."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def rss(self) -> float:
        """Resident memory in megabytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def ask(self) -> str:
        """The next line it prints after SIGUSR1 (see ``watched``)."""
        os.kill(self.pid, signal.SIGUSR1)
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def wait_until(self, path: str = "/", status: int = 200) -> float:
        """Ask ``path`` until it answers with ``status``; seconds since the process was made."""
        while time.perf_counter() - self.started < PATIENCE_SECONDS:
            try:
                with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                    if answer.status == status:
                        return time.perf_counter() - self.started
            except urllib.error.HTTPError as error:
                error.close()
            except OSError:
                pass
            if self._process.poll() is not None:
                raise RuntimeError("the server ended")
            time.sleep(0.02)
        raise TimeoutError(f"no {status} from {path} within {PATIENCE_SECONDS:.0f} s")


def dashboard(database_url: str, data_dir: Path) -> Server:
    """Our server, ready to serve the database at ``database_url``."""
    server = Server(
        ["-m", "tests.benchmarks.watched"],
        {"SALES_DATABASE_URL": database_url, "SALES_DATA_DIR": str(data_dir), "SALES_PORT": "0"},
    )
    try:
        server.wait_until("/readyz")
    except BaseException:
        server.stop()
        raise
    return server


@dataclass(frozen=True)
class Spent:
    """What a finished process used."""

    cpu: float
    wall: float
    peak: float
    output: str


def spend(command: Sequence[str], stdin: str = "") -> Spent:
    """Run a command to its end: CPU seconds (user and system), wall seconds, peak memory in megabytes.

    Raises
    ------
    RuntimeError
        It failed; the message holds what it printed last.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given:
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(command, stdin=given, stdout=output, stderr=subprocess.STDOUT, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {text[-500:]}")
    return Spent(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024 / 1e6, text)
