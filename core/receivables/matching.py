"""Which payment settles which invoice, when, and by which rule.

A payment settles, in this order: an open invoice of exactly its amount, the oldest first; two or three open
invoices that add up to it; an invoice that it settles together with one earlier payment. What is left settles
the oldest open invoices. All of it within ``window_days`` of the order and with what was known on the day.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.receivables.claims import (
    CREDIT_NOTE,
    FIFO,
    NOTHING_DUE,
    ON_ACCOUNT,
    OPEN,
    Claims,
    claim,
)
from core.receivables.fifo import first_in_first_out
from core.receivables.rows import NEVER, Ints, Rows, sorted_rows

DEFAULT_DAYS = 60
"""Days past due from which an invoice counts as a default."""
RULES = ("open", "exact", "sum", "parts", "fifo", "on account", "credit note", "nothing due")
"""How an invoice was settled. ``on account``: by money that came before the invoice, not of its amount."""
_RULE = pl.Enum(RULES)
_ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Matching:
    """Invoices and payments matched as of a day. Money is in currency, days count from 1970-01-01.

    Attributes
    ----------
    settlements
        invoice_id, customer_id, payment_id (null: a credit note), payment_day, amount, rule. One row for each
        part of a payment that settles a part of an invoice.
    invoices
        invoice_id, customer_id, order_day, invoice_day, due_day, amount, paid, open_amount, settled_day (null
        while open), first_covered_day (when money first covered it, as known then), days_to_pay (from the
        invoice to its settlement), days_past_due (0 if paid in time; until the as-of day while open), rule.
    on_account
        customer_id, payment_id, payment_day, amount: what payments do not settle; refunds are negative.
    as_of_day, terms_days
        The day before which everything was known, and days from invoice to due date.
    left_out
        Rows without customer, day or amount.
    """

    settlements: pl.DataFrame
    invoices: pl.DataFrame
    on_account: pl.DataFrame
    as_of_day: int
    terms_days: int
    left_out: int = 0


def match(
    invoices: pl.DataFrame,
    payments: pl.DataFrame,
    *,
    terms_days: int,
    window_days: int = 365,
    as_of_day: int | None = None,
) -> Matching:
    """Match payments to invoices, customer by customer.

    Parameters
    ----------
    invoices
        invoice_id, customer_id, invoice_day, amount (currency; negative: credit note), and order_day, the
        first day on which it can be paid (default: invoice_day).
    payments
        customer_id, payment_id, payment_day, amount (currency; negative: refund).
    terms_days
        Days from invoice to due date.
    window_days
        Most days between the order and a payment (or a payment and the order) that is its exact amount.
    as_of_day
        Rows on or after it are left out; default: the day after the last row.

    Every cent of a payment is in ``settlements`` or ``on_account`` exactly once, no invoice is overpaid, and
    the order of the rows given does not matter.
    """
    if as_of_day is None:
        last = [invoices[name].max() for name in ("order_day", "invoice_day") if name in invoices.columns]
        known = [day for day in (*last, payments["payment_day"].max()) if isinstance(day, int)]
        as_of_day = max(known, default=-1) + 1
    slices = -(-(invoices.height + payments.height) // _ROWS_AT_ONCE)
    if slices <= 1:
        return _matched(sorted_rows(invoices, payments, as_of_day), window_days, terms_days, as_of_day)
    # customers are independent: a slice of them at a time bounds the memory
    part_of = pl.col("customer_id").hash(seed=0).fill_null(0) % slices
    parts = [
        _matched(
            sorted_rows(invoices.filter(part_of == i), payments.filter(part_of == i), as_of_day),
            window_days,
            terms_days,
            as_of_day,
        )
        for i in range(slices)
    ]
    return Matching(
        settlements=pl.concat([part.settlements for part in parts]),
        invoices=pl.concat([part.invoices for part in parts]),
        on_account=pl.concat([part.on_account for part in parts]),
        as_of_day=as_of_day,
        terms_days=terms_days,
        left_out=sum(part.left_out for part in parts),
    )


def _matched(rows: Rows, window_days: int, terms_days: int, as_of_day: int) -> Matching:
    claims = claim(rows, window_days)
    return _told(rows, claims, _rest(rows, claims), terms_days, as_of_day)


@dataclass(frozen=True)
class _Parts:
    """Parts of the rest: invoice row, payment row (or of a credit note −1 − its invoice row), cents, rule."""

    invoice: Ints
    source: Ints
    cents: Ints
    day: Ints
    rule: Ints


def _rest(rows: Rows, claims: Claims) -> _Parts:
    """What is not settled by amount: the oldest invoices first, by payments and credit notes by their day."""
    loose = np.flatnonzero(~claims.used & (rows.payment_amount > 0))
    notes = np.flatnonzero(rows.invoice_amount < 0)
    owed = np.flatnonzero((claims.rule == OPEN) & (rows.invoice_amount > 0))
    source = np.concatenate([loose, -1 - notes])
    customer = np.concatenate([rows.payment_customer[loose], rows.invoice_customer[notes]])
    day = np.concatenate([rows.payment_day[loose], rows.order_day[notes]])
    cents = np.concatenate([rows.payment_amount[loose], -rows.invoice_amount[notes]])
    order = np.lexsort((np.arange(len(day)), day, customer))
    source, customer, day, cents = source[order], customer[order], day[order], cents[order]
    which, invoice, part = first_in_first_out(
        customer, cents, rows.invoice_customer[owed], rows.invoice_amount[owed]
    )
    invoice = owed[invoice]
    early = day[which] < rows.order_day[invoice]
    rule = np.where(source[which] < 0, CREDIT_NOTE, np.where(early, ON_ACCOUNT, FIFO))
    return _Parts(invoice, source[which], part, np.maximum(day[which], rows.order_day[invoice]), rule)


def _told(rows: Rows, claims: Claims, parts: _Parts, terms_days: int, as_of_day: int) -> Matching:
    rule, settled = claims.rule.copy(), claims.day.copy()
    paid = np.zeros(len(rule), dtype=np.int64)
    np.add.at(paid, claims.invoice, claims.cents)
    np.add.at(paid, parts.invoice, parts.cents)
    from_notes = parts.source < 0
    np.add.at(paid, -1 - parts.source[from_notes], -parts.cents[from_notes])
    full = (paid == rows.invoice_amount) & (rule == OPEN) & (rows.invoice_amount != 0)
    # the parts of an invoice come in order of time: the last one settles it
    last_day, last_rule = np.full(len(rule), NEVER), np.zeros(len(rule), dtype=np.int64)
    last_day[parts.invoice], last_rule[parts.invoice] = parts.day, parts.rule
    last_day[rows.invoice_amount < 0] = rows.order_day[rows.invoice_amount < 0]
    last_rule[rows.invoice_amount < 0] = CREDIT_NOTE
    settled[full], rule[full] = last_day[full], last_rule[full]
    rule[rows.invoice_amount == 0] = NOTHING_DUE
    settled[rows.invoice_amount == 0] = rows.order_day[rows.invoice_amount == 0]
    return Matching(
        settlements=_settlements(rows, claims, parts),
        invoices=_invoices(rows, claims.first_covered, rule, settled, paid, terms_days, as_of_day),
        on_account=_on_account(rows, claims, parts),
        as_of_day=as_of_day,
        terms_days=terms_days,
        left_out=rows.left_out,
    )


def _settlements(rows: Rows, claims: Claims, parts: _Parts) -> pl.DataFrame:
    invoice = np.concatenate([claims.invoice, parts.invoice])
    source = np.concatenate([claims.payment, parts.source])
    rule = np.concatenate([claims.rule[claims.invoice], parts.rule])
    cents = np.concatenate([claims.cents, parts.cents])
    is_payment = source >= 0
    payments = (
        rows.payments["payment_id"].gather(pl.Series(np.where(is_payment, source, 0)))
        if len(rows.payments)
        else pl.Series([None] * len(source), dtype=rows.payments["payment_id"].dtype)
    )
    days = rows.order_day[np.where(is_payment, 0, -1 - source)] if len(rows.order_day) else source
    if len(rows.payment_day):
        days = np.where(is_payment, rows.payment_day[np.where(is_payment, source, 0)], days)
    return pl.DataFrame(
        [
            rows.invoices["invoice_id"].gather(invoice),
            rows.invoices["customer_id"].gather(invoice),
            payments.set(pl.Series(~is_payment), None).alias("payment_id"),
            pl.Series("payment_day", days, dtype=pl.Int64),
            pl.Series("amount", cents / 100),
            _named(rule),
        ]
    )


def _invoices(
    rows: Rows, first: Ints, rule: Ints, settled: Ints, paid: Ints, terms_days: int, as_of_day: int
) -> pl.DataFrame:
    due = rows.invoice_day + terms_days
    is_open = settled == NEVER
    credit = rows.invoice_amount <= 0
    until = np.where(is_open, as_of_day, settled)
    past_due = np.where(credit, 0, np.maximum(until - due, 0))
    return rows.invoices.select("invoice_id", "customer_id").with_columns(
        pl.Series("order_day", rows.order_day),
        pl.Series("invoice_day", rows.invoice_day),
        pl.Series("due_day", due),
        pl.Series("amount", rows.invoice_amount / 100),
        pl.Series("paid", paid / 100),
        pl.Series("open_amount", (rows.invoice_amount - paid) / 100),
        _day_or_null("settled_day", settled),
        _day_or_null("first_covered_day", first),
        _day_or_null("days_to_pay", np.where(is_open, NEVER, settled - rows.invoice_day)),
        pl.Series("days_past_due", past_due),
        _named(rule),
    )


def _day_or_null(name: str, days: Ints) -> pl.Series:
    series = pl.Series(name, days)
    return series.set(series == NEVER, None)


def _named(rule: Ints) -> pl.Series:
    return pl.Series("rule", RULES, dtype=_RULE).gather(rule)


def _on_account(rows: Rows, claims: Claims, parts: _Parts) -> pl.DataFrame:
    left = np.where(claims.used, 0, rows.payment_amount)
    by_payment = parts.source >= 0
    np.subtract.at(left, parts.source[by_payment], parts.cents[by_payment])
    rest = np.flatnonzero(left)
    return rows.payments.select("customer_id", "payment_id", "payment_day")[rest].with_columns(
        pl.col("payment_day").cast(pl.Int64), pl.Series("amount", left[rest] / 100)
    )
