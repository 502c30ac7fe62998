"""One customer: found by name or number, what they bought and owe, and what happened after a date.

All rows of one customer are read from the database, since of large companies only a sample is in memory.
"""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.database.base import Database
from core.days import to_date, to_day
from core.errors import MissingDataError
from core.filters import SalesFilters
from core.predictions.people import selected_customers
from core.receivables.matching import Matching, match
from core.sales.frames import SalesData, id_text
from core.sales.people import passing
from core.sales.selection import resolve
from core.single_flight import SingleFlightCache

_LINES = """
SELECT s.order_id, s.order_day, s.product_id, s.quantity, s.amount AS revenue FROM stg_sales AS s
WHERE s.customer_id = :customer_id AND s.is_cancelled = 0 AND s.order_day < :until_day
"""
_ORDERS = """
SELECT o.order_id, o.shipped_day FROM stg_orders AS o
WHERE o.customer_id = :customer_id AND o.is_cancelled = 0 AND o.order_day < :until_day
"""
_PAYMENTS = """
SELECT p.customer_id, p.payment_id, p.payment_day, p.amount FROM stg_payments AS p
WHERE p.customer_id = :customer_id AND p.payment_day < :until_day
"""
_CACHE: SingleFlightCache["Ledger"] = SingleFlightCache(32)
_UNLIKELY = 0.1


@dataclass(frozen=True)
class Ledger:
    """Everything of one customer up to the end of the data; days count from 1970-01-01.

    Attributes
    ----------
    lines
        order_id, order_day, product (key as text), product_name, product_line, quantity, revenue (currency).
    shipped
        order_id, shipped_day.
    payments
        customer_id, payment_id, payment_day, amount; ``None`` where there are no payments in the data.
    """

    lines: pl.DataFrame
    shipped: pl.DataFrame
    payments: pl.DataFrame | None


@dataclass(frozen=True)
class Afterwards:
    """What a customer did in a window: until when (exclusive), whether it is over, orders and revenue."""

    first: dt.date
    until: dt.date
    is_over: bool
    orders: int
    revenue: float
    first_order: dt.date | None
    products: tuple[str, ...]

    @property
    def ordered(self) -> bool:
        """Whether they ordered at all."""
        return self.orders > 0


def find_customers(sales: SalesData, text: str, most: int = 8) -> pl.DataFrame:
    """Customers whose key or name holds ``text``: the same key first, then names that begin with it.

    Returns
    -------
    key, customer_name, country; nobody for a blank text.
    """
    word = text.strip().lower()
    people = sales.customers.select(
        "key",
        pl.coalesce("customer_name", "key").alias("customer_name"),
        pl.col("country").cast(pl.String),
        pl.col("revenue_365"),
    )
    if not word:
        return people.clear().drop("revenue_365")
    name = pl.col("customer_name").str.to_lowercase()
    key = pl.col("key").str.to_lowercase()
    rank = (
        pl.when(key == word)
        .then(0)
        .when(name.str.starts_with(word))
        .then(1)
        .when(name.str.contains(word, literal=True) | key.str.starts_with(word))
        .then(2)
    )
    return (
        people.with_columns(rank=rank)
        .drop_nulls("rank")
        .sort("rank", "revenue_365", descending=[False, True], nulls_last=True, maintain_order=True)
        .head(most)
        .select("key", "customer_name", "country")
    )


def largest_customers(sales: SalesData, most: int = 8) -> pl.DataFrame:
    """The customers with most revenue of the last 365 days: key, customer_name, country."""
    return (
        sales.customers.top_k(most, by="revenue_365")
        .with_columns(pl.coalesce("customer_name", "key").alias("customer_name"))
        .select("key", "customer_name", pl.col("country").cast(pl.String))
    )


def customer_row(sales: SalesData, key: str) -> dict[str, object] | None:
    """What is known of the customer with this key before the as-of date; ``None`` if there is none.

    Returns
    -------
    The columns of ``core.predictions.people.selected_customers``, and contact_name, city, first_order (date),
    last_order (date), orders, orders_365, revenue.
    """
    place = (sales.customers["key"] == key).arg_true()
    if place.is_empty():
        return None
    people = sales.once("all people", lambda: selected_customers(sales, SalesFilters()))
    row: dict[str, object] = people.row(place[0], named=True)
    more = sales.customers.row(place[0], named=True)
    for name in ("contact_name", "city", "orders", "orders_365", "revenue"):
        row[name] = more.get(name)
    for name in ("first_order", "last_order"):
        day = more.get(f"{name}_day")
        row[name] = None if day is None else to_date(int(day))
    return row


def only_customer(sales: SalesData, filters: SalesFilters) -> str | None:
    """The key of the customer if the filters on customers leave exactly one, else ``None``."""
    if not set(filters.active()) & {"customer", "credit_limit", "spend"}:
        return None
    found = np.flatnonzero(passing(sales, resolve(sales, filters).allowed).mask())
    return str(sales.customers["key"][int(found[0])]) if len(found) == 1 else None


