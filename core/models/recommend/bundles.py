"""Products that belong in one order: pairs and triples that the habits of the customers do not explain.

A customer who buys two products in most orders has them together often, without one asking for the other.
So orders are compared within customers: if the orders of a customer that hold a product were dealt anew
among all of the customer's orders, the two would meet k₁k₂/n times (hypergeometric). That is scaled so that
the expected pairs of a customer are as many as the observed ones, since large orders hold more of
everything. Sums over customers give the expected count and its variance (Mantel & Haenszel 1959). Customers
with fewer than three orders say nothing about habits: they are left out, or compared as if they were one
where they place most orders. Lift is the observed count over the expected one; its lower bound is widened
for the number of pairs that were tested (Bonferroni).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from core.models.recommend.purchases import Catalogue, Floats, Ints

LEAST_SUPPORT = 5
LEAST_LIFT = 1.2
"""The lower bound of lift from which products belong together: small catalogues give pairs a little more than
habits explain, since an order holds a product once."""
_FEW_ORDERS = 3
_MOST_PAIRS = 200_000


@dataclass(frozen=True)
class Bundles:
    """Products ordered together: ``product`` has three columns, -1 for no third one; the surest first.

    ``count`` orders hold all of them, ``lift`` times as many as habits explain, at least ``low`` times.
    """

    product: Ints
    count: Ints
    lift: Floats
    low: Floats


_NONE = Bundles(np.zeros((0, 3), np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def bundles(
    lines: pl.DataFrame, catalogue: Catalogue, most: int = 100, support: int = LEAST_SUPPORT
) -> Bundles:
    """Pairs and triples of products in one order, at most ``most``, with 95 % confidence in all of them.

    An order is an ``order_id``, or the purchases of a customer on one day where there is no such column. In a
    triple each product must come with the other two more often than habits explain.
    """
    orders = _Orders.of(lines, catalogue)
    if orders is None:
        return _NONE
    together = (orders.holds.T @ orders.holds).tocoo()
    upper = np.flatnonzero((together.row < together.col) & (together.data >= support))
    if not len(upper):
        return _NONE
    upper = upper[np.argsort(-together.data[upper], kind="stable")][:_MOST_PAIRS]
    one, other, count = together.row[upper], together.col[upper], together.data[upper]
    z = NormalDist().inv_cdf(1 - 0.05 / len(upper))
    expected, variance = orders.by_chance(one, other)
    lift, low = _bounds(count, expected, variance, z)
    order = np.lexsort((other, one, -low))
    order = order[low[order] > LEAST_LIFT][:most]
    one, other, count, lift, low = one[order], other[order], count[order], lift[order], low[order]
    rows = np.stack([one, other, np.full(len(one), -1)], axis=1).astype(np.int64)
    triples = _triples(orders, one, other, z, support)
    product = np.concatenate([rows, *(row for row, _, _, _ in triples)])
    counts = np.concatenate([count, *(value for _, value, _, _ in triples)]).astype(np.int64)
    lifts = np.concatenate([lift, *(value for _, _, value, _ in triples)])
    lows = np.concatenate([low, *(value for _, _, _, value in triples)])
    best = np.argsort(-lows, kind="stable")[:most]
    return Bundles(product[best], counts[best], lifts[best], lows[best])


def _bounds(count: Floats, expected: Floats, variance: Floats, z: float) -> tuple[Floats, Floats]:
    likely = np.maximum(expected, 1e-9)
    return count / likely, np.maximum(count - z * np.sqrt(variance), 0.0) / likely


@dataclass(frozen=True)
class _Orders:
    """``holds``: orders × products (sparse 0/1); ``group``: the customer of each order, those with few
    orders together as one; ``sizes``: orders of each group."""

    holds: Any
    group: Ints
    sizes: Floats

    @classmethod
    def of(cls, lines: pl.DataFrame, catalogue: Catalogue) -> "_Orders | None":
        from scipy.sparse import csr_array

        key = ["order_id"] if "order_id" in lines.columns else ["customer_id", "order_day"]
        position = pl.DataFrame({"product_id": catalogue.ids, "product": np.arange(catalogue.size)})
        kept = lines.filter(pl.col("quantity").fill_null(1) > 0) if "quantity" in lines.columns else lines
        entries = (
            kept.drop_nulls([*key, "product_id", "customer_id"])
            .join(position, on="product_id", how="inner")
            .with_columns(order=pl.struct(key).rank("dense") - 1)
            .select("order", "product", "customer_id")
            .unique(["order", "product"])
        )
        if entries.is_empty():
            return None
        at = (entries["order"].to_numpy().astype(np.int64), entries["product"].to_numpy().astype(np.int64))
        owners = (
            entries.group_by("order")
            .agg(pl.col("customer_id").min())
            .with_columns(orders=pl.len().over("customer_id"))
            .sort("order")
        )
        often = (owners["orders"] >= _FEW_ORDERS).to_numpy()
        group = np.zeros(owners.height, dtype=np.int64)
        group[often] = owners.filter(pl.col("orders") >= _FEW_ORDERS)["customer_id"].rank("dense").to_numpy()
        holds = csr_array((np.ones(len(at[0])), at), shape=(owners.height, catalogue.size))
        if often.sum() * 2 >= owners.height:
            holds, group = holds[np.flatnonzero(often)], group[often] - 1
        return cls(holds, group, np.bincount(group).astype(np.float64))

    def per_group(self, columns: Any) -> Any:
        """How many orders of each group hold each column of ``columns`` (orders × anything, sparse)."""
        from scipy.sparse import csr_array

        places = (self.group, np.arange(len(self.group)))
        sums = csr_array((np.ones(len(self.group)), places), shape=(len(self.sizes), len(self.group)))
        return csr_array(sums @ columns)

    def by_chance(self, one: Ints, other: Ints) -> tuple[Floats, Floats]:
        """Expected number of orders with both products of each pair, and its variance."""
        counts = self.per_group(self.holds)
        lines = np.asarray(self.holds.sum(axis=1)).ravel()
        pairs = np.bincount(self.group, weights=lines * (lines - 1), minlength=len(self.sizes))
        total = np.asarray(counts.sum(axis=1)).ravel()
        dealt = (total**2 - np.asarray(counts.power(2).sum(axis=1)).ravel()) / np.maximum(self.sizes, 1)
        return self._moments(counts, one, counts, other, pairs / np.maximum(dealt, 1e-9) * (dealt > 0))

    def _moments(self, left: Any, one: Ints, right: Any, other: Ints, scale: Floats) -> tuple[Floats, Floats]:
        """Sums over groups of the mean and variance of a hypergeometric count, for pairs of columns; the mean
        of each group is scaled for the sizes of its orders."""
        from scipy.sparse import csr_array

        n = self.sizes
        spare = scale * np.where(n > 1, 1.0 / np.maximum(n - 1, 1), 0.0)

        def gram(a: Any, b: Any, weight: Floats) -> Floats:
            product = csr_array((a * weight[:, None]).T @ b)
            return np.asarray(product[one, other]).ravel()

        expected = gram(left, right, scale / np.maximum(n, 1))
        left2, right2 = left.power(2), right.power(2)
        variance = (
            gram(left, right, spare)
            - gram(left2, right, spare / np.maximum(n, 1))
            - gram(left, right2, spare / np.maximum(n, 1))
            + gram(left2, right2, spare / np.maximum(n, 1) ** 2)
        )
        return expected, np.maximum(variance, 0.0)

    def with_third(self, pair: tuple[int, int], third: Ints) -> tuple[Floats, Floats, Floats]:
        """Orders with both of a pair and each third product: count, expected count, variance."""
        from scipy.sparse import csr_array

        columns = self.holds[:, list(pair)]
        is_both = np.asarray(columns.sum(axis=1)).ravel() == 2
        both = csr_array(is_both.astype(np.float64)[:, None])
        lines = np.asarray(self.holds.sum(axis=1)).ravel() - np.asarray(columns.sum(axis=1)).ravel()
        in_both = np.bincount(self.group[is_both], weights=lines[is_both], minlength=len(self.sizes))
        held = np.bincount(self.group[is_both], minlength=len(self.sizes))
        others = np.bincount(self.group, weights=lines, minlength=len(self.sizes)) / np.maximum(self.sizes, 1)
        scale = in_both / np.maximum(held, 1) / np.maximum(others, 1e-9) * (others > 0)
        count = np.asarray((both.T @ self.holds[:, third]).toarray()).ravel()
        left, right = self.per_group(both), self.per_group(self.holds[:, third])
        place = np.arange(len(third))
        expected, variance = self._moments(left, np.zeros(len(third), np.int64), right, place, scale)
        return count, expected, variance


def _triples(
    orders: _Orders, one: Ints, other: Ints, z: float, support: int
) -> list[tuple[Ints, Floats, Floats, Floats]]:
    """Triples all pairs of which are bundles: products, count, lift and lower bound, the least of the three
    ways to see them as a pair and a third product."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    found: dict[tuple[int, int, int], list[tuple[float, float, float]]] = {}
    for a, b in sorted(pairs):
        third = sorted({c for pair in pairs for c in pair if c not in (a, b)})
        third = [c for c in third if _pair(a, c) in pairs and _pair(b, c) in pairs]
        if not third:
            continue
        count, expected, variance = orders.with_third((a, b), np.array(third))
        lift, low = _bounds(count, expected, variance, z)
        for c, values in zip(third, zip(count, lift, low, strict=True), strict=True):
            key = tuple(sorted((a, b, c)))
            found.setdefault(key, []).append(values)  # type: ignore[arg-type]
    result = []
    for key, ways in found.items():
        held, times, least = min(ways, key=lambda way: way[2])
        if len(ways) == 3 and held >= support and least > LEAST_LIFT:
            result.append((np.array([key]), np.array([held]), np.array([times]), np.array([least])))
    return result


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)
