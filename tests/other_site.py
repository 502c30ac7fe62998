"""A plain web site of its own on a free port of 127.0.0.1, for tests of what is shown in other sites."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Site:
    """Another site; ``url`` is allowed to embed, ``foreign`` is the same by another name."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def foreign(self) -> str:
        return f"http://localhost:{self.port}"

    def write(self, name: str, body: str) -> str:
        """Put a page there; returns its path."""
        head = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Host</title>'
        (self.folder / name).write_text(head + body, encoding="utf-8")
        return f"/{name}"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_parts: object) -> None:
        """Say nothing."""


@contextmanager
def other_site(folder: Path) -> Iterator[Site]:
    """Serve ``folder`` until the block ends."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(folder, server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
