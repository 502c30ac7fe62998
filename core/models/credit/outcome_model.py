"""The probability of one outcome (late, default) by what the data can bear.

Few events: the base rate. More: the customer's record, and its mean with a scorecard and with shallow trees
where that is shown to be better. Means are taken of log-odds, so that explanations add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from core.models.boosting import Booster, matrix, source_column
from core.models.calibration import Calibration, expit, logit
from core.models.card import Decision
from core.models.credit.binning import Floats
from core.models.credit.scorecard import Scorecard
from core.models.ladder import BaseRate, Rung, rung

RECORD, SCORECARD, TREES = "record", "scorecard", "trees"
RECORD_FEATURE = "record_risk"
RECORD_PARTS = {"record_size": "amount", "record_country": "country"}
"""Columns with what size and country add to the record's log-odds, and the features they belong to."""
BASE_RATE = "base rate"
_TRACE = 1e-3


@dataclass(frozen=True)
class OutcomeModel:
    """A trained model of one outcome.

    ``members`` are the parts whose mean is the champion; without a scorecard the base rate is all there is.
    ``record`` maps the log-odds of ``RECORD_FEATURE`` to those of the outcome: intercept and slope.
    ``strength`` says how many invoices a prediction is worth as a prior of the customer's true rate.
    ``held_out`` has the champion's AUC and Brier score on customers that were held out.
    """

    outcome: str
    rows: int
    events: int
    base: BaseRate
    record: tuple[float, float] | None = None
    scorecard: Scorecard | None = None
    trees: Booster | None = None
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    calibration: Calibration = field(default_factory=Calibration)
    strength: float = 20.0
    decision: Decision | None = None
    held_out: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def rung(self) -> Rung:
        """The step of the ladder."""
        return rung(self.events)

    @property
    def champion(self) -> str:
        """Its name: a member, or the mean of several."""
        return name_of(self.members)

    def log_odds(self, frame: pl.DataFrame, members: Sequence[str] | None = None) -> Floats:
        """Before calibration: the mean over the champion's members, or over those named.

        A member that the data do not bear is replaced by the scorecard.
        """
        if self.scorecard is None:
            return np.full(frame.height, float(logit(self.base.rate)))
        parts = [self._part(frame, member) for member in (self.members if members is None else members)]
        return np.asarray(sum(parts) / len(parts))

    def _part(self, frame: pl.DataFrame, member: str) -> Floats:
        assert self.scorecard is not None
        if member == TREES and self.trees is not None:
            return self.trees.predict(self._matrix(frame), margin=True)
        if member == RECORD and self.record is not None:
            return by_record(self.record, frame)
        return self.scorecard.log_odds(frame)

    def probability(self, frame: pl.DataFrame, members: Sequence[str] | None = None) -> Floats:
        """The probability of the outcome of each row; calibrated for the champion."""
        found = expit(self.log_odds(frame, members))
        if members is not None or self.scorecard is None:
            return found
        # isotonic regression ties what it cannot tell apart: a trace of the raw value keeps the order
        return (1 - _TRACE) * self.calibration.apply(found) + _TRACE * found

    def interval(self, probability: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
        """Where the true rate of such customers lies: a Beta distribution around the prediction."""
        from scipy.special import betaincinv

        if self.scorecard is None:
            happened = np.full(len(probability), self.base.events, dtype=np.float64)
            a, b = happened + self.base.prior_a, self.base.trials - happened + self.base.prior_b
        else:
            p = np.clip(probability, 1e-6, 1 - 1e-6)
            a, b = p * self.strength, (1 - p) * self.strength
        return betaincinv(a, b, (1 - level) / 2), betaincinv(a, b, (1 + level) / 2)

    def contributions(self, frame: pl.DataFrame) -> tuple[Floats, list[str], float]:
        """Log-odds by row and feature, the features' names and the base they start from.

        Base and contributions add up to the log-odds of the calibrated probability; what calibration changes
        beyond slope and intercept is a column of its own, ``calibration``.
        """
        if self.scorecard is None:
            return np.empty((frame.height, 0)), [], float(logit(self.base.rate))
        found = [self._contributions(frame, member) for member in self.members]
        share = 1 / len(found)
        parts = np.column_stack([of * share for of, _names, _base in found])
        names = [name for _of, some, _base in found for name in some]
        base = sum(one for _of, _names, one in found) * share
        if self.calibration.kind == "platt":
            slope = self.calibration.slope
            parts, base = parts * slope, base * slope + self.calibration.intercept
        change = logit(self.probability(frame)) - (base + parts.sum(axis=1))
        return np.column_stack([parts, change]), [*names, "calibration"], base

    def _contributions(self, frame: pl.DataFrame, member: str) -> tuple[Floats, list[str], float]:
        if member == TREES and self.trees is not None:
            parts, base = self.trees.contributions(self._matrix(frame))
            return parts, [source_column(name) for name in self.trees.names], base
        if member == RECORD and self.record is not None:
            known = {
                feature: self.record[1] * frame[name].to_numpy()
                for name, feature in RECORD_PARTS.items()
                if name in frame.columns
            }
            average = float(logit(self.base.rate))
            rest = by_record(self.record, frame) - average - sum(known.values())
            return np.column_stack([rest, *known.values()]), [RECORD_FEATURE, *known], average
        assert self.scorecard is not None
        parts, base = self.scorecard.contributions(frame)
        return parts, [bins.name for bins in self.scorecard.features], base

    def _matrix(self, frame: pl.DataFrame) -> Floats:
        assert self.trees is not None
        names = list(dict.fromkeys(source_column(name) for name in self.trees.names))
        return matrix(frame, names, self.codes)[0]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the trees."""
        return {
            "outcome": self.outcome,
            "rows": self.rows,
            "events": self.events,
            "base": [self.base.events, self.base.trials],
            "scorecard": self.scorecard.as_dict() if self.scorecard else None,
            "tree_names": list(self.trees.names) if self.trees else None,
            "codes": {name: list(levels) for name, levels in self.codes.items()},
            "record": list(self.record) if self.record else None,
            "members": list(self.members),
            "calibration": self.calibration.as_dict(),
            "strength": self.strength,
            "decision": vars(self.decision) if self.decision else None,
            "held_out": self.held_out,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], trees: bytes | None) -> "OutcomeModel":
        """The model that ``as_dict`` described, with its trees."""
        return cls(
            outcome=plain["outcome"],
            rows=plain["rows"],
            events=plain["events"],
            base=BaseRate(*plain["base"]),
            scorecard=Scorecard.from_dict(plain["scorecard"]) if plain["scorecard"] else None,
            trees=Booster(trees, tuple(plain["tree_names"])) if trees is not None else None,
            codes=plain["codes"],
            record=(plain["record"][0], plain["record"][1]) if plain["record"] else None,
            members=tuple(plain["members"]),
            calibration=Calibration.from_dict(plain["calibration"]),
            strength=plain["strength"],
            decision=Decision(**plain["decision"]) if plain["decision"] else None,
            held_out=plain["held_out"],
        )


def name_of(members: Sequence[str]) -> str:
    """How a mean is called: ``mean of record, scorecard and trees``."""
    if len(members) < 2:
        return members[0] if members else BASE_RATE
    return f"mean of {', '.join(members[:-1])} and {members[-1]}"


def by_record(record: tuple[float, float], frame: pl.DataFrame) -> Floats:
    """Log-odds of an outcome by the customer's record alone."""
    return np.asarray(record[0] + record[1] * logit(frame[RECORD_FEATURE].to_numpy()))
