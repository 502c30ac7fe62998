"""BG/NBD applied to customer snapshots, in the company's own operational time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.models.purchases.bg_nbd import BgNbd
from core.models.purchases.bg_nbd_fit import BgNbdFit, fit_bg_nbd
from core.models.purchases.clock import CalendarClock, estimate_clock
from core.models.purchases.history import Floats, PurchaseHistory
from core.models.purchases.sampling import sampled

_MOST_CUSTOMERS = 250_000
_FURTHEST = 3 * 365  # a next order expected later than that is not worth a date
PLAYERS = ("recency", "frequency", "tenure", "season")
"""What a customer's prediction depends on, in the order of ``Rhythm.parts``."""

Parts = tuple[Floats, Floats, Floats, Floats]


@dataclass(frozen=True)
class Rhythm:
    """When customers order: a fitted BG/NBD and the clock it runs on.

    Frames are snapshots: ``as_of_day``, ``recency_days``, ``tenure_days`` and ``order_days`` per customer.
    ``reference`` is the middle customer (``PLAYERS`` without the season), against whom reasons are told.
    """

    fit: BgNbdFit
    clock: CalendarClock
    reference: tuple[float, float, float]

    @property
    def model(self) -> BgNbd:
        """The BG/NBD of the population."""
        return self.fit.model

    @classmethod
    def learned(cls, snapshot: pl.DataFrame, daily: pl.DataFrame, as_of_day: int) -> Rhythm:
        """The rhythm of the customers of one snapshot.

        Parameters
        ----------
        snapshot
            All customers seen before ``as_of_day``, active or not, or a random part of them.
        daily
            ``order_day`` and ``orders`` of the company; days from ``as_of_day`` on are not looked at.

        Raises
        ------
        ValueError
            Nobody has ordered before that day.
        """
        clock = estimate_clock(daily["order_day"].to_numpy(), daily["orders"].to_numpy(), as_of_day)
        part = sampled(snapshot["customer_id"], _MOST_CUSTOMERS)  # more would not change four parameters
        history = history_of(snapshot.filter(pl.Series(part)), clock)
        fit = fit_bg_nbd(history)
        middle = [history.age - history.last, history.repeats, history.age]
        return cls(fit, clock, tuple(float(np.median(part)) for part in middle))  # type: ignore[arg-type]

    def ahead(self, frame: pl.DataFrame, horizon: int) -> Floats:
        """Operational length of the ``horizon`` days from each row's as-of day."""
        day = _days(frame, "as_of_day")
        return self.clock.between(day, day + horizon)

    def no_order(self, frame: pl.DataFrame, horizon: int, model: BgNbd | None = None) -> Floats:
        """Probability of no order within the horizon."""
        history = history_of(frame, self.clock)
        return 1.0 - (model or self.model).p_purchase(history, self.ahead(frame, horizon))

    def alive(self, frame: pl.DataFrame) -> Floats:
        """Probability that the customer has not left for good."""
        return self.model.p_alive(history_of(frame, self.clock))

    def expected_orders(self, frame: pl.DataFrame, horizon: int) -> Floats:
        """Expected number of order days within the horizon."""
        return self.model.expected_purchases(history_of(frame, self.clock), self.ahead(frame, horizon))

    def next_order_date(self, frame: pl.DataFrame) -> pl.Series:
        """Date by which half of such customers, if they have not left, order again; null if over 3 years."""
        wait = self.model.waiting_time(history_of(frame, self.clock))
        day = _days(frame, "as_of_day")
        due = np.ceil(self.clock.calendar(self.clock.operational(day) + wait))
        found = pl.Series("next_order_date", np.where(due - day <= _FURTHEST, due, np.nan))
        return found.fill_nan(None).cast(pl.Int32).cast(pl.Date)

    def clock_columns(self, frame: pl.DataFrame, horizon: int) -> pl.DataFrame:
        """The frame with what the clock makes of it, for trees; unchanged where the clock is flat.

        ``clock_recency``, ``clock_tenure`` and ``clock_ahead`` are operational times, ``clock_orders`` the
        order days that BG/NBD expects within the horizon, ``clock_silence`` its probability of none.
        """
        if self.clock.is_flat:
            return frame
        history, ahead = history_of(frame, self.clock), self.ahead(frame, horizon)
        return frame.with_columns(
            pl.Series("clock_recency", history.age - history.last),
            pl.Series("clock_tenure", history.age),
            pl.Series("clock_ahead", ahead),
            pl.Series("clock_orders", self.model.expected_purchases(history, ahead)),
            pl.Series("clock_silence", 1.0 - self.model.p_purchase(history, ahead)),
        )

    def parts(self, frame: pl.DataFrame, horizon: int) -> Parts:
        """What each customer's prediction depends on: one array for each of ``PLAYERS``."""
        history = history_of(frame, self.clock)
        day = _days(frame, "as_of_day")
        tenure = self.clock.between(day - _days(frame, "tenure_days"), day)
        recency = self.clock.between(day - _days(frame, "recency_days"), day)
        return recency, history.repeats, tenure, self.ahead(frame, horizon)

    def reference_parts(self, rows: int, horizon: int) -> Parts:
        """The same for the middle customer in an average season."""
        recency, repeats, tenure = (np.full(rows, value) for value in self.reference)
        return recency, repeats, tenure, np.full(rows, float(horizon))

    def as_dict(self) -> dict[str, Any]:
        """The rhythm as plain values for JSON."""
        return {
            "model": self.model.as_dict(),
            "covariance": self.fit.covariance.tolist(),
            "log_likelihood": self.fit.log_likelihood,
            "customers": self.fit.customers,
            "clock": self.clock.as_dict(),
            "reference": list(self.reference),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Rhythm:
        """The rhythm that ``as_dict`` wrote."""
        fit = BgNbdFit(
            BgNbd(**plain["model"]),
            np.array(plain["covariance"]),
            plain["log_likelihood"],
            plain["customers"],
        )
        return cls(fit, CalendarClock.from_dict(plain["clock"]), tuple(plain["reference"]))


def history_of(frame: pl.DataFrame, clock: CalendarClock) -> PurchaseHistory:
    """Histories of the customers of a snapshot in operational time; one purchase is one day with orders."""
    day = _days(frame, "as_of_day")
    first, last = day - _days(frame, "tenure_days"), day - _days(frame, "recency_days")
    repeats = frame["order_days"].to_numpy() - 1
    return PurchaseHistory.of(repeats, clock.between(first, last), clock.between(first, day))


def history_of_parts(parts: Parts) -> PurchaseHistory:
    """Histories of what predictions depend on, also of customers mixed from two."""
    recency, repeats, tenure, _ahead = parts
    age = np.maximum(tenure, recency)
    return PurchaseHistory.of(repeats, age - recency, age)


def _days(frame: pl.DataFrame, name: str) -> Floats:
    return frame[name].cast(pl.Float64).to_numpy()