def ledger(database: Database, sales: SalesData, customer_id: object, until: dt.date) -> Ledger:
    """Orders, shipments and payments of one customer before ``until``, read once for all sessions."""
    source = getattr(database, "url", None) or getattr(database, "file", None) or id(database)
    key = (source, database.data_version(), sales.as_of, str(customer_id), until)
    return _CACHE.get(key, lambda: _read(database, sales, customer_id, until))


def _read(database: Database, sales: SalesData, customer_id: object, until: dt.date) -> Ledger:
    wanted = {"customer_id": customer_id, "until_day": to_day(until)}
    lines = database.query(_LINES, **wanted)
    lines = lines.with_columns(product=id_text(lines["product_id"])).drop("product_id")
    catalogue = sales.products.select(
        product="key",
        product_name=pl.coalesce("product_name", "key"),
        product_line=pl.col("product_line").cast(pl.String),
    )
    lines = lines.with_columns(
        pl.col("order_day", "quantity").cast(pl.Int64), pl.col("revenue").cast(pl.Float64)
    ).join(catalogue, on="product", how="left", maintain_order="left")  # fmt: skip
    payments: pl.DataFrame | None = None
    if "payments" not in sales.missing:
        try:
            payments = database.query(_PAYMENTS, **wanted).with_columns(
                pl.col("payment_day").cast(pl.Int64), pl.col("amount").cast(pl.Float64)
            )
        except MissingDataError:
            payments = None
    shipped = database.query(_ORDERS, **wanted).with_columns(pl.col("shipped_day").cast(pl.Int64))
    return Ledger(lines.sort("order_day", "order_id"), shipped, payments)


def purchases_by_month(of: Ledger, as_of: dt.date) -> pl.DataFrame:
    """What was bought by month and product line, as bars on top of each other.

    Returns
    -------
    month (first day), product_line, bottom, top and revenue (currency), orders (with that product line),
    after (1 from the month of the as-of date on where the purchase came later, else 0).
    """
    day = to_day(as_of)
    return (
        of.lines.with_columns(
            month=pl.col("order_day").cast(pl.Int32).cast(pl.Date).dt.truncate("1mo"),
            after=(pl.col("order_day") >= day).cast(pl.Int8),
            product_line=pl.col("product_line").fill_null("Unknown"),
        )
        .group_by("month", "after", "product_line")
        .agg(pl.col("revenue").sum(), orders=pl.col("order_id").n_unique())
        .sort("month", "after", "product_line")
        .with_columns(top=pl.col("revenue").cum_sum().over("month"))
        .with_columns(bottom=pl.col("top") - pl.col("revenue"))
        .select("month", "product_line", "bottom", "top", "revenue", "orders", "after")
    )


def account(of: Ledger, customer_id: object, as_of: dt.date, terms_days: int) -> Matching | None:
    """Invoices of the customer matched to payments, as known on ``as_of``; ``None`` without payments."""
    if of.payments is None:
        return None
    day = to_day(as_of)
    orders = of.lines.filter(pl.col("order_day") < day).group_by("order_id", "order_day").agg(
        amount=pl.col("revenue").sum()
    ).join(of.shipped, on="order_id", how="left")  # fmt: skip
    invoices = orders.select(
        invoice_id="order_id",
        customer_id=pl.lit(customer_id),
        order_day="order_day",
        invoice_day=pl.when(pl.col("shipped_day") < day).then("shipped_day").otherwise("order_day"),
        amount="amount",
    )
    payments = of.payments.with_columns(customer_id=pl.lit(customer_id))
    return match(invoices, payments, terms_days=terms_days, as_of_day=day)


def balance_steps(matched: Matching) -> pl.DataFrame:
    """What was open and what of it was overdue, from each day on which that changed.

    Returns
    -------
    day (date), open and overdue (currency); the last row is the as-of date. Empty without invoices.
    """
    invoices = matched.invoices.filter(pl.col("amount") > 0)
    if invoices.is_empty():
        return pl.DataFrame(schema={"day": pl.Date, "open": pl.Float64, "overdue": pl.Float64})
    late = pl.col("due_day") + 1
    paid = matched.settlements.join(
        invoices.select("invoice_id", "invoice_day", "due_day"), on="invoice_id", how="inner"
    ).with_columns(pl.col("payment_day").fill_null(pl.col("invoice_day")))
    steps = pl.concat(
        [
            invoices.select(day="invoice_day", open="amount", overdue=pl.lit(0.0)),
            invoices.select(day=late, open=pl.lit(0.0), overdue="amount"),
            paid.select(
                day=pl.max_horizontal("payment_day", "invoice_day"),
                open=-pl.col("amount"),
                overdue=pl.lit(0.0),
            ),
            paid.select(
                day=pl.max_horizontal("payment_day", late), open=pl.lit(0.0), overdue=-pl.col("amount")
            ),
        ]
    )
    changes = (
        steps.filter(pl.col("day") < matched.as_of_day).group_by("day").agg(pl.col("open", "overdue").sum())
    )
    # the day itself belongs to neither side: what is known before the as-of date holds on it
    end = pl.DataFrame({"day": [matched.as_of_day], "open": [0.0], "overdue": [0.0]})
    return (
        pl.concat([changes.select(pl.col("day").cast(pl.Int64), "open", "overdue"), end])
        .sort("day")
        .with_columns(pl.col("open", "overdue").cum_sum().round(2).clip(lower_bound=0.0))
        .with_columns(pl.col("day").cast(pl.Int32).cast(pl.Date))
    )


