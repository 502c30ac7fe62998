"""Full garbage collections wait until nobody does."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dashboard.garbage_collection import GarbageCollection, NotesTraffic, Traffic


class Page:
    """Something that holds itself, as a page and its parts do."""

    def __init__(self) -> None:
        self.itself = self


class Visitors:
    """What the collection is told, set by hand."""

    def __init__(self) -> None:
        self.quiet, self.ended = 0.0, 0
        self.seconds: list[float] = []
        self.collection = GarbageCollection(lambda: self.quiet, lambda: self.ended, self.seconds.append)

    def step(self, *, quiet: float) -> str:
        self.quiet = quiet
        return self.collection.step()


@pytest.fixture
def visitors() -> Iterator[Visitors]:
    thresholds = gc.get_threshold()
    gc.collect()
    gc.set_threshold(*thresholds[:2], 1_000_000)
    yield Visitors()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def _run(work: Coroutine[Any, Any, None]) -> None:
    """On a thread of its own: the main one may have an event loop of a browser."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def _young_collections(number: int) -> None:
    for _ in range(number):
        gc.collect(1)


def test_nothing_is_done_while_somebody_waits(visitors: Visitors) -> None:
    _young_collections(1)
    assert visitors.step(quiet=0.01) == ""
    assert visitors.step(quiet=1.0) == "new"
    assert visitors.step(quiet=1.0) == "", "there is nothing new any more"
    assert len(visitors.seconds) == 1


def test_before_a_collection_would_take_long_it_is_made(visitors: Visitors) -> None:
    _young_collections(2)
    assert visitors.step(quiet=0.0) == "new"


def test_pages_that_are_open_are_not_looked_at_again_and_go_when_they_are_closed(visitors: Visitors) -> None:
    page = Page()
    gone = weakref.ref(page)
    _young_collections(8)
    visitors.step(quiet=1.0)
    assert gc.get_freeze_count() > 0

    del page
    visitors.ended = 1
    _young_collections(8)
    assert visitors.step(quiet=1.0) == "new"
    assert gone() is not None, "set aside until there is time"
    assert visitors.step(quiet=30.0) == "all"
    assert gone() is None
    assert visitors.step(quiet=60.0) == ""


def test_many_closed_pages_do_not_wait_for_the_night(visitors: Visitors) -> None:
    visitors.ended = 30
    assert visitors.step(quiet=0.1) == ""
    assert visitors.step(quiet=0.5) == "all"
    visitors.ended = 30 + 100
    assert visitors.step(quiet=0.0) == "all"


def test_python_collects_as_usual_when_the_server_has_ended(visitors: Visitors) -> None:
    thresholds = gc.get_threshold()

    async def run_for_a_moment() -> None:
        task = asyncio.create_task(visitors.collection.run())
        await asyncio.sleep(0)
        assert gc.get_threshold()[2] >= 1_000_000
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    gc.set_threshold(*thresholds[:2], 10)
    _run(run_for_a_moment())
    assert gc.get_threshold()[2] == 10
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize(
    ("path", "noted"), [("/", True), ("/ws", True), ("/readyz", False), ("/metrics", False)]
)
def test_messages_of_browsers_are_noted_and_probes_are_not(path: str, noted: bool) -> None:
    notes = []
    traffic = Traffic()
    traffic.note = lambda: notes.append(path)  # type: ignore[method-assign]

    async def app(_scope: object, receive: object, send: object) -> None:
        await receive()  # type: ignore[operator]
        await send({})  # type: ignore[operator]

    async def receive() -> dict[str, object]:
        return {}

    async def send(_message: object) -> None:
        return None

    coroutine = NotesTraffic(app, traffic)({"type": "http", "path": path}, receive, send)
    _run(coroutine)
    assert len(notes) == (3 if noted else 0)
    assert traffic.quiet_seconds() < 60
