"""Training and test rows: by time where there is a date, else at random with groups kept together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

TEST_SHARE = 0.25


@dataclass(frozen=True)
class Split:
    """Positions of training and test rows, and a sentence that says how they were chosen."""

    train: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    sentence: str


def split_rows(frame: pl.DataFrame, *, date: str | None, group: str | None, seed: int = 0) -> Split:
    """The latest quarter by ``date`` for testing, or a random quarter.

    Of a random quarter the rows of a ``group`` stay together. Rows of one date
    are never divided. Rows without a date are trained on.
    """
    count = frame.height
    if date is not None and frame[date].drop_nulls().n_unique() > 1:
        when = frame[date].cast(pl.Datetime("us"))
        limit = when.drop_nulls().sort()[int((1 - TEST_SHARE) * when.drop_nulls().len())]
        first = when.min()
        if limit == first:  # more than three quarters of the rows are of the first date
            limit = when.filter(when > first).min()
        later = (when >= limit).fill_null(False).to_numpy()
        shown = frame[date].filter(pl.Series(later)).min()
        return Split(np.flatnonzero(~later), np.flatnonzero(later), f"Tested on the rows from {shown!s} on.")
    if group is None:
        people = np.arange(count)
        sentence = "Tested on a quarter of the rows, drawn at random."
    else:
        people = frame[group].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        sentence = f"Tested on a quarter of the values of {group}, drawn at random, with all their rows."
    distinct = np.unique(people)
    chosen = np.random.default_rng(seed).permutation(distinct)[: max(1, round(TEST_SHARE * len(distinct)))]
    inside = np.isin(people, chosen)
    return Split(np.flatnonzero(~inside), np.flatnonzero(inside), sentence)
