"""The customer snapshot of a date to look at: distributions, relations, drift, one customer over time."""

import itertools
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from core.database.base import Database
from core.days import LAST_DAY, to_date
from core.predictions.drift import MOVED, STABLE, stability_index
from core.single_flight import SingleFlightCache
from core.snapshots import FEATURES, GROUPS, snapshots
from core.sql_files import read_sql

MISSING = "not known"
MOST_BARS = 14
"""Values of text shown one by one; the rest is taken together."""

MOST_POINTS, MOST_PAIRED = 1_500, 5_000
"""Customers drawn as points, and customers that correlations are computed from; of more, a random sample."""

ROOT_OF_SQUARE = "_squared"
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SNAPSHOTS: SingleFlightCache[pl.DataFrame] = SingleFlightCache(6)
_TIMELINES: SingleFlightCache[pl.DataFrame] = SingleFlightCache(12)


def customer_snapshot(database: Database, as_of_day: int, terms_days: int) -> pl.DataFrame:
    """``core.snapshots.snapshots`` of one day; computed once for each version of the data."""
    key = (id(database), database.data_version(), as_of_day, terms_days)
    return _SNAPSHOTS.get(key, lambda: snapshots(database, [as_of_day], terms_days=terms_days))


def numeric_features(group: str = "") -> list[str]:
    """The names of the features that are numbers, of one group or (empty) of all."""
    return [
        name for name, feature in FEATURES.items() if feature.unit != "text" and group in ("", feature.group)
    ]


def meaning(name: str) -> str:
    """What the query says about a feature, in a sentence; empty where it follows from the day alone."""
    feature = FEATURES[name]
    columns = read_sql(feature.source).columns if feature.source else {}
    said = columns.get(name) or columns.get(name + ROOT_OF_SQUARE, "")
    told = said.partition(", ")[2].strip() or said
    if name not in columns and said:
        told = f"the square root of the {told}"
    return f"{told[:1].upper()}{told[1:]}." if told else ""


def described(frame: pl.DataFrame) -> pl.DataFrame:
    """Every feature of a snapshot in figures.

    Returns
    -------
    feature, label, group, unit, missing (share of customers), distinct (values), mean, median, p10, p90,
    least, most (nulls for text) and common (the most frequent value of text).
    """
    found = []
    for name, feature in FEATURES.items():
        if name not in frame.columns:
            continue
        column = frame[name]
        known = column.drop_nulls()
        row = {
            "feature": name, "label": feature.label, "group": feature.group, "unit": feature.unit,
            "missing": column.null_count() / max(1, frame.height), "distinct": known.n_unique(),
            "common": None,
        }  # fmt: skip
        if column.dtype.is_numeric() and known.len():
            values = known.cast(pl.Float64).to_numpy()
            low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
            row |= {
                "mean": float(values.mean()), "median": float(middle), "p10": float(low), "p90": float(high),
                "least": float(values.min()), "most": float(values.max()),
            }  # fmt: skip
        elif known.len():
            counted = known.cast(pl.String).value_counts(sort=True)
            row["common"] = counted[column.name][0]
        found.append(row)
    numbers = ("mean", "median", "p10", "p90", "least", "most")
    types: dict[str, pl.DataType] = {name: pl.Float64() for name in numbers} | {"common": pl.String()}
    return pl.DataFrame(found, schema_overrides=types, infer_schema_length=None).select(
        "feature", "label", "group", "unit", "missing", "distinct", *numbers, "common"
    )


def distribution(parts: Mapping[str, pl.Series], bins: int = 24) -> pl.DataFrame:
    """How the values of one feature are spread among several sets of customers, in the same classes.

    Parameters
    ----------
    parts
        Values by name of the set; all numbers or all text.

    Returns
    -------
    label, and for numbers left, right, middle, width (the last class holds all above it too), and for each
    set its customers (``name``) and their share of the set (``name_share``). Of numbers, nulls are in no
    class; of text they are "not known". Classes in order, values of text by number of customers.
    """
    first = next(iter(parts.values()))
    table = _classes(parts, bins) if first.dtype.is_numeric() else _values(parts)
    sizes = {name: max(1, series.len()) for name, series in parts.items()}
    return table.with_columns((pl.col(name) / size).alias(f"{name}_share") for name, size in sizes.items())


def _classes(parts: Mapping[str, pl.Series], bins: int) -> pl.DataFrame:
    known = {name: series.drop_nulls().cast(pl.Float64).to_numpy() for name, series in parts.items()}
    values = np.concatenate(list(known.values()))
    if not len(values):
        schema = {"label": pl.String, **dict.fromkeys(("left", "right", "middle", "width"), pl.Float64)}
        return pl.DataFrame(schema=schema | dict.fromkeys(parts, pl.Int64))
    edges = class_edges(values, bins)
    whole = bool((values == np.round(values)).all())
    columns: dict[str, object] = {
        "label": _labels(edges, whole, float(values.max())),
        "left": edges[:-1],
        "right": edges[1:],
        "middle": (edges[:-1] + edges[1:]) / 2,
        "width": np.diff(edges) * 0.92,
    }
    for name, amounts in known.items():
        places = np.clip(np.searchsorted(edges, amounts, side="right") - 1, 0, len(edges) - 2)
        columns[name] = np.bincount(places, minlength=len(edges) - 1)
    return pl.DataFrame(columns)


