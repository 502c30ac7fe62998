"""Bins of a feature and the weight of evidence of each: the steps of a scorecard.

The weight of evidence of a bin is the logarithm of its odds of the event over those of all rows (Siddiqi
2006), here shrunk towards zero where a bin has few rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_MOST_BINS = 6
_LEAST_SHARE = 0.05
_LEAST_ROWS = 20
_PRIOR_ROWS = 10.0
_ROWS_TO_CUT = 12_000


@dataclass(frozen=True)
class Bins:
    """How a feature is cut: ``cuts`` of numbers (a value up to a cut is below it) or ``levels`` of a text.

    Bin 0 holds missing values, bins 1, 2, … the ranges in rising order or the levels; other levels share the
    last one. ``evidence`` is the weight of evidence by bin, ``value`` the information value of the feature.
    """

    name: str
    cuts: tuple[float, ...] = ()
    levels: tuple[str, ...] | None = None
    evidence: tuple[float, ...] = ()
    value: float = 0.0

    @property
    def count(self) -> int:
        """Bins, that of missing values included."""
        return 2 + (len(self.cuts) if self.levels is None else len(self.levels))

    def place(self, values: pl.Series) -> Ints:
        """The bin of each value."""
        if self.levels is not None:
            table = {level: number + 1 for number, level in enumerate(self.levels)}
            text = values.cast(pl.String)
            found = text.replace_strict(table, default=self.count - 1, return_dtype=pl.Int64)
            return found.set(text.is_null(), 0).to_numpy()
        numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        place = 1 + np.searchsorted(np.array(self.cuts), numbers, side="left")
        return np.where(np.isnan(numbers), 0, place)

    def says(self, number: int) -> str:
        """A bin in words: ``up to 3``, ``3 to 7``, ``above 7``, a level, ``other`` or ``unknown``."""
        if number == 0:
            return "unknown"
        if self.levels is not None:
            return self.levels[number - 1] if number <= len(self.levels) else "other"
        if not self.cuts:
            return "any"
        low = self.cuts[number - 2] if number > 1 else None
        high = self.cuts[number - 1] if number <= len(self.cuts) else None
        if low is None:
            return f"up to {_short(high)}"
        return f"above {_short(low)}" if high is None else f"{_short(low)} to {_short(high)}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        levels = None if self.levels is None else list(self.levels)
        return {
            "name": self.name, "cuts": list(self.cuts), "levels": levels, "evidence": list(self.evidence),
            "value": self.value,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Bins":
        """The bins that ``as_dict`` described."""
        levels = None if plain["levels"] is None else tuple(plain["levels"])
        return cls(plain["name"], tuple(plain["cuts"]), levels, tuple(plain["evidence"]), plain["value"])


def _short(value: float | None) -> str:
    assert value is not None
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cut(values: pl.Series, happened: Floats, direction: int = 0) -> Bins:
    """The bins of a feature for an event (0 or 1 by row).

    Numbers are cut by a small decision tree; with a ``direction`` neighbouring bins are merged until the
    event's rate only rises (1) or only falls (−1).
    """
    name = values.name
    least = max(_LEAST_ROWS, int(_LEAST_SHARE * min(len(values), _ROWS_TO_CUT)))
    if values.dtype == pl.String or isinstance(values.dtype, pl.Enum | pl.Categorical):
        text = values.cast(pl.String)
        counts = text.drop_nulls().value_counts().filter(pl.col("count") >= _LEAST_ROWS).sort(name)
        bins = Bins(name, levels=tuple(counts[name].to_list()))
    else:
        bins = Bins(name, cuts=_tree_cuts(values, happened, least))
        if direction:
            bins = _merged(bins, values, happened, direction)
    return _weighed(bins, values, happened)


def _tree_cuts(values: pl.Series, happened: Floats, least: int) -> tuple[float, ...]:
    from sklearn.tree import DecisionTreeClassifier

    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = np.isfinite(numbers)
    if len(numbers) > _ROWS_TO_CUT:  # where to cut is settled by fewer rows than what the bins are worth
        known &= np.random.default_rng(0).random(len(numbers)) < _ROWS_TO_CUT / len(numbers)
    if known.sum() < 2 * least or np.ptp(numbers[known]) == 0:
        return ()
    tree = DecisionTreeClassifier(max_leaf_nodes=_MOST_BINS, min_samples_leaf=least, random_state=0)
    tree.fit(numbers[known].reshape(-1, 1), happened[known])
    thresholds = tree.tree_.threshold[tree.tree_.children_left >= 0]
    return tuple(sorted({float(f"{cut:.6g}") for cut in thresholds}))


def _merged(bins: Bins, values: pl.Series, happened: Floats, direction: int) -> Bins:
    cuts = list(bins.cuts)
    while cuts:
        place = Bins(bins.name, cuts=tuple(cuts)).place(values)
        rows = np.bincount(place, minlength=len(cuts) + 2)[1:]
        events = np.bincount(place, weights=happened, minlength=len(cuts) + 2)[1:]
        steps = np.diff(events / np.maximum(rows, 1)) * direction
        if steps.min() >= 0:
            break
        del cuts[int(steps.argmin())]
    return Bins(bins.name, cuts=tuple(cuts))


def _weighed(bins: Bins, values: pl.Series, happened: Floats) -> Bins:
    place = bins.place(values)
    rows = np.bincount(place, minlength=bins.count).astype(np.float64)
    events = np.bincount(place, weights=happened, minlength=bins.count)
    rate = float(np.clip(happened.mean(), 1e-6, 1 - 1e-6))
    shrunk = (events + _PRIOR_ROWS * rate) / (rows + _PRIOR_ROWS)
    evidence = np.log(shrunk / (1 - shrunk)) - np.log(rate / (1 - rate))
    good, bad = rows * (1 - shrunk), rows * shrunk
    value = float(((bad / max(bad.sum(), 1e-9) - good / max(good.sum(), 1e-9)) * evidence).sum())
    return Bins(bins.name, bins.cuts, bins.levels, tuple(float(e) for e in evidence), value)


def cut_all(
    frame: pl.DataFrame, happened: Floats, names: Sequence[str], directions: Mapping[str, int]
) -> list[Bins]:
    """The bins of several features, the most informative first."""
    found = [cut(frame[name], happened, directions.get(name, 0)) for name in names]
    return sorted(found, key=lambda bins: (-bins.value, bins.name))
