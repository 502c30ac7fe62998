"""Many people at once: each opens the Explore page and clicks; latency, memory, blocking, and what is left.

Sessions are real ones over HTTP and websocket (``client``). Each chooses another country, waits until nothing
comes any more, thinks for a while, and clicks again. The peer is one person alone on the same server.
"""

import asyncio
import random
import re
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np

from tests.benchmarks.client import Client
from tests.benchmarks.processes import Server, dashboard
from tests.benchmarks.report import Row, progress
from tests.benchmarks.worlds import world

CROWDS = (10, 30)
CLICKS = 8
THINK_SECONDS = 3.0
ARRIVAL_SECONDS = 1.0
QUIET_SECONDS = 0.4
EXPIRY_SECONDS = 90.0
CHOICES = (["France"], ["USA"], ["Germany", "Spain"], [])
_BLOCKED = re.compile(r'^sales_event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)


def measure() -> list[Row]:
    """The rows of this part."""
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    part = "load (demo, Explore)"
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, dashboard(world(500).url, Path(folder)) as server:
        await _crowd(server, 2)  # everything imported and read
        server.ask()
        alone, _ = await _crowd(server, 1)
        for size in CROWDS:
            progress(f"load: {size} people")
            server.ask()
            before, blocked = server.rss(), _blocked(server)
            times, after = await _crowd(server, size)
            late = _blocked(server)
            p50, p95 = np.percentile(times, [50, 95]) * 1000
            of_one = float(np.median(alone)) * 1000
            rows += [
                Row(part, f"{size} people: click, p50", float(p50), "ms", of_one, "one person alone"),
                Row(part, f"{size} people: click, p95", float(p95), "ms", of_one, "one person alone"),
                Row(part, f"{size} people: memory of each", (after - before) / size, "MB", target=10),
                Row(part, f"{size} people: ticks of the event loop later than 100 ms",
                    float(late[1] - blocked[1]), "", target=0,
                    note=f"of {late[0] - blocked[0]:.0f}, opening the pages included"),
            ]  # fmt: skip
        progress("load: waiting for the sessions to expire")
        left = float("inf")
        end = time.perf_counter() + EXPIRY_SECONDS
        while left and time.perf_counter() < end:
            await asyncio.sleep(3)
            left = float(server.ask())
        rows.append(Row(part, "sessions left in memory after they expired", left, "", target=0))
    return rows


async def _crowd(server: Server, size: int) -> tuple[list[float], float]:
    """Seconds of every click of ``size`` people, and the memory in MB while all are there."""
    randomly = random.Random(size)

    async def person(number: int) -> tuple[list[float], Client]:
        await asyncio.sleep(number * ARRIVAL_SECONDS)
        client = await Client.open(server.url, "/?page=explore")
        await client.ready()
        await client.quiet(2)
        controls = client.find("panel.models.esm.ReactiveESM", class_name="FilterControls")
        times = []
        for click in range(CLICKS):
            await asyncio.sleep(randomly.uniform(0.5, 1.5) * THINK_SECONDS)
            start = time.perf_counter()
            values = CHOICES[(number + click) % len(CHOICES)]
            await client.tell(controls, {"kind": "choice", "dimension": "country", "values": values})
            times.append(max(0.0, await client.quiet(QUIET_SECONDS) - start))
        return times, client

    people = await asyncio.gather(*(person(number) for number in range(size)))
    server.ask()
    memory = server.rss()
    for _, client in people:
        await client.close()
    return [seconds for times, _ in people for seconds in times if seconds > 0], memory


def _blocked(server: Server) -> tuple[float, float]:
    """Ticks of the event loop so far, and those that came more than 100 ms late."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=30) as answer:
        buckets = {bound: float(count) for bound, count in _BLOCKED.findall(answer.read().decode())}
    return buckets["+Inf"], buckets["+Inf"] - buckets["0.1"]
