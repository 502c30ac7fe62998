"""Judging the candidates on outcomes later than what they learned from: champion, calibration, intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from core.evaluation import evaluate
from core.evaluation.metrics import AUC, BRIER, ECE
from core.models.calibration import Calibration, expit, fit_calibration, logit
from core.models.card import Decision, decide, measured
from core.models.churn.candidates import SIMPLE, TREES, Candidates
from core.models.ladder import Rung
from core.models.purchases.history import Floats
from core.models.purchases.rhythm import Rhythm
from core.models.purchases.sampling import sampled
from core.models.purchases.sentences import Described
from core.models.purchases.windows import held_out_days

_MOST_JUDGED = 15_000
_METRICS = {"AUC": AUC, "Brier": BRIER, "ECE": ECE}
_MOST_LEARNED = 20_000
_BINS = 10
_LEAST_IN_BIN = 30
LEVEL = 0.8
_NORMAL = 1.2816  # standard deviations that hold 80 % of a normal distribution


@dataclass(frozen=True)
class Margins:
    """How far observed shares may lie from predictions (80 %), by predicted log-odds, on that scale."""

    at: tuple[float, ...] = ()
    below: tuple[float, ...] = ()
    above: tuple[float, ...] = ()

    @classmethod
    def measured(cls, predicted: Floats, outcome: Floats, customers: int) -> Margins:
        """From held-out outcomes in groups of similar predictions; the same customer counts once in all."""
        bins = int(min(_BINS, len(predicted) // _LEAST_IN_BIN))
        if bins < 1:
            return cls()
        from scipy.stats import beta

        order = np.argsort(predicted, kind="stable")
        counted = min(1.0, customers / len(predicted))
        at, below, above = [], [], []
        for part in np.array_split(order, bins):
            middle = float(logit(np.clip(predicted[part].mean(), 1e-4, 1 - 1e-4)))
            events, trials = outcome[part].sum() * counted, len(part) * counted
            tails = beta.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], events + 0.5, trials - events + 0.5)
            low, high = logit(np.clip(tails, 1e-5, 1 - 1e-5))
            at.append(middle)
            below.append(max(middle - float(low), 0.0))
            above.append(max(float(high) - middle, 0.0))
        return cls(tuple(at), tuple(below), tuple(above))

    def around(self, log_odds: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """Low and high probability; ``spread`` is another standard deviation on the log-odds scale."""
        own = (_NORMAL * spread) ** 2
        below = np.interp(log_odds, self.at, self.below) if self.at else 0.0
        above = np.interp(log_odds, self.at, self.above) if self.at else 0.0
        return expit(log_odds - np.sqrt(below**2 + own)), expit(log_odds + np.sqrt(above**2 + own))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"at": list(self.at), "below": list(self.below), "above": list(self.above)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Margins:
        """The margins that ``as_dict`` described."""
        return cls(tuple(plain["at"]), tuple(plain["below"]), tuple(plain["above"]))


@dataclass(frozen=True)
class Judgement:
    """Who is champion and why, how its probabilities are corrected, and how sure they are.

    ``metrics``: what the champion reached on held-out outcomes, as a model card holds it.
    """

    champion: str = SIMPLE
    decision: Decision | None = None
    calibration: Calibration = field(default_factory=Calibration)
    margins: Margins = field(default_factory=Margins)
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
        Training snapshots of all customers seen and of the population that is predicted, with ``ordered``.
    """
    learned_days, judged_days = held_out_days(active["as_of_day"].unique().to_list(), horizon)
    notes: tuple[str, ...] = ()
    if judged_days:
        start = judged_days[0]
        earlier = active.filter(pl.col("as_of_day").is_in(learned_days))
        later = active.filter(pl.col("as_of_day").is_in(judged_days))
        seen = past.filter(pl.col("as_of_day") == start)
    else:  # too little history to hold out time: other customers of the same days
        start = int(active["as_of_day"].max())  # type: ignore[arg-type]
        first_half = active["customer_id"].hash(seed=5) % 2 == 0
        earlier, later = active.filter(first_half), active.filter(~first_half)
        seen = past.filter(pl.col("as_of_day") == start)
        notes = ("The history is too short to hold out later days: judged on customers held out.",)
    if earlier.is_empty() or later.is_empty() or seen.is_empty() or earlier["ordered"].n_unique() < 2:
        return Judgement(notes=("There is too little history to compare models.",))
    rhythm = Rhythm.learned(seen, daily, start)
    inner = Candidates.learned(rhythm, earlier, step, horizon, described, seed=seed, most_rows=_MOST_LEARNED)
    later = later.filter(pl.Series(sampled(later["customer_id"], _MOST_JUDGED, seed)))
    predicted = inner.predict(later)
    outcome = 1.0 - later["ordered"].cast(pl.Float64).to_numpy()
    frame = later.select("customer_id", cutoff_day="as_of_day").with_columns(
        pl.Series("actual", outcome), *(pl.Series(name, p) for name, p in predicted.items())
    )
    found = Judgement(notes=notes)
    alone = TREES if step == Rung.BOOSTED and TREES in predicted else None
    models = [name for name in (alone, inner.challenger, SIMPLE) if name is not None]
    compared = evaluate(frame, models=models, baselines=[], metrics=_METRICS, seed=seed)
    if inner.challenger is not None:
        decision = decide(compared, simple=SIMPLE, challenger=inner.challenger, metric="Brier")
        if alone is not None:  # many events: trees may prove to need no half of the simple model
            further = decide(compared, simple=decision.champion, challenger=alone, metric="Brier")
            decision = further if further.champion == alone else decision
        found = replace(found, champion=decision.champion, decision=decision)
    found = replace(found, metrics=measured(compared, found.champion))
    if judged_days and step >= Rung.MEAN:  # fewer events bear no correction
        calibration = _proven_calibration(frame, found.champion, horizon, seed)
        found = replace(found, calibration=calibration)
    final = found.calibration.apply(predicted[found.champion])
    return replace(found, margins=Margins.measured(final, outcome, later["customer_id"].n_unique()))


def _proven_calibration(frame: pl.DataFrame, champion: str, horizon: int, seed: int) -> Calibration:
    """A calibration, if one learned from the first held-out window helps in a later, separate one.

    What past seasons or a past level got wrong is often right in the next: a correction must prove itself.
    """
    days = sorted(frame["cutoff_day"].unique().to_list())
    if days[-1] < days[0] + horizon:
        return Calibration()
    first, last = (frame.filter(pl.col("cutoff_day") == day) for day in (days[0], days[-1]))
    trial = fit_calibration(first[champion].to_numpy(), first["actual"].to_numpy())
    if trial.kind == "none":
        return trial
    judged = last.select("cutoff_day", "customer_id", "actual", plain=champion).with_columns(
        corrected=pl.Series(trial.apply(last[champion].to_numpy()))
    )
    compared = evaluate(
        judged, models=["corrected"], baselines=["plain"], metrics={"Brier": BRIER}, seed=seed
    )
    if not compared.difference("corrected", "plain", "Brier").is_above_zero:
        return Calibration()
    return fit_calibration(frame[champion].to_numpy(), frame["actual"].to_numpy())
