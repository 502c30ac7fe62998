"""Loading Overview in Chromium, cold (empty cache) and warm (second load in the same browser profile).

Times run from navigation until the shell is visible and until every card is drawn; medians over several
profiles. Bytes and requests are those the browser's network log reports for the cold load; a request to any
other host is foreign. Server CPU is the process's clock over the whole load, its callbacks included. The
peer is a page of four plain Bokeh figures, uncompressed as Panel serves it.
"""

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from tests.benchmarks.browser import FOUND, OURS, SIZE, canvases, chromium, load
from tests.benchmarks.processes import Server, dashboard
from tests.benchmarks.report import Row, median, progress
from tests.benchmarks.worlds import world

REPEATS = 5
SWITCH = f"""
async ([page, drawn]) => {{
  {FOUND}
  const start = performance.now()
  found(document, `button[data-page="${{page}}"]`)[0].click()
  while (performance.now() - start < 30000) {{
    await new Promise((resolve) => requestAnimationFrame(resolve))
    const cards = found(document, ".sd-card").filter((card) => card.offsetWidth > 0)
    if (found(document, drawn).some((node) => node.offsetWidth > 0)
        && cards.length && cards.every((card) => card.dataset.state === "ready")) break
  }}
  return (performance.now() - start) / 1000
}}
"""
"""Opens a page by its button in the navigation; seconds until all its cards are visible and drawn."""


def measure() -> list[Row]:
    """The rows of this part."""
    progress("page: loading Overview in Chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        dashboard(world(500).url, Path(folder)) as server,
        chromium() as browser,
    ):
        _load_twice(browser, server)  # the server compresses its files on the first request
        loads = [_load_twice(browser, server) for _ in range(REPEATS)]
        first, again = zip(*(_switch(browser, server) for _ in range(3)), strict=True)
        with Server(["-m", "tests.benchmarks.peers", "patched", "4", str(world(500).folder)]) as peer:
            peer.wait_until("/")
            _load_twice(browser, peer, canvases(4))
            peers = [_load_twice(browser, peer, canvases(4)) for _ in range(REPEATS)]
    column = {name: median([each[name] for each in loads]) for name in loads[0]}
    other = {name: median([each[name] for each in peers]) for name in peers[0]}
    named = "Bokeh page, 4 charts"
    part = "page (Overview, demo)"
    return [
        Row(part, "cold, shell visible", column["cold shell"], "s"),
        Row(part, "cold, all cards drawn", column["cold drawn"], "s", other["cold drawn"], named, target=1.5),
        Row(part, "warm, shell visible", column["warm shell"], "s"),
        Row(part, "warm, all cards drawn", column["warm drawn"], "s", other["warm drawn"], named, target=1.0),
        Row(part, "server CPU of a load", column["cpu"], "s", other["cpu"], named),
        Row(part, "bytes, cold", column["bytes"] / 1e6, "MB", other["bytes"] / 1e6, named, target=1.5),
        Row(part, "bytes, warm", column["warm bytes"] / 1e6, "MB"),
        Row(part, "requests, cold", column["requests"], "", other["requests"], named),
        Row(part, "foreign requests", max(each["foreign"] for each in loads), "", target=0),
        Row(part, "switch to Explore, first time", median(first), "s", target=0.8),
        Row(part, "switch to Overview, seen before", median(again), "s", target=0.2),
    ]


def _load_twice(browser: Browser, server: Server, watch: str = OURS) -> dict[str, float]:
    context = browser.new_context(viewport=SIZE)
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    addresses: list[str] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.on("request", lambda request: addresses.append(request.url))
    before = server.cpu()
    cold_shell, cold_drawn = load(page, server.url, watch)
    page.wait_for_timeout(1500)
    cpu = server.cpu() - before
    cold = sum(sizes)
    requests = [url for url in addresses if url.startswith(("http:", "https:"))]
    own = urlsplit(server.url).netloc
    sizes.clear()
    page.goto("about:blank")
    warm_shell, warm_drawn = load(page, server.url, watch)
    context.close()
    return {
        "cold shell": cold_shell,
        "cold drawn": cold_drawn,
        "warm shell": warm_shell,
        "warm drawn": warm_drawn,
        "cpu": cpu,
        "bytes": cold,
        "warm bytes": sum(sizes),
        "requests": float(len(requests)),
        "foreign": float(sum(urlsplit(url).netloc != own for url in requests)),
    }


def _switch(browser: Browser, server: Server) -> tuple[float, float]:
    page = browser.new_page(viewport=SIZE)
    load(page, server.url)
    page.wait_for_timeout(1000)
    first = page.evaluate(SWITCH, ["explore", ".sd-table tbody tr"])
    page.wait_for_timeout(1500)
    again = page.evaluate(SWITCH, ["overview", ".sd-figures:not(.compact) .figure"])
    page.close()
    return first, again
