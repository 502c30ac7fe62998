"""Which columns of any table can predict, and how they become numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from core.models.boosting import category_codes, matrix, source_column

Floats = npt.NDArray[np.float64]
MOST_VALUES = 30
_ID_SHARE = 0.95


@dataclass(frozen=True)
class Encoder:
    """How the columns of a table become numbers; learned from training rows only.

    ``numbers`` are used as they are, each of the ``codes`` (frequent values of a text) is 0 or 1, ``dates``
    become year, month, weekday and days since 1970-01-01.
    """

    numbers: tuple[str, ...]
    codes: Mapping[str, Sequence[str]]
    dates: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that are used."""
        return (*self.numbers, *self.codes, *self.dates)

    def encode(self, frame: pl.DataFrame) -> tuple[Floats, tuple[str, ...]]:
        """One row of numbers per row, nan where something is missing, and the names of the numbers."""
        prepared, names = self._prepared(frame)
        return matrix(prepared, names, self.codes)

    def column_of(self, name: str) -> str:
        """The table's column that a number was made from."""
        return source_column(name).split("·", 1)[0]

    def _prepared(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
        parts = [
            part.cast(pl.Float64).alias(f"{name}·{what}")
            for name in self.dates
            for what, part in (
                ("year", pl.col(name).dt.year()),
                ("month", pl.col(name).dt.month()),
                ("weekday", pl.col(name).dt.weekday()),
                ("day", pl.col(name).cast(pl.Date).to_physical()),
            )
        ]
        texts = [pl.col(name).cast(pl.String) for name in self.codes]
        numbers = [pl.col(name).cast(pl.Float64) for name in self.numbers]
        prepared = frame.select(*numbers, *texts, *parts)
        # A number that is infinite tells no more than that it is missing.
        finite = prepared.with_columns(
            pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep()
        )
        return finite, finite.columns

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"numbers": list(self.numbers), "codes": dict(self.codes), "dates": list(self.dates)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Encoder":
        """The encoder that ``as_dict`` described."""
        return cls(tuple(plain["numbers"]), plain["codes"], tuple(plain["dates"]))


@dataclass(frozen=True)
class LeftOut:
    """A column that is not used, and why."""

    column: str
    reason: str


def make_encoder(training: pl.DataFrame, columns: Sequence[str]) -> tuple[Encoder, list[LeftOut]]:
    """The encoder for the usable ones among ``columns``, and those that are left out with the reason."""
    left_out: list[LeftOut] = []
    numbers: list[str] = []
    texts: list[str] = []
    dates: list[str] = []
    for name in columns:
        series, dtype = training[name], training.schema[name]
        known = series.drop_nulls()
        if known.is_empty():
            left_out.append(LeftOut(name, "it is empty"))
        elif known.n_unique() == 1 and len(known) == len(series):
            left_out.append(LeftOut(name, "it is the same in every row"))
        elif dtype.is_numeric():
            numbers.append(name)
        elif dtype == pl.Boolean or isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
            if len(known) > MOST_VALUES and known.n_unique() > _ID_SHARE * len(known):
                left_out.append(LeftOut(name, "nearly every row has a value of its own, as keys have"))
            else:
                texts.append(name)
        elif dtype == pl.Date or isinstance(dtype, pl.Datetime):
            dates.append(name)
        else:
            left_out.append(LeftOut(name, f"values of the type {dtype} cannot be used"))
    as_text = training.select(pl.col(texts).cast(pl.String))
    return Encoder(tuple(numbers), category_codes(as_text, texts, MOST_VALUES), tuple(dates)), left_out
