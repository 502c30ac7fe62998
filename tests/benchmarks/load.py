"""Many people at once: each opens the Explore page and clicks; latency, memory, blocking, and what is left.

Sessions are real ones over HTTP and websocket (``client``). Each chooses another country, waits until nothing
comes any more, thinks for a while, and clicks again. The peer is one person alone on the same server.
"""

import asyncio
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Crowd:
    """What was measured while some people were there.

    Attributes
    ----------
    times
        Seconds of every click.
    memory
        Megabytes of the server while all were there.
    ticks, late
        How often the server's event loop was due, and more than 100 ms late.
    """

    times: list[float]
    memory: float
    ticks: float
    late: float


class IdleLoop:
    """An event loop with nothing to do, in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.idle_loop"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def late(self) -> float:
        """How often it was more than 100 ms late since it was last asked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline().split()[1])

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate(timeout=10)


def measure() -> list[Row]:
    """The rows of this part."""
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    part = "load (demo, Explore)"
    rows: list[Row] = []
    idle = IdleLoop()
    with tempfile.TemporaryDirectory() as folder, dashboard(world(500).url, Path(folder)) as server:
        await _crowd(server, 2)  # everything imported and read
        server.ask()
        alone = await _crowd(server, 1)
        for size in CROWDS:
            progress(f"load: {size} people")
            server.ask()
            before = server.rss()
            idle.late()
            crowd = await _crowd(server, size)
            p50, p95 = np.percentile(crowd.times, [50, 95]) * 1000
            of_one = float(np.median(alone.times)) * 1000
            rows += [
                Row(part, f"{size} people: click, p50", float(p50), "ms", of_one, "one person alone"),
                Row(part, f"{size} people: click, p95", float(p95), "ms", of_one, "one person alone"),
                Row(part, f"{size} people: memory of each", (crowd.memory - before) / size, "MB", target=10),
                Row(part, f"{size} people: ticks of the event loop later than 100 ms", crowd.late, "",
                    idle.late(), "idle loop", target=0,
                    note=f"of {crowd.ticks:.0f}, opening pages included"),
            ]  # fmt: skip
        progress("load: waiting for the sessions to expire")
        left = float("inf")
        end = time.perf_counter() + EXPIRY_SECONDS
        while left and time.perf_counter() < end:
            await asyncio.sleep(3)
            left = float(server.ask())
        rows.append(Row(part, "sessions left in memory after they expired", left, "", target=0))
    idle.stop()
    return rows


async def _crowd(server: Server, size: int) -> Crowd:
    """``size`` people who open a page and click."""
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

    before = _blocked(server)
    people = await asyncio.gather(*(person(number) for number in range(size)))
    after = _blocked(server)  # before it is asked to collect its garbage
    server.ask()
    memory = server.rss()
    for _, client in people:
        await client.close()
    times = [seconds for times, _ in people for seconds in times if seconds > 0]
    return Crowd(times, memory, after[0] - before[0], after[1] - before[1])


def _blocked(server: Server) -> tuple[float, float]:
    """Ticks of the event loop so far, and those that came more than 100 ms late."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=30) as answer:
        buckets = {bound: float(count) for bound, count in _BLOCKED.findall(answer.read().decode())}
    return buckets["+Inf"], buckets["+Inf"] - buckets["0.1"]
