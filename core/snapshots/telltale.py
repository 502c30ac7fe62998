"""Columns of a table of unknown origin that give the outcome away: they were probably written after it."""

import polars as pl

LIMIT = 0.98
"""AUC of one column alone above which it is too good to be true."""


def telltale_columns(frame: pl.DataFrame, target: str, limit: float = LIMIT) -> dict[str, float]:
    """The columns that alone predict a two-valued outcome with an AUC above ``limit``, best first.

    Numbers and dates are used as they are in either direction, missing values as the lowest or the highest.
    Text is used by the mean outcome of its value in the other half of the rows, so that a key proves nothing.

    Raises
    ------
    ValueError
        The outcome has not exactly two values.
    """
    kinds = frame[target].drop_nulls().unique().sort()
    if len(kinds) != 2:
        raise ValueError(f"{target} must have two values, not {len(kinds)}")
    known = frame.filter(pl.col(target).is_not_null())
    actual = (known[target] == kinds[1]).cast(pl.Float64)
    found = {name: _auc(known[name], actual) for name in known.columns if name != target}
    best = sorted(found.items(), key=lambda item: -item[1])
    return {name: auc for name, auc in best if auc > limit}


def _auc(column: pl.Series, actual: pl.Series) -> float:
    if column.dtype == pl.Boolean or column.dtype.is_numeric():
        values = column.cast(pl.Float64)
    elif column.dtype.is_temporal():
        values = column.to_physical().cast(pl.Float64)
    elif column.dtype in (pl.String, pl.Categorical, pl.Enum):
        values = _mean_outcome(column.cast(pl.String), actual)
    else:
        return 0.5
    values = values.fill_nan(None)
    low, high = values.min(), values.max()
    if not isinstance(low, float) or not isinstance(high, float):
        return 0.5
    scores = [_one_way(values.fill_null(other), actual) for other in (low - 1, high + 1)]
    return max(max(score, 1 - score) for score in scores)


def _one_way(values: pl.Series, actual: pl.Series) -> float:
    """The share of pairs of a case and a non-case in which the case has the larger value, ties by half."""
    cases = float(actual.sum())
    others = len(actual) - cases
    ranks = float((values.rank() * actual).sum())
    return (ranks - cases * (cases + 1) / 2) / (cases * others)


def _mean_outcome(column: pl.Series, actual: pl.Series) -> pl.Series:
    """The mean outcome of rows with the same text in the other half of the rows."""
    rows = pl.DataFrame({"text": column.fill_null(""), "actual": actual}).with_row_index("row")
    rows = rows.with_columns(half=pl.col("row") % 2)
    means = rows.group_by("text", "half").agg(mean=pl.col("actual").mean())
    means = means.with_columns(half=1 - pl.col("half").cast(pl.Int64))
    joined = rows.with_columns(pl.col("half").cast(pl.Int64)).join(means, on=["text", "half"], how="left")
    return joined.sort("row")["mean"].fill_null(float(actual.mean() or 0.0))  # type: ignore[arg-type]
