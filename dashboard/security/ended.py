"""Sign-ins that were ended before their time, so that their cookies mean nothing any more.

Each is an empty file in the data folder, named by when it may be forgotten and by a digest of the sign-in: it
outlives a restart, and other replicas that share the folder know of it within a second.
"""

import contextlib
import hashlib
import logging
import threading
import time
from pathlib import Path

log = logging.getLogger(__name__)


class EndedSignIns:
    """Those of one server, or of replicas that share a folder.

    Parameters
    ----------
    folder
        Where they are kept; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._own: dict[str, float] = {}
        self._found: frozenset[str] = frozenset()
        self._changed_at = -1

    def has(self, session: str) -> bool:
        """Whether that sign-in was ended, as far as it was known when ``read`` was last called."""
        return session in self._own or _digest(session) in self._found

    def end(self, session: str, until: float) -> None:
        """Let a sign-in mean nothing any more; touches the disk.

        Parameters
        ----------
        until
            POSIX time in seconds when it would have ended anyway.
        """
        now = time.time()
        with self._lock:
            self._own = {key: at for key, at in self._own.items() if at > now} | {session: until}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{int(until) + 1}-{_digest(session)}").touch(mode=0o600)
        except OSError as error:
            log.warning(
                "a sign-out cannot be kept in %s (%s): it holds on this server until it is started anew",
                self._folder, error.strerror,
            )  # fmt: skip

    def read(self) -> None:
        """Take up what was ended elsewhere, and forget what is over; touches the disk."""
        with self._lock:
            try:
                changed_at = self._folder.stat().st_mtime_ns
                if changed_at == self._changed_at:
                    return
                names = [entry.name for entry in self._folder.iterdir()]
            except FileNotFoundError:
                self._found, self._changed_at = frozenset(), -1
                return
            except OSError as error:
                log.warning("the sign-outs in %s cannot be read (%s)", self._folder, error.strerror)
                return
            found = set()
            for name in names:
                until, _, digest = name.partition("-")
                if until.isdigit() and int(until) < time.time():
                    with contextlib.suppress(OSError):  # it means nothing any more, there or not
                        (self._folder / name).unlink()
                else:
                    found.add(digest)
            self._found, self._changed_at = frozenset(found), changed_at


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()[:40]
