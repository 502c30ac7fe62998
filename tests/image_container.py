"""Run the image that ``.ci/build-image`` laid out, as its user, sealed and without rights.

Container runtimes want control groups, which build machines do not always have. What the tests are about are
namespaces for processes, mounts and messages, a read-only root and no way to new privileges: the tools of
util-linux give them. The network is the machine's, so that tests reach the port on 127.0.0.1.
"""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sales-dashboard" / "image"
DEVICES = ("null", "zero", "random", "urandom")


def wait_until(happened: Callable[[], bool], otherwise: str, seconds: float = 180) -> None:
    """Return as soon as something has happened, which takes long on a busy machine."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, otherwise
        time.sleep(0.1)


@dataclass(frozen=True)
class Image:
    """An image on the disk: its file system, and what is said about it."""

    folder: Path

    @property
    def rootfs(self) -> Path:
        """Its files."""
        return self.folder / "rootfs"

    @cached_property
    def config(self) -> dict[str, Any]:
        """User, command, environment, port and labels, as a registry tells them."""
        inspected = json.loads((self.folder / "inspect.json").read_text(encoding="utf-8"))
        return inspected["Docker"]["config"]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it sets."""
        return dict(pair.split("=", 1) for pair in self.config["Env"])

    def number(self, name: str) -> int:
        """A size in bytes that the build wrote down."""
        return int((self.folder / name).read_text(encoding="utf-8"))


@dataclass
class Container:
    """One container of an image, started on entering and gone on leaving.

    Parameters
    ----------
    volume
        What stands at ``/data``: ``"image"`` (the image's own, sealed), ``"empty"`` (writable memory).
    arguments
        In place of the image's command.
    """

    image: Image
    log_file: Path
    volume: str = "empty"
    arguments: Sequence[str] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "unshare",
                    "--mount",
                    "--pid",
                    "--ipc",
                    "--uts",
                    "--fork",
                    "--kill-child",
                    "sh",
                    "-c",
                    self._script(),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={},
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.kill(self.first_process, signal.SIGKILL)  # with it goes everything in the container
        self.process.wait(20)

    def log(self) -> str:
        """What it printed so far."""
        return self.log_file.read_text(encoding="utf-8")

    def wait(self, seconds: float) -> int:
        """The exit status, as soon as it has ended."""
        return self.process.wait(seconds)

    @property
    def first_process(self) -> int:
        """The machine's number of what is process 1 inside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(
            encoding="utf-8"
        )
        return int(children.split()[0])

    def terminate(self) -> None:
        """Ask it to end, as a platform does."""
        os.kill(self.first_process, signal.Signals[self.image.config["StopSignal"]])

    def run(self, *command: str) -> str:
        """What a command inside prints, run as the image's user."""
        user, _, group = self.image.config["User"].partition(":")
        done = subprocess.run(
            [
                "nsenter", f"--target={self.first_process}", "--mount", "--pid", "--ipc", "--uts", "--root",
                "--wdns=/tmp", f"--setuid={user}", f"--setgid={group}", "--", *command,
            ],
            capture_output=True, text=True, check=False, timeout=120,
            env=self.image.environment | self.environment,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"
        return done.stdout

    def _script(self) -> str:
        """Lays out the mounts, seals the root, gives up all rights and becomes the image's command."""
        config = self.image.config
        root = shlex.quote(str(self.image.rootfs))
        arguments = config["Cmd"] if self.arguments is None else self.arguments
        variables = [f"{name}={value}" for name, value in (self.image.environment | self.environment).items()]
        inside = f"cd {config['WorkingDir']} && exec {shlex.join([*config['Entrypoint'], *arguments])}"
        return "; ".join(
            [
                "set -e; export PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                f"mount --bind {root} {root}",
                f"mount -t proc proc {root}/proc",
                f"mount -t tmpfs -o mode=755 tmpfs {root}/dev; mkdir {root}/dev/shm",
                *(f"touch {root}/dev/{n}; mount --bind /dev/{n} {root}/dev/{n}" for n in DEVICES),
                f"mount -t tmpfs -o mode=1777 tmpfs {root}/dev/shm",
                f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",
                f"mount -t tmpfs -o mode=1777 tmpfs {root}/data" if self.volume == "empty" else ":",
                f"mount -o remount,bind,ro {root}",
                f"exec setpriv --no-new-privs chroot --userspec={config['User']} --groups= {root} "
                f"/usr/bin/env -i {shlex.join(variables)} /bin/sh -c {shlex.quote(inside)}",
            ]
        )
