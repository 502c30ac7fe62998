"""Where the training data reach: outside, the model abstains and says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.credit.features import FEATURES
from core.models.credit.sentences import shown

_TAIL = 0.001
_LEAST_LIKE_IT = 20
_ASKED = ("amount", "amount_ratio", "open_amount", "overdue_amount", "exposure_ratio")
_AGES = (0, 1, 4, 13)  # earlier invoices: none, a few, …


@dataclass(frozen=True)
class Support:
    """Ranges of features, known values of texts, and how many invoices were like a request.

    ``cells`` counts training invoices by size (tenths of all, cut at ``size_cuts``) and earlier invoices of
    their customers (``_AGES``).
    """

    ranges: Mapping[str, Sequence[float]]
    levels: Mapping[str, Sequence[str]]
    cells: Sequence[Sequence[int]]
    size_cuts: Sequence[float] = ()

    @classmethod
    def of(cls, frame: pl.DataFrame) -> "Support":
        """The support of training features."""
        ranges = {
            name: [float(frame[name].quantile(q, "nearest") or 0.0) for q in (_TAIL, 1 - _TAIL)]
            for name in _ASKED
            if frame[name].null_count() < frame.height
        }
        levels = {"country": frame["country"].drop_nulls().unique().sort().to_list()}
        cuts = [float(frame["amount"].quantile(q, "nearest") or 0.0) for q in np.linspace(0.1, 0.9, 9)]
        size = np.searchsorted(cuts, frame["amount"].to_numpy())
        age = np.searchsorted(_AGES, frame["invoices"].to_numpy(), side="right") - 1
        cells = np.zeros((len(cuts) + 1, len(_AGES)), dtype=np.int64)
        np.add.at(cells, (size, age), 1)
        return cls(ranges, levels, cells.tolist(), cuts)

    def objection(self, row: Mapping[str, Any], currency: str = "") -> str:
        """Why a request cannot be judged, in a sentence; empty if it can."""
        for name, (low, high) in self.ranges.items():
            value = row.get(name)
            feature = FEATURES[name]
            # less of what only raises risk is no reason to abstain
            if value is None or (value <= high and (value >= low or feature.direction > 0)):
                continue
            given, most = shown(feature, value, currency), shown(feature, high, currency)
            return f"Outside the data: the {feature.label} is {given}, but so far it was at most {most}."
        for name, known in self.levels.items():
            if row.get(name) not in known and row.get(name) is not None:
                return f"Outside the data: no invoice so far has the {name} {row[name]}."
        if self.cells:
            size = int(np.searchsorted(self.size_cuts, row["amount"]))
            age = int(np.searchsorted(_AGES, row["invoices"], side="right")) - 1
            alike = self.cells[size][age]
            if alike < _LEAST_LIKE_IT:
                return (
                    f"Too few examples: only {alike} known invoices of this size came from customers with as "
                    "many earlier invoices."
                )
        return ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "levels": {name: list(known) for name, known in self.levels.items()},
            "cells": [list(row) for row in self.cells],
            "size_cuts": list(self.size_cuts),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Support":
        """The support that ``as_dict`` described."""
        return cls(plain["ranges"], plain["levels"], plain["cells"], plain["size_cuts"])
