"""A browser session without a browser: the page over HTTP, then Bokeh's protocol over its websocket."""

import asyncio
import itertools
import json
import re
import time
from collections.abc import Iterator
from typing import Any, Self

import httpx
import websockets

_DRAWN = re.compile(r'"attr":"state","new":"(?:ready|empty|error)"')
_PATIENCE = 300.0


class Client:
    """One session.

    ``shell_at`` is when its document had come; ``views`` counts the cards that came, ``drawn`` those drawn.
    """

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self.added: list[Any] = []
        self.shell_at = self.last_at = 0.0
        self.drawn = self.views = self.received = 0
        self._numbers = itertools.count()
        self._socket: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @classmethod
    async def open(cls, url: str, path: str = "/") -> Self:
        """Load the page and pull its document: what a browser does up to the first thing it shows."""
        client = cls()
        async with httpx.AsyncClient(timeout=_PATIENCE, trust_env=False) as http:
            page = await http.get(url + path)
        page.raise_for_status()
        found = re.search(r'"token":"([^"]+)"', page.text)
        assert found is not None, "the page holds no session token"
        client._socket = await websockets.connect(
            url.replace("http", "ws", 1) + "/ws",
            subprotocols=[websockets.Subprotocol("bokeh"), websockets.Subprotocol(found[1])],
            origin=websockets.Origin(url),
            max_size=None,
            open_timeout=_PATIENCE,
            proxy=None,
        )
        await client._message()  # the server's acknowledgement
        await client._send("PULL-DOC-REQ", {})
        while not client.document:
            kind, text = await client._message()
            if kind == "PULL-DOC-REPLY":
                client.document = json.loads(text)["doc"]
                client.views = _views(client.document)
        client.shell_at = client.last_at = time.perf_counter()
        client._reader = asyncio.create_task(client._read())
        return client

    async def ready(self) -> None:
        """Tell the server that the browser shows the document."""
        event = {"type": "event", "name": "document_ready", "values": {"type": "map"}}
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event})

    async def change(self, model: str, attribute: str, value: Any) -> None:
        """Change an attribute, as a widget in the browser does."""
        await self._patch({"kind": "ModelChanged", "model": {"id": model}, "attr": attribute, "new": value})

    async def tell(self, model: str, message: dict[str, str]) -> None:
        """Send a message from a component's browser side to its Python side."""
        entries = {"type": "map", "entries": [list(item) for item in message.items()]}
        values = {"type": "map", "entries": [["model", {"id": model}], ["data", entries]]}
        event = {"type": "event", "name": "data_event", "values": values}
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event})

    async def quiet(self, seconds: float = 0.4) -> float:
        """Wait until nothing has come for so long; when the last message came."""
        while True:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                return self.last_at

    async def until_drawn(self, more_than: int = 0) -> float:
        """Wait until every view that has come is drawn, of which there must be more than so many.

        When the last message came.
        """
        end = time.perf_counter() + _PATIENCE
        while not more_than < self.views <= self.drawn:
            if time.perf_counter() > end:
                raise TimeoutError(f"{self.drawn} of {self.views} views were drawn")
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), _PATIENCE)
        return self.last_at

    async def close(self) -> None:
        """Go away, as a closed tab does."""
        if self._reader is not None:
            self._reader.cancel()
        await self._socket.close()

    def models(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Name, id and attributes of all models of the document that have come so far."""
        yield from _models([self.document, *self.added])

    def find(self, name: str, **attributes: Any) -> str:
        """The id of the first model whose name begins so and whose attributes have these values."""
        for model, key, values in self.models():
            if model.startswith(name) and all(values.get(k) == v for k, v in attributes.items()):
                return key
        raise LookupError(f"{name} {attributes}")

    async def _patch(self, event: dict[str, Any]) -> None:
        await self._send("PATCH-DOC", {"events": [event]})

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        header = {"msgid": f"{id(self):X}{next(self._numbers):08X}", "msgtype": kind}
        for part in (header, {}, content):
            await self._socket.send(json.dumps(part))

    async def _message(self) -> tuple[str, str]:
        header = json.loads(await self._socket.recv())
        await self._socket.recv()
        text = await self._socket.recv()
        for _ in range(header.get("num_buffers", 0)):
            await self._socket.recv()
            self.received += len(await self._socket.recv())
        self.received += len(text)
        return header["msgtype"], text

    async def _read(self) -> None:
        while True:
            kind, text = await self._message()
            if kind == "PATCH-DOC":
                self.last_at = time.perf_counter()
                self.drawn += len(_DRAWN.findall(text))
                if '"type":"object"' in text and ("ViewCard" in text or "TabStrip" in text):
                    self.added.append(json.loads(text))
                    self.views += _views(self.added[-1])
            elif kind == "ERROR":
                raise RuntimeError(text[:500])
            self._news.set()


def _views(message: Any) -> int:
    return sum(name.startswith("ViewCard") for name, _, _ in _models(message))


def _models(thing: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if isinstance(thing, dict):
        if thing.get("type") == "object" and "id" in thing:
            yield thing["name"], thing["id"], thing.get("attributes", {})
        for value in thing.values():
            yield from _models(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from _models(value)
