"""What became of invoices: late, much later, never. Unfinished stories are no good ones."""

import polars as pl

from core.receivables.matching import DEFAULT_DAYS

OUTCOMES: dict[str, int] = {"late": 1, "late_15": 16, "late_30": 31, "default": DEFAULT_DAYS}
"""By outcome the days past due from which it has happened."""
SAID: dict[str, str] = {
    "late": "paid after the due date",
    "late_15": "paid more than 15 days after the due date",
    "late_30": "paid more than 30 days after the due date",
    "default": f"{DEFAULT_DAYS} or more days past due",
}


def outcomes(invoices: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """What is known of each invoice on the as-of day.

    Parameters
    ----------
    invoices
        ``Matching.invoices``.

    Returns
    -------
    invoice_id, customer_id and a column for each of ``OUTCOMES``: 1 or 0, null while it cannot be known. An
    outcome of d days is known d days after the due date and not before, also for invoices that are paid by
    then: counting these at once and waiting for the open ones would make payers look better than they are.
    Credit notes are left out.
    """
    return invoices.filter(pl.col("amount") > 0).select(
        "invoice_id",
        "customer_id",
        *(
            pl.when(pl.col("due_day") + days <= as_of_day)
            .then((pl.col("days_past_due") >= days).cast(pl.Int8))
            .alias(name)
            for name, days in OUTCOMES.items()
        ),
    )


def event_customers(customers: pl.Series, happened: pl.Series) -> int:
    """Distinct customers with the rarer of the two outcomes: the events of the ladder."""
    known = pl.DataFrame({"customer": customers, "happened": happened}).drop_nulls()
    rarer = min((1, 0), key=lambda value: int((known["happened"] == value).sum()))
    return known.filter(pl.col("happened") == rarer)["customer"].n_unique()