def payment_delays(matched: Matching) -> pl.DataFrame:
    """How late each invoice was paid, or is by now.

    Returns
    -------
    invoice_id (text), invoice_date, due_date, settled_date (null while open), amount, open_amount (currency),
    days_past_due (below 0: before the due date), state ("paid in time", "paid late", "open", "overdue").
    """
    day = pl.col("settled_day").fill_null(matched.as_of_day)
    is_open = pl.col("settled_day").is_null() & (pl.col("open_amount") > 0)
    late = day - pl.col("due_day")
    return (
        matched.invoices.filter(pl.col("amount") > 0)
        .sort("invoice_day", "invoice_id")
        .select(
            pl.col("invoice_id").cast(pl.String),
            invoice_date=pl.col("invoice_day").cast(pl.Int32).cast(pl.Date),
            due_date=pl.col("due_day").cast(pl.Int32).cast(pl.Date),
            settled_date=pl.col("settled_day").cast(pl.Int32).cast(pl.Date),
            amount="amount",
            open_amount="open_amount",
            days_past_due=late.cast(pl.Int64),
            state=pl.when(is_open & (late > 0))
            .then(pl.lit("overdue"))
            .when(is_open)
            .then(pl.lit("open"))
            .when(late > 0)
            .then(pl.lit("paid late"))
            .otherwise(pl.lit("paid in time")),
        )
    )


def afterwards(of: Ledger, first: dt.date, horizon: int, data_end: dt.date) -> Afterwards:
    """What the customer bought in the ``horizon`` days from ``first`` on; ``data_end`` is not in the data."""
    until = first + dt.timedelta(days=horizon)
    rows = of.lines.filter(pl.col("order_day").is_between(to_day(first), to_day(until) - 1))
    names = rows.select(pl.coalesce("product_name", "product")).to_series().unique(maintain_order=True)
    days = rows["order_day"]
    return Afterwards(
        first=first,
        until=until,
        is_over=until <= data_end,
        orders=rows["order_id"].n_unique(),
        revenue=float(rows["revenue"].sum()),
        first_order=to_date(int(days.min())) if rows.height else None,  # type: ignore[arg-type]
        products=tuple(names.to_list()),
    )


def next_order_window(as_of: dt.date, expected: dt.date | None) -> tuple[dt.date, dt.date] | None:
    """Dates between which eight of ten such customers order next, if they have not left.

    ``expected`` is the date by which half of them order. Orders are taken to come at a steady rate, so the
    time to the next is exponential: one of ten has ordered by the first date, nine of ten by the last.
    """
    if expected is None or expected <= as_of:
        return None
    rate = math.log(2) / (expected - as_of).days
    first, last = (-math.log(1 - share) / rate for share in (_UNLIKELY, 1 - _UNLIKELY))
    return as_of + dt.timedelta(days=round(first)), as_of + dt.timedelta(days=round(last))


def usual_amounts(sales: SalesData) -> pl.DataFrame:
    """What an order line of each product usually brings.

    Returns
    -------
    product (key as text), product_name, product_line, usual (mean revenue of a line, currency; null if never
    sold), stock (pieces now).
    """

    def make() -> pl.DataFrame:
        sold = (
            sales.lines.filter(pl.col("quantity") > 0).group_by("product").agg(usual=pl.col("revenue").mean())
        )
        means = np.full(sales.products.height, np.nan)
        means[sold["product"].to_numpy()] = sold["usual"].to_numpy()
        return sales.products.select(
            product="key",
            product_name=pl.coalesce("product_name", "key"),
            product_line=pl.col("product_line").cast(pl.String),
            usual=pl.Series(means).fill_nan(None),
            stock="quantity_in_stock",
        )

    return sales.once("usual amounts", make)


def as_steps(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``balance_steps`` as corners of a line that stays level until it changes."""
    before = frame.with_columns(pl.col("open", "overdue").shift(1)).slice(1).with_row_index("place", 1)
    return (
        pl.concat([before, frame.with_row_index("place")])
        .sort("place", "day", maintain_order=True)
        .drop("place")
    )
