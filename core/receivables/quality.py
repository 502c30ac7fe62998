"""How much of the matching is certain and how much is a convention: the data-quality figures of Finance."""

from dataclasses import asdict, dataclass

import polars as pl

from core.receivables.matching import DEFAULT_DAYS, Matching

_BY_AMOUNT = ("exact", "sum", "parts")


@dataclass(frozen=True)
class Quality:
    """Counts and shares of a matching; shares are of all payments or of all invoices, amounts in currency.

    Attributes
    ----------
    invoices, payments, invoiced, received
        Counts and amounts; credit notes are not counted as invoices.
    exact_invoices, exact_share, exact_amount_share
        Invoices settled by a payment of exactly their amount, and their shares of count and amount.
    sum_invoices, parts_invoices, fifo_invoices, on_account_invoices
        Invoices settled as part of a sum, by two payments, as the oldest open one, by earlier money.
    open_invoices, open_amount
        Invoices not settled, and what is open on all.
    unmatched_payments, on_account
        Payments of which something is left over, and how much.
    payments_before_order
        Payments of exactly an invoice's amount that came before its order.
    late_invoices, defaulted_invoices
        Invoices paid after their due date or overdue; of these 60 days or more.
    rows_left_out
        Rows without customer, day or amount.
    """

    invoices: int
    payments: int
    invoiced: float
    received: float
    exact_invoices: int
    exact_share: float
    exact_amount_share: float
    sum_invoices: int
    parts_invoices: int
    fifo_invoices: int
    on_account_invoices: int
    open_invoices: int
    open_amount: float
    unmatched_payments: int
    on_account: float
    payments_before_order: int
    late_invoices: int
    defaulted_invoices: int
    rows_left_out: int

    @property
    def certain_share(self) -> float:
        """Share of the settled invoices that were matched by amounts (exact, sum or parts)."""
        certain = self.exact_invoices + self.sum_invoices + self.parts_invoices
        settled = certain + self.fifo_invoices + self.on_account_invoices
        return certain / settled if settled else 0.0

    def as_dict(self) -> dict[str, float]:
        """All figures by name."""
        return asdict(self) | {"certain_share": self.certain_share}


def quality(matching: Matching) -> Quality:
    """The figures of ``matching``; shares are 0 where there is nothing."""
    bills = matching.invoices.filter(pl.col("amount") > 0)
    counts = dict(bills.group_by(pl.col("rule").cast(pl.String)).len().iter_rows())
    exact = bills.filter(pl.col("rule") == "exact")
    by_payment = matching.settlements.filter(pl.col("payment_id").is_not_null())
    kept = matching.on_account.select("customer_id", "payment_id", "payment_day")
    every = pl.concat([by_payment.select(kept.columns), kept]).unique()
    early = matching.settlements.filter(pl.col("rule") == "exact").join(
        matching.invoices.select("invoice_id", "order_day"), on="invoice_id"
    )
    invoiced = float(bills["amount"].sum())
    return Quality(
        invoices=bills.height,
        payments=every.height,
        invoiced=round(invoiced, 2),
        received=round(float(by_payment["amount"].sum()) + float(matching.on_account["amount"].sum()), 2),
        exact_invoices=exact.height,
        exact_share=exact.height / bills.height if bills.height else 0.0,
        exact_amount_share=float(exact["amount"].sum()) / invoiced if invoiced else 0.0,
        sum_invoices=counts.get("sum", 0),
        parts_invoices=counts.get("parts", 0),
        fifo_invoices=counts.get("fifo", 0),
        on_account_invoices=counts.get("on account", 0),
        open_invoices=int(bills["settled_day"].is_null().sum()),
        open_amount=round(float(bills["open_amount"].sum()), 2),
        unmatched_payments=matching.on_account.height,
        on_account=round(float(matching.on_account["amount"].sum()), 2),
        payments_before_order=early.filter(pl.col("payment_day") < pl.col("order_day")).height,
        late_invoices=int((bills["days_past_due"] > 0).sum()),
        defaulted_invoices=int((bills["days_past_due"] >= DEFAULT_DAYS).sum()),
        rows_left_out=matching.left_out,
    )
