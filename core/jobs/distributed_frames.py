"""Features and outcomes of all customers at all training days as one data frame of Spark.

The queries are those of ``sql/features`` and ``sql/labels``; what ``core.snapshots`` adds to them in Polars
is added here by Spark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from core.database.spark.database import SparkDatabase
from core.database.spark.frames import frame_of
from core.database.spark.reader import Reader
from core.snapshots.build import DAYS_PER_PASS, KEYS, SEASON_DAYS
from core.snapshots.catalogue import FEATURES, SQUARED
from core.sql_files import column_type, read_sql

_SPARK_TYPES = {"integer": "bigint", "number": "double", "day": "bigint"}
_SLICES = 1_000_003  # customers are chosen by the remainder of their hash


@dataclass(frozen=True)
class SparkFrames:
    """The features of a database, calculated by Spark.

    ``first_day`` is that of all orders.
    """

    database: SparkDatabase
    terms_days: int
    first_day: int

    @property
    def reader(self) -> Reader:
        """The session with the staging views."""
        return self.database.current()

    def features(self, days: Sequence[int]) -> Any:
        """What was known of each customer before each day: ``KEYS`` and ``FEATURES``."""
        return _united([self._pass(part) for part in _passes(days)])

    def outcomes(self, days: Sequence[int], horizon: int) -> Any:
        """``ordered`` and ``window_revenue`` of the horizon from each day, with ``KEYS``."""
        parts = [
            self._rows("labels/orders", _days(part) | {"horizon_days": int(horizon)})
            for part in _passes(days)
        ]
        return _united(parts).selectExpr(*KEYS, "ordered", "revenue AS window_revenue")

    def _pass(self, days: Sequence[int]) -> Any:
        given: dict[str, object] = {**_days(days), "terms_days": int(self.terms_days)}
        sources = list(dict.fromkeys(feature.source for feature in FEATURES.values() if feature.source))
        frame = self._rows(sources[0], given)
        for source in sources[1:]:
            file = read_sql(source)
            if not set(file.needs) <= {*self.reader.staging.views, *self.reader.tables}:
                frame = frame.selectExpr("*", *_empty(source))
                continue
            part = self._rows(source, given)
            keys = [key for key in KEYS if key in part.columns]
            frame = frame.join(part, on=keys, how="left")
        roots = {name: f"CASE WHEN {column} >= 0 THEN sqrt({column}) END" for name, column in SQUARED.items()}
        made = roots | {"office_id": "CAST(office_id AS STRING)"} | _calendar(self.first_day)
        return frame.selectExpr(*KEYS, *(f"{made.get(name, name)} AS {name}" for name in FEATURES))

    def _rows(self, source: str, given: dict[str, object]) -> Any:
        file = read_sql(source)
        return self.reader.session.sql(file.text, args={name: given[name] for name in file.parameters})


def collected(frame: Any) -> pl.DataFrame:
    """A data frame of Spark here, with the types of ``core.snapshots``."""
    return frame_of(frame.toArrow(), {})


def some_customers(frame: Any, share: float) -> Any:
    """The rows of about this share of the customers, the same ones at all days."""
    if share >= 1.0:
        return frame
    return frame.where(f"pmod(xxhash64(customer_id), {_SLICES}) < {share * _SLICES:.0f}")


def _united(parts: Sequence[Any]) -> Any:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.unionByName(part)
    return whole


def _calendar(first_day: int) -> dict[str, str]:
    """Where in the year the season ahead lies, once there are two years of orders; see ``core.snapshots``."""
    turn = f"{2 * math.pi!r}D * (as_of_day + {SEASON_DAYS / 2!r}D) / 365.2425D"
    known = f"as_of_day >= {first_day + 2 * 365}"
    return {
        "calendar_sine": f"CASE WHEN {known} THEN sin({turn}) END",
        "calendar_cosine": f"CASE WHEN {known} THEN cos({turn}) END",
    }


def _empty(source: str) -> list[str]:
    columns = read_sql(source).columns
    return [
        f"CAST(NULL AS {_SPARK_TYPES.get(column_type(said), 'string')}) AS {name}"
        for name, said in columns.items()
        if name not in KEYS
    ]


def _passes(days: Sequence[int]) -> Iterator[list[int]]:
    listed = sorted({int(day) for day in days})
    for start in range(0, len(listed), DAYS_PER_PASS):
        yield listed[start : start + DAYS_PER_PASS]


def _days(days: Sequence[int]) -> dict[str, object]:
    """The parameters of a query that takes many days; unused ones repeat the last."""
    padded = [*days, *[days[-1]] * (DAYS_PER_PASS - len(days))]
    return {f"as_of_day_{number}": day for number, day in enumerate(padded, start=1)}
