"""Columns that tell the answer: a single one that predicts almost perfectly was filled in afterwards."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.metrics import auc
from core.models.tabular.columns import Encoder
from core.models.tabular.target import Kind

SUSPICIOUS = 0.98
_ENOUGH = 30


@dataclass(frozen=True)
class Suspect:
    """A column that alone predicts almost perfectly: AUC, or share of pairs in the right order."""

    column: str
    strength: float

    @property
    def sentence(self) -> str:
        """What a person should think about."""
        return (
            f"{self.column} alone tells the target almost perfectly ({self.strength:.1%} of pairs in the "
            "right order): was it known before the outcome?"
        )


def suspects(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    names: tuple[str, ...],
    encoder: Encoder,
    kind: Kind,
) -> list[Suspect]:
    """The columns with which alone more than 98 % of pairs are in the right order, the strongest first.

    For amounts the pairs are those of rows above and below the median.
    """
    outcome = y if kind == "chance" else (y > np.median(y)).astype(np.float64)
    strongest: dict[str, float] = {}
    for index, name in enumerate(names):
        values = x[:, index]
        known = np.isfinite(values)
        filled = known.sum()
        # Whether a value is there at all may tell the answer, too.
        strength = _either_way(outcome, known.astype(np.float64))
        if filled >= _ENOUGH:
            strength = max(strength, _either_way(outcome[known], values[known]))
        column = encoder.column_of(name)
        strongest[column] = max(strength, strongest.get(column, 0.0))
    found = [Suspect(column, strength) for column, strength in strongest.items() if strength > SUSPICIOUS]
    return sorted(found, key=lambda suspect: -suspect.strength)


def _either_way(outcome: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> float:
    found = auc(outcome, values)
    return max(found, 1.0 - found) if np.isfinite(found) else 0.0
