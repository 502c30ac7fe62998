"""Work that waits does not keep pages from being made, and pages do not keep it from being done."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.threads import bound_page_threads, in_thread

WHO = contextvars.ContextVar("WHO", default="nobody")


def test_each_kind_of_work_goes_on_while_the_other_is_stuck() -> None:
    async def both() -> None:
        bound_page_threads()
        stuck = threading.Event()
        try:
            pages = [asyncio.create_task(asyncio.to_thread(stuck.wait, 60)) for _ in range(6)]
            assert (await asyncio.wait_for(in_thread(threading.current_thread), 30)).name.startswith(
                "waiting"
            )
        finally:
            stuck.set()
        await asyncio.gather(*pages)
        stuck.clear()
        try:
            reads = [asyncio.create_task(in_thread(stuck.wait, 60)) for _ in range(6)]
            assert (await asyncio.wait_for(asyncio.to_thread(threading.current_thread), 30)).name.startswith(
                "page"
            )
        finally:
            stuck.set()
        await asyncio.gather(*reads)

    _run(both())


def test_it_knows_for_whom_it_works_and_tells_what_went_wrong() -> None:
    async def ask() -> None:
        WHO.set("Ada")
        assert await in_thread(WHO.get) == "Ada"
        with pytest.raises(ValueError, match="invalid literal"):
            await in_thread(int, "x", base=10)

    _run(ask())


def _run(work: object) -> None:
    """On a thread of its own: the main one may have an event loop of a browser."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()  # type: ignore[arg-type]
