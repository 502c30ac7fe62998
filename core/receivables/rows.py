"""Invoices and payments as arrays: customers as codes, amounts in whole cents, rows in order of time."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
"""A day that never comes: the settled day of an open invoice."""


@dataclass(frozen=True)
class Rows:
    """What is matched, sorted by customer, then day, then key.

    ``customer`` holds codes 0, 1, … shared by invoices and payments; ``*_start`` the first row of each
    customer and one entry more. Amounts are cents. ``left_out`` counts rows without customer, day or amount.
    """

    invoices: pl.DataFrame
    payments: pl.DataFrame
    invoice_customer: Ints
    order_day: Ints
    invoice_day: Ints
    invoice_amount: Ints
    payment_customer: Ints
    payment_day: Ints
    payment_amount: Ints
    invoice_start: Ints
    payment_start: Ints
    left_out: int

    @property
    def customers(self) -> int:
        """How many customers have invoices or payments."""
        return len(self.invoice_start) - 1


def in_cents(amounts: pl.Series) -> pl.Series:
    """Amounts of currency in whole cents."""
    return (amounts.cast(pl.Float64) * 100).round().cast(pl.Int64)


def sorted_rows(invoices: pl.DataFrame, payments: pl.DataFrame, as_of_day: int | None) -> Rows:
    """The frames of ``match`` as arrays, without rows on or after ``as_of_day``.

    The order of the rows given does not matter: equal days are sorted by key and amount.
    """
    if "order_day" not in invoices.columns:
        invoices = invoices.with_columns(order_day=pl.col("invoice_day"))
    invoices = invoices.select("invoice_id", "customer_id", "order_day", "invoice_day", "amount")
    payments = payments.select("customer_id", "payment_id", "payment_day", "amount")
    given = invoices.height + payments.height
    invoices = invoices.drop_nulls(["customer_id", "order_day", "invoice_day", "amount"])
    payments = payments.drop_nulls(["customer_id", "payment_day", "amount"])
    left_out = given - invoices.height - payments.height
    if as_of_day is not None:
        invoices = invoices.filter(pl.col("order_day") < as_of_day)
        payments = payments.filter(pl.col("payment_day") < as_of_day)
    keys = pl.concat([invoices["customer_id"], payments["customer_id"]]).unique().sort()
    codes = pl.DataFrame({"customer_id": keys, "customer": pl.int_range(len(keys), eager=True)})
    invoices = _coded(invoices, codes, ["order_day", "invoice_id"])
    payments = _coded(payments, codes, ["payment_day", "payment_id", "cents"])
    counts = np.arange(len(keys) + 1)
    of_invoices, of_payments = invoices["customer"].to_numpy(), payments["customer"].to_numpy()
    return Rows(
        invoices=invoices,
        payments=payments,
        invoice_customer=of_invoices,
        order_day=invoices["order_day"].cast(pl.Int64).to_numpy(),
        invoice_day=invoices["invoice_day"].cast(pl.Int64).to_numpy(),
        invoice_amount=invoices["cents"].to_numpy(),
        payment_customer=of_payments,
        payment_day=payments["payment_day"].cast(pl.Int64).to_numpy(),
        payment_amount=payments["cents"].to_numpy(),
        invoice_start=np.searchsorted(of_invoices, counts),
        payment_start=np.searchsorted(of_payments, counts),
        left_out=left_out,
    )


def _coded(frame: pl.DataFrame, codes: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    coded = frame.join(codes, on="customer_id", how="left").with_columns(
        in_cents(frame["amount"]).alias("cents")
    )
    return coded.sort("customer", *by, nulls_last=True)
