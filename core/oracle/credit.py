"""Late payment and default: what the payment history of a customer says of its credit quality.

The probability that an invoice is late (or never paid) is logistic in a latent quality that is normal
around the country's mean. Invoices are independent given the quality, so the posterior on a grid of qualities
is a product; invoices not yet paid count with the probability of being unpaid by then. Payments are taken as
matched to their invoices without error, lost ones aside.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from core.days import to_day
from core.generate.customers import FIRST_CUSTOMER
from core.generate.draws import Draws, Floats, Ints
from core.generate.orders import ORDERS_PER_CUSTOMER
from core.generate.places import COUNTRIES
from core.generate.world import World
from core.oracle.observed import Observed

DEFAULT_DAYS = 60
_QUALITIES = np.linspace(-5.5, 5.5, 67)


def read_invoices(seen: Observed, truth_folder: Path) -> pl.DataFrame:
    """The invoices of a generated company and what became of them, sorted by customer and invoice day.

    ``customer_id``, ``invoice_id`` (the order), ``country``, ``invoice_day``, ``due_day``, ``paid_day``
    (null: never; beyond the window where it is paid later), ``amount`` (cents), ``lost`` (its payment is
    missing from the table); days of the window. Orders on hold are left out.
    """
    table = pl.read_csv(
        Path(truth_folder) / "invoices.csv",
        schema_overrides={"invoiceDate": pl.Date, "dueDate": pl.Date, "paidDate": pl.Date},
    )
    start = to_day(seen.world.start)
    days = pl.col("invoiceDate", "dueDate", "paidDate").cast(pl.Int32).cast(pl.Int64) - start
    invoices = (
        table.filter(pl.col("paidDate").is_not_null() | (pl.col("defaulted") == 1))
        .with_columns(days)
        .select(
            customer_id=pl.col("orderNumber") // ORDERS_PER_CUSTOMER,
            invoice_id="orderNumber",
            invoice_day="invoiceDate",
            due_day="dueDate",
            paid_day="paidDate",
            amount=(pl.col("amount") * 100).round(),
        )
    )
    number = invoices["invoice_id"].to_numpy()
    index, sequence = number // ORDERS_PER_CUSTOMER - FIRST_CUSTOMER, number % ORDERS_PER_CUSTOMER
    lost = Draws(seen.world.seed, "lost payment").uniform(index, sequence, 0) < seen.world.lost_payment_share
    invoices = invoices.with_columns(lost=pl.Series(lost))
    return invoices.join(seen.customers.select("customer_id", "country"), on="customer_id").sort(
        "customer_id", "invoice_day", "invoice_id"
    )


def invoice_chances(
    world: World, invoices: pl.DataFrame, asked: pl.DataFrame, at_once: int = 20_000
) -> pl.DataFrame:
    """Probability that each invoice asked for is paid late and that it defaults, as known on a day.

    Parameters
    ----------
    invoices
        As `read_invoices` gives them.
    asked
        ``invoice_id`` and ``as_of_day`` (in days of the window). Known are invoices dated before that day and
        payments before it; an invoice asked for that is dated before the day is known to be unpaid by then.

    Returns
    -------
    polars.DataFrame
        ``invoice_id``, ``as_of_day``, ``p_late`` (paid after the due date or never) and ``p_default``
        (60 or more days past due, or never), in the order of `asked`.
    """
    wanted = asked.select("invoice_id", "as_of_day").join(
        invoices.select("invoice_id", "customer_id", "country", "invoice_day", "due_day", "amount"),
        on="invoice_id",
        how="inner",
        maintain_order="left",
    )
    return pl.concat([_chances(world, invoices, part) for part in wanted.iter_slices(at_once)])


def _chances(world: World, invoices: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    points = wanted.select("customer_id", "as_of_day", "country").unique().sort("customer_id", "as_of_day")
    points = points.with_row_index("point")
    shift = np.array([country.credit_shift for country in COUNTRIES])[points["country"].to_numpy()]
    log_belief = -0.5 * (_QUALITIES - shift[:, None]) ** 2
    past = points.select("point", "customer_id", "as_of_day").join(invoices.drop("country"), on="customer_id")
    past = past.filter(pl.col("invoice_day") < pl.col("as_of_day"))
    for part in past.iter_slices(20_000):
        np.add.at(log_belief, part["point"].to_numpy(), _log_likelihood(world, part))
    belief = np.exp(log_belief - log_belief.max(axis=1, keepdims=True))
    belief /= belief.sum(axis=1, keepdims=True)

    rows = wanted.join(
        points.select("point", "customer_id", "as_of_day"),
        on=["customer_id", "as_of_day"],
        how="left",
        maintain_order="left",
    )
    own = belief[rows["point"].to_numpy()]
    good, tardy, slow, never = _unpaid(world, wanted)
    still = good + tardy + never
    return wanted.select("invoice_id", "as_of_day").with_columns(
        p_late=pl.Series((own * (tardy + never) / still).sum(axis=1)),
        p_default=pl.Series((own * (slow + never) / still).sum(axis=1)),
    )


def _log_likelihood(world: World, past: pl.DataFrame) -> Floats:
    """Log likelihood of what is known of invoices (rows) by quality (columns)."""
    good, tardy, _slow, _never = _fates(world, past)
    paid = past["paid_day"].fill_null(10**6).to_numpy()
    as_of, lost = past["as_of_day"].to_numpy(), past["lost"].to_numpy()
    is_paid = ((paid < as_of) & ~lost)[:, None]
    was_late = (paid > past["due_day"].to_numpy())[:, None]
    open_good, open_tardy, _open_slow, open_never = _unpaid(world, past)
    share = world.lost_payment_share
    still = share + (1.0 - share) * (open_good + open_tardy + open_never)
    return np.asarray(np.log(np.where(is_paid, np.where(was_late, tardy, good), still)))


def _fates(world: World, invoices: pl.DataFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """Probability by quality of being paid in time, late, of these 60 days late or more, or never."""
    drifted = (invoices["invoice_day"].to_numpy() >= world.drift_day)[:, None]
    size = world.amount_effect * np.log(invoices["amount"].to_numpy() / world.typical_amount)[:, None]
    tardy_odds = world.late_intercept + world.drift_late * drifted + world.late_slope * _QUALITIES + size
    never_odds = (
        world.default_intercept + world.drift_default * drifted + world.default_slope * _QUALITIES + size
    )
    disputed = world.disputed_share
    p_late = (1.0 - disputed) * _logistic(tardy_odds) + disputed * _logistic(
        tardy_odds + world.dispute_effect
    )
    never = _logistic(never_odds)
    tardy = (1.0 - never) * p_late
    return (1.0 - never) * (1.0 - p_late), tardy, tardy * _still_late(world, np.array(DEFAULT_DAYS)), never


def _unpaid(world: World, invoices: pl.DataFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """The same, together with being unpaid at ``as_of_day``; an invoice to come is unpaid in any case."""
    from scipy.special import ndtr

    good, tardy, _slow, never = _fates(world, invoices)
    days_left = (invoices["due_day"] - invoices["as_of_day"]).to_numpy()[:, None]
    # Days early are |4 + 6 z| rounded down, but never more than the terms less two.
    early = ndtr((days_left - 3.0) / 6.0) - ndtr((-days_left - 5.0) / 6.0)
    early = np.where(days_left >= world.terms_days - 2, 1.0, np.where(days_left < 0, 0.0, early))
    overdue = np.maximum(-days_left, 1)
    return (
        good * early,
        tardy * _still_late(world, overdue),
        tardy * _still_late(world, np.maximum(overdue, DEFAULT_DAYS)),
        never,
    )


def _still_late(world: World, days: Ints) -> Floats:
    """Probability that a late payment comes so many days after the due date or later."""
    return np.asarray(np.exp(-(days - 1.0) / world.late_days))


def _logistic(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
