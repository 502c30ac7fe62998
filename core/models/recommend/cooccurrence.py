"""Products bought by the same customers, with how sure that is.

Lift is how many times more buyers of one product bought another than of all customers. Its lower bound puts
the lower end of Wilson's interval (Wilson 1927) in place of the observed share.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from core.models.recommend.purchases import Floats, Histories, Ints

LEAST_SUPPORT = 5
_CHUNK = 500


@dataclass(frozen=True)
class AlsoBought:
    """For each product the others that its buyers bought: those of product j are
    ``starts[j]:starts[j + 1]``, the surest lift first.

    ``count`` customers bought both; ``lift`` and its lower 95 % bound ``low``.
    """

    starts: Ints
    product: Ints
    count: Ints
    lift: Floats
    low: Floats


def wilson_low(hits: Floats, trials: Floats, z: float) -> Floats:
    """The lower end of Wilson's interval of a share, ``z`` standard errors wide."""
    n = np.maximum(trials, 1e-12)
    p = hits / n
    centre = p + z * z / (2 * n)
    spread = z * np.sqrt(np.maximum(p * (1 - p), 0.0) / n + z * z / (4 * n * n))
    return np.asarray(np.maximum(centre - spread, 0.0) / (1 + z * z / n))


def also_bought(
    history: Histories, products: int, keep: int = 20, support: int = LEAST_SUPPORT
) -> AlsoBought:
    """What the buyers of each product bought more often than others, at most ``keep`` for each.

    Only pairs of at least ``support`` common customers whose lift is above 1 with 95 % confidence.
    """
    matrix = history.sparse(np.ones(len(history.product)), products).tocsc()
    buyers = np.bincount(history.product, minlength=products).astype(np.float64)
    z = NormalDist().inv_cdf(0.95)
    found: list[tuple[Ints, Ints, Ints, Floats, Floats]] = []
    for first in range(0, products, _CHUNK):
        common = (matrix[:, first : first + _CHUNK].T @ matrix).tocoo()
        one, other, both = common.row + first, common.col, common.data
        kept = (one != other) & (both >= support)
        one, other, both = one[kept], other[kept], both[kept]
        expected = buyers[other] / max(history.size, 1)
        low = wilson_low(both, buyers[one], z) / expected
        sure = low > 1.0
        one, other, both, low = one[sure], other[sure], both[sure], low[sure]
        lift = both / buyers[one] / expected[sure]
        order = np.lexsort((other, -low, one))
        rank = np.arange(len(order)) - np.searchsorted(one[order], one[order])
        order = order[rank < keep]
        found.append((one[order], other[order], both[order].astype(np.int64), lift[order], low[order]))
    if not found:
        return AlsoBought(np.zeros(products + 1, np.int64), *_nothing())
    one = np.concatenate([part[0] for part in found])
    other, count, lift, low = (np.concatenate([part[i] for part in found]) for i in range(1, 5))
    starts = np.searchsorted(one, np.arange(products + 1)).astype(np.int64)
    return AlsoBought(starts, other.astype(np.int64), count, lift, low)


def _nothing() -> tuple[Ints, Ints, Floats, Floats]:
    return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
