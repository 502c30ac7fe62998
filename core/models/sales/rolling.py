"""Rolling-origin backtest of all methods on all series, and the choice of a champion for each series.

At each origin every method sees the periods before it and forecasts the next ones. Parameters that need an
optimiser are learned again at every third origin, always from the periods before it.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.evaluation import Estimate
from core.models.sales import boosted
from core.models.sales.methods import BOOSTED, COMBINED, METHODS, candidates, simple_method
from core.models.sales.periods import Floats

_ORIGINS = 12
_SIMPLE_ORIGINS = 24
_REFIT = 3
LEAST_ORIGINS = 6
"""Origins without which no challenger can be compared with the simple method."""


@dataclass(frozen=True)
class Choice:
    """The method of one series.

    ``difference`` is the paired gain of the best challenger over the simple method in WAPE (share of sales),
    ``origins`` the number of origins it was measured on, ``errors`` the WAPE of the methods at these origins.
    """

    champion: str
    simple: str
    challenger: str | None
    difference: Estimate
    origins: int
    errors: dict[str, float] = field(default_factory=dict)

    def reason(self) -> str:
        """In words."""
        if self.challenger is None:
            return f"{self.simple}: the history is too short to compare it with other methods."
        gain = self.difference
        shown = f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] in WAPE over {self.origins} origins"
        if self.champion == self.simple:
            return f"{self.challenger} is not shown to be better than {self.simple}: {shown}."
        return f"{self.challenger} is better than {self.simple}: {shown}."


@dataclass(frozen=True)
class Rolled:
    """Forecasts of the past: for each method an array of origins × series × steps (nan: not possible).

    ``ends`` is the number of periods known at each origin; ``actual`` the true values, nan where unknown yet.
    """

    ends: tuple[int, ...]
    forecasts: dict[str, Floats]
    actual: Floats


def roll(values: Floats, season: int, first: int, steps: int) -> Rolled:
    """The forecasts that each method would have made at the latest origins.

    ``first`` is the number of the first period. Methods that fit seasons start where two seasons are known.
    """
    periods = values.shape[1]
    start = season if periods > season else 3
    ends = tuple(range(max(start, periods - _SIMPLE_ORIGINS), periods))
    actual = np.full((len(ends), len(values), steps), np.nan)
    for place, end in enumerate(ends):
        known = min(steps, periods - end)
        actual[place, :, :known] = values[:, end : end + known]
    found: dict[str, Floats] = {}
    learned: dict[tuple[str, int], Any] = {}
    trees: bytes | None = None
    for place, end in enumerate(ends):
        past = values[:, :end]
        late = periods - end <= _ORIGINS
        allowed = candidates(end, season)
        if not late:
            allowed = [method for method in allowed if method is simple_method(end, season)]
        fresh = (periods - end) % _REFIT == 0 or place == 0
        for method in allowed:
            table = found.setdefault(method.name, np.full(actual.shape, np.nan))
            for row, series in enumerate(past):
                if is_constant(series):
                    table[place, row] = series[-1]
                    continue
                if fresh or (method.name, row) not in learned:
                    learned[method.name, row] = method.learn(series, season)
                table[place, row] = method.foretell(series, season, learned[method.name, row], steps)
        if late and end >= boosted.least_periods(season):
            if trees is None or fresh:
                trees = boosted.train(past, season, first, steps)
            table = found.setdefault(BOOSTED, np.full(actual.shape, np.nan))
            table[place] = boosted.foretell(trees, past, season, first, steps)
    if len(found) > 1:
        stacked = np.stack([found[name] for name in sorted(found)])
        counts = np.isfinite(stacked).sum(axis=0)
        sums = np.nansum(stacked, axis=0)
        found[COMBINED] = np.where(counts > 1, sums / np.maximum(counts, 1), np.nan)
    return Rolled(ends, found, actual)


def is_constant(values: Floats) -> bool:
    """Whether a series never changed: then every method says so, without being asked."""
    return bool(np.ptp(values) == 0)


def combination(forecasts: list[Floats]) -> Floats | None:
    """The mean of several forecasts where all of them are known; ``None`` of fewer than two."""
    return np.mean(forecasts, axis=0) if len(forecasts) > 1 else None


def choose(rolled: Rolled, row: int, season: int, periods: int) -> Choice:
    """The method of a series: the simple one stays unless the challenger of least error is better with its
    whole interval above zero."""
    simple = simple_method(periods, season).name
    errors, losses = {}, {}
    truth = rolled.actual[:, row]
    scale = np.abs(rolled.actual[np.isfinite(truth).any(axis=1), row])
    scale_mean = float(np.nanmean(scale)) if scale.size and np.isfinite(scale).any() else 0.0
    for name, table in rolled.forecasts.items():
        missed = np.abs(table[:, row] - truth)
        counts = np.isfinite(missed).sum(axis=1)
        losses[name] = np.where(counts > 0, np.nansum(missed, axis=1) / np.maximum(counts, 1), np.nan)
    others = [name for name in losses if name != simple]
    none = Estimate(*(math.nan,) * 4)
    if scale_mean == 0.0 or simple not in losses:
        return Choice(simple, simple, None, none, 0)
    common = {name: np.isfinite(losses[name]) & np.isfinite(losses[simple]) for name in losses}
    tried = [name for name in others if common[name].sum() >= LEAST_ORIGINS]
    if not tried:
        return Choice(simple, simple, None, none, int(max((common[n].sum() for n in others), default=0)))
    # Methods that need a longer history were tried at fewer origins: each is measured against the simple one.
    gains = {name: (losses[simple] - losses[name])[common[name]] / scale_mean for name in tried}
    challenger = max(tried, key=lambda name: float(gains[name].mean()))
    gain = gains[challenger]
    shared = common[challenger]
    errors = {
        name: float(losses[name][shared].mean() / scale_mean)
        for name in losses
        if np.isfinite(losses[name][shared]).all()
    }
    difference = paired_gain(gain, rolled.actual.shape[2])
    champion = challenger if difference.is_above_zero else simple
    return Choice(champion, simple, challenger, difference, len(gain), errors)


def paired_gain(gain: Floats, steps: int) -> Estimate:
    """The mean gain over origins whose windows overlap, with a 95 % interval.

    Diebold & Mariano (1995) with the small-sample correction of Harvey, Leybourne & Newbold (1997).
    """
    from scipy.stats import t as student

    n, lags = len(gain), min(steps, len(gain) - 1)
    centred = gain - gain.mean()
    variance = float((centred**2).mean())
    for lag in range(1, lags):
        variance += 2 * (1 - lag / lags) * float((centred[lag:] * centred[:-lag]).sum()) / n
    correction = (n + 1 - 2 * lags + lags * (lags - 1) / n) / n
    error = math.sqrt(max(variance, 0.0) / n) / math.sqrt(max(correction, 0.05))
    reach = float(student.ppf(0.975, n - 1)) * error
    mean = float(gain.mean())
    return Estimate(mean, mean - reach, mean + reach, error)


def learn(name: str, values: Floats, season: int) -> dict[str, Any]:
    """The parameters with which a series is forecast by a method, from its whole history."""
    if name not in METHODS or is_constant(values):
        return {}
    return dict(METHODS[name].learn(values, season))
