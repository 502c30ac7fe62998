"""Opening sessions: server CPU, many at once, memory of each, and what is left when they are over.

Sessions are opened over HTTP and a websocket without a browser: page, token, document (the shell), then the
event that the browser shows it, upon which the server draws the views. CPU is the server process's clock.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from tests.benchmarks.client import Client
from tests.benchmarks.processes import Server, dashboard
from tests.benchmarks.report import Row, median, progress
from tests.benchmarks.worlds import world

SINGLE = 8
CROWDS = ((10, 3.0), (50, 15.0))
HELD = 12
CHAPTERS = ("products", "money")
EXPIRY_SECONDS = 60.0


def measure() -> list[Row]:
    """The rows of this part."""
    return asyncio.run(_measure())


async def _measure() -> list[Row]:
    part = "sessions (demo)"
    with tempfile.TemporaryDirectory() as folder, dashboard(world(500).url, Path(folder)) as server:
        progress("sessions: one by one")
        for _ in range(3):
            await (await _opened(server)).close()
        single = [await _single(server) for _ in range(SINGLE)]
        shell, drawn, charts = (median([each[i] for each in single]) for i in (0, 1, 2))
        rows = [
            Row(part, "one: CPU to the shell", shell, "s", target=0.3),
            Row(part, "one: CPU to everything drawn", drawn, "s"),
            Row(part, "one: CPU per chart drawn", (drawn - shell) / charts * 1000, "ms", target=65),
        ]
        for size, target in CROWDS:
            progress(f"sessions: {size} at once")
            shells, everything, cpu = await _crowd(server, size)
            rows += [
                Row(part, f"{size} at once: p50 to the shell", median(shells), "s", target=target,
                    note=f"slowest {max(shells):.1f} s, CPU {cpu:.1f} s"),
                Row(part, f"{size} at once: p50 to everything", median(everything), "s"),
            ]  # fmt: skip
        await _expired(server)
    with tempfile.TemporaryDirectory() as folder, dashboard(world(500).url, Path(folder)) as server:
        progress("sessions: memory")
        rows += await _memory(server, part)
        left = await _expired(server)
        rows.append(Row(part, "sessions left in memory after they expired", left, "", target=0))
    return rows


async def _opened(server: Server, path: str = "/") -> Client:
    client = await Client.open(server.url, path)
    await client.ready()
    await client.until_drawn()
    await client.quiet()
    return client


async def _single(server: Server) -> tuple[float, float, float]:
    before = server.cpu()
    client = await Client.open(server.url)
    shell = server.cpu() - before
    await client.ready()
    await client.until_drawn()
    await client.quiet()
    drawn = server.cpu() - before
    await client.close()
    return shell, drawn, float(client.drawn)


async def _crowd(server: Server, size: int) -> tuple[list[float], list[float], float]:
    start, before = time.perf_counter(), server.cpu()

    async def one() -> tuple[float, float, Client]:
        client = await Client.open(server.url)
        await client.ready()
        done = await client.until_drawn()
        return client.shell_at - start, done - start, client

    results = await asyncio.gather(*(one() for _ in range(size)))
    cpu = server.cpu() - before
    for _, _, client in results:
        await client.close()
    return [shell for shell, _, _ in results], [done for _, done, _ in results], cpu


async def _memory(server: Server, part: str) -> list[Row]:
    clients = [await _opened(server) for _ in range(3)]
    for client in clients:
        await _visit_all(client)
    server.ask()  # collects garbage
    before = server.rss()
    held = [await _opened(server) for _ in range(HELD)]
    server.ask()
    on_page = server.rss()
    for client in held:
        await _visit_all(client)
    server.ask()
    visited = server.rss()
    for client in [*clients, *held]:
        await client.close()
    return [
        Row(part, "memory per session on Overview", (on_page - before) / HELD, "MB", target=3),
        Row(part, "memory per session, all pages visited", (visited - before) / HELD, "MB", target=10,
            note=f"server {visited:.0f} MB with {HELD + 3} sessions"),
    ]  # fmt: skip


async def _visit_all(client: Client) -> None:
    navigation = client.find("panel.models.esm.ReactiveESM", class_name="Navigation")
    known = client.views
    await client.tell(navigation, {"kind": "open", "page": "explore"})
    await client.until_drawn(more_than=known)
    strip = client.find("TabStrip")
    for chapter in CHAPTERS:
        known = client.views
        await client.change(strip, "active", chapter)
        await client.until_drawn(more_than=known)
    await client.quiet()


async def _expired(server: Server) -> float:
    """Sessions alive once unused sessions were thrown away, or when the time is up."""
    end = time.perf_counter() + EXPIRY_SECONDS
    left = float("inf")
    while left and time.perf_counter() < end:
        await asyncio.sleep(3)
        left = float(server.ask())
    return left
