"""Start the server: the port opens at once, the dashboard follows as soon as it is imported.

Until the dashboard is there, ``/healthz`` answers and every page says that it is starting and tries again.
"""

import asyncio
import contextlib
import logging
import socket
import sys
from typing import Any

from core.errors import SalesError, SettingsError
from core.settings import Settings
from dashboard.threads import in_thread

log = logging.getLogger("dashboard")
_TURN_SECONDS = 0.001

_STARTING = b"""<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="1">
<meta name="viewport" content="width=device-width"><title>Starting - Sales dashboard</title>
<style>body{font:16px sans-serif;display:grid;place-content:center;height:90vh;color:#566170;
background:#f4f6f8}
@media(prefers-color-scheme:dark){body{background:#11161c;color:#a3afbd}}</style>
<p role="status">The sales dashboard is starting. This page tries again every second.</p></html>"""
_FAILED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Not started - Sales dashboard</title>
<style>body{{font:16px/1.5 sans-serif;max-width:40em;margin:15vh auto;padding:0 1em}}</style>
<h1>The dashboard could not start</h1><p>{message}</p></html>"""
_UNTOLD = "The server's log says why."


class Gate:
    """ASGI application that answers while the real one is being built, and then hands over to it.

    Why that failed is told to whoever sits at this machine and needs no sign-in; others are told that it did.
    """

    def __init__(self, build: Any, settings: Settings) -> None:
        self._build, self._settings = build, settings
        self._app: Any = None
        self._failure = ""
        self._stack = contextlib.AsyncExitStack()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"] == "/healthz":
            await _respond(send, 200, b"ok", b"text/plain")
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            page = self._failed(scope) if self._failure else _STARTING
            await _respond(send, 503, page, b"text/html; charset=utf-8")
        else:
            await send({"type": "websocket.close", "code": 1013})

    def _failed(self, scope: dict[str, Any]) -> bytes:
        from dashboard.security.hosts import hears_details

        told = self._failure if hears_details(scope, self._settings) else _UNTOLD
        return _FAILED.format(message=_escaped(told)).encode()

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        task = asyncio.create_task(self._open())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if self._app is not None:
            self._app.state.stop()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        try:
            app = await in_thread(self._build)
            await self._stack.enter_async_context(app.router.lifespan_context(app))
            self._app = app
            log.info("The dashboard is ready.")
            await in_thread(app.state.warm)
        except SalesError as error:
            self._failure = str(error)
            log.error("%s", error)
        except Exception:
            self._failure = "An unexpected error occurred; the server log holds the details."
            log.exception("The dashboard could not be built.")


async def _respond(send: Any, status: int, body: bytes, kind: bytes) -> None:
    headers = [
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"content-length", b"%d" % len(body)),
    ]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _escaped(text: str) -> str:
    import html

    return html.escape(text)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}).",
            "Stop the program that uses the port, or choose another with --port or SALES_PORT.",
        ) from None
    return listener


def serve(settings: Settings, *, announce: bool = True) -> None:
    """Serve the dashboard until interrupted; prints the address on standard output.

    Raises
    ------
    SettingsError
        The address cannot be used.
    """
    import uvicorn

    from dashboard.garbage_collection import put_off_full_collections
    from dashboard.observability.log_format import configure_logs
    from dashboard.security.checks import check_settings

    # A busy thread hands over after 5 ms otherwise: with six of them a click waits for its turn many times.
    sys.setswitchinterval(_TURN_SECONDS)
    put_off_full_collections()
    check_settings(settings)
    configure_logs(settings)
    listener = _listen(settings)
    port = listener.getsockname()[1]

    def build() -> Any:
        from dashboard.application import build_application

        return build_application(settings, port=port)

    config = uvicorn.Config(
        Gate(build, settings),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
        ws_max_size=64 * 2**20,
        proxy_headers=False,
        server_header=False,
    )
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    if announce:
        print(f"Sales dashboard: {address}  (stop with Ctrl+C)", flush=True)
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
