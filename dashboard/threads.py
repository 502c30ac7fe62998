"""Two kinds of work off the event loop, so that neither waits for the other.

Bokeh makes pages and runs callbacks on the loop's default threads. That is Python at work, one at a time
whatever their number: more of them only make everybody, and the event loop, wait longer for a turn. What may
wait long, for the sales to be read, a disk or another server, has threads of its own.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

_PAGE_THREADS = 4
_WAITING = ThreadPoolExecutor(12, thread_name_prefix="waiting")


def bound_page_threads() -> None:
    """Let pages and callbacks of the running event loop share a few threads."""
    executor = ThreadPoolExecutor(_PAGE_THREADS, thread_name_prefix="page")
    asyncio.get_running_loop().set_default_executor(executor)


async def in_thread[**P, T](work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` returns, which may wait for something; it sees the context variables of the caller."""
    context = contextvars.copy_context()
    run: Any = partial(context.run, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_WAITING, run)
