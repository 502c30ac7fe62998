"""Why a score is what it is: contributions of a few business groups that add up to it, in sentences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contribution:
    """What a group of features adds to the score, and the sentence that says it."""

    group: str
    value: float
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """One score as ``base`` plus ``contributions``, on the scale named by ``unit`` (such as "log-odds").

    Contributions are sorted by size, the largest first.
    """

    base: float
    score: float
    unit: str
    contributions: tuple[Contribution, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of the contributions, the largest first; empty sentences are left out."""
        return tuple(part.sentence for part in self.contributions if part.sentence)


def grouped(
    contributions: Floats, names: Sequence[str], group_of: Mapping[str, str]
) -> tuple[list[str], Floats]:
    """Sums of contributions by group.

    Parameters
    ----------
    contributions
        One row per customer, one column per feature.

    Returns
    -------
    The groups in order of first appearance, and an array of one row per customer and one column per group.
    """
    groups = list(dict.fromkeys(group_of[name] for name in names))
    place = np.array([groups.index(group_of[name]) for name in names])
    sums = np.zeros((len(contributions), len(groups)))
    for column, group in enumerate(place):
        sums[:, group] += contributions[:, column]
    return groups, sums


def explanations(
    base: float,
    sums: Floats,
    groups: Sequence[str],
    sentence: Callable[[int, str, float], str],
    unit: str = "log-odds",
) -> list[Explanation]:
    """One explanation per row of ``sums``; ``sentence`` is given row, group and contribution."""
    result = []
    for row, amounts in enumerate(sums):
        order = np.argsort(-np.abs(amounts), kind="stable")
        parts = tuple(
            Contribution(groups[i], float(amounts[i]), sentence(row, groups[i], float(amounts[i])))
            for i in order
        )
        result.append(Explanation(base, float(base + amounts.sum()), unit, parts))
    return result
