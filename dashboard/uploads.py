"""Files that people upload: streamed to a folder of their own, admitted by tickets, removed in time."""

import logging
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from core.errors import SalesError
from dashboard.threads import in_thread

log = logging.getLogger(__name__)

TICKET_HEADER = "x-upload-ticket"
TICKET_SECONDS = 120.0
KEPT_SECONDS = 3 * 3600.0
_BLOCK_BYTES = 1 << 20
_LONGEST_NAME = 100
_MEGABYTE = 1 << 20


class UploadError(SalesError):
    """A file cannot be taken; ``status`` is the HTTP status that says so."""

    def __init__(self, message: str, remedy: str = "", status: int = 400) -> None:
        super().__init__(message, remedy)
        self.status = status


@dataclass(frozen=True)
class Upload:
    """A file that has arrived whole."""

    key: str
    path: Path
    name: str
    size: int


@dataclass
class _Ticket:
    name: str
    until: float


@dataclass
class Uploads:
    """The uploads of one server process.

    Parameters
    ----------
    folder
        Where files are kept until they are loaded; leftovers of earlier processes are removed from it.
    limit_megabytes
        The largest file that is taken.
    """

    folder: Path
    limit_megabytes: int = 500
    _tickets: dict[str, _Ticket] = field(default_factory=dict)
    _files: dict[str, Upload] = field(default_factory=dict)

    def ticket(self, name: str, size: int) -> str:
        """Admit one file of that name and size, soon; the ticket is good for a single request.

        Raises
        ------
        UploadError
            The file is empty or too large, or the disk has no room for it.
        """
        self.tidy()
        self._check_size(name, size)
        if size <= 0:
            raise UploadError(f"{name} is empty.", "Choose a file with data.")
        free = shutil.disk_usage(next(p for p in (self.folder, *self.folder.parents) if p.exists())).free
        if size > free:
            raise UploadError(
                f"There is no room for {name} on the server's disk.", "Make room and try again.", 507
            )
        key = secrets.token_urlsafe(24)
        self._tickets[key] = _Ticket(safe_name(name), time.monotonic() + TICKET_SECONDS)
        return key

    async def receive(self, ticket: str, blocks: AsyncIterator[bytes]) -> Upload:
        """Write a file as it arrives; what is cut off or too large leaves nothing behind.

        Raises
        ------
        UploadError
            The ticket is unknown, used or too old; the file is larger than allowed; it cannot be written.
        """
        admitted = self._tickets.pop(ticket, None)
        if admitted is None or admitted.until < time.monotonic():
            raise UploadError(
                "This upload was not announced.", "Choose the file again on the Data page.", 403
            )
        key = secrets.token_hex(8)
        path = self.folder / key / admitted.name
        try:
            await in_thread(path.parent.mkdir, parents=True)
            size = await self._write(path, admitted.name, blocks)
        except BaseException as error:
            await in_thread(shutil.rmtree, path.parent, ignore_errors=True)
            if isinstance(error, OSError):
                what = f"{admitted.name} cannot be kept: {error.strerror}."
                raise UploadError(what, "Check the data folder of the server.", 507) from error
            raise
        self._files[key] = Upload(key, path, admitted.name, size)
        return self._files[key]

    async def _write(self, path: Path, name: str, blocks: AsyncIterator[bytes]) -> int:
        size, waiting = 0, bytearray()
        with path.open("wb") as file:
            async for block in blocks:
                size += len(block)
                self._check_size(name, size)
                waiting += block
                if len(waiting) >= _BLOCK_BYTES:
                    await in_thread(file.write, bytes(waiting))
                    waiting.clear()
            await in_thread(file.write, bytes(waiting))
        return size

    def _check_size(self, name: str, size: int) -> None:
        if size > self.limit_megabytes * _MEGABYTE:
            raise UploadError(
                f"{name} is larger than the {self.limit_megabytes:,} MB that this server takes.",
                "Load it on the server with: sales-dashboard ingest PATH, or raise SALES_UPLOAD_MEGABYTES.",
                413,
            )

    def get(self, key: str) -> Upload:
        """A file that has arrived.

        Raises
        ------
        UploadError
            It is not there (any more).
        """
        upload = self._files.get(key)
        if upload is None or not upload.path.exists():
            raise UploadError("The uploaded file is not on the server any more.", "Choose it again.", 404)
        return upload

    def discard(self, key: str) -> None:
        """Remove a file."""
        upload = self._files.pop(key, None)
        if upload is not None:
            shutil.rmtree(upload.path.parent, ignore_errors=True)

    def tidy(self) -> None:
        """Remove tickets and files that nobody came back for."""
        now = time.monotonic()
        self._tickets = {key: ticket for key, ticket in self._tickets.items() if ticket.until >= now}
        if not self.folder.is_dir():
            return
        for entry in self.folder.iterdir():
            if entry.is_dir() and time.time() - entry.stat().st_mtime > KEPT_SECONDS:
                self._files.pop(entry.name, None)
                shutil.rmtree(entry, ignore_errors=True)


def safe_name(name: str) -> str:
    """``name`` as a plain file name: no folders, no hidden files, no odd characters, not too long."""
    bare = PureWindowsPath(PurePosixPath(name.replace("\0", "")).name).name
    path = Path(re.sub(r"[^\w .()+-]", "_", bare).strip(" .") or "upload")
    ending = path.suffix[:12]
    return path.name[: -len(path.suffix) or None][: _LONGEST_NAME - len(ending)].rstrip(" .") + ending


def add_upload_route(app: FastAPI, uploads: Uploads, allowed_hosts: list[str]) -> None:
    """Serve ``POST /data/upload``: the body is the file, a header has the ticket."""

    @app.post("/data/upload")
    async def upload(request: Request) -> JSONResponse:
        """Take a file that the Data page announced."""
        try:
            _require_same_origin(request, allowed_hosts)
            taken = await uploads.receive(request.headers.get(TICKET_HEADER, ""), request.stream())
        except UploadError as error:
            return JSONResponse({"error": error.message, "remedy": error.remedy}, status_code=error.status)
        except ClientDisconnect:
            log.info("an upload was broken off by the browser")
            return JSONResponse({"error": "The upload was broken off.", "remedy": ""}, status_code=400)
        return JSONResponse({"key": taken.key, "name": taken.name, "size": taken.size})


def _require_same_origin(request: Any, allowed_hosts: list[str]) -> None:
    """Refuse what another site's page sends; the ticket alone would do, but is not the only guard."""
    origin = request.headers.get("origin", "")
    host = urlsplit(origin).netloc
    if host != request.headers.get("host") and host not in allowed_hosts:
        raise UploadError("Files are taken from the dashboard's own pages only.", "Open the Data page.", 403)
