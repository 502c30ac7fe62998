"""A change of the country filter until every chart shows it, beside peers on the same data.

Ours is the tab Reach of Explore: six charts, the time strip, key figures and the table of rows. Peers are
pages of four and of seven charts (as many figures as ours has), patched in place or rebuilt.

For each size of company:

* *server CPU*: CPU clock of the server process over a series of changes sent through the websocket by a
  client without a browser, divided by their number; includes decoding, aggregating, patching, serialising and
  what the server spends anyway in the pause after each change;
* *browser*: from setting the filter in Chromium until the last data source changed and was painted (median).
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from tests.benchmarks.browser import CHANGE_COUNTRY, FOUND, SIZE, chromium
from tests.benchmarks.client import Client
from tests.benchmarks.processes import Server, dashboard
from tests.benchmarks.report import Row, median, progress
from tests.benchmarks.worlds import SIZES, GeneratedWorld, world

CHANGES = 24
BROWSER_CHANGES = 10
WARM_UP = 4
CHOICES = (["France"], ["Germany"], ["France", "Japan"], [])
PEERS = (("patched", 4), ("patched", 7), ("rebuilt", 4))
WATCHED = ("data", "children", "figures", "rows", "patching")
CHOOSE_COUNTRY = CHANGE_COUNTRY.replace(
    "widget.value = countries",
    f"""{FOUND}
  const boxes = found(document, 'details[data-dimension="country"] input[type="checkbox"]')
  for (const box of boxes) box.checked = countries.includes(box.value)
  boxes[0].dispatchEvent(new Event("change"))""",
)
"""The same for the filter of ours, whose boxes are ticked as a person does."""

type Change = Callable[[list[str]], Awaitable[None]]
type Prepare = Callable[[Client], Change]


@dataclass(frozen=True)
class Cost:
    """Server CPU, time until changed and until painted in the browser (ms), and bytes sent per change."""

    cpu: float
    changed: float
    painted: float
    sent: float


def measure() -> Iterator[Row]:
    """The rows of this part, size by size."""
    for size, customers in SIZES.items():
        company = world(customers)
        ours = _ours(size, company)
        peers = {peer: _peer(size, peer, company) for peer in PEERS}
        yield from _rows(size, ours, peers)


def _rows(size: str, ours: Cost, peers: dict[tuple[str, int], Cost]) -> list[Row]:
    part = f"click ({size} order lines)"
    four, seven, rebuilt = (peers[peer] for peer in PEERS)
    name = "in place, 7 charts"
    return [
        Row(part, "server CPU", ours.cpu, "ms", seven.cpu, name, 60, note=f"{ours.sent / 1000:.0f} kB sent"),
        Row(part, "server CPU", ours.cpu, "ms", four.cpu, "in place, 4 charts"),
        Row(part, "server CPU", ours.cpu, "ms", rebuilt.cpu, "rebuilt, 4 charts"),
        Row(part, "browser, last source changed", ours.changed, "ms", seven.changed, name, 1, relative=True),
        Row(part, "browser, painted", ours.painted, "ms", seven.painted, name, 150, note="stretch"),
        Row(part, "browser, painted", ours.painted, "ms", four.painted, "in place, 4 charts"),
        Row(part, "browser, painted", ours.painted, "ms", rebuilt.painted, "rebuilt, 4 charts"),
    ]


def _ours(size: str, company: GeneratedWorld) -> Cost:
    progress(f"click: ours on {size} lines")
    with tempfile.TemporaryDirectory() as folder, dashboard(company.url, Path(folder)) as server:

        def prepare(client: Client) -> Change:
            controls = client.find("panel.models.esm.ReactiveESM", class_name="FilterControls")
            return lambda countries: client.tell(
                controls, {"kind": "choice", "dimension": "country", "values": countries}
            )

        return _cost(server, "/?page=explore", prepare, ".sd-table tbody tr", CHOOSE_COUNTRY)


def _peer(size: str, peer: tuple[str, int], company: GeneratedWorld) -> Cost:
    kind, charts = peer
    progress(f"click: {kind}, {charts} charts on {size} lines")
    arguments = ["-m", "tests.benchmarks.peers", kind, str(charts), str(company.folder)]

    def prepare(client: Client) -> Change:
        widget = next(
            key
            for _, key, values in client.models()
            if "Country" in (values.get("title"), values.get("label"))
        )
        return lambda countries: client.change(widget, "value", countries)

    with Server(arguments) as server:
        server.wait_until("/")
        return _cost(server, "/", prepare, "canvas", CHANGE_COUNTRY)


def _cost(server: Server, path: str, prepare: Prepare, drawn: str, script: str) -> Cost:
    cpu, sent = asyncio.run(_server_cost(server, path, prepare))
    changed, painted = _browser_cost(server.url + path, drawn, script)
    return Cost(cpu, changed, painted, sent)


async def _server_cost(server: Server, path: str, prepare: Prepare) -> tuple[float, float]:
    client = await Client.open(server.url, path)
    await client.ready()
    await client.quiet(3)
    change = prepare(client)
    for countries in islice(cycle(CHOICES), WARM_UP):
        await change(countries)
        await client.quiet()
    await client.quiet(2)
    before, bytes_before = server.cpu(), client.received
    for countries in islice(cycle(CHOICES), CHANGES):
        await change(countries)
        await client.quiet()
    cpu, sent = server.cpu() - before, client.received - bytes_before
    if sent < CHANGES * 100:
        raise RuntimeError("the filter changed nothing")
    await client.close()
    return cpu / CHANGES * 1000, sent / CHANGES


def _browser_cost(url: str, drawn: str, script: str) -> tuple[float, float]:
    with chromium() as browser:
        page = browser.new_page(viewport=SIZE)
        page.goto(url)
        page.locator(drawn).first.wait_for(state="attached", timeout=60_000)
        page.wait_for_timeout(2500)
        times = [
            page.evaluate(script, [countries, list(WATCHED)])
            for countries in islice(cycle(CHOICES), WARM_UP + BROWSER_CHANGES)
        ][WARM_UP:]
    return median([changed for changed, _ in times]), median([painted for _, painted in times])
