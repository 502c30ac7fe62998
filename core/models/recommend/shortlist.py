"""The products to recommend to a block of customers, with shares, intervals and probabilities."""

from dataclasses import dataclass

import numpy as np

from core.models.recommend.chance import AGAIN, NEW, Chance, expected_purchases
from core.models.recommend.purchases import Floats, Histories, Ints
from core.models.recommend.ranking import Mask, top
from core.models.recommend.tastes import Tastes
from core.models.recommend.tuning import Settings

_Z80 = 1.2816
_GONE = 1e-6


@dataclass(frozen=True)
class Shares:
    """Shares of all products in a customer's next purchases; customers × products.

    ``posterior`` adds the customer's own purchases to the prior; ``novel`` is the ranking of new products.
    ``evidence`` is the number of purchases, own and prior, that a share rests on; products no longer ``sold``
    have hardly any share.
    """

    posterior: Floats
    novel: Floats
    seen: Mask
    evidence: Floats
    sold: Mask

    def of(self, kind: str) -> Floats:
        """The values by which the products of a kind are ranked."""
        return self.posterior if kind == AGAIN else self.novel

    def candidates(self, kind: str) -> Mask:
        """Which products are of a kind: bought before, or not; and still sold."""
        return (self.seen if kind == AGAIN else ~self.seen) & self.sold


@dataclass(frozen=True)
class Shortlist:
    """Recommended products of one kind, one entry each; ``score`` is P(bought within the horizon), nan where
    it cannot be said, with its 80 % credible interval ``low`` to ``high``; ``rank`` counts from 1.
    """

    kind: str
    owner: Ints
    product: Ints
    rank: Ints
    share: Floats
    score: Floats
    low: Floats
    high: Floats


def shares_of(tastes: Tastes, settings: Settings, block: Histories) -> Shares:
    """The shares of all products in the next purchases of the customers of a block."""
    parts = tastes.components(block)
    own = block.dense(block.weight, tastes.products)
    prior = np.tensordot(np.array(settings.mix), parts, axes=1)
    total = own.sum(axis=1, keepdims=True) + settings.strength
    posterior = (own + settings.strength * prior) / total
    novel = np.tensordot(np.array(settings.novel_mix), parts, axes=1)
    sold = np.where(tastes.sold, 1.0, _GONE)
    return Shares(posterior * sold, novel * sold, own > 0, total[:, 0], tastes.sold)


def shortlist(
    shares: Shares,
    kind: str,
    block: Histories,
    chance: Chance,
    season: float,
    count: int,
    allowed: Mask | None = None,
    worth: Floats | None = None,
) -> Shortlist:
    """The best ``count`` products of a kind for each customer of the block.

    Parameters
    ----------
    season
        How busy the horizon is, from ``season_factor``.
    allowed
        Products that may be recommended, such as those in stock; ``None``: all.
    worth
        Factor of each product by which the ranking, not the score, is weighted, such as its margin.
    """
    candidates = shares.candidates(kind)
    if allowed is not None:
        candidates = candidates & allowed
    values = shares.of(kind)
    ranked = values if worth is None else values * worth
    places, filled = top(ranked, candidates, count)
    owner, column = np.nonzero(filled)
    product = places[owner, column]
    share = values[owner, product]
    unknown = np.full(len(owner), np.nan)
    score, low, high = unknown, unknown, unknown
    if chance.knows(kind):
        expected = expected_purchases(block, chance.horizon, season)[owner]
        idle = (block.as_of_day - block.last_order)[owner].astype(np.float64)
        least, most = _credible(share, shares.evidence[owner])
        score, low, high = (chance.probability(kind, value, expected, idle) for value in (share, least, most))
    return Shortlist(kind, owner, product, column + 1, share, score, low, high)


def _credible(share: Floats, evidence: Floats) -> tuple[Floats, Floats]:
    """An 80 % interval of each share: its posterior is Beta, nearly Gamma for small shares, whose quantiles
    are those of Wilson & Hilferty (1931)."""
    a = np.maximum(share * evidence, 1e-9)
    centre, width = 1 - 1 / (9 * a), _Z80 / (3 * np.sqrt(a))
    low, high = (np.maximum(centre + sign * width, 0.0) ** 3 * a / evidence for sign in (-1, 1))
    return np.minimum(low, share), np.clip(high, share, 1.0)


KINDS = (AGAIN, NEW)
