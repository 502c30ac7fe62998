"""Running the queries of features and labels, for any number of as-of days, as one frame."""

import math
from collections.abc import Iterator, Sequence

import polars as pl

from core.database.base import Database, Queries
from core.days import LAST_DAY
from core.errors import MissingDataError
from core.snapshots.catalogue import FEATURES, SQUARED
from core.snapshots.reader import fast_reader
from core.snapshots.sampling import drawn_customers, rows_of
from core.sql_files import column_type, read_sql

DAYS_PER_PASS = 24
"""As-of days that a query takes at once."""

ROWS_PER_PASS = 2_000_000
"""Rows of a snapshot, about, that are made at once; more are made in several passes."""

SEASON_DAYS = 90
"""Length of the season ahead that ``season_share`` and the calendar features look at."""

KEYS = ("customer_id", "as_of_day")

_DTYPES = {"integer": pl.Int64(), "number": pl.Float64(), "day": pl.Int64()}


def snapshots(
    database: Database,
    as_of_days: Sequence[int],
    *,
    terms_days: int = 30,
    customers: int | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """What was known of each customer before each as-of day.

    Parameters
    ----------
    as_of_days
        Days since 1970-01-01; repeated ones count once.
    terms_days
        Days from invoice to due date.
    customers
        At most so many customers, the same on all days, drawn at random with ``seed``; all by default. Of a
        large company only their rows are read, so that a million customers cost little more than the chosen.

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
    reader, chosen = _reader(database, customers, seed)
    found = [_only(frame, chosen) for frame in _snapshot_passes(database, reader, as_of_days, terms_days)]
    if not found:
        return known_features(database, [0], terms_days, None).clear()
    return pl.concat(found).sort("as_of_day", "customer_id")


def snapshot_passes(
    database: Database, as_of_days: Sequence[int], *, terms_days: int = 30
) -> Iterator[pl.DataFrame]:
    """The same as ``snapshots``, some days at a time, so that no more is in memory than one pass needs."""
    yield from _snapshot_passes(database, fast_reader(database), as_of_days, terms_days)


def _snapshot_passes(
    database: Database, reader: Queries, as_of_days: Sequence[int], terms_days: int
) -> Iterator[pl.DataFrame]:
    covered = reader.query("features/coverage", as_of_day=LAST_DAY).row(0, named=True)
    first_day = fast_reader(database).query("marts/order_dates", as_of_day=LAST_DAY)["first_order_day"].item()
    days_per_pass = max(1, min(DAYS_PER_PASS, ROWS_PER_PASS // max(1, covered["customers"])))
    for days in _passes(as_of_days, days_per_pass):
        frame = known_features(reader, days, terms_days, first_day)
        yield frame.sort("as_of_day", "customer_id")


def labels(
    database: Database,
    as_of_days: Sequence[int],
    horizon: int,
    *,
    customers: int | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """What each customer of the snapshots ordered in ``[as_of_day, as_of_day + horizon)``.

    ``customers`` and ``seed`` choose the same customers as for ``snapshots``.

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
    (reader, chosen), passes = _reader(database, customers, seed), list(_passes(as_of_days, DAYS_PER_PASS))
    found = [
        _only(reader.query("labels/orders", horizon_days=int(horizon), **_day_parameters(days)), chosen)
        for days in passes or [[0]]
    ]
    outcome = pl.concat(found if passes else [found[0].clear()]).sort("as_of_day", "customer_id")
    if chosen is None or outcome.is_empty():
        return outcome
    end_day = order_span(database)[1] + 1  # that of all customers, not of those chosen
    return outcome.with_columns(complete=(pl.col("as_of_day") + horizon <= end_day).cast(pl.Int64))


def order_span(database: Database) -> tuple[int, int]:
    """First and last day with an order, cancelled ones included.

    Raises
    ------
    MissingDataError
        There are no orders.
    """
    row = fast_reader(database).query("marts/order_dates", as_of_day=LAST_DAY).row(0)
    if row[0] is None:
        raise MissingDataError("The database holds no orders.", "Load some first.", ("orders",))
    return int(row[0]), int(row[1])


def guest_orders(database: Database, as_of_day: int = LAST_DAY) -> int:
    """How many orders before a day name no customer, and are therefore in no snapshot."""
    found = fast_reader(database).query("features/coverage", as_of_day=int(as_of_day))
    return int(found["guest_orders"].item())


def known_features(
    database: Queries, days: Sequence[int], terms_days: int, first_day: int | None
) -> pl.DataFrame:
    """The snapshots of at most ``DAYS_PER_PASS`` days in no order; ``first_day`` is that of all orders."""
    given: dict[str, object] = {**_day_parameters(days), "terms_days": int(terms_days)}
    sources = list(dict.fromkeys(feature.source for feature in FEATURES.values() if feature.source))
    frame = _rows(database, sources[0], given)
    for source in sources[1:]:
        try:
            part = _rows(database, source, given)
        except MissingDataError:
            frame = frame.with_columns(_empty_columns(source))
            continue
        keys = [key for key in KEYS if key in part.columns]
        frame = frame.join(part, on=keys, how="left", validate="m:1")
    roots = [
        pl.when(pl.col(squared) >= 0).then(pl.col(squared).sqrt()).alias(name)
        for name, squared in SQUARED.items()
    ]
    office = pl.col("office_id").cast(pl.String)  # a number in some companies, always a name
    return frame.with_columns(*roots, office, *_calendar(first_day)).select(*KEYS, *FEATURES)


def _calendar(first_day: int | None) -> list[pl.Expr]:
    """Where in the year the middle of the season ahead lies; null before there are two years of orders.

    A model that has seen a season only once takes its luck for the season.
    """
    turn = 2 * math.pi * (pl.col("as_of_day") + SEASON_DAYS / 2) / 365.2425
    known = pl.col("as_of_day") >= (LAST_DAY if first_day is None else first_day + 2 * 365)
    return [
        pl.when(known).then(turn.sin()).alias("calendar_sine"),
        pl.when(known).then(turn.cos()).alias("calendar_cosine"),
    ]


def _rows(database: Queries, source: str, given: dict[str, object]) -> pl.DataFrame:
    return database.query(source, **{name: given[name] for name in read_sql(source).parameters})


def _empty_columns(source: str) -> list[pl.Expr]:
    columns = read_sql(source).columns
    return [
        pl.lit(None, dtype=_DTYPES.get(column_type(said), pl.String())).alias(name)
        for name, said in columns.items()
        if name not in KEYS
    ]


def _reader(database: Database, customers: int | None, seed: int) -> tuple[Queries, pl.DataFrame | None]:
    """What to read from, and the customers to keep (``None``: all)."""
    reader = fast_reader(database)
    if customers is None:
        return reader, None
    chosen, is_few = drawn_customers(reader, customers, seed)
    return (rows_of(database, reader, chosen, seed) if is_few else reader), chosen


def _only(frame: pl.DataFrame, chosen: pl.DataFrame | None) -> pl.DataFrame:
    return frame if chosen is None else frame.join(chosen, on="customer_id", how="semi")


def _passes(as_of_days: Sequence[int], size: int) -> Iterator[list[int]]:
    """The days in groups of at most ``size``."""
    days = sorted({int(day) for day in as_of_days})
    for start in range(0, len(days), size):
        yield days[start : start + size]


def _day_parameters(days: Sequence[int]) -> dict[str, object]:
    """The parameters of a query that takes ``DAYS_PER_PASS`` days; unused ones repeat the last day."""
    padded = [*days, *[days[-1]] * (DAYS_PER_PASS - len(days))]
    return {f"as_of_day_{number}": day for number, day in enumerate(padded, start=1)}
