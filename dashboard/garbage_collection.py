"""Full garbage collections at moments when nobody waits for an answer.

A full collection looks at every object that can hold others while everything else stands still: a quarter of
a second for what a start leaves behind, as much again for some fifteen open pages. Python would do it in the
middle of a click. Here what stays is set aside, and the rest is looked through between clicks.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

_STEP_SECONDS = 0.25
_NEVER = 1_000_000
_PAUSE_SECONDS, _REST_SECONDS = 0.4, 20.0
"""How long nothing was said: people think, nobody is there."""
_SOME, _MANY = 1, 2
"""Collections of younger objects since the last full one: each saw some twenty thousand, 10 ms of work."""
_ENDED_MANY, _ENDED_TOO_MANY = 30, 100
_KEPT_SOME, _KEPT_MANY, _KEPT_TOO_MANY = 20, 500, 5_000


_ASKED_BY_MACHINES = ("/healthz", "/readyz", "/metrics")


class Traffic:
    """Since when nobody said anything."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def note(self) -> None:
        """Somebody said something, or was told something."""
        self._last = time.monotonic()

    def quiet_seconds(self) -> float:
        """Time since the last message of a browser or to one."""
        return time.monotonic() - self._last


class NotesTraffic:
    """Pure ASGI middleware that notes the messages of browsers."""

    def __init__(self, app: Any, traffic: Traffic) -> None:
        self._app, self._traffic = app, traffic

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope.get("path") in _ASKED_BY_MACHINES:
            await self._app(scope, receive, send)
            return
        note = self._traffic.note

        async def receiving() -> Any:
            message = await receive()
            note()
            return message

        async def sending(message: Any) -> None:
            await send(message)
            note()

        note()
        await self._app(scope, receiving, sending)


def put_off_full_collections() -> None:
    """Let Python collect only young objects by itself."""
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)


class GarbageCollection:
    """Decides when to collect.

    Parameters
    ----------
    quiet_seconds
        How long nobody said anything.
    ended
        How many pages were closed since the start.
    observe
        Is told the seconds that each collection took.
    """

    def __init__(
        self, quiet_seconds: Callable[[], float], ended: Callable[[], int], observe: Callable[[float], None]
    ) -> None:
        self._quiet_seconds, self._ended, self._observe = quiet_seconds, ended, observe
        self._ended_before = 0
        self._kept = 0

    async def run(self) -> None:
        """Collect when it disturbs nobody, until cancelled; Python's own way is restored then."""
        thresholds = gc.get_threshold()
        put_off_full_collections()
        try:
            while True:
                await asyncio.sleep(_STEP_SECONDS)
                self.step()
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()

    def step(self) -> str:
        """Collect if it is time to; "all", "new" or an empty text says what was looked through."""
        quiet = self._quiet_seconds()
        if self._all_is_due(quiet):
            self._collect_all()
            return "all"
        if _new_is_due(gc.get_count()[2], quiet):
            self._collect_new()
            return "new"
        return ""

    def _all_is_due(self, quiet: float) -> bool:
        ended = self._ended() - self._ended_before
        return (
            ended >= _ENDED_TOO_MANY
            or self._kept >= _KEPT_TOO_MANY
            or ((ended >= _ENDED_MANY or self._kept >= _KEPT_MANY) and quiet > _PAUSE_SECONDS)
            or ((ended > 0 or self._kept >= _KEPT_SOME) and quiet > _REST_SECONDS)
        )

    def _collect_all(self) -> None:
        self._ended_before, self._kept = self._ended(), 0
        gc.unfreeze()
        self._collect()

    def _collect_new(self) -> None:
        """Look through what came since the last time; pages that are open are not looked at again."""
        self._kept += 1
        self._collect()

    def _collect(self) -> None:
        start = time.perf_counter()
        gc.collect()
        gc.freeze()
        self._observe(time.perf_counter() - start)


def _new_is_due(waiting: int, quiet: float) -> bool:
    return waiting >= _MANY or (waiting >= _SOME and quiet > _PAUSE_SECONDS)
