"""From the start of the process to liveness, to the first page, and to Overview drawn in Chromium.

The database and the bytecode are there already, the browser runs; medians of several starts.
"""

import os
import tempfile
import time

from tests.benchmarks.browser import SIZE, chromium, load
from tests.benchmarks.processes import Server
from tests.benchmarks.report import Row, median, progress
from tests.benchmarks.worlds import world

REPEATS = 4


def measure() -> list[Row]:
    """The rows of this part."""
    times = []
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        environ = {"SALES_DATABASE_URL": world(500).url, "SALES_DATA_DIR": folder, "SALES_PORT": "0"}
        for number in range(REPEATS):
            progress(f"start: {number + 1} of {REPEATS}")
            page = browser.new_page(viewport=SIZE)
            with Server(["-m", "dashboard.cli", "serve"], environ) as server:
                alive = server.wait_until("/healthz")
                first = server.wait_until("/")
                load(page, server.url)
                drawn = time.perf_counter() - server.started
                times.append((alive, first, drawn, server.cpu(), server.rss()))
            page.close()
    alive, first, drawn, cpu, rss = (median(each) for each in zip(*times, strict=True))
    part = f"start (demo, {os.cpu_count()} cores)"
    return [
        Row(part, "process to /healthz", alive, "s", target=1.0),
        Row(part, "process to the first page", first, "s"),
        Row(part, "process to Overview drawn", drawn, "s", target=4.5),
        Row(part, "server CPU until then", cpu, "s"),
        Row(part, "server memory then", rss, "MB"),
    ]
