"""What customers owed at the end of each month, from their invoices and payments by day."""

from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from core.days import month_end, month_starts, to_day
from core.sales.columns import month_number

SCHEMA = {
    "month": pl.Date,
    "country": pl.UInt32,
    "sales_rep": pl.UInt32,
    "outstanding": pl.Float64,
    "overdue": pl.Float64,
}


def balance_history(
    movements: pl.DataFrame, customers: pl.DataFrame, first_day: date, as_of: date, terms_days: int
) -> pl.DataFrame:
    """Outstanding and overdue receivables at the end of each month, the last one at the as-of date.

    ``movements`` has customer (row number in ``customers``), day (since 1970-01-01), is_credit_note, invoiced
    and received.
    As everywhere, payments settle a customer's oldest invoices first: a balance is never below zero.

    Returns
    -------
    month (first day), country, sales_rep (codes of ``customers``), outstanding, overdue (currency). One row
    for each month and place with customers; empty without movements.
    """
    if movements.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    months = month_starts(first_day, as_of)
    ends = np.array([min(to_day(month_end(month)) + 1, to_day(as_of)) for month in months])
    country = customers["country"].to_physical().to_numpy().astype(np.int64)
    sales_rep = customers["sales_rep"].to_numpy().astype(np.int64)
    places, place = np.unique(np.column_stack([country, sales_rep]), axis=0, return_inverse=True)
    customer, day = movements["customer"].to_numpy(), movements["day"].to_numpy()
    amounts = {name: movements[name].to_numpy() for name in ("invoiced", "received")}
    due_day = np.where(movements["is_credit_note"].to_numpy() == 1, day, day + terms_days)
    steps = {
        "invoiced": _by_month(customer, day, amounts["invoiced"], ends),
        "due": _by_month(customer, due_day, amounts["invoiced"], ends),
        "received": _by_month(customer, day, amounts["received"], ends),
    }
    balance = {name: np.zeros(customers.height) for name in steps}
    rows = []
    for number, month in enumerate(months):
        for name, (who, how_much) in ((name, step[number]) for name, step in steps.items()):
            np.add.at(balance[name], who, how_much)
        owed = np.round(np.maximum(balance["invoiced"] - balance["received"], 0), 2)
        late = np.round(np.maximum(balance["due"] - balance["received"], 0), 2)
        rows.append(
            pl.DataFrame(
                {
                    "month": np.full(len(places), month, dtype="datetime64[D]"),
                    "country": places[:, 0],
                    "sales_rep": places[:, 1],
                    "outstanding": np.bincount(place.ravel(), weights=owed, minlength=len(places)),
                    "overdue": np.bincount(place.ravel(), weights=late, minlength=len(places)),
                },
                schema_overrides={"country": pl.UInt32, "sales_rep": pl.UInt32},
            )
        )
    return pl.concat(rows).cast(SCHEMA)  # type: ignore[arg-type]


def _by_month(
    customer: np.ndarray, day: np.ndarray, amount: np.ndarray, ends: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Customers and amounts by month: those with a day before its end that is not before the last one's."""
    month = np.searchsorted(ends, day, side="right")
    order = np.argsort(month, kind="stable")
    cuts = np.searchsorted(month[order], np.arange(len(ends) + 1))
    parts = [order[start:stop] for start, stop in pairwise(cuts)]
    return [(customer[part], amount[part]) for part in parts]


def balances_between(
    history: pl.DataFrame, allowed: dict[str, np.ndarray], first: date, last: date
) -> dict[str, tuple[float, ...]]:
    """``outstanding`` and ``overdue`` by month over a period, summed over the places ``allowed``."""
    if history.is_empty() or first > last:
        return {}
    keep = np.ones(history.height, dtype=bool)
    for name in ("country", "sales_rep"):
        if name in allowed:
            keep &= allowed[name][history[name].to_numpy()]
    numbers = np.array([month_number(month) for month in history["month"].to_list()])
    keep &= (numbers >= month_number(first)) & (numbers <= month_number(last))
    base = month_number(first)
    return {
        name: tuple(np.bincount(numbers[keep] - base, weights=history[name].to_numpy()[keep]).tolist())
        for name in ("outstanding", "overdue")
    }
