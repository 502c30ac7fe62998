"""Rolling backtests of the recommender: at each cutoff it is trained on the past alone."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from core.days import to_date
from core.evaluation import Evaluation
from core.models.recommend import judging
from core.models.recommend.chance import AGAIN, season_factor
from core.models.recommend.purchases import bought_within, histories, purchases
from core.models.recommend.shortlist import KINDS, shares_of, shortlist
from core.models.recommend.training import Learned, fitted


def backtest_recommendations(
    lines: pl.DataFrame,
    products: pl.DataFrame | None,
    cutoffs: Sequence[int],
    horizon: int,
    *,
    keep: int = 100,
    progress: Callable[[str, float], None] = lambda _what, _fraction: None,
) -> Evaluation:
    """NDCG@10 per customer at each cutoff, a global split in time: everything is learned before the cutoff.

    Parameters
    ----------
    lines
        As for ``Recommender.fit``; only the catalogue's texts are taken from ``products``.
    cutoffs
        Days whose windows of ``horizon`` days are complete.

    Returns
    -------
    Evaluation
        Metrics "NDCG@10 repeat", "NDCG@10 novel" and "NDCG@10 joint" of "recommender" and "EASE alone" and
        the baselines; the notes say how well P(bought) of the recommended products was calibrated.
    """
    frames, notes = [], []
    for place, day in enumerate(sorted(cutoffs)):
        progress(f"Cutoff {place + 1} of {len(cutoffs)}", place / len(cutoffs))
        learned = fitted(lines, products, day, horizon, keep, None, lambda _what, _fraction: None)
        bought = purchases(lines)
        frames.append(
            judging.judged(bought, lines, learned.catalogue, learned.tastes, learned.settings, day, horizon)
        )
        notes += _calibration(learned, bought, lines, day, horizon)
    return judging.compared(pl.concat(frames), notes=notes)


def _calibration(
    learned: Learned, bought: pl.DataFrame, lines: pl.DataFrame, day: int, horizon: int
) -> list[str]:
    """Sentences: purchases expected and made of the ten products recommended to each customer, by kind."""
    catalogue = learned.catalogue
    people = histories(bought, catalogue, day, learned.settings.half_life)
    season = season_factor(learned.chance.profile, day, horizon)
    expected, made = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0.0)
    for block in people.blocks(catalogue.size):
        owner, product = bought_within(lines, catalogue, block.customers, day, day + horizon)
        outcome = np.zeros((block.size, catalogue.size), dtype=bool)
        outcome[owner[product >= 0], product[product >= 0]] = True
        shares = shares_of(learned.tastes, learned.settings, block)
        for kind in KINDS:
            best = shortlist(shares, kind, block, learned.chance, season, 10)
            expected[kind] += float(best.score.sum())
            made[kind] += float(outcome[best.owner, best.product].sum())
    names = {kind: "bought again" if kind == AGAIN else "new" for kind in KINDS}
    return [
        f"{to_date(day)}: of the recommended products {expected[kind]:,.0f} were expected to be bought "
        f"({names[kind]}), {made[kind]:,.0f} were."
        for kind in KINDS
        if learned.chance.knows(kind)
    ]
