"""What a customer may like: distributions over all products, from popularity, product lines, factors,
neighbours.

Each component is a distribution over products for each customer; their mixture is the prior to which a
customer's own purchases are added (Dirichlet smoothing, Zhai & Lafferty 2004). Every component is linear in
what the customer bought before it is scaled, so that a score splits exactly into what each product bought
adds.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.models.recommend.neighbours import EASE_PRODUCTS, Neighbours, ease, item_knn, signal
from core.models.recommend.purchases import Catalogue, Floats, Histories, Ints
from core.models.recommend.ranking import Mask

COMPONENTS = ("popularity", "product lines", "factors", "neighbours")
POPULARITY, LINES, FACTORS, NEIGHBOURS = range(4)
_MISSED_PURCHASES = 12.0
_DAYS_TO_KNOW = 5


@dataclass(frozen=True)
class Tastes:
    """What was learned of all customers; arrays over products.

    ``popularity`` sums to 1; ``line`` is the product line (-1: unknown) and ``line_strength`` how many
    purchases the company's shares of the lines are worth beside the customer's own (0: lines are not used);
    ``factors`` are the leading right singular vectors of log(1 + count); ``sold`` says which products are
    still sold.
    """

    popularity: Floats
    line: Ints
    line_strength: float
    factors: Floats
    neighbours: Neighbours
    sold: Mask

    @property
    def products(self) -> int:
        """Number of products."""
        return len(self.popularity)

    def line_shares(self) -> tuple[Floats, Floats]:
        """Popularity of each line, and of each product within its line; products without one are a line."""
        code = self.line_codes()
        shares = np.bincount(code, weights=self.popularity)
        return shares, self.popularity / np.maximum(shares[code], 1e-300)

    def line_codes(self) -> Ints:
        """Product lines from 0; products of unknown line together are the last."""
        return np.where(self.line < 0, self.line.max(initial=-1) + 1, self.line)

    def components(self, block: Histories) -> Floats:
        """Components × customers × products; every row sums to 1.

        Where a component knows nothing of a customer it is the popularity.
        """
        people = np.broadcast_to(self.popularity, (block.size, self.products))
        strength = signal(block.dense(block.count, self.products))
        parts = [people, self._lines(block)]
        parts.append(_distribution(strength @ self.factors @ self.factors.T, people))
        parts.append(_distribution(self.neighbours.scores(strength), people))
        return np.stack(parts)

    def _lines(self, block: Histories) -> Floats:
        if self.line_strength <= 0:
            return np.broadcast_to(self.popularity, (block.size, self.products))
        code = self.line_codes()
        shares, within = self.line_shares()
        bought = np.zeros((block.size, len(shares)))
        np.add.at(bought, (block.owner, code[block.product]), block.weight)
        total = bought.sum(axis=1, keepdims=True) + self.line_strength
        return np.asarray(((bought + self.line_strength * shares) / total)[:, code] * within)


def _distribution(raw: Floats, otherwise: Floats) -> Floats:
    positive = np.maximum(raw, 0.0)
    total = positive.sum(axis=1, keepdims=True)
    return np.where(total > 0, positive / np.where(total > 0, total, 1.0), otherwise)


def popularity(bought: pl.DataFrame, catalogue: Catalogue, as_of_day: int, half_life: float) -> Floats:
    """Share of each product in the purchases before a day, which lose half their weight every half-life."""
    age = as_of_day - pl.col("order_day")
    weights = (
        bought.lazy()
        .filter(pl.col("order_day") < as_of_day)
        .group_by("product_id")
        .agg((0.5 ** (age / half_life)).sum().alias("weight"))
        .collect()
    )
    table = _of_products(weights, catalogue)["weight"].fill_null(0.0).to_numpy()
    return np.asarray(table / max(table.sum(), 1e-300))


def still_sold(bought: pl.DataFrame, catalogue: Catalogue, as_of_day: int) -> Mask:
    """Which products are still sold: all but those that nobody bought for much longer than ever before, while
    many would have by their earlier rate.
    """
    days = (
        bought.lazy()
        .filter(pl.col("order_day") < as_of_day)
        .group_by("product_id", "order_day")
        .agg(pl.len().alias("purchases"))
        .sort("product_id", "order_day")
        .group_by("product_id")
        .agg(
            pl.col("purchases").sum(),
            pl.len().alias("days"),
            pl.col("order_day").min().alias("first"),
            pl.col("order_day").max().alias("last"),
            pl.col("order_day").diff().max().fill_null(0).alias("pause"),
        )
        .collect()
    )
    idle = as_of_day - pl.col("last")
    missed = pl.col("purchases") / (pl.col("last") - pl.col("first") + 1) * idle
    regular = pl.col("days") >= _DAYS_TO_KNOW
    gone = regular & (missed > _MISSED_PURCHASES) & (idle > 1.5 * pl.col("pause"))
    table = _of_products(days.with_columns(gone=gone), catalogue)
    return ~table["gone"].fill_null(False).to_numpy()


def _of_products(frame: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """``frame`` with a row for each product of the catalogue, in its order."""
    return pl.DataFrame({"product_id": catalogue.ids}).join(
        frame, on="product_id", how="left", maintain_order="left"
    )


def line_strength(history: Histories, line: Ints) -> float:
    """How many purchases the company's shares of product lines are worth: the concentration of a Dirichlet
    distribution by its leave-one-out likelihood (Minka 2003). 0 with fewer than two lines.
    """
    known = line >= 0
    lines = int(line.max(initial=-1)) + 1
    if lines < 2:
        return 0.0
    kept = known[history.product]
    counts = np.zeros((history.size, lines))
    np.add.at(counts, (history.owner[kept], line[history.product[kept]]), history.count[kept])
    shares = counts.sum(axis=0) / max(counts.sum(), 1.0)
    total = counts.sum(axis=1, keepdims=True)
    person, at = np.nonzero((counts > 0) & (total > 1))
    if not len(person):
        return float(lines)

    def likelihood(strength: float) -> float:
        share = (counts[person, at] - 1 + strength * shares[at]) / (total[person, 0] - 1 + strength)
        return float((counts[person, at] * np.log(np.maximum(share, 1e-12))).sum())

    return float(max(np.geomspace(0.3, 300.0, 25), key=likelihood))


def learn_tastes(
    history: Histories,
    catalogue: Catalogue,
    bought: pl.DataFrame,
    *,
    half_life: float = 365.0,
    penalty: float = 0.5,
    rank: int = 8,
    keep: int | None = 100,
) -> Tastes:
    """What the purchases of all customers say.

    Parameters
    ----------
    bought
        The purchases that ``history`` was made of, from ``purchases``.
    half_life
        Days after which a purchase counts half for the popularity of its product.
    penalty
        Ridge penalty of EASE in multiples of the mean diagonal of the Gram matrix.
    rank
        Number of factors.
    keep
        Neighbours kept for each product; ``None`` keeps all.
    """
    products = catalogue.size
    if products > EASE_PRODUCTS:
        pairs = item_knn(history, products, keep=min(keep or 50, 50))
    else:
        mean = float((signal(history.count) ** 2).sum()) / products
        pairs = ease(history, products, max(penalty * mean, 1e-3), keep)
    return Tastes(
        popularity(bought, catalogue, history.as_of_day, half_life),
        catalogue.line,
        line_strength(history, catalogue.line),
        _factors(history, products, rank),
        pairs,
        still_sold(bought, catalogue, history.as_of_day),
    )


def _factors(history: Histories, products: int, rank: int) -> Floats:
    """The leading right singular vectors of customers × products."""
    few = min(history.size, products)
    if few <= 1:
        return np.zeros((products, 0))
    matrix = history.sparse(signal(history.count), products)
    if products <= 2_000:
        _values, vectors = np.linalg.eigh((matrix.T @ matrix).toarray())
        return np.ascontiguousarray(vectors[:, ::-1][:, : min(rank, few)])
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0).standard_normal(few)
    _left, _values, right = svds(matrix, k=min(rank, few - 1), v0=start)
    return np.ascontiguousarray(right[::-1].T)
