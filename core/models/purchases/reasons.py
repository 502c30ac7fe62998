"""Why a combined prediction is what it is: shares of groups that add up to it, and plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.models.explanation import Contribution, Explanation
from core.models.purchases.history import Floats
from core.models.purchases.rhythm import Parts
from core.models.purchases.sentences import Described, statement

PLAYER_GROUPS = ("recency", "frequency", "recency", "season")
CALIBRATION = "calibration"
_SPOKEN = {
    "recency": ("recency_days", "tenure_days"),
    "frequency": ("orders", "orders_365"),
    "monetary": ("revenue_365", "mean_order_value"),
    "rhythm": ("mean_gap_days", "recency_to_gap"),
    "season": ("clock_ahead",),
}


@dataclass(frozen=True)
class Shares:
    """What adds up to each row's prediction: ``base`` (one per row) plus ``groups`` by name (one per row)."""

    base: Floats
    groups: dict[str, Floats]

    @property
    def total(self) -> Floats:
        """Base plus all groups."""
        return self.base + np.sum(list(self.groups.values()), axis=0)

    def plus(self, other: Shares, weight: Floats) -> Shares:
        """This with weight 1 − ``weight`` and ``other`` with ``weight``, row by row."""
        nothing = np.zeros(len(self.base))
        names = list(dict.fromkeys([*self.groups, *other.groups]))
        mixed = {
            name: (1.0 - weight) * self.groups.get(name, nothing) + weight * other.groups.get(name, nothing)
            for name in names
        }
        return Shares((1.0 - weight) * self.base + weight * other.base, mixed)

    def and_also(self, other: Shares) -> Shares:
        """This and ``other`` on top of it."""
        names = dict.fromkeys([*self.groups, *other.groups])
        nothing = np.zeros(len(self.base))
        summed = {n: self.groups.get(n, nothing) + other.groups.get(n, nothing) for n in names}
        return Shares(self.base + other.base, summed)

    def moved_to(self, total: Floats, group: str = CALIBRATION) -> Shares:
        """The same with what is missing to ``total`` put into a group of its own."""
        missing = total - self.total
        if np.abs(missing).max(initial=0.0) < 1e-9:
            return self
        return Shares(self.base, self.groups | {group: self.groups.get(group, 0.0) + missing})


def mixing_weight(target: Floats, first: Floats, second: Floats) -> Floats:
    """The weight of ``second`` with which a weighted mean of the two gives ``target``, which lies between."""
    apart = second - first
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (target - first) / apart
    return np.clip(np.where(np.abs(apart) > 1e-9, weight, 0.5), 0.0, 1.0)


def shares_of_parts(measure: Callable[[Parts], Floats], parts: Parts, reference: Parts) -> Shares:
    """What each of ``PLAYERS`` moves a prediction by, from the reference customer to the row's own.

    The mean of two orders of replacing one part after the other, forwards and backwards: it adds up exactly
    and treats first and last alike (a short form of Shapley's 24 orders).
    """
    count = len(parts)
    base, full = measure(reference), measure(parts)
    moved = [np.zeros(len(base)) for _ in range(count)]
    for order in (range(count), range(count - 1, -1, -1)):
        current, before = list(reference), base
        for step, player in enumerate(order):
            current[player] = parts[player]
            after = full if step == count - 1 else measure((current[0], current[1], current[2], current[3]))
            moved[player] = moved[player] + (after - before) / 2.0
            before = after
    groups: dict[str, Floats] = {}
    for player, group in enumerate(PLAYER_GROUPS):
        groups[group] = groups.get(group, 0.0) + moved[player]
    return Shares(base, groups)


def explained(shares: Shares, sentences: Mapping[str, Sequence[str]], unit: str) -> list[Explanation]:
    """One explanation per row, the largest contributions first."""
    names = list(shares.groups)
    table = np.column_stack([shares.groups[name] for name in names])
    order = np.argsort(-np.abs(table), axis=1, kind="stable")
    told = {name: list(sentences[name]) for name in names}
    found = []
    for row in range(len(table)):
        parts = tuple(
            Contribution(names[i], float(table[row, i]), told[names[i]][row] or "") for i in order[row]
        )
        base = float(shares.base[row])
        found.append(Explanation(base, base + float(table[row].sum()), unit, parts))
    return found


def spoken(
    frame: pl.DataFrame,
    shares: Shares,
    described: Described,
    important: Mapping[str, str],
    what: str,
    horizon: int,
) -> dict[str, pl.Series]:
    """A sentence for each group and row, such as "Last ordered 143 days ago: raises the risk.".

    Parameters
    ----------
    important
        The feature to name for groups that have no usual one.
    what
        What contributions raise or lower: "the risk".
    horizon
        Days ahead that are predicted.
    """
    sentences: dict[str, pl.Series] = {}
    for group, amount in shares.groups.items():
        raised = pl.Series(amount) > 0
        if group == CALIBRATION:
            said = (
                pl.when(raised)
                .then(pl.lit("Similar predictions turned out too low in the past"))
                .otherwise(pl.lit("Similar predictions turned out too high in the past"))
            )
        else:
            names = _SPOKEN.get(group) or ((important[group],) if group in important else ())
            said = statement(names, described, frame.columns, horizon)
        verdict = pl.when(raised).then(pl.lit(f": raises {what}.")).otherwise(pl.lit(f": lowers {what}."))
        text = pl.concat_str(said, verdict).fill_null("")
        sentences[group] = frame.select(text.alias(group)).to_series()
    return sentences


def strongest(shares: Shares, sentences: Mapping[str, pl.Series], count: int = 3) -> pl.Series:
    """The sentences of the ``count`` largest contributions of each row, as one text."""
    names = [name for name in shares.groups if name != CALIBRATION]
    if not names:
        return pl.Series("reasons", [""] * len(shares.base), dtype=pl.String)
    table = np.abs(np.column_stack([shares.groups[name] for name in names]))
    order = np.argsort(-table, axis=1, kind="stable")
    frame = pl.DataFrame({f"said {name}": sentences[name] for name in names})
    picked = []
    for rank in range(min(count, len(names))):
        choice = pl.Series(order[:, rank])
        text = pl.coalesce(
            pl.when(choice == place).then(pl.col(f"said {name}")) for place, name in enumerate(names)
        )
        picked.append(pl.when(text.str.len_chars() > 0).then(text))
    return frame.select(pl.concat_str(picked, separator=" ", ignore_nulls=True).alias("reasons")).to_series()
