"""The ASGI application: FastAPI with Panel's native ASGI server inside, one database for the process."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response

from core.errors import SalesError
from core.roles import SERVER, acting_as, allow_everything, known_people_only, set_finder, set_policy
from core.sales_data import load_sales
from core.settings import Settings
from dashboard.current_database import CurrentDatabase
from dashboard.embedding.application import add_embed_gate, embedded_pages
from dashboard.garbage_collection import GarbageCollection, NotesTraffic, Traffic
from dashboard.observability.operations import Operations, add_operations
from dashboard.security import live_sessions
from dashboard.security.front_door import FrontDoor
from dashboard.security.guard import Guard
from dashboard.security.hosts import hears_details
from dashboard.security.keys import key_for
from dashboard.security.live_sessions import LiveSessions
from dashboard.security.rate_limits import RateLimits, parsed_limits, set_limits
from dashboard.security.sign_in_routes import add_sign_in
from dashboard.static_files import StaticFiles
from dashboard.threads import bound_page_threads, in_thread

log = logging.getLogger(__name__)
READY_CHECK_SECONDS = 2.0
READY_CACHE_SECONDS = 10.0
UNREADY = "the database does not answer"


def build_application(settings: Settings, *, port: int) -> FastAPI:
    """The complete application for ``settings``; ``port`` is the one it is reached on.

    Raises
    ------
    SalesError
        The database cannot be opened, or the settings of sign-in cannot be used.
    """
    import panel as pn
    from panel.io.fastapi import add_applications

    from dashboard.page_bundle import keep_bundles, prepare_bundle
    from dashboard.patch_messages import send_changes_together
    from dashboard.shell import Shell
    from dashboard.uploads import add_upload_route

    _leave_busy_events_alone()
    keep_bundles()
    send_changes_together()
    door = FrontDoor(settings)
    live = LiveSessions(
        door.current,
        hours=settings.session_hours,
        idle_minutes=settings.idle_minutes,
        refresh=door.refresh,
    )
    live_sessions.set_live(live)
    set_finder(live_sessions.person_now)
    set_policy(known_people_only if door.people_sign_in else allow_everything)
    set_limits(RateLimits(parsed_limits(settings.rate_limits)))
    if settings.uses_demo:
        from core.demo import ensure_demo_database

        ensure_demo_database(settings)
    current = CurrentDatabase(settings)
    operations = Operations(settings, current, live)
    traffic = Traffic()
    collection = GarbageCollection(
        traffic.quiet_seconds, lambda: live.closed_count, operations.metrics.collected
    )
    app = FastAPI(
        title="Sales dashboard", docs_url=None, redoc_url=None, openapi_url=None,
        lifespan=partial(_run, live, operations, collection),
    )  # fmt: skip

    readiness: dict[str, Any] = {"at": -READY_CACHE_SECONDS, "ok": False, "message": ""}
    asking = asyncio.Lock()

    @app.get("/readyz")
    async def ready(request: Request) -> Response:
        """Whether the database answers; asked at most every ten seconds, for at most two.

        What it says of itself is told to whoever sits at this machine and needs no sign-in, and to the log.
        """
        async with asking:  # many at once would wait in as many threads
            if time.monotonic() - readiness["at"] > READY_CACHE_SECONDS:
                before = readiness["message"]
                try:
                    health = await asyncio.wait_for(in_thread(current.database.health), READY_CHECK_SECONDS)
                    readiness.update(ok=health.ok, message=health.message)
                except TimeoutError:
                    readiness.update(ok=False, message="the database did not answer in time")
                readiness["at"] = time.monotonic()
                if not readiness["ok"] and readiness["message"] != before:
                    log.warning("not ready: %s", readiness["message"])
        reason = readiness["message"] if hears_details(request.scope, settings) else UNREADY
        text = "ready" if readiness["ok"] else f"not ready: {reason}"
        return Response(text, status_code=200 if readiness["ok"] else 503, media_type="text/plain")

    def page() -> pn.viewable.Viewable:
        pn.state._cleanup_busy_counter()
        search = pn.state.location.search if pn.state.location else ""
        document = pn.state.curdoc
        operations.metrics.sessions_opened.inc()
        session = live.opened(document, getattr(document.session_context.request, "user", None))
        shell = Shell(current.database, settings, search)
        current.follow(shell.session, document)
        page = shell.page()
        session.tell = partial(setattr, shell.account, "ended")
        prepare_bundle()
        return page

    origins = [f"{host}:{port}" for host in {settings.host, "localhost", "127.0.0.1"}] + door.hosts
    add_upload_route(app, current.uploads, door.hosts)
    add_sign_in(app, door, live)
    embedded = embedded_pages(current, settings)
    served = add_applications(
        {"/": page} | embedded,
        app=app,
        title="Sales dashboard",
        extra_websocket_origins=origins,
        secret_key=key_for(settings, "bokeh sessions"),
        sign_sessions=True,
        include_headers=["User-Agent"],
        include_cookies=[],
    )

    def session_count() -> int:
        return sum(len(context.sessions) for context in served.applications.values())

    add_embed_gate(app, settings, session_count)
    app.add_middleware(Guard, door=door, session_count=session_count)
    app.add_middleware(StaticFiles)
    add_operations(app, operations)
    app.add_middleware(NotesTraffic, traffic=traffic)
    app.state.warm = partial(_warm, current, settings)
    app.state.stop = partial(_stop, current)
    return app


@asynccontextmanager
async def _run(
    live: LiveSessions, operations: Operations, collection: GarbageCollection, _app: FastAPI
) -> AsyncIterator[None]:
    """While the application is served, end the pages whose time is over, watch the event loop, clear up."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(live.seconds_between_sweeps)
            try:
                await live.sweep()
            except Exception:
                log.exception("sessions could not be looked through")

    bound_page_threads()
    running = (sweep(), operations.watch_event_loop(), collection.run())
    tasks = [asyncio.create_task(work) for work in running]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        operations.close()


def _warm(current: CurrentDatabase, settings: Settings) -> None:
    """Read the sales data before the first visitor asks; a failure is shown to whoever opens a page."""
    try:
        with acting_as(SERVER):
            load_sales(current.database, None, terms_days=settings.payment_terms_days)
            current.train_demo()
    except SalesError as error:
        log.warning("%s", error)


def _stop(current: CurrentDatabase) -> None:
    """End what would keep the server from ending: queries, and the training process."""
    from dashboard.sql_page.running import stop_all

    stop_all()
    current.training.cancel()


def _leave_busy_events_alone() -> None:
    """Keep Panel from starting its periodic cleanup of busy events.

    It starts from a worker thread, looks for the event loop, and in this server never gets there: it would
    try again without pause and take a core for itself. The cleanup is done when a session opens instead.
    """
    from panel.io.callbacks import PeriodicCallback
    from panel.io.state import _state, state

    if _state._busy_cleanup_scheduled is None:
        _state._busy_cleanup_scheduled = PeriodicCallback(
            callback=state._cleanup_busy_counter, session_scoped=False
        )
