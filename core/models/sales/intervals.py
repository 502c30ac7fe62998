"""Conformal intervals: how far past forecasts missed says how far the next may miss.

Misses are measured in units of the mean of the forecast and the series' recent level, so that those of a
strong month and a weak one can stand together (split conformal prediction, Vovk et al. 2005; overlapping
windows make the misses dependent, so coverage is measured, not promised).
"""

from dataclasses import dataclass

import numpy as np

from core.models.sales.periods import Floats

LEVELS = (0.80, 0.95)


@dataclass(frozen=True)
class Misses:
    """Of past forecasts: series × origins × steps, ``score`` is |actual − forecast| in units, ``due`` the
    number of periods known when the miss is known."""

    score: Floats
    ends: tuple[int, ...]


def units(forecast: Floats, level: Floats) -> Floats:
    """What misses are measured in: half the forecast plus half the recent level of the series."""
    return np.maximum(0.5 * np.abs(forecast) + 0.5 * level, 1e-9)


def recent_level(values: Floats, season: int) -> Floats:
    """The mean absolute value of the last season of each series (rows)."""
    return np.asarray(np.abs(values[..., -season:]).mean(axis=-1))


def radius(scores: Floats, level: float) -> float:
    """The conformal quantile of misses at a level; nan where there are too few for it."""
    known = np.sort(scores[np.isfinite(scores)])
    place = int(np.ceil((len(known) + 1) * level))
    return float(known[place - 1]) if 0 < place <= len(known) else float("nan")


def radii(misses: Misses, periods: int | None = None) -> Floats:
    """Series × levels: the radius of each series' intervals, from what was known after ``periods`` periods.

    Series with too few misses of their own take the misses of all series.
    """
    scores = misses.score
    if periods is not None:
        steps = np.arange(1, scores.shape[2] + 1)
        due = np.array(misses.ends)[:, None] + steps
        scores = np.where((due <= periods)[None], scores, np.nan)
    found = np.full((len(scores), len(LEVELS)), np.nan)
    for column, level in enumerate(LEVELS):
        pooled = radius(scores.ravel(), level)
        for row, own in enumerate(scores):
            mine = radius(own.ravel(), level)
            found[row, column] = mine if np.isfinite(mine) else pooled
    # A wider level never has the narrower interval, also where one is pooled and the other is not.
    return np.maximum.accumulate(found, axis=1)


def adapted(misses: Misses) -> tuple[Floats, Floats, Floats]:
    """Intervals that learn from how earlier intervals fared.

    At each origin there are intervals made of what was known then. Where they held the truth too seldom, as
    when sales grow faster and faster, the next ones are widened: by the conformal quantile of miss over
    radius, over all series (after Gibbs & Candès 2021).

    Returns
    -------
    Series × levels: the radius of the next intervals; how often past intervals, widened by what was known
    then, held the truth; and on how many forecasts that was measured (coverage is nan where there was none).
    """
    hits = np.zeros((len(misses.score), len(LEVELS)))
    judged = np.zeros_like(hits)
    ratios = np.full((*misses.score.shape, len(LEVELS)), np.nan)
    steps = np.arange(1, misses.score.shape[2] + 1)
    due = np.array(misses.ends, dtype=np.int64)[:, None] + steps
    for place, end in enumerate(misses.ends):
        reach = radii(misses, end)
        seen = misses.score[:, place]
        ratios[:, place] = seen[:, :, None] / np.maximum(reach, 1e-12)[:, None, :]
        known = np.where((due <= end)[None, :, :, None], ratios, np.nan)
        wide = reach * _widening(known)
        usable = np.isfinite(seen)[:, :, None] & np.isfinite(wide)[:, None, :]
        judged += usable.sum(axis=1)
        hits += (usable & (seen[:, :, None] <= wide[:, None, :])).sum(axis=1)
    found = np.maximum.accumulate(radii(misses) * _widening(ratios), axis=1)
    return found, np.where(judged > 0, hits / np.maximum(judged, 1), np.nan), judged


def _widening(ratios: Floats) -> Floats:
    """By what the radius of each level is multiplied, at least 1; 1 where too little is known."""
    found = [radius(ratios[..., column].ravel(), level) for column, level in enumerate(LEVELS)]
    return np.maximum(np.nan_to_num(np.array(found), nan=1.0), 1.0)
