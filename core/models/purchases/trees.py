"""The boosted half of a prediction: shallow trees on snapshots, with the clock's view of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.boosting import (
    Booster,
    category_codes,
    matrix,
    source_column,
    train_amounts,
)
from core.models.explanation import grouped
from core.models.purchases.correction import train_correction
from core.models.purchases.history import Floats
from core.models.purchases.reasons import Shares
from core.models.purchases.sampling import sampled
from core.models.purchases.sentences import CLOCK_FEATURES, Described

MOST_ROWS = 40_000
_SETTINGS = {"eta": 0.1}


@dataclass(frozen=True)
class Trees:
    """Trained trees and what they were told: columns of the snapshot and values of its texts.

    ``unit``: what amounts were divided by; 1 for corrections of log-odds. ``important``: by group, the
    feature that moves most.
    """

    booster: Booster
    columns: tuple[str, ...]
    codes: Mapping[str, Sequence[str]]
    unit: float
    important: Mapping[str, str]

    @classmethod
    def learned(
        cls,
        frame: pl.DataFrame,
        target: Floats,
        described: Described,
        *,
        start: Floats | None = None,
        seed: int = 0,
        most_rows: int = MOST_ROWS,
    ) -> Trees:
        """Trees for ``target`` from the described columns of ``frame``; constant columns are left out.

        Without ``start`` the target is an amount. With it the target is 0 or 1, and the trees correct these
        log-odds of it: ``margin`` gives what is to be added, ``predict`` means nothing.

        Beyond ``most_rows`` rows a random part of the customers is learned from.
        """
        keep = sampled(frame["customer_id"], most_rows, seed)
        frame, target = frame.filter(pl.Series(keep)), target[keep]
        varied = [name for name in (*described, *CLOCK_FEATURES) if name in frame.columns]
        distinct = frame.select(pl.col(varied).n_unique()).row(0)
        columns = tuple(name for name, count in zip(varied, distinct, strict=True) if count > 1)
        codes = category_codes(frame, columns)
        x, names = matrix(frame, columns, codes)
        customers = frame["customer_id"].to_numpy()
        unit = 1.0
        if start is not None:
            booster = train_correction(x, target, start[keep], names, customers, seed=seed)
        else:
            unit = max(float(np.mean(target)), 1e-9)
            booster = train_amounts(
                x, np.maximum(target, 0.0) / unit, names, customers, seed=seed, settings=_SETTINGS
            )
        part = np.random.default_rng(seed).permutation(len(x))[:2_000]
        size = np.abs(booster.contributions(x[part])[0]).mean(axis=0)
        important: dict[str, str] = {}
        for place in np.argsort(-size):
            name = source_column(names[place])
            important.setdefault(_group(name, described), name)
        return cls(booster, columns, codes, unit, important)

    def predict(self, frame: pl.DataFrame) -> Floats:
        """Amount for each row."""
        return self.booster.predict(matrix(frame, self.columns, self.codes)[0]) * self.unit

    def margin(self, frame: pl.DataFrame) -> Floats:
        """What is to be added to the log-odds of each row."""
        return self.booster.predict(matrix(frame, self.columns, self.codes)[0], margin=True)

    def shares(self, frame: pl.DataFrame, described: Described) -> Shares:
        """What each group adds to the margin or to the logarithm of the amount."""
        x, names = matrix(frame, self.columns, self.codes)
        parts, base = self.booster.contributions(x)
        sources = {name: _group(source_column(name), described) for name in names}
        groups, sums = grouped(parts, names, sources)
        start = np.full(len(x), base + np.log(self.unit))
        return Shares(start, {group: sums[:, i] for i, group in enumerate(groups)})

    def as_dict(self) -> dict[str, Any]:
        """Everything but the trees themselves as plain values for JSON."""
        return {
            "names": list(self.booster.names),
            "columns": list(self.columns),
            "codes": {name: list(known) for name, known in self.codes.items()},
            "unit": self.unit,
            "important": dict(self.important),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], raw: bytes) -> Trees:
        """The trees of ``as_dict`` and the bytes of the booster."""
        booster = Booster(raw, tuple(plain["names"]))
        return cls(booster, tuple(plain["columns"]), plain["codes"], plain["unit"], plain["important"])


def _group(name: str, described: Described) -> str:
    return (described.get(name) or CLOCK_FEATURES[name])[2]
