"""Running the queries of features and labels, for any number of as-of days, as one frame."""

from collections.abc import Iterator, Sequence

import polars as pl

from core.database.base import Database
from core.days import LAST_DAY
from core.errors import MissingDataError
from core.snapshots.catalogue import FEATURES, SQUARED
from core.sql_files import column_type, read_sql

DAYS_PER_PASS = 24
"""As-of days that a query takes at once."""

_KEYS = ["customer_id", "as_of_day"]
_DTYPES = {"integer": pl.Int64(), "number": pl.Float64(), "day": pl.Int64()}


def snapshots(database: Database, as_of_days: Sequence[int], *, terms_days: int = 30) -> pl.DataFrame:
    """What was known of each customer before each as-of day.

    Parameters
    ----------
    as_of_days
        Days since 1970-01-01; repeated ones count once.
    terms_days
        Days from invoice to due date.

    Returns
    -------
    polars.DataFrame
        ``customer_id``, ``as_of_day`` and the columns of ``FEATURES``; one row per customer with an order
        before the day, sorted by day and customer. The headers of ``sql/features`` say what is null when;
        there is no NaN and no infinity. Features whose tables the database lacks are null. Orders without a
        customer are left out (``guest_orders`` counts them).

    Raises
    ------
    MissingDataError
        There are no orders or order lines.
    """
    found = [_snapshot(database, days, terms_days) for days in _passes(as_of_days)]
    if not found:
        return _snapshot(database, [0], terms_days).clear()
    return pl.concat(found).sort("as_of_day", "customer_id")


def labels(database: Database, as_of_days: Sequence[int], horizon: int) -> pl.DataFrame:
    """What each customer of the snapshots ordered in ``[as_of_day, as_of_day + horizon)``.

    Returns
    -------
    polars.DataFrame
        ``customer_id``, ``as_of_day``, ``orders`` and ``revenue`` of orders that are not cancelled,
        ``ordered`` (0 or 1), ``complete`` (1 where the data reach to the end of the window), sorted by day
        and customer.

    Raises
    ------
    MissingDataError
        There are no orders or order lines.
    """
    passes = list(_passes(as_of_days))
    found = [
        database.query("labels/orders", horizon_days=int(horizon), **_day_parameters(days))
        for days in passes or [[0]]
    ]
    return pl.concat(found if passes else [found[0].clear()]).sort("as_of_day", "customer_id")


def order_span(database: Database) -> tuple[int, int]:
    """First and last day with an order, cancelled ones included.

    Raises
    ------
    MissingDataError
        There are no orders.
    """
    row = database.query("marts/order_dates", as_of_day=LAST_DAY).row(0)
    if row[0] is None:
        raise MissingDataError("The database holds no orders.", "Load some first.", ("orders",))
    return int(row[0]), int(row[1])


def guest_orders(database: Database, as_of_day: int) -> int:
    """How many orders before a day name no customer, and are therefore in no snapshot."""
    return int(database.query("features/guests", as_of_day=int(as_of_day))["orders"].item())


def _snapshot(database: Database, days: Sequence[int], terms_days: int) -> pl.DataFrame:
    given: dict[str, object] = {**_day_parameters(days), "terms_days": int(terms_days)}
    sources = list(dict.fromkeys(feature.source for feature in FEATURES.values() if feature.source))
    frame = _rows(database, sources[0], given)
    for source in sources[1:]:
        try:
            part = _rows(database, source, given)
        except MissingDataError:
            part = frame.select(_KEYS).clear().with_columns(_empty_columns(source))
        keys = [key for key in _KEYS if key in part.columns and key in read_sql(source).columns]
        part = part.select(*keys, *(name for name in part.columns if name not in _KEYS))
        frame = frame.join(part, on=keys, how="left", validate="m:1")
    roots = [
        pl.when(pl.col(squared) >= 0).then(pl.col(squared).sqrt()).alias(name)
        for name, squared in SQUARED.items()
    ]
    texts = [pl.col("office_id").cast(pl.String)]  # numbers in some companies, always a name
    return frame.with_columns(*roots, *texts).select(*_KEYS, *FEATURES)


def _rows(database: Database, source: str, given: dict[str, object]) -> pl.DataFrame:
    return database.query(source, **{name: given[name] for name in read_sql(source).parameters})


def _empty_columns(source: str) -> list[pl.Expr]:
    columns = read_sql(source).columns
    return [
        pl.lit(None, dtype=_DTYPES.get(column_type(said), pl.String())).alias(name)
        for name, said in columns.items()
        if name not in _KEYS
    ]


def _passes(as_of_days: Sequence[int]) -> Iterator[list[int]]:
    """The days in groups of what one query takes."""
    days = sorted({int(day) for day in as_of_days})
    for start in range(0, len(days), DAYS_PER_PASS):
        yield days[start : start + DAYS_PER_PASS]


def _day_parameters(days: Sequence[int]) -> dict[str, object]:
    """The parameters of a query that takes ``DAYS_PER_PASS`` days; unused ones repeat the last day."""
    padded = [*days, *[days[-1]] * (DAYS_PER_PASS - len(days))]
    return {f"as_of_day_{number}": day for number, day in enumerate(padded, start=1)}
