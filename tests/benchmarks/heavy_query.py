"""Other sessions while one runs a heavy query on the SQL page: a change of the country filter, and a ping.

A session without a browser runs a cross join that would take minutes. Another changes its country filter on
the tab Reach of Explore, alone and during the query. The time is from sending the change until the last
message of its answer has come; the ping is /healthz over HTTP.
"""

import asyncio
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import httpx

from tests.benchmarks.client import Client
from tests.benchmarks.processes import Server, dashboard
from tests.benchmarks.report import Row, median, progress
from tests.benchmarks.worlds import world

HEAVY = "SELECT COUNT(*) AS n FROM customers a, customers b, customers c, customers d"
LEAST_SECONDS = 10.0
CHANGES = 10
WARM_UP = 4
CHOICES = (["France"], ["Germany"], ["France", "Japan"], [])


def measure() -> list[Row]:
    """The rows of this part."""
    with tempfile.TemporaryDirectory() as folder, dashboard(world(500).url, Path(folder)) as server:
        return asyncio.run(_measure(server))


async def _measure(server: Server) -> list[Row]:
    part = "heavy query of another session (demo)"
    progress("heavy query: alone")
    reader = await _opened(server, "/?page=explore")
    writer = await _opened(server, "/?page=sql")
    await _answers(server, reader, WARM_UP)
    alone, alone_pings = await _answers(server, reader, CHANGES)
    progress("heavy query: while it runs")
    before, start = server.cpu(), time.perf_counter()
    editor = writer.find("panel.models.esm.ReactiveESM", class_name="SqlEditor")
    await writer.tell(editor, {"kind": "run", "text": HEAVY})
    await writer.quiet(1)
    during: list[float] = []
    pings: list[float] = []
    while time.perf_counter() - start < LEAST_SECONDS or len(during) < CHANGES:
        times, more = await _answers(server, reader, CHANGES)
        during += times
        pings += more
    ran = time.perf_counter() - start
    busy = (server.cpu() - before) / ran
    await writer.tell(editor, {"kind": "cancel"})
    stopped = time.perf_counter()
    stop_seconds = await writer.quiet(1) - stopped
    for client in (reader, writer):
        await client.close()
    note = f"query ran {ran:.0f} s, server used {busy:.1f} cores"
    return [
        Row(part, "filter change until answered", median(during), "ms", median(alone), "alone", 500,
            note=note),
        Row(part, "filter change, slowest", max(during), "ms", max(alone), "alone", 1_500),
        Row(part, "ping, median", median(pings), "ms", median(alone_pings), "alone"),
        Row(part, "ping, slowest", max(pings), "ms", max(alone_pings), "alone", 500),
        Row(part, "cancel until told", stop_seconds * 1000, "ms", target=1_000),
    ]  # fmt: skip


async def _opened(server: Server, path: str) -> Client:
    client = await Client.open(server.url, path)
    await client.ready()
    await client.quiet(3)
    return client


async def _answers(server: Server, client: Client, changes: int) -> tuple[list[float], list[float]]:
    """Milliseconds of so many changes of the filter, and of a ping after each."""
    controls = client.find("panel.models.esm.ReactiveESM", class_name="FilterControls")
    times, pings = [], []
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        for countries in islice(cycle(CHOICES), changes):
            start = time.perf_counter()
            await client.tell(controls, {"kind": "choice", "dimension": "country", "values": countries})
            times.append((await client.quiet() - start) * 1000)
            start = time.perf_counter()
            await http.get(server.url + "/healthz")
            pings.append((time.perf_counter() - start) * 1000)
    return times, pings
