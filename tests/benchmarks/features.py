"""Customer features, one row per customer as of a date, by the queries under ``sql/features``.

Each query runs on SQLite as it would for the dashboard; the peer is one pass of Polars over the same order
lines in memory (recency, frequency, amounts). Reading the lines is not counted.
"""

import time
from datetime import date

import polars as pl

from core.database import open_database
from core.days import to_day
from core.resources import sql_folder
from tests.benchmarks.report import Row, progress
from tests.benchmarks.worlds import SIZES, GeneratedWorld, world

AS_OF = date(2026, 1, 1)
SIZE = "4 M"


def measure() -> list[Row]:
    """The rows of this part."""
    part = f"features ({SIZE} order lines)"
    queries = sorted(file.stem for file in (sql_folder() / "features").glob("*.sql"))
    if not queries:
        return [Row(part, "customer features", None, "s", note="there are no queries under sql/features yet")]
    company = world(SIZES[SIZE])
    peer = _polars(company)
    rows = []
    with open_database(company.url) as database:
        for name in queries:
            progress(f"features: {name}")
            start = time.process_time()
            database.query(f"features/{name}", as_of_day=to_day(AS_OF))
            rows.append(Row(part, name, time.process_time() - start, "s", peer, "Polars", 20))
    return rows


def _polars(company: GeneratedWorld) -> float:
    lines = pl.read_csv(company.folder / "orderdetails.csv")
    orders = pl.read_csv(company.folder / "orders.csv", try_parse_dates=True)
    start = time.process_time()
    (
        lines.lazy()
        .join(orders.lazy().filter(pl.col("orderDate") < AS_OF), on="orderNumber")
        .group_by("customerNumber")
        .agg(
            pl.col("orderDate").max().alias("last"),
            pl.col("orderDate").min().alias("first"),
            pl.col("orderNumber").n_unique().alias("orders"),
            (pl.col("quantityOrdered") * pl.col("priceEach")).sum().alias("revenue"),
            pl.col("productCode").n_unique().alias("products"),
        )
        .collect()
    )
    return time.process_time() - start
