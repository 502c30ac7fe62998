"""What customers bought, as sorted arrays and as dense blocks of a few customers at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK_CELLS = 2_000_000
"""Customers × products held at once in a dense block."""


@dataclass(frozen=True)
class Catalogue:
    """The products a model knows, in the order of its arrays.

    ``line`` is a code of the product line (-1: unknown), ``names`` what people call the products.
    """

    ids: pl.Series
    names: tuple[str, ...]
    line: Ints
    line_names: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of products."""
        return len(self.ids)

    @classmethod
    def of(cls, lines: pl.DataFrame, products: pl.DataFrame | None = None) -> "Catalogue":
        """The products in ``lines`` and, where given, in ``products`` (product_id, product_name,
        product_line).
        """
        ids = lines.select("product_id")
        if products is not None and products.height:
            ids = pl.concat([ids, products.select(pl.col("product_id").cast(ids.schema["product_id"]))])
        table = ids.drop_nulls().unique().sort("product_id")
        text = pl.lit(None, pl.String)
        if products is not None and products.height:
            known = products.unique("product_id", keep="first", maintain_order=True).select(
                pl.col("product_id").cast(table.schema["product_id"]),
                (pl.col("product_name") if "product_name" in products.columns else text).alias("name"),
                (pl.col("product_line") if "product_line" in products.columns else text).alias("line"),
            )
            table = table.join(known, on="product_id", how="left", maintain_order="left")
        else:
            table = table.with_columns(name=text, line=text)
        names = table.select(pl.coalesce("name", pl.col("product_id").cast(pl.String)))["name"].to_list()
        line_names = table["line"].drop_nulls().unique().sort().to_list()
        place = {name: code for code, name in enumerate(line_names)}
        line = np.array([place.get(name, -1) for name in table["line"].to_list()], dtype=np.int64)
        return cls(table["product_id"], tuple(names), line, tuple(line_names))


@dataclass(frozen=True)
class Histories:
    """One entry per customer and product bought, sorted by customer; those of customer i are
    ``starts[i]:starts[i + 1]``.

    ``count`` is the number of order days with the product, ``last_day`` the latest of them, ``weight`` the
    count in which a purchase loses half its weight every half-life. ``recent`` is the customer's number of
    purchases with a half-life of ``RATE_HALF_LIFE`` days, ``last_order`` the latest order day.
    """

    customers: pl.Series
    starts: Ints
    product: Ints
    count: Floats
    weight: Floats
    last_day: Ints
    recent: Floats
    last_order: Ints
    as_of_day: int

    @property
    def size(self) -> int:
        """Number of customers."""
        return len(self.customers)

    @property
    def owner(self) -> Ints:
        """The customer of each entry."""
        return np.repeat(np.arange(self.size), np.diff(self.starts))

    def take(self, first: int, last: int) -> "Histories":
        """The customers from ``first`` to before ``last``."""
        part = slice(self.starts[first], self.starts[last])
        return Histories(
            self.customers[first:last],
            self.starts[first : last + 1] - self.starts[first],
            self.product[part],
            self.count[part],
            self.weight[part],
            self.last_day[part],
            self.recent[first:last],
            self.last_order[first:last],
            self.as_of_day,
        )

    def blocks(self, products: int) -> Iterator["Histories"]:
        """The customers in groups small enough for dense arrays."""
        step = max(1, BLOCK_CELLS // max(products, 1))
        for first in range(0, self.size, step):
            yield self.take(first, min(first + step, self.size))

    def dense(self, values: Floats, products: int) -> Floats:
        """Values of the entries as a matrix of customers × products, 0 elsewhere."""
        table = np.zeros((self.size, products))
        table[self.owner, self.product] = values
        return table

    def sparse(self, values: Floats, products: int) -> Any:
        """Values of the entries as a ``scipy.sparse.csr_array`` of customers × products."""
        from scipy.sparse import csr_array

        return csr_array((values, self.product, self.starts), shape=(self.size, products))


RATE_HALF_LIFE = 180.0


def purchases(lines: pl.DataFrame) -> pl.DataFrame:
    """The order lines that are purchases, one row per customer, product and day.

    Lines without customer or product, and lines of returned goods (quantity of 0 or less), are none.
    """
    kept = lines.filter(pl.col("customer_id").is_not_null(), pl.col("product_id").is_not_null())
    if "quantity" in kept.columns:
        kept = kept.filter(pl.col("quantity").fill_null(1) > 0)
    return kept.select("customer_id", "product_id", "order_day").unique()


def histories(
    bought: pl.DataFrame, catalogue: Catalogue, as_of_day: int, half_life: float | None = None
) -> Histories:
    """What each customer bought before ``as_of_day``, customers in ascending order of their ids.

    Parameters
    ----------
    bought
        From ``purchases``.
    half_life
        Days after which a purchase counts half; ``None`` for counts.
    """
    position = pl.DataFrame({"product_id": catalogue.ids, "product": np.arange(catalogue.size)})
    age = as_of_day - pl.col("order_day")
    weight = pl.lit(1.0) if half_life is None else 0.5 ** (age / half_life)
    entries = (
        bought.lazy()
        .filter(pl.col("order_day") < as_of_day)
        .join(position.lazy(), on="product_id", how="inner")
        .group_by("customer_id", "product")
        .agg(
            pl.len().alias("count"),
            weight.sum().alias("weight") if half_life else pl.len().cast(pl.Float64).alias("weight"),
            (0.5 ** (age / RATE_HALF_LIFE)).sum().alias("recent"),
            pl.col("order_day").max().alias("last_day"),
        )
        .sort("customer_id", "product")
        .collect()
    )
    people = entries.group_by("customer_id", maintain_order=True).agg(
        pl.len(), pl.col("recent").sum(), pl.col("last_day").max()
    )
    starts = np.concatenate([[0], np.cumsum(people["len"].to_numpy())]).astype(np.int64)
    return Histories(
        people["customer_id"],
        starts,
        entries["product"].to_numpy().astype(np.int64),
        entries["count"].to_numpy().astype(np.float64),
        entries["weight"].to_numpy().astype(np.float64),
        entries["last_day"].to_numpy().astype(np.int64),
        people["recent"].to_numpy().astype(np.float64),
        people["last_day"].to_numpy().astype(np.int64),
        as_of_day,
    )


def bought_within(
    lines: pl.DataFrame, catalogue: Catalogue, customers: pl.Series, first_day: int, until_day: int
) -> tuple[Ints, Ints]:
    """Customer and product positions of what ``customers`` bought in ``[first_day, until_day)``.

    Cancelled lines (``is_cancelled`` = 1, where the column is there) were not bought. Products unknown to
    the catalogue have position -1: nobody could have recommended them.
    """
    inside = lines.filter(pl.col("order_day") >= first_day, pl.col("order_day") < until_day)
    if "is_cancelled" in inside.columns:
        inside = inside.filter(pl.col("is_cancelled").fill_null(0) == 0)
    who = pl.DataFrame({"customer_id": customers, "owner": np.arange(len(customers))})
    what = pl.DataFrame({"product_id": catalogue.ids, "product": np.arange(catalogue.size)})
    pairs = (
        purchases(inside)
        .select("customer_id", "product_id")
        .unique()
        .join(who, on="customer_id", how="inner")
        .join(what, on="product_id", how="left")
        .sort("owner", "product", "product_id")
    )
    product = pairs["product"].fill_null(-1).to_numpy().astype(np.int64)
    return pairs["owner"].to_numpy().astype(np.int64), product