def class_edges(values: np.ndarray, bins: int = 24) -> np.ndarray:
    """Ends of about ``bins`` classes of equal width and round size, over all but the largest hundredth."""
    low, high = float(values.min()), float(np.quantile(values, 0.99))
    high = float(values.max()) if high <= low else high
    whole = bool((values == np.round(values)).all())
    if high <= low:
        return np.array([low - 0.5, low + 0.5])
    if whole and high - low < bins:
        return np.arange(low, high + 2) - 0.5
    rough = (high - low) / bins
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in _STEPS if size * power >= rough * (1 - 1e-9))
    start = math.floor(low / step) * step
    count = max(1, math.ceil((high - start) / step + 1e-9))
    return start + step * np.arange(count + 1)


def _labels(edges: np.ndarray, whole: bool, most: float) -> list[str]:
    step = float(edges[1] - edges[0])
    if len(edges) == 2 and not whole:
        told = [f"{(edges[0] + edges[1]) / 2:,.3g}"]
    elif whole and step == 1 and edges[0] % 1 == 0.5:
        told = [f"{left + 0.5:,.0f}" for left in edges[:-1]]
    else:
        digits = next((d for d in range(6) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 6)
        told = [f"{left:,.{digits}f} to {right:,.{digits}f}" for left, right in itertools.pairwise(edges)]
    if most > edges[-1]:
        told[-1] = f"{told[-1].partition(' to ')[0]} and more"
    return told


def _values(parts: Mapping[str, pl.Series]) -> pl.DataFrame:
    counts = []
    for name, series in parts.items():
        values = series.cast(pl.String).fill_null(MISSING).alias("label")
        counts.append(values.value_counts(name=name))
    table = counts[0]
    for other in counts[1:]:
        table = table.join(other, on="label", how="full", coalesce=True)
    table = table.with_columns(pl.col(name).fill_null(0).cast(pl.Int64) for name in parts)
    first = next(iter(parts))
    table = table.sort(first, "label", descending=[True, False])
    if table.height <= MOST_BARS:
        return table
    rest = table[MOST_BARS - 1 :]
    others = pl.DataFrame(
        {"label": [f"{rest.height:,} others"], **{name: [int(rest[name].sum())] for name in parts}},
        schema=table.schema,
    )
    return pl.concat([table.head(MOST_BARS - 1), others])


def correlations(frame: pl.DataFrame, rows: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """Rank correlations (Spearman) of features, over the customers for whom both are known.

    Returns
    -------
    row, column (features), r (null with fewer than three customers or a constant), customers; one row per
    pair in the order given. Of many customers a random sample is taken.
    """
    sample = frame.sample(MOST_PAIRED, seed=0) if frame.height > MOST_PAIRED else frame
    names = list(dict.fromkeys([*rows, *columns]))
    table = {name: sample[name].cast(pl.Float64).to_numpy() for name in names}
    known = {name: np.isfinite(values) for name, values in table.items()}
    ranks = {name: _ranks(values) for name, values in table.items() if known[name].all()}
    done: dict[tuple[str, str], tuple[float | None, int]] = {}
    found = []
    for row in rows:
        for column in columns:
            pair = (min(row, column), max(row, column))
            if pair not in done:
                both = known[row] & known[column]
                if both.all() and row in ranks and column in ranks:
                    left, right = ranks[row], ranks[column]
                else:
                    left, right = _ranks(table[row][both]), _ranks(table[column][both])
                done[pair] = (_correlation(left, right), int(both.sum()))
            found.append((row, column, *done[pair]))
    schema = {"row": pl.String, "column": pl.String, "r": pl.Float64, "customers": pl.Int64}
    return pl.DataFrame(found, schema=schema, orient="row")


def _ranks(values: np.ndarray) -> np.ndarray:
    return pl.Series(values).rank("average").to_numpy()


def _correlation(left: np.ndarray, right: np.ndarray) -> float | None:
    if len(left) < 3 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(np.corrcoef(left, right)[0, 1])


def relation(frame: pl.DataFrame, x: str, y: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """How one feature goes with another.

    Returns
    -------
    Points (customer_id, x, y; of many customers a random sample), and groups of customers of equal size by x,
    at most ten: x (mean), y (median), low, high (tenth and ninetieth percentile of y), customers.
    """
    known = frame.select(
        "customer_id", pl.col(x).cast(pl.Float64).alias("x"), pl.col(y).cast(pl.Float64).alias("y")
    ).drop_nulls()
    points = known.sample(MOST_POINTS, seed=0) if known.height > MOST_POINTS else known
    if known.is_empty():
        return points, pl.DataFrame(schema=dict.fromkeys(("x", "y", "low", "high"), pl.Float64))
    count = max(1, min(10, known.height // 5))
    # customers with the same x stay together
    group = ((pl.col("x").rank("average") - 0.5) * count / known.height).floor().clip(0, count - 1)
    groups = (
        known.group_by(group.alias("group"))
        .agg(
            pl.col("x").mean(),
            pl.col("y").median(),
            pl.col("y").quantile(0.1, "linear").alias("low"),
            pl.col("y").quantile(0.9, "linear").alias("high"),
            pl.len().alias("customers"),
        )
        .sort("x")
        .drop("group")
    )
    return points, groups


def drift_between(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """How far each feature has moved between two snapshots.

    Returns
    -------
    feature, label, group, psi (population stability index), verdict ("stable", "moving", "moved"), then, now
    (means of numbers), missing_then, missing_now (shares); the largest index first. Features that follow from
    the date alone are left out: they always move.
    """
    found = []
    for name, feature in FEATURES.items():
        if not feature.source or name not in then.columns or name not in now.columns:
            continue
        index = stability_index(then[name], now[name])
        sides = {"then": then, "now": now}
        found.append(
            {
                "feature": name,
                "label": feature.label,
                "group": feature.group,
                "psi": index,
                "verdict": "stable" if index < STABLE else "moving" if index < MOVED else "moved",
                **{
                    side: part[name].cast(pl.Float64).mean() if part[name].dtype.is_numeric() else None
                    for side, part in sides.items()
                },
                **{
                    f"missing_{side}": part[name].null_count() / max(1, part.height)
                    for side, part in sides.items()
                },
            }
        )
    numbers = {"then": pl.Float64, "now": pl.Float64}
    return pl.DataFrame(found, schema_overrides=numbers).sort("psi", descending=True, maintain_order=True)


def standing(frame: pl.DataFrame, customer_id: object) -> pl.DataFrame:
    """Where one customer stands among all.

    Returns
    -------
    feature, label, group, unit, value (number), text, median (of all), below (share of the customers with a
    smaller value, half of those with the same); nulls where unknown. No rows for a customer not in the frame.
    """
    own = frame.filter(pl.col("customer_id") == customer_id)
    if own.is_empty():
        return pl.DataFrame()
    found = []
    for name, feature in FEATURES.items():
        if name not in frame.columns:
            continue
        value = own[name][0]
        row: dict[str, object] = {
            "feature": name, "label": feature.label, "group": feature.group, "unit": feature.unit,
            "value": None, "text": None, "median": None, "below": None,
        }  # fmt: skip
        if not frame[name].dtype.is_numeric():
            row["text"] = value
        else:
            known = frame[name].drop_nulls().cast(pl.Float64).to_numpy()
            row["median"] = float(np.median(known)) if len(known) else None
            if value is not None:
                row["value"] = float(value)
                row["below"] = float((known < value).mean() + (known == value).mean() / 2)
        found.append(row)
    numbers = dict.fromkeys(("value", "median", "below"), pl.Float64)
    return pl.DataFrame(found, schema_overrides=numbers | {"text": pl.String}, infer_schema_length=None)


def timeline(
    database: Database, customer_id: object, as_of_day: int, terms_days: int, *, every: int = 30,
    count: int = 24,
) -> pl.DataFrame:  # fmt: skip
    """The snapshot of one customer at past dates, the as-of day last.

    Only the rows of this customer are read, and the queries of all features run on them.

    Returns
    -------
    date, and the columns of ``core.snapshots.snapshots``; no rows before the first order.
    """
    days = [as_of_day - every * step for step in range(min(24, count))][::-1]
    key = (id(database), database.data_version(), customer_id, as_of_day, terms_days, every, count)

    def read() -> pl.DataFrame:
        from core.snapshots.build import known_features
        from core.snapshots.canary import past_of

        first = database.query("features/coverage", as_of_day=LAST_DAY)["first_order_day"].item()
        with (
            tempfile.TemporaryDirectory(prefix="sales-customer-") as folder,
            past_of(database, pl.Series([customer_id]), as_of_day, Path(folder) / "one.sqlite") as past,
        ):
            rows = known_features(past, days, terms_days, first)
        dates = [to_date(day) for day in rows["as_of_day"].to_list()]
        return rows.with_columns(pl.Series("date", dates, dtype=pl.Date)).sort("as_of_day")

    return _TIMELINES.get(key, read)


def group_name(group: str) -> str:
    """A business group as people call it."""
    name = GROUPS.get(group, group)
    return f"{name[:1].upper()}{name[1:]}"
