"""The best possible score of each task on a generated company, from the true model of its population.

What an oracle knows: the parameters of the world (`core.generate.world.World`: distributions, calendar, dates
of shocks, drift, launches and replacements, bundles, popularity of products) and the tables before the
cutoff: orders, order lines, countries, shipping and payments. What it does not know: anything that is true of
a single customer (its rate, dropout, segment, taste, credit quality, whether it is still active) and anything
after the cutoff. It integrates over the former. Credit limits are left aside because they are not known as of
a day. So a model that scores better than the oracle on the same rows, beyond chance, knows too much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from core.errors import GenerateError
from core.generate.draws import Floats, Ints
from core.oracle.credit import DEFAULT_DAYS, invoice_chances, read_invoices
from core.oracle.customers import churn_and_orders
from core.oracle.observed import Observed, read_observed
from core.oracle.tastes import NextProducts, next_products

TASKS = ("churn", "spend", "recommend", "late", "default")


def oracle_scores(
    folder: Path,
    truth_folder: Path,
    task: str,
    cutoff_days: Sequence[int],
    horizon: int,
    known_at: Literal["cutoff", "invoice"] = "cutoff",
) -> pl.DataFrame:
    """The oracle of a task and what happened, on a company that `generate` wrote.

    Parameters
    ----------
    folder, truth_folder
        The tables and the truth beside them.
    task
        - ``churn``: probability of no order (cancelled ones aside) in the window; every customer with an
          order before the cutoff; `active` says whether it ordered in the 365 days before.
        - ``spend``: expected revenue in the window, for the same customers.
        - ``recommend``: probability that a line the customer chooses is the product (companions of bundles
          added); customers who order in the window × products sold in it; `bought` says how often the
          customer bought it before; `standard_error` that of the integration.
        - ``late``, ``default``: probability that an invoice dated in the window is paid late, or is 60 or
          more days past due (or never paid), as known at the cutoff or on the day of the invoice.
    cutoff_days
        Days since 1970-01-01.
    horizon
        Length of the window in days.
    known_at
        Of invoices: whether the history up to the cutoff is known or that up to the invoice itself.

    Returns
    -------
    polars.DataFrame
        ``cutoff_day``, ``customer_id``, (``product_id`` or ``invoice_id``,) ``oracle``, ``actual``, …

    Raises
    ------
    GenerateError
        When the folders are not those of a generated company, a window does not lie within the company's, or
        there is no such task.
    """
    if task not in TASKS:
        raise GenerateError(f"There is no oracle for the task “{task}”.", f"Choose among {', '.join(TASKS)}.")
    seen = read_observed(folder, truth_folder)
    scores: dict[str, Callable[[int], pl.DataFrame]] = {
        "churn": lambda cutoff: _customers(seen, cutoff, horizon, False),
        "spend": lambda cutoff: _customers(seen, cutoff, horizon, True),
        "recommend": lambda cutoff: _products(seen, cutoff, horizon),
        "late": lambda cutoff: _invoices(seen, truth_folder, cutoff, horizon, "p_late", known_at),
        "default": lambda cutoff: _invoices(seen, truth_folder, cutoff, horizon, "p_default", known_at),
    }
    parts = []
    for day in cutoff_days:
        cutoff = int(day) - seen.start_day
        if not 0 < cutoff <= seen.world.days - horizon:
            raise GenerateError(
                f"The window of {horizon} days from day {day} does not lie within the company's.",
                "Choose cutoffs within the data.",
            )
        parts.append(scores[task](cutoff).select(pl.lit(int(day)).alias("cutoff_day"), pl.all()))
    return pl.concat(parts)


def invoice_oracle(folder: Path, truth_folder: Path, asked: pl.DataFrame) -> pl.DataFrame:
    """The chances of single invoices, each as known on a day of its own.

    Parameters
    ----------
    asked
        ``invoice_id`` and ``as_of_day`` (days since 1970-01-01).

    Returns
    -------
    polars.DataFrame
        ``invoice_id``, ``as_of_day``, ``p_late``, ``p_default``; without orders on hold, which are no risk.
    """
    seen = read_observed(folder, truth_folder)
    days = asked.with_columns(pl.col("as_of_day") - seen.start_day)
    found = invoice_chances(seen.world, read_invoices(seen, truth_folder), days)
    return found.with_columns(pl.col("as_of_day") + seen.start_day)


def _window(frame: pl.DataFrame, cutoff: int, horizon: int) -> pl.DataFrame:
    """The rows of orders in the window that are not cancelled."""
    return frame.filter(pl.col("day") >= cutoff, pl.col("day") < cutoff + horizon, pl.col("live"))


def _customers(seen: Observed, cutoff: int, horizon: int, revenue: bool) -> pl.DataFrame:
    parts = []
    for block in seen.blocks():
        lines, orders = seen.lines_of(block), seen.orders_of(block)
        past = lines.filter(pl.col("day") < cutoff)
        known, silent, expected, segments = churn_and_orders(seen, block, cutoff, horizon, past)
        last = orders.filter(pl.col("day") < cutoff).group_by("customer_id").agg(pl.col("day").max())
        table = pl.DataFrame({"customer_id": known, "oracle": silent})
        if revenue:
            price = _expected_price(seen, past, known, cutoff, horizon)
            value = (expected * segments.lines * segments.quantity).sum(axis=1) * price / 100.0
            table = table.with_columns(oracle=pl.Series(value))
            after = _window(lines, cutoff, horizon).group_by("customer_id").agg(actual=_amount(seen))
        else:
            after = _window(orders, cutoff, horizon).select("customer_id", actual=pl.lit(0.0)).unique()
        table = table.join(after, on="customer_id", how="left", maintain_order="left")
        table = table.join(last, on="customer_id", how="left", maintain_order="left")
        parts.append(
            table.select(
                "customer_id",
                "oracle",
                pl.col("actual").fill_null(0.0 if revenue else 1.0),
                active=pl.col("day") >= cutoff - 365,
            )
        )
    return pl.concat(parts)


def _amount(seen: Observed) -> pl.Expr:
    """Revenue of lines in currency."""
    msrp = pl.col("product").replace_strict(
        list(range(len(seen.catalogue.codes))), seen.catalogue.msrp.tolist(), return_dtype=pl.Int64
    )
    price = (msrp * (1000 - pl.col("permille")) + 500) // 1000
    return (pl.col("quantity") * price).sum() / 100.0


def _expected_price(seen: Observed, past: pl.DataFrame, known: Ints, cutoff: int, horizon: int) -> Floats:
    """Expected list price in cents of the lines in the window."""
    ahead = next_products(seen.world, seen.catalogue, past, known, _days_ahead(cutoff, horizon))
    return np.asarray(ahead.chance @ seen.catalogue.msrp)


def _days_ahead(cutoff: int, horizon: int) -> list[int]:
    """Days in the middle of the thirds of the window."""
    return [cutoff + horizon * part // 6 for part in (1, 3, 5)]


def _products(seen: Observed, cutoff: int, horizon: int) -> pl.DataFrame:
    catalogue, codes = seen.catalogue, pl.Series(seen.catalogue.codes)
    candidates = np.flatnonzero(
        (catalogue.popularity > 0) & (catalogue.first_day < cutoff + horizon) & (catalogue.end_day > cutoff)
    )
    parts = []
    for block in seen.blocks():
        lines = seen.lines_of(block)
        past, after = lines.filter(pl.col("day") < cutoff), _window(lines, cutoff, horizon)
        buyers = np.intersect1d(past["customer_id"].to_numpy(), after["customer_id"].to_numpy())
        if not len(buyers):
            continue
        past = past.filter(pl.col("customer_id").is_in(buyers.tolist()))
        ahead = next_products(seen.world, catalogue, past, buyers, _days_ahead(cutoff, horizon))
        chance = _with_companions(seen, ahead)
        bought = np.zeros(ahead.bought.shape)
        after = after.filter(pl.col("customer_id").is_in(buyers.tolist()))
        rows = np.searchsorted(buyers, after["customer_id"].to_numpy())
        bought[rows, after["product"].to_numpy()] = 1.0
        parts.append(
            pl.DataFrame(
                {
                    "customer_id": np.repeat(buyers, len(candidates)),
                    "product_id": codes.gather(np.tile(candidates, len(buyers))),
                    "oracle": chance[:, candidates].ravel(),
                    "actual": bought[:, candidates].ravel(),
                    "bought": ahead.bought[:, candidates].ravel(),
                    "standard_error": ahead.standard_error[:, candidates].ravel(),
                }
            )
        )
    return pl.concat(parts)


def _with_companions(seen: Observed, ahead: NextProducts) -> Floats:
    """Chances with those of being taken along with another product."""
    chance = ahead.chance.copy()
    for product in np.flatnonzero(seen.catalogue.companion >= 0).tolist():
        companion = seen.catalogue.companion[product]
        on_sale = ahead.chance[:, companion] > 0
        chance[:, companion] += seen.world.bundle_share * ahead.chance[:, product] * on_sale
    return chance


def _invoices(
    seen: Observed, truth_folder: Path, cutoff: int, horizon: int, what: str, known_at: str
) -> pl.DataFrame:
    invoices = read_invoices(seen, truth_folder)
    inside = pl.col("invoice_day").is_between(cutoff, cutoff + horizon, closed="left")
    late = pl.col("paid_day") - pl.col("due_day")
    bound = 1 if what == "p_late" else DEFAULT_DAYS
    asked = invoices.filter(inside).with_columns(
        as_of_day=pl.lit(cutoff, dtype=pl.Int64) if known_at == "cutoff" else pl.col("invoice_day"),
        actual=(late >= bound).fill_null(True).cast(pl.Float64),
    )
    found = invoice_chances(seen.world, invoices, asked)
    return asked.select("customer_id", "invoice_id", oracle=found[what], actual=pl.col("actual"))
