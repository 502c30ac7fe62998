"""The leak canary: features computed again from data that end at the as-of day must be the same.

A feature that differs has seen rows of the future, or values written later, such as an order's final status.
A column that cannot be computed again is refused as well: nobody knows when it was written.
"""

import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl

from core.database import open_database
from core.database.base import Database
from core.days import LAST_DAY, to_date
from core.errors import MissingDataError, SalesError
from core.snapshots.build import KEYS, known_features
from core.sql_files import column_type, read_sql, sql_names

Recompute = Callable[[Database, Sequence[int]], pl.DataFrame]

MOST_DAYS = 6
"""As-of days that are checked; of more, so many spread evenly over all."""

_TOLERANCE = 1e-6
_DTYPES = {"integer": pl.Int64(), "number": pl.Float64(), "day": pl.Int64(), "text": pl.String()}


class LeakError(SalesError):
    """A feature knows something of the time after its as-of day. ``feature`` names it."""

    def __init__(self, message: str, remedy: str, feature: str) -> None:
        super().__init__(message, remedy)
        self.feature = feature


def check_no_leak(
    database: Database,
    frame: pl.DataFrame,
    as_of_days: Sequence[int],
    sample: int = 200,
    *,
    terms_days: int = 30,
    ignore: Collection[str] = (),
    recompute: Recompute | None = None,
    seed: int = 0,
) -> int:
    """Compute a sample of every feature again from data cut off at the as-of day; gives how many values.

    The rows of some customers are copied as they could be seen before the day: orders and payments before it,
    shipping dates before it, no status and no cancellation. The same queries run on that copy.

    Parameters
    ----------
    frame
        Snapshots, with any further columns a model is trained on.
    as_of_days
        The days of ``frame`` to check.
    sample
        Customers per day, drawn at random with ``seed``.
    ignore
        Columns of ``frame`` that are no features: outcomes, weights.
    recompute
        Makes the features of ``as_of_days`` from a database; by default those of ``FEATURES``.

    Raises
    ------
    LeakError
        A feature differs or cannot be computed again; ``feature`` names it.
    """
    features = [name for name in frame.columns if name not in {*KEYS, *ignore}]
    first_day = database.query("features/coverage", as_of_day=LAST_DAY)["first_order_day"].item()

    def standard(past: Database, days: Sequence[int]) -> pl.DataFrame:
        return known_features(past, days, terms_days, first_day)

    compared = 0
    for day in _spread(sorted({int(day) for day in as_of_days})):
        rows = frame.filter(pl.col("as_of_day") == day)
        rows = rows.sample(min(sample, rows.height), seed=seed)
        if rows.is_empty():
            continue
        with (
            tempfile.TemporaryDirectory(prefix="sales-canary-") as folder,
            past_of(database, rows["customer_id"], day, Path(folder) / "past.sqlite") as past,
        ):
            again = (recompute or standard)(past, [day])
        compared += _compare(rows, again, features, day)
    return compared


def past_of(database: Database, customers: pl.Series, as_of_day: int, file: Path) -> Database:
    """A small SQLite database with what was known of some customers before a day, under the staging names."""
    past = open_database(f"sqlite:///{file.absolute()}", read_only=False)
    ids = {f"c{number}": value for number, value in enumerate(customers.to_list())}
    listed = ", ".join(f":{name}" for name in ids)
    for name in sql_names("staging/sqlite"):
        view, columns = read_sql(name).stem, read_sql(name).columns
        condition = f"t.customer_id IN ({listed})" if "customer_id" in columns else "1 = 1"
        text = f"SELECT {', '.join(f't.{column}' for column in columns)} FROM {view} AS t WHERE {condition}"
        with suppress(MissingDataError):
            rows = database.query(text, **(ids if "customer_id" in columns else {}))
            past.write(view, _known(_typed(rows, columns), as_of_day))
    return past


def _known(rows: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """The rows dated before a day, without what was written to them later."""
    for dated in ("order_day", "payment_day"):
        if dated in rows.columns:
            rows = rows.filter(pl.col(dated) < as_of_day)
    later = {
        "shipped_day": pl.when(pl.col("shipped_day") < as_of_day).then("shipped_day"),
        "status": pl.lit(None, pl.String),
        "is_cancelled": pl.lit(0, pl.Int64),
    }
    return rows.with_columns(value.alias(name) for name, value in later.items() if name in rows.columns)


def _typed(rows: pl.DataFrame, columns: dict[str, str]) -> pl.DataFrame:
    """Declared types, also for columns that hold nothing but nulls."""
    wanted = {name: _DTYPES.get(column_type(said)) for name, said in columns.items()}
    return rows.with_columns(
        pl.col(name).cast(dtype or pl.String())
        for name, dtype in wanted.items()
        if dtype is not None or rows.schema[name] == pl.Null
    )


def _spread(days: list[int]) -> list[int]:
    if len(days) <= MOST_DAYS:
        return days
    return [days[place * (len(days) - 1) // (MOST_DAYS - 1)] for place in range(MOST_DAYS)]


def _compare(rows: pl.DataFrame, again: pl.DataFrame, features: Sequence[str], day: int) -> int:
    paired = rows.join(again, on=KEYS, how="left", suffix=" again", validate="1:1")
    for name in features:
        if name not in again.columns:
            raise LeakError(
                f"The column {name} cannot be computed from the data before {to_date(day)}.",
                "Leave it out, or make it a query under sql/features.",
                name,
            )
        one, other = paired[name], paired[f"{name} again"]
        differs = (one.is_null() != other.is_null()) | _differs(one, other).fill_null(False)
        if count := int(differs.sum()):
            place = differs.arg_max() or 0
            raise LeakError(
                f"The feature {name} knows the time after its as-of day: for {count} of {rows.height} "
                f"customers on {to_date(day)} it differs from what the data before give "
                f"(customer {paired['customer_id'][place]}: {one[place]}, then {other[place]}).",
                "Its query must read rows before the as-of day only, and no order status.",
                name,
            )
    return len(features) * rows.height


def _differs(one: pl.Series, other: pl.Series) -> pl.Series:
    if one.dtype.is_numeric() and other.dtype.is_numeric():
        left, right = one.cast(pl.Float64), other.cast(pl.Float64)
        return (left - right).abs() > _TOLERANCE * (1 + right.abs())
    return one.cast(pl.String) != other.cast(pl.String)
