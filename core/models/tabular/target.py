"""What is to be predicted: an amount, or whether something is the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from core.errors import SalesError

Kind = Literal["amount", "chance"]
Floats = npt.NDArray[np.float64]
_SHOWN = 8


class TargetError(SalesError):
    """The target column cannot be predicted as asked."""


@dataclass(frozen=True)
class Target:
    """A target column; for a chance, ``positive`` is the value whose probability is predicted, as text."""

    column: str
    kind: Kind
    positive: str | None = None

    def values(self, frame: pl.DataFrame) -> Floats:
        """The amount, or 1 where the column has the positive value and 0 elsewhere."""
        if self.kind == "amount":
            return frame[self.column].cast(pl.Float64).to_numpy()
        return (as_text(frame[self.column]) == self.positive).cast(pl.Float64).to_numpy()

    @property
    def label(self) -> str:
        """What is predicted, in words."""
        return self.column if self.kind == "amount" else f"{self.column} is {self.positive}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"column": self.column, "kind": self.kind, "positive": self.positive}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Target":
        """The target that ``as_dict`` described."""
        return cls(plain["column"], plain["kind"], plain["positive"])


def as_text(series: pl.Series) -> pl.Series:
    """Values as a person would write them: whole numbers without a decimal point."""
    if series.dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        if (whole.cast(pl.Float64) == series).all():
            return whole.cast(pl.String)
    return series.cast(pl.String)


def make_target(frame: pl.DataFrame, column: str, positive: object | None = None) -> Target:
    """The target in a column: a chance if it has two values, is text, or ``positive`` is given, or an amount.

    Without ``positive`` the rarer of two values is predicted.

    Raises
    ------
    TargetError
        There is no such column, it has one value only, or it is text with several values and ``positive`` is
        not given or not among them.
    """
    if column not in frame.columns:
        raise TargetError(f"There is no column {column}.", f"Columns: {', '.join(frame.columns)}.")
    series = frame[column]
    known = series.drop_nulls()
    distinct = known.n_unique()
    if distinct < 2:
        raise TargetError(
            f"The column {column} has {'one' if distinct else 'no'} value: nothing can be learned.",
            "Choose another target.",
        )
    if positive is None and distinct > 2 and series.dtype.is_numeric():
        return Target(column, "amount")
    counts = as_text(known).value_counts(sort=True)
    texts = counts[column].to_list()
    if positive is None and distinct == 2:
        # Of equally frequent values the larger one, as in 0 and 1 or no and yes.
        rarer = counts.sort("count", column, descending=[False, True])
        return Target(column, "chance", rarer[column][0])
    shown = ", ".join(texts[:_SHOWN]) + (" …" if len(texts) > _SHOWN else "")
    if positive is None:
        raise TargetError(
            f"The column {column} has {distinct:,} values.", f"Say which one is to be predicted: {shown}."
        )
    wanted = as_text(pl.Series([positive]))[0]
    if wanted not in texts:
        raise TargetError(f"The column {column} never is {wanted}.", f"Its values: {shown}.")
    return Target(column, "chance", wanted)
