"""Seasonal operational time, estimated from a company's own order counts.

A company with a strong November has the same customers as in October: the calendar runs faster. Measured in
operational time (time change of a Poisson process, e.g. Çinlar 1975) customers buy at a steady rate, so that
BG/NBD applies and a silent August says less than a silent November.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.models.purchases.history import Floats

FLAT = (1.0,) * 12
_BACK_YEARS, _AHEAD_YEARS = 40, 12
_BELIEF = 0.6  # standard deviation of the logarithm of a month's factor before any data
_SEASONS = 2.0


@dataclass(frozen=True)
class CalendarClock:
    """Days to operational time and back; one unit is an average day.

    ``month_factors``: January … December, how fast the month runs, with mean 1 over a year. ``origin``: the
    day around which the clock is made; it covers 40 years before and 12 years after.
    """

    origin: int
    month_factors: tuple[float, ...] = FLAT
    seasons: float = field(default=0.0, compare=False)

    @property
    def is_flat(self) -> bool:
        """Whether all months run alike: no season was found or there was too little history for one."""
        return self.month_factors == FLAT

    @property
    def first_day(self) -> int:
        """The first day the clock covers."""
        return self.origin - _BACK_YEARS * 366

    @cached_property
    def _cumulated(self) -> Floats:
        """Operational time at the morning of each day from ``first_day``; 0 at ``origin``."""
        days = np.arange(self.first_day, self.origin + _AHEAD_YEARS * 366)
        speed = np.asarray(self.month_factors)[_month_of(days)]
        passed = np.concatenate([[0.0], np.cumsum(speed)])
        return passed - passed[self.origin - self.first_day]

    def operational(self, day: ArrayLike) -> Floats:
        """Operational time at the morning of days since 1970-01-01 (or between days)."""
        days = np.asarray(day, dtype=np.float64)
        if self.is_flat:
            return days - self.origin
        return np.interp(days, np.arange(len(self._cumulated)) + self.first_day, self._cumulated)

    def calendar(self, operational: ArrayLike) -> Floats:
        """Days since 1970-01-01 at operational times; what lies beyond the clock is given its end."""
        time = np.asarray(operational, dtype=np.float64)
        last = self.origin + _AHEAD_YEARS * 366
        if self.is_flat:
            return np.clip(time + self.origin, self.first_day, last)
        return np.interp(time, self._cumulated, np.arange(len(self._cumulated)) + self.first_day)

    def between(self, start: ArrayLike, end: ArrayLike) -> Floats:
        """Operational time from the morning of ``start`` to the morning of ``end``."""
        return self.operational(end) - self.operational(start)

    def as_dict(self) -> dict[str, object]:
        """The clock as plain values for JSON."""
        return {"origin": self.origin, "month_factors": list(self.month_factors), "seasons": self.seasons}

    @classmethod
    def from_dict(cls, plain: dict[str, object]) -> CalendarClock:
        """The clock that ``as_dict`` wrote."""
        factors = plain["month_factors"]
        assert isinstance(factors, list)
        return cls(int(str(plain["origin"])), tuple(map(float, factors)), float(str(plain["seasons"])))


def _month_of(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 for January … 11 for December of days since 1970-01-01."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


def estimate_clock(order_days: ArrayLike, orders: ArrayLike, as_of_day: int) -> CalendarClock:
    """The clock of a company, from the orders of each day before ``as_of_day``.

    Month factors come from a Poisson regression of the orders per month on a smooth trend and the month of
    the year. The trend is left out of the clock: it is mostly customers coming and going, which BG/NBD
    explains itself. Factors are shrunk towards 1, the more the fewer orders there are and the less regular
    the months are. With less than two years of orders the clock is flat.

    Parameters
    ----------
    order_days, orders
        Days since 1970-01-01 and the number of orders on each (days without orders may be absent).
    """
    days, counts = np.asarray(order_days, dtype=np.int64), np.asarray(orders, dtype=np.float64)
    known = (days < as_of_day) & (counts > 0)
    days, counts = days[known], counts[known]
    seasons = (as_of_day - int(days.min())) / 365.25 if len(days) else 0.0
    if seasons < _SEASONS - 0.02:  # a few days short of two years are two years
        return CalendarClock(as_of_day, seasons=seasons)
    month, exposure, total = _by_month(days, counts, as_of_day)
    logs = _seasonal_logs(month, exposure, total)
    speed = np.exp(logs)
    length = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    speed /= float(speed @ length) / float(length.sum())
    return CalendarClock(as_of_day, tuple(speed.tolist()), seasons)


def _by_month(
    days: NDArray[np.int64], counts: Floats, as_of_day: int
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Months since 1970-01, days of each that were seen, and orders in them."""
    first = int(days.min())
    every = np.arange(first, as_of_day)
    months = every.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    start = int(months[0])
    exposure = np.bincount(months - start).astype(np.float64)
    own = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - start
    total = np.bincount(own, weights=counts, minlength=len(exposure))
    return np.arange(len(exposure)) + start, exposure, total


def _seasonal_logs(month: NDArray[np.int64], exposure: Floats, total: Floats) -> Floats:
    """Logarithms of twelve month factors: penalised Poisson regression by iterated least squares."""
    when = (month - month.mean()) / 12.0
    knots = int(np.clip(len(month) // 18, 1, 3))
    trend = np.column_stack([when**k for k in range(knots + 1)])
    season = (month[:, None] % 12 == np.arange(12)).astype(np.float64)
    design = np.hstack([trend, season])
    ridge = np.concatenate([[1e-6], np.full(knots, 1e-3), np.full(12, 1.0 / _BELIEF**2)])
    dispersion = 1.0
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(total.sum() / exposure.sum())
    for _ in range(60):
        mean = exposure * np.exp(np.clip(design @ beta, -30.0, 30.0))
        penalty = np.diag(ridge * dispersion)
        slope = design.T @ (total - mean) - penalty @ beta + penalty[:, 0] * beta[0]
        step = np.linalg.solve((design * mean[:, None]).T @ design + penalty, slope)
        beta += np.clip(step, -1.0, 1.0)
        free = max(len(month) - knots - 12, 3)
        dispersion = max(1.0, float(np.sum((total - mean) ** 2 / np.maximum(mean, 0.5))) / free)
        if np.abs(step).max() < 1e-8:
            break
    return beta[-12:]
