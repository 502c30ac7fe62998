"""A client that speaks with the server as a page does, but sends whatever it likes."""

import json
import re
import secrets
import time
from contextlib import suppress
from typing import Any, Self

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect


def visitor(url: str, **cookies: str) -> httpx.Client:
    """A client of the server at ``url`` that nobody signed in; it keeps no connection open."""
    return httpx.Client(
        base_url=url, cookies=cookies, headers={"Origin": url, "Accept": "text/html"}, timeout=60,
        limits=httpx.Limits(max_keepalive_connections=0), trust_env=False,
    )  # fmt: skip


def signed_in(url: str, name: str, password: str) -> httpx.Client:
    """A client of the server at ``url`` with the cookie of somebody who signed in with a password."""
    client = visitor(url)
    form = re.search(r'name="form" value="([^"]+)"', client.get("/sign-in").text)
    assert form is not None
    answer = client.post("/sign-in", data={"form": form[1], "name": name, "password": password, "back": "/"})
    assert answer.status_code == 303, answer.text
    return client


def token_of(page: str) -> str:
    """The session token in a page."""
    found = re.search(r'"token":"([^"]+)"', page)
    assert found is not None, page[:2000]
    return found[1]


def open_socket(client: httpx.Client, token: str) -> ClientConnection:
    """The websocket of a session with the cookies of ``client``."""
    base = str(client.base_url).rstrip("/")
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return connect(
        base.replace("http", "ws", 1) + "/ws",
        origin=base,  # type: ignore[arg-type]
        subprotocols=["bokeh", token],  # type: ignore[list-item]
        additional_headers={"Cookie": cookies} if cookies else None,
        max_size=None,
        legacy=True,
    )


class Wire:
    """One session: opened with a page, then driven by messages of its own making."""

    def __init__(self, client: httpx.Client, query: str = "") -> None:
        answer = client.get(f"/{query}")
        assert answer.status_code == 200, answer.status_code
        self.client, self.token = client, token_of(answer.text)
        self._socket = open_socket(client, self.token)
        assert self._received()["msgtype"] == "ACK"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def models(self) -> dict[str, dict[str, Any]]:
        """All models of the document by id, as the server has them now."""
        self._send("PULL-DOC-REQ", {})
        found: dict[str, dict[str, Any]] = {}

        def walk(node: Any) -> None:
            if isinstance(node, dict):
                if node.get("type") == "object" and "id" in node:
                    found[node["id"]] = node
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(self._answer("PULL-DOC-REPLY"))
        return found

    def find(self, component: str) -> str:
        """The id of the component of that class (as its browser module is called); empty if there is none."""
        for key, model in self.models().items():
            if model.get("attributes", {}).get("class_name") == component:
                return key
        return ""

    def told(self, component: str) -> str:
        """All that the component of that class shows, as one text; empty if there is none."""
        models = self.models().values()
        return " ".join(
            str(model) for model in models if model.get("attributes", {}).get("class_name") == component
        )

    def wait_for(self, component: str, seconds: float = 30) -> str:
        """The id of a component that is being made."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if key := self.find(component):
                return key
            time.sleep(0.2)
        raise AssertionError(f"there is no {component}")

    def say(self, component_id: str, data: dict[str, Any]) -> None:
        """Send the message that a component's ``model.send_msg`` sends."""
        values = [["model", {"id": component_id}], ["data", _packed(data)]]
        event = {"type": "event", "name": "data_event", "values": {"type": "map", "entries": values}}
        change = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
        self._send("PATCH-DOC", {"events": [change]})

    def answered(self, kind: str) -> str:
        """The next message of that kind that a component sends to its browser, as one text."""
        while True:
            message = self._received()
            if message["msgtype"] == "PATCH-DOC" and f"'{kind}'" in str(message["content"]):
                return str(message["content"])

    def closed_with(self, seconds: float = 30) -> int:
        """The code with which the server closes the connection."""
        try:
            while True:
                self._socket.recv(timeout=seconds)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        header = {"msgid": secrets.token_hex(8), "msgtype": kind}
        with suppress(ConnectionClosed):  # who waits for an answer will see it
            for part in (header, {}, content):
                self._socket.send(json.dumps(part))

    def _received(self) -> dict[str, Any]:
        header = json.loads(self._socket.recv(timeout=60))
        self._socket.recv(timeout=60)
        content = json.loads(self._socket.recv(timeout=60))
        for _ in range(int(header.get("num_buffers", 0)) * 2):
            self._socket.recv(timeout=60)
        return {"msgtype": header["msgtype"], "content": content}

    def _answer(self, kind: str) -> Any:
        while True:
            message = self._received()
            if message["msgtype"] == kind:
                return message["content"]


def _packed(value: Any) -> Any:
    if isinstance(value, dict):
        return {"type": "map", "entries": [[key, _packed(item)] for key, item in value.items()]}
    return [_packed(item) for item in value] if isinstance(value, list) else value
