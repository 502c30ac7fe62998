"""Ranking products for customers, and how good a ranking was."""

import numpy as np
import numpy.typing as npt

from core.models.recommend.purchases import Floats, Histories, Ints

Mask = npt.NDArray[np.bool_]


def top(scores: Floats, candidates: Mask, count: int) -> tuple[Ints, Mask]:
    """The best ``count`` candidates of each row, best first, and which of the places are filled.

    Equal scores are taken in the order of the products.
    """
    shown = min(count, scores.shape[1])
    masked = np.where(candidates, scores, -np.inf)
    if 4 * shown < scores.shape[1]:
        threshold = -np.partition(-masked, shown - 1, axis=1)[:, shown - 1 : shown]
        order = np.argsort(np.where(masked >= threshold, -masked, np.inf), axis=1, kind="stable")[:, :shown]
    else:
        order = np.argsort(-masked, axis=1, kind="stable")[:, :shown]
    return order, np.isfinite(np.take_along_axis(masked, order, axis=1))


def ndcg_by_customer(
    scores: Floats, candidates: Mask, bought: Mask, unknown: Ints | None = None, k: int = 10
) -> Floats:
    """NDCG@k of each row's ranking of its candidates with 0/1 relevance (Järvelin & Kekäläinen 2002).

    ``unknown`` counts further products that were bought and that nobody could rank: the ideal has them.
    nan where none of the candidates was bought.
    """
    relevant = candidates & bought
    wanted = relevant.sum(axis=1) + (0 if unknown is None else unknown)
    order, filled = top(scores, candidates, k)
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    hits = np.take_along_axis(relevant, order, axis=1) & filled
    gained = hits @ discount[: order.shape[1]]
    ideal = np.concatenate([[np.nan], np.cumsum(discount)])[np.minimum(wanted, k)]
    return np.asarray(gained / ideal)


def personal_frequency(block: Histories, products: int) -> Floats:
    """The baseline: how often the customer bought each product, of equals the latest first."""
    age = np.clip(block.as_of_day - block.last_day, 0, 99_999)
    return block.dense(block.count + (1.0 - age / 100_000.0) * 0.5, products)


def frequency_then_popularity(block: Histories, popularity: Floats) -> Floats:
    """A harder baseline: how often the customer bought each product, of equals the more popular first."""
    return block.dense(block.count, len(popularity)) + 0.5 * popularity / max(popularity.max(), 1e-300)
