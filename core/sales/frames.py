"""The frames that every chart reads, and how they are made from the marts."""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import polars as pl

from core.days import from_yyyymm
from core.sales.columns import Columns, columns_of

NO_SALES_REP = "No sales rep"
"""Name, office and filter value of customers without a sales representative."""
NO_OFFICE = "No office"
UNKNOWN = "Unknown"
"""Country or product line that is not given."""

Made = TypeVar("Made")

MAX_LINES = 300_000
"""Order lines kept in memory; of more, those of a random sample of customers."""
_SAMPLE_SEED = b"sales-dashboard"


@dataclass(frozen=True)
class SalesData:
    """A company's sales before the as-of date. Shared by all sessions: never change it.

    Columns ``country`` and ``product_line`` are ``pl.Enum``; ``sales_rep``, ``product`` and ``customer`` are
    row numbers in ``sales_reps``, ``products`` and ``customers``. Money is in currency. Frames with dates are
    sorted by date.

    Attributes
    ----------
    as_of
        Rows on or after this date are unknown.
    first_day, last_day
        Dates of the first and last order before it.
    terms_days
        Days from invoice to due date.
    daily
        order_date, month, country, sales_rep, product_line, revenue, gross_profit, quantity, order_lines.
    monthly
        The same without order_date.
    orders_daily
        order_date, month, country, sales_rep, orders, revenue.
    orders_monthly
        The same without order_date.
    product_monthly
        month, product, country, sales_rep, product_line, revenue, gross_profit, quantity.
    lines
        order_date, month, order_id, order (0, 1, ... for distinct orders), customer, product, country,
        sales_rep, product_line, quantity, revenue, gross_profit.
    customers
        The columns of the mart of this name, key (the id as text), country, sales_rep, in_sample.
    products
        The columns of the mart of this name and key.
    sales_reps
        employee_id (null if not in the employees' table), employee_name (unique), office_name, key (the id as
        text); the last row is ``NO_SALES_REP``.
    receivables
        day (date), month, country, sales_rep, invoiced, received.
    customer_receivables
        customer, invoiced, due, paid, outstanding, overdue, on_account at the as-of date.
    receivables_year_before
        The same 365 days before the as-of date; ``None`` if the data do not reach back that far.
    balance_history
        month, country, sales_rep (codes), outstanding, overdue at the end of each month.
    line_count
        Order lines in the database that are not cancelled.
    sampled_share
        Share of the customers with order lines whose lines are kept; 1 if all are.
    missing
        Base tables that are not in the database, so that figures needing them are empty.
    """

    as_of: date
    first_day: date
    last_day: date
    terms_days: int
    daily: pl.DataFrame
    monthly: pl.DataFrame
    orders_daily: pl.DataFrame
    orders_monthly: pl.DataFrame
    product_monthly: pl.DataFrame
    lines: pl.DataFrame
    customers: pl.DataFrame
    products: pl.DataFrame
    sales_reps: pl.DataFrame
    receivables: pl.DataFrame
    customer_receivables: pl.DataFrame
    receivables_year_before: pl.DataFrame | None
    balance_history: pl.DataFrame
    line_count: int
    sampled_share: float
    missing: tuple[str, ...] = ()

    @property
    def is_sampled(self) -> bool:
        """Whether ``lines`` are those of a sample of customers."""
        return self.sampled_share < 1

    @cached_property
    def cubes(self) -> dict[str, Columns]:
        """The frames to be summed, as arrays.

        Beside them ``product_months`` (``product_monthly`` of all places together) and
        ``order_product_lines`` (``lines`` summed by order and product line). Lines have a further column
        ``buyer`` (0, 1, ... for distinct customers).
        """
        by = ["order_date", "month", "order", "customer", "buyer", "country", "sales_rep", "product_line"]
        buyer = (pl.col("customer").rank("dense") - 1).cast(pl.UInt32).alias("buyer")
        lines = self.lines.with_columns(buyer)
        frames = {name: (getattr(self, name), "order_date") for name in ("daily", "orders_daily")} | {
            name: (getattr(self, name), "month") for name in ("monthly", "orders_monthly", "product_monthly")
        }
        frames["receivables"] = (self.receivables, "day")
        sums = ["revenue", "gross_profit", "quantity"]
        frames["lines"] = (lines, "order_date")
        frames["order_product_lines"] = (summed(lines, by, sums), "order_date")
        places = summed(self.product_monthly, ["month", "product", "product_line"], sums)
        frames["product_months"] = (places, "month")
        return {name: columns_of(frame, time) for name, (frame, time) in frames.items()}

    @cached_property
    def order_count(self) -> int:
        """Distinct orders in ``lines``."""
        return self.lines["order"].n_unique()

    @cached_property
    def buyer_count(self) -> int:
        """Distinct customers in ``lines``."""
        return self.lines["customer"].n_unique()

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What ``make`` gives, made when first asked for and kept as long as the data."""
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found

    @cached_property
    def _labels(self) -> dict[str, tuple[list[str], list[str]]]:
        return {
            "country": (self.countries, self.countries),
            "product_line": (self.product_lines, self.product_lines),
            "office": (self.offices, self.offices),
            "sales_rep": (self.sales_reps["employee_name"].to_list(), self.sales_reps["key"].to_list()),
            "product": (
                self.products.select(pl.coalesce("product_name", "key")).to_series().to_list(),
                self.products["key"].to_list(),
            ),
        }

    def labels(self, dimension: str) -> tuple[list[str], list[str]]:
        """Names to show and filter values, by code (country, product_line, office, sales_rep, product)."""
        return self._labels[dimension]

    @cached_property
    def _positions(self) -> dict[str, dict[str, int]]:
        return {
            dimension: {value: code for code, value in enumerate(values)}
            for dimension, (_, values) in self._labels.items()
        }

    def positions(self, dimension: str) -> dict[str, int]:
        """The code of each filter value of a dimension that ``labels`` knows."""
        return self._positions[dimension]

    @cached_property
    def office_of_sales_rep(self) -> np.ndarray:
        """The row in ``offices`` of each sales representative."""
        positions = self.positions("office")
        return np.array([positions[name] for name in self.sales_reps["office_name"]], dtype=np.int64)

    @property
    def countries(self) -> list[str]:
        """All countries, by name."""
        return self.customers["country"].dtype.categories.to_list()  # type: ignore[attr-defined]

    @property
    def product_lines(self) -> list[str]:
        """All product lines, by name."""
        return self.products["product_line"].dtype.categories.to_list()  # type: ignore[attr-defined]

    @property
    def offices(self) -> list[str]:
        """The names of all offices with sales representatives, ``NO_SALES_REP`` last."""
        return self.sales_reps["office_name"].unique(maintain_order=True).to_list()

    def known_values(self) -> dict[str, list[str]]:
        """The values that filters can have, by dimension (for ``SalesFilters.from_query``)."""
        return {
            "country": self.countries,
            "product_line": self.product_lines,
            "office": self.offices,
            "sales_rep": self.sales_reps["key"].to_list(),
            "product": self.products["key"].to_list(),
            "customer": self.customers["key"].to_list(),
        }

    def estimated_size(self) -> int:
        """Bytes held by all frames."""
        frames = (value for value in vars(self).values() if isinstance(value, pl.DataFrame))
        return int(sum(frame.estimated_size() for frame in frames))


def id_text(ids: pl.Series) -> pl.Series:
    """Keys as text; whole numbers stored as fractions lose their ``.0``."""
    if ids.dtype.is_float():
        whole = ids.cast(pl.Int64, strict=False)
        if (whole.cast(pl.Float64) == ids).all():
            ids = whole
    return ids.cast(pl.String)


def codes(ids: pl.Series, keys: pl.Series, missing: int | None = None) -> pl.Series:
    """The row number in ``keys`` of each id; ``missing`` (or null) for those that are null or not there."""
    if ids.dtype != keys.dtype or ids.dtype.is_float():
        ids, keys = id_text(ids), id_text(keys)
    lookup = pl.DataFrame({"id": keys, "code": pl.int_range(len(keys), dtype=pl.UInt32, eager=True)})
    found = pl.DataFrame({"id": ids}).join(lookup, on="id", how="left", maintain_order="left")["code"]
    return found if missing is None else found.fill_null(pl.lit(missing, dtype=pl.UInt32))


def names_enum(names: pl.Series) -> pl.Enum:
    """The distinct names in alphabetical order, ``UNKNOWN`` last where some are missing."""
    given = named(names).unique()
    ordered = given.filter(given != UNKNOWN).sort().to_list()
    return pl.Enum(ordered + ([UNKNOWN] if UNKNOWN in given.to_list() else []))


def named(names: pl.Series) -> pl.Series:
    """Names as text, with ``UNKNOWN`` for those that are null or blank."""
    text = names.cast(pl.String)
    return text.set(text.is_null() | (text.str.strip_chars() == ""), UNKNOWN)


def sales_rep_frame(employees: pl.DataFrame, used: pl.Series) -> pl.DataFrame:
    """One row per employee who represents a customer, and ``NO_SALES_REP`` last.

    ``employees`` is the mart ``sales_reps``, ``used`` the employee ids of customers.
    """
    wanted = id_text(used.drop_nulls()).unique()
    known = employees.with_columns(key=id_text(employees["employee_id"])).unique("key", maintain_order=True)
    rows = pl.DataFrame({"key": wanted}).join(known, on="key", how="left").sort("key")
    name = pl.coalesce("employee_name", pl.format("Employee {}", "key"))
    rows = rows.with_columns(
        employee_name=pl.when(name.is_duplicated()).then(pl.format("{} ({})", name, "key")).otherwise(name),
        office_name=pl.col("office_name").fill_null(NO_OFFICE),
    ).sort("office_name", "employee_name")
    columns = ["employee_id", "employee_name", "office_name", "key"]
    nobody = pl.DataFrame(
        {"employee_name": [NO_SALES_REP], "office_name": [NO_SALES_REP], "key": [NO_SALES_REP]}
    )
    return pl.concat([rows.select(columns), nobody], how="diagonal").select(columns)


def month_of(days: str) -> pl.Expr:
    """The first day of the month of a date column."""
    return pl.col(days).dt.truncate("1mo").alias("month")


def as_dates(frame: pl.DataFrame, column: str, renamed: str) -> pl.DataFrame:
    """``frame`` with an integer day column as dates under another name, and their month."""
    dated = frame.with_columns(pl.col(column).cast(pl.Int32).cast(pl.Date).alias(renamed))
    return (dated if column == renamed else dated.drop(column)).with_columns(month_of(renamed))


def months_as_dates(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with ``order_month`` (yyyymm) as ``month``, its first day."""
    distinct = frame["order_month"].unique()
    firsts = pl.Series("month", [from_yyyymm(value) for value in distinct], dtype=pl.Date)
    table = pl.DataFrame({"order_month": distinct, "month": firsts})
    return frame.join(table, on="order_month", how="left").drop("order_month")


def summed(frame: pl.DataFrame, by: Sequence[str], sums: Sequence[str]) -> pl.DataFrame:
    """``frame`` summed over ``by``, sorted by it."""
    return frame.group_by(by).agg(pl.col(sums).sum()).sort(by)


def sample_order(keys: pl.Series) -> np.ndarray:
    """Row numbers of ``keys`` in the fixed random order in which customers are sampled."""
    digests = [hashlib.blake2b(k.encode(), digest_size=8, key=_SAMPLE_SEED).digest() for k in keys]
    return np.argsort(np.array([int.from_bytes(d, "big") for d in digests], dtype=np.uint64), kind="stable")


def sampled_customers(keys: pl.Series, order_lines: pl.Series, limit: int = MAX_LINES) -> np.ndarray:
    """The customers to sample (row numbers): in random order as many as have ``limit`` order lines."""
    order = sample_order(keys)
    lines = order_lines.to_numpy()[order]
    order, lines = order[lines > 0], lines[lines > 0]
    return order[np.cumsum(lines) <= limit]
