"""Public data sets that models are judged on: read from the wheels that carry them, never imported."""

import importlib.util
from pathlib import Path

import polars as pl

from core.database import open_database
from core.mapping import Mapping, store_mapping

CDNOW_CUTOFFS = ("1997-10-01", "1997-12-30", "1998-04-01")
CDNOW_HORIZON = 90
CDNOW_FIRST_SNAPSHOT = "1997-04-01"
_CDNOW_MAPPING = Mapping.of(
    sales=(
        "cdnow",
        {"customer_id": "customer", "order_date": "bought", "quantity": "pieces", "amount": "paid"},
    )
)


def carried_file(package: str, name: str) -> Path | None:
    """A data file inside an installed package; ``None`` if the package is not installed."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    file = Path(found.submodule_search_locations[0]) / name
    return file if file.is_file() else None


def cdnow_orders(share: int = 1) -> pl.DataFrame | None:
    """The purchases of the 23 570 CDNOW customers of the first quarter of 1997, until June 1998.

    Fader & Hardie's data set: customer, bought (date), pieces, paid (dollars).

    Parameters
    ----------
    share
        Keep every customer whose number leaves no remainder when divided by it.

    Returns
    -------
    ``None`` where the wheel that carries the file is not installed.
    """
    file = carried_file("lifetimes", "datasets/CDNOW_master.txt")
    if file is None:
        return None
    words = pl.Series("line", file.read_text(encoding="ascii").splitlines()[1:]).str.extract_all(r"\S+")
    rows = pl.DataFrame({"word": words}).filter(pl.col("word").list.len() == 4)
    field = pl.col("word").list.get
    return rows.select(
        field(0).cast(pl.Int64).alias("customer"),
        field(1).str.to_date("%Y%m%d").alias("bought"),
        field(2).cast(pl.Int64).alias("pieces"),
        field(3).cast(pl.Float64).alias("paid"),
    ).filter(pl.col("customer") % share == 0)


def cdnow_database(file: Path, share: int = 1) -> Path | None:
    """An SQLite file with CDNOW as one flat table, mapped to the canonical views; ``None`` without data."""
    orders = cdnow_orders(share)
    if orders is None:
        return None
    with open_database(str(file), read_only=False) as database:
        database.write("cdnow", orders)
        store_mapping(database, _CDNOW_MAPPING)
    return file
