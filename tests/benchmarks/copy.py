"""Copying a database: time and memory beside what a developer would write, and beside ``sqlite3 .dump``.

The peers copy rows and nothing else: no keys, no reading back, no going on after a break, and what is in the
target is replaced before the new rows are there. ``SALES_BENCH_COPY_ROWS`` sets the number of order lines.

Run as ``python -m tests.benchmarks.copy ours|polars|dump SOURCE TARGET``, copies once and prints the time and
the most memory it held.
"""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.benchmarks.report import Row, median, progress

ROWS = int(os.environ.get("SALES_BENCH_COPY_ROWS", "1000000"))
_TIMES = 3
_TABLE = "lines"
_BATCH = 50_000


def measure() -> Iterator[Row]:
    """Seconds and memory of copies from SQLite to SQLite and to DuckDB, each beside a peer."""
    with tempfile.TemporaryDirectory(prefix="sales-bench-") as name:
        folder = Path(name)
        source = folder / "source.sqlite"
        progress(f"making {ROWS:,} rows")
        _make(source)
        runs = {
            "SQLite to DuckDB": ("duckdb", "polars", "Polars in batches, SQLAlchemy"),
            "SQLite to SQLite": ("sqlite", "polars", "Polars in batches, SQLAlchemy"),
            "SQLite to SQLite, text": ("sqlite", "dump", "sqlite3 .dump | sqlite3"),
        }
        for figure, (engine, peer, peer_name) in runs.items():
            if peer == "dump" and shutil.which("sqlite3") is None:
                yield Row("copy", figure, None, "s", note="sqlite3 is not installed")
                continue
            ours: list[tuple[float, float]] = []
            theirs: list[tuple[float, float]] = []
            for turn in range(_TIMES):
                progress(f"{figure}, {turn + 1} of {_TIMES}")
                ours.append(_run("ours", source, folder / f"ours{turn}.{engine}"))
                theirs.append(_run(peer, source, folder / f"peer{turn}.{engine}"))
                for file in folder.glob("[op]*[0-9].*"):
                    file.unlink()
            note = f"{ROWS:,} rows; ours with keys, read back and compared"
            seconds = [median([run[0] for run in runs]) for runs in (ours, theirs)]
            yield Row("copy", figure, seconds[0], "s", seconds[1], peer_name, note=note)
            if peer != "dump":
                memory = [median([run[1] for run in runs]) for runs in (ours, theirs)]
                yield Row("copy", f"{figure}, memory", memory[0], "MB", memory[1], peer_name)


def _make(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            f"CREATE TABLE {_TABLE} (line INTEGER PRIMARY KEY, customer INTEGER NOT NULL, product TEXT, "
            "amount REAL, day DATE, moment DATETIME, paid BOOLEAN)"
        )
        connection.execute(
            f"INSERT INTO {_TABLE} WITH RECURSIVE n(i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "SELECT i, i * 7919 % 100003, 'S' || (i % 997) || '_' || (i * 31 % 4099), "
            "(i * 37 % 100000) / 100.0, "
            "date('2020-01-01', '+' || (i % 1500) || ' days'), "
            "datetime('2020-01-01', '+' || (i % 1000003) || ' seconds'), i % 2 FROM n",
            (ROWS,),
        )
        connection.commit()


def _run(kind: str, source: Path, target: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "tests.benchmarks.copy", kind, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = json.loads(done.stdout)
    return float(seconds), float(megabytes)


def _ours(source: Path, target: Path) -> None:
    from core.transfer import copy_database

    report = copy_database(f"sqlite:///{source}", f"{target.suffix[1:]}:///{target}")
    assert report.verified
    assert report.rows == ROWS


def _polars(source: Path, target: Path) -> None:
    """What one would write: read in batches, and add each with the tools at hand."""
    import polars as pl
    import sqlalchemy

    engine = sqlalchemy.create_engine(f"sqlite:///{source}")
    with engine.connect() as reading:
        batches = pl.read_database(f"SELECT * FROM {_TABLE}", reading, iter_batches=True, batch_size=_BATCH)
        if target.suffix == ".duckdb":
            import duckdb

            with duckdb.connect(str(target)) as writing:
                for number, batch in enumerate(batches):
                    writing.register("batch", batch)
                    verb = f"CREATE TABLE {_TABLE} AS" if number == 0 else f"INSERT INTO {_TABLE}"
                    writing.execute(f"{verb} SELECT * FROM batch")
                    writing.unregister("batch")
        else:
            into = sqlalchemy.create_engine(f"sqlite:///{target}")
            for batch in batches:
                batch.write_database(_TABLE, into, if_table_exists="append")


def _dump(source: Path, target: Path) -> None:
    with subprocess.Popen(["sqlite3", str(source), ".dump"], stdout=subprocess.PIPE) as told:
        subprocess.run(["sqlite3", str(target)], stdin=told.stdout, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Copy once and print seconds and megabytes."""
    kind, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    start = time.perf_counter()
    {"ours": _ours, "polars": _polars, "dump": _dump}[kind](source, target)
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


if __name__ == "__main__":
    main()
