"""How much own purchases count against the prior, and what that is made of: learned on a later window."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from core.models.recommend.purchases import Catalogue, Floats, Histories, Ints, bought_within, histories
from core.models.recommend.ranking import Mask
from core.models.recommend.tastes import (
    COMPONENTS,
    FACTORS,
    NEIGHBOURS,
    POPULARITY,
    Tastes,
    learn_tastes,
)

HALF_LIVES: tuple[float | None, ...] = (None, 720.0, 360.0, 180.0)
STRENGTHS = (3.0, 8.0, 15.0, 30.0, 60.0, 120.0)
PENALTIES = (0.1, 0.5, 2.0)
RANKS = (4, 8, 16)
POPULARITY_HALF_LIVES = (365.0, 120.0, 45.0)
_EVENTS_TO_TUNE = 200
_EM_STEPS = 25
_TUNING_CELLS = 300_000


@dataclass(frozen=True)
class Settings:
    """What tuning found.

    ``strength`` is the number of purchases that the prior is worth, ``half_life`` the days after which a
    purchase counts half (``None``: never); ``mix`` are the weights of ``COMPONENTS`` in the prior of products
    bought again, ``novel_mix`` in the ranking of new ones; ``penalty`` and ``rank`` are those of EASE and of
    the factors, ``popularity_half_life`` that of the popularity of products.
    """

    half_life: float | None = None
    strength: float = 30.0
    mix: tuple[float, ...] = (0.25, 0.25, 0.25, 0.25)
    novel_mix: tuple[float, ...] = (0.1, 0.3, 0.2, 0.4)
    penalty: float = 0.5
    rank: int = 8
    popularity_half_life: float = 365.0


def sampled(values: pl.Series, count: int, seed: int = 0) -> pl.Series:
    """``values`` or a random ``count`` of them, in the same order."""
    if len(values) <= count:
        return values
    chosen = np.random.default_rng(seed).choice(len(values), count, replace=False)
    return values.gather(np.sort(chosen))


def tune(
    bought: pl.DataFrame,
    lines: pl.DataFrame,
    catalogue: Catalogue,
    cutoff_day: int,
    horizon: int,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> Settings:
    """The settings that best foretell what was bought in ``[cutoff_day, cutoff_day + horizon)``.

    Weights of components are those of greatest likelihood (EM); strength and half-life those under which
    the products bought again are likeliest among all bought before. With few events the defaults stay.
    """
    past = histories(bought, catalogue, cutoff_day)
    owner, product = bought_within(lines, catalogue, past.customers, cutoff_day, cutoff_day + horizon)
    active = past.customers.gather(np.unique(owner[product >= 0]))
    active = sampled(active, max(50, _TUNING_CELLS // max(catalogue.size, 1)))
    mine = bought.filter(pl.col("customer_id").is_in(active.implode()))
    block = histories(mine, catalogue, cutoff_day)
    owner, product = bought_within(lines, catalogue, block.customers, cutoff_day, cutoff_day + horizon)
    owner, product = owner[product >= 0], product[product >= 0]
    if len(owner) < _EVENTS_TO_TUNE:
        return Settings()
    seen = block.dense(block.count, catalogue.size) > 0
    again = seen[owner, product]

    found, tastes = _shape(past, bought, catalogue, block, seen, (owner[~again], product[~again]))
    progress(0.4)
    best = -np.inf
    for half_life in HALF_LIVES:
        at = histories(mine, catalogue, cutoff_day, half_life)
        parts = tastes.components(at)
        own = at.dense(at.weight, catalogue.size)
        total = own.sum(axis=1)
        for strength in STRENGTHS:
            trust = (total / (total + strength))[owner]
            share = own[owner, product] / np.maximum(total[owner], 1e-300)
            mix = _weights(parts[:, owner, product] * (1 - trust), trust * share)
            prior = np.tensordot(mix, parts, axes=1)
            scores = (strength * prior + own) * seen
            likelihood = (
                np.log(
                    np.maximum(scores[owner[again], product[again]], 1e-300)
                    / np.maximum(scores.sum(axis=1)[owner[again]], 1e-300)
                ).mean()
                if again.any()
                else 0.0
            )
            if likelihood > best:
                best = float(likelihood)
                found = replace(found, half_life=half_life, strength=strength, mix=tuple(mix.tolist()))
    progress(0.9)
    novel = np.array(found.mix)
    if (~again).sum() >= _EVENTS_TO_TUNE // 4:
        at = histories(mine, catalogue, cutoff_day, found.half_life)
        novel = _weights(_unseen(tastes.components(at), seen)[:, owner[~again], product[~again]])
    return replace(found, novel_mix=tuple(novel.tolist()))


def _shape(
    past: Histories,
    bought: pl.DataFrame,
    catalogue: Catalogue,
    block: Histories,
    seen: Mask,
    events: tuple[Ints, Ints],
) -> tuple[Settings, Tastes]:
    """Half-life of popularity, penalty and rank under which new products are likeliest, each tried alone, and
    what they give."""
    found = Settings()
    if len(events[0]) < _EVENTS_TO_TUNE // 4 or catalogue.size > 2_000:
        return found, learned(past, bought, catalogue, found)

    def likelihood(candidate: Tastes, component: int) -> float:
        part = _unseen(candidate.components(block), seen)[:, events[0], events[1]]
        smoothed = 0.9 * part[component] + 0.1 / catalogue.size
        return float(np.log(np.maximum(smoothed, 1e-300)).mean())

    tried = [
        (one, learned(past, bought, catalogue, one))
        for one in (
            Settings(penalty=penalty, rank=rank, popularity_half_life=half_life)
            for penalty, rank, half_life in zip(PENALTIES, RANKS, POPULARITY_HALF_LIVES, strict=True)
        )
    ]
    half_life, rank, penalty = (
        max(tried, key=lambda pair: likelihood(pair[1], component))[0]
        for component in (POPULARITY, FACTORS, NEIGHBOURS)
    )
    found = Settings(
        penalty=penalty.penalty, rank=rank.rank, popularity_half_life=half_life.popularity_half_life
    )
    return found, learned(past, bought, catalogue, found)


def learned(
    past: Histories, bought: pl.DataFrame, catalogue: Catalogue, settings: Settings, keep: int | None = 100
) -> Tastes:
    """The tastes with these settings."""
    return learn_tastes(
        past,
        catalogue,
        bought,
        half_life=settings.popularity_half_life,
        penalty=settings.penalty,
        rank=settings.rank,
        keep=keep,
    )


def _unseen(parts: Floats, seen: Mask) -> Floats:
    """The components among the products not bought before, each row summing to 1 again."""
    inside = parts * ~seen
    return np.asarray(inside / np.maximum(inside.sum(axis=2, keepdims=True), 1e-300))


def _weights(parts: Floats, fixed: Floats | float = 0.0) -> Floats:
    """Weights of the components (rows) that make the events (columns) likeliest, beside ``fixed``."""
    weights = np.full(len(COMPONENTS), 1.0 / len(COMPONENTS))
    for _ in range(_EM_STEPS):
        shared = weights[:, None] * parts
        shared /= np.maximum(shared.sum(axis=0) + fixed, 1e-300)
        weights = shared.sum(axis=1) / max(shared.sum(), 1e-300)
    return weights
