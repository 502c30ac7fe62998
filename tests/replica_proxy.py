"""A small proxy in front of several servers: it sends everybody to one, and can move them to another."""

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class ReplicaProxy:
    """Listens on a free port of 127.0.0.1 and passes connections on to the server that it was told last."""

    def __init__(self, target: str) -> None:
        self._target = _place(target)
        self._for_websockets: tuple[str, int] | None = None
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replica-proxy")
        self.port = 0

    @property
    def url(self) -> str:
        """Where browsers go."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """The host that browsers name."""
        return f"127.0.0.1:{self.port}"

    def move_to(self, target: str) -> None:
        """Send everybody to another server: what is open breaks off, as when a replica is taken away."""
        self._target = _place(target)
        asyncio.run_coroutine_threadsafe(self._break_off(), self._loop).result(10)

    def lead_websockets_to(self, target: str | None) -> None:
        """Let pages come from one server and their connections go to another; ``None``: to the same again."""
        self._for_websockets = None if target is None else _place(target)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        await self._break_off()
        passing = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.wait(passing, timeout=5) if passing else None

    async def _break_off(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            begin = await reader.read(65_536)  # a browser opens a connection of its own for a WebSocket
            is_websocket = b"upgrade: websocket" in begin.lower()
            target = (self._for_websockets if is_websocket else None) or self._target
            there_reader, there_writer = await asyncio.open_connection(*target)
        except OSError:
            writer.close()
            return
        there_writer.write(begin)
        ends = {writer, there_writer}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, there_writer))
                both.create_task(_copy(there_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other learns of it."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
