"""Loading order lines into SQLite beside the sqlite3 shell, and reading sales for the dashboard.

A million order lines of a CSV file go into one table with the declared types and primary key, each time into
a new file, by ``sales-dashboard ingest`` (types and keys checked) and by the shell's ``.import`` (primary key
only). CPU is user and system time of the process, imports included.
"""

import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from shutil import which

from core.resources import sql_folder
from tests.benchmarks.processes import spend
from tests.benchmarks.report import Row, median, progress
from tests.benchmarks.worlds import SIZES, GeneratedWorld, world

LINES = 1_000_000
REPEATS = 3
LOAD = """
import sys, time
from core.database import open_database
from core.sales_data import read_sales
from core.days import to_date
with open_database(sys.argv[1]) as database:
    last = database.query("SELECT MAX(order_day) AS day FROM stg_orders")["day"].item()
    cpu, wall = time.process_time(), time.perf_counter()
    sales = read_sales(database, to_date(last + 1))
    print(time.process_time() - cpu, time.perf_counter() - wall, sales.line_count)
"""


def measure() -> Iterator[Row]:
    """The rows of this part."""
    yield from _csv_rows()
    for size, customers in SIZES.items():
        yield from _load_rows(size, world(customers))


def _csv_rows() -> list[Row]:
    part = "ingest (1 M order lines, CSV to SQLite)"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "orderdetails.csv"
        with (world(50_000).folder / "orderdetails.csv").open("rb") as whole, file.open("wb") as some:
            some.writelines(islice(whole, LINES + 1))
        ours, peers = [], []
        shell = which("sqlite3")
        for number in range(REPEATS):
            progress(f"ingest: {number + 1} of {REPEATS}")
            target = folder / f"ours-{number}.sqlite"
            command = [sys.executable, "-m", "dashboard.cli", "ingest", str(file)]
            ours.append(spend([*command, "--database", f"sqlite:///{target}"]))
            target.unlink()
            if shell:
                target = folder / f"peer-{number}.sqlite"
                script = f".import --csv --skip 1 {file} orderdetails\n"
                schema = (sql_folder() / "schema" / "orderdetails.sql").read_text().split("FOREIGN KEY")[
                    0
                ].rstrip(" \n,") + "\n);\n"
                peers.append(spend([shell, str(target)], f"{schema}{script}"))
                target.unlink()
    rate = LINES / median([each.cpu for each in ours])
    peer = LINES / median([each.cpu for each in peers]) if peers else None
    named = "sqlite3 shell" if peers else ""
    peak = max(each.peak for each in peers) if peers else None
    return [
        Row(part, "rows per CPU second", rate / 1000, "k", peer and peer / 1000, named, 0.7, "at least",
            relative=True),
        Row(part, "wall time", median([each.wall for each in ours]), "s",
            median([each.wall for each in peers]) if peers else None, named),
        Row(part, "peak memory", max(each.peak for each in ours), "MB", peak, named, 300),
    ]  # fmt: skip


def _load_rows(size: str, company: GeneratedWorld) -> list[Row]:
    progress(f"ingest: load_sales of {size} lines")
    runs = [spend([sys.executable, "-c", LOAD, company.url]) for _ in range(REPEATS if size != "4 M" else 1)]
    cpu, wall = (median([float(run.output.split()[i]) for run in runs]) for i in (0, 1))
    peak = max(run.peak for run in runs)
    part = "reading sales for the dashboard (SQLite)"
    return [
        Row(part, f"{size} lines", wall, "s", note=f"CPU {cpu:.2f} s, peak {peak:.0f} MB"),
    ]
