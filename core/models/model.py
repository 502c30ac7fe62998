"""What every model offers: fit, score, explain, save and load."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl
from param.parameterized import ParameterizedABC

Part = Mapping[str, Any] | npt.NDArray[Any] | bytes
"""One piece of a saved model: plain values for JSON, an array, or a booster in XGBoost's own format."""
Parts = dict[str, Part]
"""A saved model: its pieces by name."""


class Model(ParameterizedABC):
    """A model of one task: frames in, frames out; it knows no database.

    ``fit`` takes the frames of its task. A model that was loaded scores and explains without the libraries
    that were needed to train it.
    """

    __abstract = True
    task: ClassVar[str]

    @abstractmethod
    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One row per row of ``frame``: its key, ``score``, ``low`` and ``high``, and columns of the task."""

    @abstractmethod
    def save(self) -> Parts:
        """The pieces from which ``load`` makes the same model."""

    @classmethod
    @abstractmethod
    def load(cls, parts: Mapping[str, Part]) -> Self:
        """The model that ``save`` took apart; arrays may be memory-mapped and read-only."""


def array(part: Part) -> npt.NDArray[Any]:
    """A piece that must be an array."""
    if not isinstance(part, np.ndarray):
        raise TypeError(f"An array was expected, not {type(part).__name__}.")
    return part


def values(part: Part) -> Mapping[str, Any]:
    """A piece that must be plain values."""
    if not isinstance(part, Mapping):
        raise TypeError(f"Plain values were expected, not {type(part).__name__}.")
    return part
