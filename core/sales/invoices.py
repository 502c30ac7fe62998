"""Invoices matched to payments, for the charts: what is open and how old it is, and how long customers take.

Of companies whose order lines are sampled, the invoices are those of the sampled customers; sums and counts
are then scaled up.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.database.base import Database
from core.days import to_day
from core.errors import MissingDataError
from core.filters import SalesFilters
from core.receivables import Quality, load_matching, match, quality
from core.receivables.matching import Matching
from core.sales.frames import SalesData, codes
from core.sales.people import passing
from core.sales.selection import resolve
from core.single_flight import SingleFlightCache
from core.sql_files import read_sql

BUCKETS = ("not due", "1–30 days", "31–60 days", "61–90 days", "over 90 days")
"""Open invoices by days past due."""
DIMENSIONS = ("period", "country", "office", "sales_rep", "customer", "credit_limit", "spend")
"""What invoices can be restricted by; the period is that of the payment."""
_LIMITS = np.array([1, 31, 61, 91])
_CUSTOMERS_AT_ONCE = 2_000
_CACHE: SingleFlightCache["Invoices"] = SingleFlightCache(8)


@dataclass(frozen=True)
class Invoices:
    """Invoices of known customers before the as-of date.

    Attributes
    ----------
    open
        customer (row number in ``SalesData.customers``), open_amount (currency), bucket (of ``BUCKETS``),
        days_past_due. Credit notes are left out.
    paid
        customer, month (first day, of the payment), paid_day, days_to_pay, days_past_due.
    quality
        How well payments could be matched.
    share
        Share of the customers with invoices that are in the frames.
    """

    open: pl.DataFrame
    paid: pl.DataFrame
    quality: Quality
    share: float = 1.0


def load_invoices(database: Database, sales: SalesData) -> Invoices:
    """The invoices behind ``sales``, matched once for all sessions.

    Raises
    ------
    MissingDataError
        There are no payments.
    """
    source = getattr(database, "url", None) or getattr(database, "file", None) or database

    def read() -> Invoices:
        key = (source, database.data_version(), sales.as_of, sales.terms_days)
        return _CACHE.get(key, lambda: read_invoices(database, sales))

    return sales.once("invoices", read)


def read_invoices(database: Database, sales: SalesData) -> Invoices:
    """As ``load_invoices``, read anew."""
    day = to_day(sales.as_of)
    if "payments" in sales.missing:
        raise MissingDataError("There are no payments.", "Load or map a table of payments.", ("payments",))
    if sales.is_sampled:
        found = _of_sample(database, sales, day)
    else:
        try:
            found = load_matching(database, day, sales.terms_days)
        except MissingDataError:  # a table without a payment before the date: all is open
            invoices = database.query("marts/invoices", as_of_day=day)
            payments = database.query("marts/payments", as_of_day=day)
            found = match(invoices, payments, terms_days=sales.terms_days, as_of_day=day)
    rows = found.invoices.filter(pl.col("amount") > 0)
    customer = codes(rows["customer_id"], sales.customers["customer_id"]).alias("customer")
    rows = rows.with_columns(customer).drop_nulls("customer")
    late = rows["days_past_due"].to_numpy()
    bucket = pl.Series(BUCKETS, dtype=pl.Enum(BUCKETS)).gather(np.searchsorted(_LIMITS, late, side="right"))
    return Invoices(
        open=rows.with_columns(bucket.alias("bucket"))
        .filter(pl.col("open_amount") > 0)
        .select("customer", "open_amount", "bucket", "days_past_due"),
        paid=rows.filter(pl.col("settled_day").is_not_null())
        .with_columns(paid_day=pl.col("settled_day").cast(pl.Int32).cast(pl.Date))
        .with_columns(month=pl.col("paid_day").dt.truncate("1mo"))
        .sort("paid_day")
        .select("customer", "month", "paid_day", "days_to_pay", "days_past_due"),
        quality=quality(found),
        share=sales.sampled_share,
    )


def _of_sample(database: Database, sales: SalesData, day: int) -> Matching:
    ids = sales.customers.filter(pl.col("in_sample"))["customer_id"].to_list()
    frames = {}
    for name in ("marts/invoices", "marts/payments"):
        text = read_sql(name).text
        parts = [
            database.query(
                f"SELECT * FROM ({text}) AS r WHERE r.customer_id IN ({', '.join(map(_literal, some))})",
                as_of_day=day,
            )
            for some in (ids[i : i + _CUSTOMERS_AT_ONCE] for i in range(0, len(ids), _CUSTOMERS_AT_ONCE))
        ]
        frames[name] = pl.concat(parts, how="vertical_relaxed")
    invoices, payments = frames.values()
    return match(invoices, payments, terms_days=sales.terms_days, as_of_day=day)


def _literal(key: Any) -> str:
    """A key as it is written in SQL."""
    return str(key) if isinstance(key, int) else "'" + str(key).replace("'", "''") + "'"


def ignored_by_invoices(filters: SalesFilters, *, with_period: bool) -> tuple[str, ...]:
    """The restricted dimensions that invoices cannot be split by; what is open has no period."""
    usable = DIMENSIONS if with_period else DIMENSIONS[1:]
    return tuple(name for name in filters.active() if name not in usable)


def _kept(sales: SalesData, rows: pl.DataFrame, filters: SalesFilters, skip: Collection[str]) -> pl.DataFrame:
    """The rows of customers that pass the filters."""
    who = passing(sales, resolve(sales, filters, skip).allowed)
    if who.rows is None and who.places.all():
        return rows
    return rows.filter(pl.Series(who.mask()[rows["customer"].to_numpy()], dtype=pl.Boolean))


def ageing(
    sales: SalesData, invoices: Invoices, filters: SalesFilters, skip: Collection[str] = ()
) -> pl.DataFrame:
    """Open invoices at the as-of date by days past due.

    Filters on customers and places apply (``ignored_by_invoices``).

    Returns
    -------
    bucket (all of ``BUCKETS`` in their order), open_amount (currency), invoices, customers, share (of the
    amount).
    """
    rows = _kept(sales, invoices.open, filters, skip)
    scale = 1 / invoices.share
    sums = rows.group_by("bucket").agg(
        (pl.col("open_amount").sum() * scale).round(2),
        invoices=(pl.len() * scale).round().cast(pl.Int64),
        customers=(pl.col("customer").n_unique() * scale).round().cast(pl.Int64),
    )
    every = pl.DataFrame({"bucket": pl.Series(BUCKETS, dtype=pl.Enum(BUCKETS))})
    total = pl.col("open_amount").sum()
    return (
        every.join(sums, on="bucket", how="left", maintain_order="left")
        .with_columns(pl.col("open_amount").fill_null(0.0), pl.col("invoices", "customers").fill_null(0))
        .with_columns(share=pl.when(total > 0).then(pl.col("open_amount") / total))
    )


def owing_in(sales: SalesData, invoices: Invoices, bucket: str, most: int = 50) -> tuple[str, ...]:
    """The keys of the customers with open invoices in a bucket who owe most there."""
    sums = (
        invoices.open.filter(pl.col("bucket") == bucket)
        .group_by("customer")
        .agg(pl.col("open_amount").sum())
        .sort("open_amount", "customer", descending=[True, False])
        .head(most)
    )
    return tuple(sales.customers["key"].gather(sums["customer"]).to_list())


def days_to_pay(
    sales: SalesData, invoices: Invoices, filters: SalesFilters, skip: Collection[str] = ()
) -> pl.DataFrame:
    """How long after the invoice customers paid, by the month of payment.

    By payment rather than by invoice: of recent invoices only the quick payers are known.

    Returns
    -------
    month (first day), median_days, slow_days (nine of ten paid within), late_share (paid after the due date),
    invoices (paid in that month). Months without payments are left out.
    """
    rows = _kept(sales, invoices.paid, filters, skip)
    if "period" in filters.active(skip):
        first, last = filters.values_of("period")
        rows = rows.filter(pl.col("paid_day").is_between(first, last))
    return (
        rows.group_by("month")
        .agg(
            median_days=pl.col("days_to_pay").median(),
            slow_days=pl.col("days_to_pay").quantile(0.9, "nearest"),
            late_share=(pl.col("days_past_due") > 0).mean(),
            invoices=(pl.len() / invoices.share).round().cast(pl.Int64),
        )
        .sort("month")
    )
