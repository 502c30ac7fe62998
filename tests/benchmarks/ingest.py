"""Loading a million rows of CSV beside the sqlite3 shell, and reading sales for the dashboard.

Each file goes into a new database each time, by ``sales-dashboard ingest`` (types, required cells and keys
checked; problems would name their lines) and by the shell's ``.import`` into a table with the same declared
types. The shell is measured three times: into a table without keys, with its primary key alone, and with the
primary key and the index of the foreign key, which is what ``ingest`` builds. The share to be reached is that
of the table with its primary key; a table of any name has none. CPU is user and system time of the process,
imports included.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from shutil import which

import polars as pl

from core.resources import sql_folder
from tests.benchmarks.processes import Spent, spend
from tests.benchmarks.report import Row, median, progress
from tests.benchmarks.worlds import SIZES, GeneratedWorld, world

LINES = 1_000_000
REPEATS = 3
PEERS = ("sqlite3 .import, no key", "sqlite3 .import, key", "sqlite3 .import, key and index")
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


def _csv_rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name, _bytecode_kept(Path(name) / "bytecode"):
        folder = Path(name)
        for what, file, table in _files(folder):
            runs: dict[str, list[Spent]] = {}
            for number in range(REPEATS + 1):
                progress(f"ingest: {what}, {number} of {REPEATS}")
                for who, command, stdin in _commands(file, table, folder):
                    used = spend(command, stdin)
                    if number:  # the first one compiles
                        runs.setdefault(who, []).append(used)
                    for left in folder.glob("target*"):
                        left.unlink()
            yield from _figures(f"ingest (1 M rows of CSV: {what})", runs)


def _files(folder: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """What each file is, where, and what the peer is told: no key, key, key and index."""
    plain = folder / "orderdetails.csv"
    with (world(50_000).folder / "orderdetails.csv").open("rb") as whole, plain.open("wb") as some:
        some.writelines(islice(whole, LINES + 1))
    declared = re.sub(r"--.*", "", (sql_folder() / "schema" / "orderdetails.sql").read_text())
    keyed = declared.split("FOREIGN KEY")[0].rstrip(" \n,") + "\n);\n"
    bare = declared.split("PRIMARY KEY")[0].rstrip(" \n,") + "\n);\n"
    index = "CREATE INDEX of_products ON orderdetails (productCode);\n"
    lines = [bare, keyed, f"{keyed}\n-- after the rows\n{index}"]
    yield "order lines", plain, lines
    quoted, visits = folder / "quoted" / "orderdetails.csv", folder / "visits.csv"
    quoted.parent.mkdir()
    frame = pl.read_csv(plain, infer_schema=False)
    frame.write_csv(quoted, quote_style="always")
    yield "order lines, every cell quoted", quoted, lines
    pl.select(
        visit=pl.int_range(1, LINES + 1),
        day=pl.date(2020, 1, 1) + pl.duration(days=pl.int_range(LINES) // 700),
        place=frame["productCode"],
        amount=frame["priceEach"],
        guests=frame["quantityOrdered"],
    ).write_csv(visits)
    yield (
        "a table of any name, types found",
        visits,
        ["CREATE TABLE visits (visit INTEGER, day DATE, place TEXT, amount REAL, guests INTEGER);\n"],
    )


def _commands(file: Path, table: list[str], folder: Path) -> Iterator[tuple[str, list[str], str]]:
    ingest = [sys.executable, "-m", "dashboard.cli", "ingest", str(file), "--database"]
    yield "SQLite", [*ingest, f"sqlite:///{folder / 'target.sqlite'}"], ""
    yield "DuckDB", [*ingest, f"duckdb:///{folder / 'target.duckdb'}"], ""
    shell = which("sqlite3")
    for who, script in zip(PEERS, table, strict=False) if shell else ():
        before, _, after = script.partition("-- after the rows\n")
        rows = f".import --csv --skip 1 {file} {file.stem}\n"
        yield who, [str(shell), str(folder / "target.peer")], f"{before}{rows}{after}"


def _figures(part: str, runs: dict[str, list[Spent]]) -> Iterator[Row]:
    def rate(who: str) -> float:
        return LINES / median([each.cpu for each in runs[who]]) / 1000

    ours, peers = runs["SQLite"], [who for who in PEERS if who in runs]
    figure = "SQLite, rows per CPU second"
    if not peers:
        yield Row(part, figure, rate("SQLite"), "k")
    for who in peers:
        target = 0.7 if who == PEERS[min(1, len(peers) - 1)] else None
        yield Row(part, figure, rate("SQLite"), "k", rate(who), who, target, "at least", relative=True)
    wall = median([each.wall for each in ours])
    beside = median([each.wall for each in runs[peers[-1]]]) if peers else None
    yield Row(part, "SQLite, wall time", wall, "s", beside, peers[-1] if peers else "")
    yield Row(part, "SQLite, peak memory", max(each.peak for each in ours), "MB", target=300)
    target = 1_200 if part.endswith("lines)") else None
    yield Row(part, "DuckDB, rows per CPU second", rate("DuckDB"), "k", target=target, sense="at least")
    yield Row(part, "DuckDB, peak memory", max(each.peak for each in runs["DuckDB"]), "MB", target=300)


@contextmanager
def _bytecode_kept(folder: Path) -> Iterator[None]:
    """Python keeps what it compiled in ``folder``, as it does beside an installed product."""
    before = dict(os.environ)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _load_rows(size: str, company: GeneratedWorld) -> list[Row]:
    progress(f"ingest: load_sales of {size} lines")
    runs = [spend([sys.executable, "-c", LOAD, company.url]) for _ in range(REPEATS if size != "4 M" else 1)]
    cpu, wall = (median([float(run.output.split()[i]) for run in runs]) for i in (0, 1))
    peak = max(run.peak for run in runs)
    part = "reading sales for the dashboard (SQLite)"
    return [
        Row(part, f"{size} lines", wall, "s", note=f"CPU {cpu:.2f} s, peak {peak:.0f} MB"),
    ]
