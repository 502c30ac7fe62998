"""Customer features as of one day and of twelve, by SQLite and DuckDB, beside Polars doing the same.

The main query (``features/purchases``) is compared with Polars on frames already in memory; its rows must be
the same. All features together are what ``core.snapshots.snapshots`` does. Seconds are CPU seconds of the
process, so that other work on the machine counts little; a user with idle cores waits less.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from core.database import Database, open_database
from core.ingest import ingest
from core.snapshots import FEATURES, order_span, snapshots
from core.snapshots.build import KEYS
from core.snapshots.reader import forget_copy
from core.sql_files import read_sql
from tests.benchmarks.feature_peer import purchase_features
from tests.benchmarks.report import Row, progress
from tests.benchmarks.worlds import GeneratedWorld, world

SMALL, LARGE = 6_250, 62_500
"""Customers of the two companies: about half a million and five million order lines."""

MAIN = "features/purchases"
DAYS_APART = 60


def measure() -> Iterator[Row]:
    """The rows of this part, one by one."""
    small, large = _Measured(world(SMALL)), _Measured(world(LARGE))
    part = f"features ({large.lines / 1e6:.1f} M order lines, CPU seconds)"
    for days in (1, 12):
        peer = large.polars(days)
        name = "as of one day" if days == 1 else f"as of {days} days"
        duck = large.main("duckdb", days)
        yield Row(part, f"main query {name}, DuckDB", duck, "s", peer, "Polars", 1.3, relative=True)
    index = large.index_seconds()
    main = large.main("sqlite", 1)
    yield Row(
        part, "main query as of one day, SQLite", main + index, "s", target=20, note=f"index {index:.1f} s"
    )
    yield Row(part, "main query as of 12 days, SQLite", large.main("sqlite", 12), "s")
    for engine in ("sqlite", "duckdb"):
        title = {"sqlite": "SQLite", "duckdb": "DuckDB"}[engine]
        yield Row(
            part, f"all {len(FEATURES)} features as of one day, {title}", large.everything(engine, 1), "s"
        )
        yield Row(
            part, f"all {len(FEATURES)} features as of 12 days, {title}", large.everything(engine, 12), "s"
        )
        growth = main if engine == "sqlite" else large.main(engine, 1)
        growth *= small.lines / (small.main(engine, 1) * large.lines)
        yield Row(
            part, f"cost of a line against {small.lines / 1e6:.1f} M lines, {title}", growth, "×", target=1.3
        )


class _Measured:
    """One company in both engines and in memory."""

    def __init__(self, made: GeneratedWorld) -> None:
        self.files = {"sqlite": made.file, "duckdb": made.file.with_suffix(".duckdb")}
        if not self.files["duckdb"].is_file():
            progress(f"loading {made.folder.parent.name} into DuckDB")
            partial = self.files["duckdb"].with_suffix(".partial.duckdb")
            partial.unlink(missing_ok=True)
            ingest([made.folder], f"duckdb:///{partial}")
            partial.rename(self.files["duckdb"])
        with self._open("duckdb") as database:
            self.lines = int(database.query("SELECT COUNT(*) AS n FROM stg_sales").item())
            self.last_day = order_span(database)[1]

    def _open(self, engine: str) -> Database:
        return open_database(f"{engine}:///{self.files[engine]}")

    def _days(self, count: int) -> list[int]:
        return [self.last_day + 1 - DAYS_APART * back for back in range(count)]

    def main(self, engine: str, days: int) -> float:
        """CPU seconds of the main query."""
        with self._open(engine) as database:
            database.query("features/coverage", as_of_day=0)  # opens the database
            return _seconds(lambda: _main(database, self._days(days)))

    def everything(self, engine: str, days: int) -> float:
        """CPU seconds of all features."""
        progress(f"all features, {engine}, {days} days, {self.lines:,} lines")
        forget_copy()
        with self._open(engine) as database:
            return _seconds(lambda: snapshots(database, self._days(days)))

    def polars(self, days: int) -> float:
        """CPU seconds of the peer, whose rows must be those of DuckDB."""
        with self._open("duckdb") as database:
            orders = database.query("SELECT order_id, customer_id, order_day FROM stg_orders")
            lines = database.query("SELECT order_id, quantity, unit_price FROM stg_sales")
            expected = _main(database, self._days(days)).sort(KEYS)
        found = purchase_features(orders, lines, self._days(days)).sort(KEYS)
        assert_frame_equal(found, expected, check_dtypes=False, check_exact=False, abs_tol=1e-6)
        return _seconds(lambda: purchase_features(orders, lines, self._days(days)))

    def index_seconds(self) -> float:
        """CPU seconds for the index of order lines, made on a database like this and thrown away."""
        return _index_seconds(self.files["sqlite"])


def _main(database: Database, days: Sequence[int]) -> pl.DataFrame:
    padded = [*days, *[days[-1]] * len(read_sql(MAIN).parameters)]
    given = dict(zip(read_sql(MAIN).parameters, padded, strict=False))
    return database.query(MAIN, **given)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _index_seconds(file: Path) -> float:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        start = time.process_time()
        connection.execute("CREATE INDEX benchmark_index ON orderdetails (orderNumber, productCode)")
        seconds = time.process_time() - start
        connection.execute("ROLLBACK")
    return seconds
