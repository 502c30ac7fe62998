"""The state of the running server: what metrics and the Operations page tell."""

import asyncio
import datetime as dt
import logging
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from core import __version__, observing
from core.database import Health
from core.errors import SalesError
from core.jobs.registry import TASKS
from core.observing import Observation
from core.roles import SERVER, acting_as
from core.settings import Settings
from dashboard.current_database import CurrentDatabase
from dashboard.observability.metrics import CONTENT_TYPE, Metrics
from dashboard.observability.recent import Recent
from dashboard.observability.request_ids import RequestIds
from dashboard.security.live_sessions import LiveSession, LiveSessions
from dashboard.threads import in_thread

log = logging.getLogger(__name__)
_TICK_SECONDS = 0.25
_MODELS_KEPT_SECONDS = 30.0
_LOOPBACK = ("127.", "::1", "::ffff:127.")


@dataclass(frozen=True)
class OpenSession:
    """An open page: whose, and for how many seconds it is open and unused."""

    person: str
    open_seconds: float
    idle_seconds: float


class Operations:
    """Watches one server from its start on.

    Parameters
    ----------
    current
        The database that the server shows.
    live
        The pages that are open.
    """

    def __init__(self, settings: Settings, current: CurrentDatabase, live: LiveSessions) -> None:
        self.settings, self._current, self._live = settings, current, live
        self.metrics, self.recent = Metrics(), Recent()
        self.started = dt.datetime.now(dt.UTC)
        self._start = time.monotonic()
        self._ages: tuple[float, dict[str, float]] = (-_MODELS_KEPT_SECONDS, {})
        self._end_listening = observing.listen(self._observed)
        logging.getLogger().addHandler(self.recent)
        ask = self.metrics.read_from
        ask("sales_build_info", "The version that runs.", ("version",), lambda: [((__version__,), 1.0)])
        ask("sales_sessions", "Pages that are open.", (), lambda: [((), float(len(self.sessions())))])
        ask(
            "sales_model_age_seconds", "Time since the model in use was trained.", ("task",), self._model_ages
        )
        ask("sales_training_running", "Whether models are being trained.", (), self._training)
        ask("sales_database_up", "Whether the database answers.", (), self._database_up)

    def close(self) -> None:
        """Stop watching."""
        self._end_listening()
        logging.getLogger().removeHandler(self.recent)

    @property
    def uptime_seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._start

    def sessions(self) -> list[OpenSession]:
        """The pages that are open, the longest open first."""
        now = time.monotonic()
        found = [_told(session, now) for session in self._live.all()]
        return sorted(found, key=lambda session: session.open_seconds, reverse=True)

    def memory_bytes(self) -> int | None:
        """Memory of the process in use now; None where the system does not tell."""
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return None
        import resource

        return pages * resource.getpagesize()

    def model_ages(self) -> dict[str, float]:
        """Seconds since the model in use of each task was trained; asked at most every half minute."""
        at, ages = self._ages
        if time.monotonic() - at > _MODELS_KEPT_SECONDS:
            with acting_as(SERVER):
                store = self._current.models()
                active = {task: store.active(task) for task in TASKS}
            now = dt.datetime.now(dt.UTC)
            ages = {task: (now - model.created).total_seconds() for task, model in active.items() if model}
            self._ages = (time.monotonic(), ages)
        return ages

    def health(self) -> Health:
        """Whether the database answers now."""
        return self._current.database.health()

    def is_training(self) -> bool:
        """Whether models are being trained."""
        return self._current.training.state.is_running

    async def watch_event_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        while True:
            due = time.perf_counter() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            self.metrics.late(max(0.0, time.perf_counter() - due))

    def _observed(self, observation: Observation) -> None:
        self.metrics.observe(observation)
        self.recent.observe(observation)

    def _model_ages(self) -> Iterable[tuple[tuple[str, ...], float]]:
        try:
            return [((task,), age) for task, age in self.model_ages().items()]
        except SalesError as error:
            log.warning("the age of models is not known: %s", error)
            return []

    def _training(self) -> Iterable[tuple[tuple[str, ...], float]]:
        return [((), float(self.is_training()))]

    def _database_up(self) -> Iterable[tuple[tuple[str, ...], float]]:
        return [((), float(self.health().ok))]


def _told(session: LiveSession, now: float) -> OpenSession:
    person = session.person.name if session.person is not None else "–"
    return OpenSession(person, now - session.opened, now - session.used)


OPERATIONS: Operations | None = None
"""What watches the server of this process; None before it is built."""


def add_operations(app: FastAPI, operations: Operations) -> None:
    """Serve ``/metrics``, and give every request an id."""
    global OPERATIONS
    if OPERATIONS is not None:
        OPERATIONS.close()
    OPERATIONS = operations

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """For this machine, and for whoever knows ``SALES_METRICS_TOKEN``."""
        if not _may_read(request, operations.settings):
            return Response("Not found", status_code=404, media_type="text/plain")
        text = await in_thread(operations.metrics.exposition)
        return Response(text, media_type=CONTENT_TYPE, headers={"cache-control": "no-store"})

    app.add_middleware(RequestIds, metrics=operations.metrics)


def _may_read(request: Any, settings: Settings) -> bool:
    if settings.metrics_token:
        given = request.headers.get("authorization", "").encode()
        return secrets.compare_digest(given, f"Bearer {settings.metrics_token}".encode())
    if settings.sign_in != "none" or settings.public_url:  # a proxy on this machine may say nothing of itself
        return False
    client = request.client.host if request.client else ""
    return client.startswith(_LOOPBACK) and not request.scope["was_forwarded"]
