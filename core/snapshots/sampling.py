"""A random choice of customers, and for large companies a copy of their rows alone to calculate on."""

import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl

from core.database.base import Database, Queries
from core.database.duckdb_copy import DuckdbCopy
from core.errors import MissingDataError
from core.single_flight import SingleFlightCache
from core.sql_files import read_sql, sql_names, staging_files

LEAST_CUSTOMERS = 50_000
"""Up to so many customers everything is calculated and the choice made afterwards."""

BLOCKS = 50
"""Runs of neighbouring keys that a choice among more customers is made of."""

_CACHE: SingleFlightCache[DuckdbCopy] = SingleFlightCache(1)


def drawn_customers(reader: Queries, customers: int, seed: int) -> tuple[pl.DataFrame, bool]:
    """At most ``customers`` customers with an order (``customer_id``), and whether they are worth a copy.

    Of a large company they come in ``BLOCKS`` runs of neighbouring keys, so that any engine finds their rows
    by comparing keys.
    """
    known = reader.query(
        "SELECT DISTINCT o.customer_id FROM stg_orders AS o WHERE o.customer_id IS NOT NULL"
    ).sort("customer_id")
    if known.height <= max(LEAST_CUSTOMERS, 4 * customers):
        return known.sample(min(customers, known.height), seed=seed).sort("customer_id"), False
    size = -(-customers // BLOCKS)
    starts = np.random.default_rng(seed).choice(known.height // size, BLOCKS, replace=False) * size
    rows = (np.sort(starts)[:, None] + np.arange(size)).ravel()
    return known[rows].head(customers), True


def rows_of(database: Database, reader: Queries, chosen: pl.DataFrame, seed: int) -> Queries:
    """The staging rows of the chosen customers, copied into memory; kept for the next call."""
    source = getattr(database, "file", None)
    key = (source or id(database), database.data_version(), chosen.height, seed)
    return _CACHE.get(key, lambda: _copied(reader, chosen["customer_id"].to_list(), source))


def forget_sample() -> None:
    """Give the memory of the copy back."""
    _CACHE.clear()


def _copied(reader: Queries, ids: Sequence[object], beside: Path | None) -> DuckdbCopy:
    size = -(-len(ids) // BLOCKS)
    ends: dict[str, object] = {}
    for number in range(0, len(ids), size):
        block = ids[number : number + size]
        ends |= {f"low_{number}": block[0], f"high_{number}": block[-1]}
    names = list(ends)
    within = " OR ".join(
        f"t.customer_id BETWEEN :{low} AND :{high}" for low, high in zip(names[::2], names[1::2], strict=True)
    )
    copy = DuckdbCopy(beside or Path(tempfile.gettempdir()) / "sample")
    words = set()
    for name in [*sql_names("features"), *sql_names("labels")]:
        words |= set(re.findall(r"\w+", read_sql(name).text))
    for file in staging_files("duckdb"):
        listed = ", ".join(f"t.{column}" for column in file.columns if column in words)
        limited = "customer_id" in file.columns
        with suppress(MissingDataError):
            text = f"SELECT {listed} FROM {file.stem} AS t" + (f" WHERE {within}" if limited else "")
            rows = reader.query(text, **(ends if limited else {}))
            copy.add_frame(file.stem, rows.with_columns(pl.col(pl.Null).cast(pl.Int64)))
    copy.seal()
    return copy
