"""Judging the candidates on later amounts: champion, and how far amounts lie from what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from core.evaluation import evaluate
from core.evaluation.metrics import AMOUNTS
from core.models.card import Decision, decide, measured
from core.models.ladder import Rung
from core.models.purchases.history import Floats
from core.models.purchases.sampling import sampled
from core.models.purchases.sentences import Described
from core.models.purchases.windows import held_out_days
from core.models.spend.candidates import SIMPLE, TREES, Candidates

LEVEL = 0.8
_MOST_JUDGED = 15_000
_MOST_LEARNED = 20_000
_BINS = 20
_LEAST_IN_BIN = 50


@dataclass(frozen=True)
class Ranges:
    """Ratios of actual to expected amounts between which 80 % lie, by the logarithm of the expected amount.

    Split conformal prediction (Vovk et al. 2005; Lei et al. 2018) within groups of similar expectations,
    with the shortest range in each: where most customers buy nothing, it begins at nothing.
    """

    at: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def measured(cls, expected: Floats, actual: Floats) -> Ranges:
        """From held-out amounts; empty where there are too few."""
        known = expected > 0
        expected, actual = expected[known], actual[known]
        bins = int(min(_BINS, len(expected) // _LEAST_IN_BIN))
        if bins < 1:
            return cls()
        order = np.argsort(expected, kind="stable")
        rows = []
        for part in np.array_split(order, bins):
            low, high = shortest_range(actual[part] / expected[part], LEVEL)
            rows.append((float(np.log(expected[part]).mean()), low, high))
        at, least, most = zip(*rows, strict=True)
        return cls(at, least, most)

    def around(self, expected: Floats) -> tuple[Floats, Floats]:
        """Low and high amount around each expected one; nan where nothing was measured."""
        if not self.at:
            nothing = np.full(len(expected), np.nan)
            return nothing, nothing
        place = np.log(np.maximum(expected, 1e-9))
        return expected * np.interp(place, self.at, self.low), expected * np.interp(place, self.at, self.high)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"at": list(self.at), "low": list(self.low), "high": list(self.high)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Ranges:
        """The ranges that ``as_dict`` described."""
        return cls(tuple(plain["at"]), tuple(plain["low"]), tuple(plain["high"]))


def shortest_range(values: Floats, level: float) -> tuple[float, float]:
    """The shortest range that holds ``level`` of the values and of one more of their kind."""
    ordered = np.sort(values)
    inside = min(int(np.ceil(level * (len(ordered) + 1))), len(ordered))
    widths = ordered[inside - 1 :] - ordered[: len(ordered) - inside + 1]
    start = int(np.argmin(widths))
    return float(ordered[start]), float(ordered[start + inside - 1])


@dataclass(frozen=True)
class Judgement:
    """Who is champion and why, and how far amounts lie from expectations.

    ``metrics``: what the champion reached on held-out amounts, as a model card holds it.
    """

    champion: str = SIMPLE
    decision: Decision | None = None
    ranges: Ranges = field(default_factory=Ranges)
    notes: tuple[str, ...] = ()
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)


def judge(
    past: pl.DataFrame,
    active: pl.DataFrame,
    daily: pl.DataFrame,
    step: Rung,
    horizon: int,
    described: Described,
    seed: int = 0,
) -> Judgement:
    """Train the candidates on earlier snapshots, and compare them on later ones.

    Parameters
    ----------
    past, active
        Training snapshots of all customers seen and of the population that is predicted, with
        ``window_revenue``.
    """
    learned_days, judged_days = held_out_days(active["as_of_day"].unique().to_list(), horizon)
    notes: tuple[str, ...] = ()
    if judged_days:
        start = judged_days[0]
        earlier = active.filter(pl.col("as_of_day").is_in(learned_days))
        later = active.filter(pl.col("as_of_day").is_in(judged_days))
    else:  # too little history to hold out time: other customers of the same days
        start = int(active["as_of_day"].max())  # type: ignore[arg-type]
        first_half = active["customer_id"].hash(seed=5) % 2 == 0
        earlier, later = active.filter(first_half), active.filter(~first_half)
        notes = ("The history is too short to hold out later days: judged on customers held out.",)
    seen = past.filter(pl.col("as_of_day") == start)
    if earlier.is_empty() or later.is_empty() or seen.is_empty():
        return Judgement(notes=("There is too little history to compare models.",))
    inner = Candidates.learned(
        seen, daily, earlier, step, horizon, described,
        as_of_day=start, seed=seed, most_rows=_MOST_LEARNED,
    )  # fmt: skip
    if inner is None:
        return Judgement(notes=("There is too little history to compare models.",))
    later = later.filter(pl.Series(sampled(later["customer_id"], _MOST_JUDGED, seed)))
    predicted, actual = inner.predict(later), later["window_revenue"].to_numpy()
    found = Judgement(notes=notes)
    frame = later.select("customer_id", cutoff_day="as_of_day", actual="window_revenue").with_columns(
        pl.Series(name, p) for name, p in predicted.items()
    )
    alone = TREES if step == Rung.BOOSTED and TREES in predicted else None
    models = [name for name in (alone, inner.challenger, SIMPLE) if name is not None]
    compared = evaluate(frame, models=models, baselines=[], metrics=AMOUNTS, seed=seed)
    if inner.challenger is not None:
        decision = decide(compared, simple=SIMPLE, challenger=inner.challenger, metric="Gini")
        if alone is not None:  # many events: trees may prove to need no half of the simple model
            further = decide(compared, simple=decision.champion, challenger=alone, metric="Gini")
            decision = further if further.champion == alone else decision
        found = replace(found, champion=decision.champion, decision=decision)
    found = replace(found, metrics=measured(compared, found.champion))
    return replace(found, ranges=Ranges.measured(predicted[found.champion], actual))
