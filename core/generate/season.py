"""Seasonal operational time: the clock on which customers order at a constant rate.

Orders are a Poisson process in operational time; calendar days run fast in November and slowly on Sundays
(time change of a non-homogeneous Poisson process, e.g. Çinlar 1975). One unit of operational time is one
average day of the first year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from core.generate.draws import Floats, Ints
from core.generate.world import DRIFT_RATES, World

# January … December; November is three times a normal month, April a smaller peak.
MONTH_FACTORS = (0.80, 0.86, 1.02, 1.28, 1.14, 0.96, 0.86, 0.88, 1.04, 1.36, 3.05, 1.08)
# Monday … Sunday: business customers order less at weekends.
WEEKDAY_FACTORS = (1.16, 1.14, 1.10, 1.08, 1.02, 0.82, 0.68)
YEARLY_GROWTH = 0.07


@dataclass(frozen=True)
class SeasonalClock:
    """Maps days since `start` (0 is the morning of the first day) to operational time and back.

    `cumulated[d]` is the operational time at the morning of day d; it has one entry more than there are days.
    """

    start: date
    intensity: Floats
    cumulated: Floats

    @classmethod
    def spanning(cls, start: date, days: int, factors: Floats | None = None) -> SeasonalClock:
        """The clock of a window of `days` days from `start`; `factors` multiply the intensity of each day."""
        calendar = [start + timedelta(days=d) for d in range(days)]
        month = np.array([MONTH_FACTORS[day.month - 1] for day in calendar])
        weekday = np.array([WEEKDAY_FACTORS[day.weekday()] for day in calendar])
        growth = (1.0 + YEARLY_GROWTH) ** (np.arange(days) / 365.25)
        mean = float(np.mean(MONTH_FACTORS) * np.mean(WEEKDAY_FACTORS))
        intensity = month * weekday * growth / mean
        if factors is not None:
            intensity = intensity * factors
        return cls(start, intensity, np.concatenate([[0.0], np.cumsum(intensity)]))

    @property
    def days(self) -> int:
        """Number of days in the window."""
        return len(self.intensity)

    @property
    def end(self) -> float:
        """Operational time when the last day is over."""
        return float(self.cumulated[-1])

    def operational(self, days: Floats) -> Floats:
        """Operational time at calendar times in (fractional) days since the start."""
        return np.interp(days, np.arange(self.days + 1), self.cumulated)

    def calendar(self, operational: Floats) -> Floats:
        """Calendar time in (fractional) days since the start: the inverse of `operational`."""
        return np.interp(operational, self.cumulated, np.arange(self.days + 1))

    def day_of(self, operational: Floats) -> Ints:
        """The day (0-based) on which an operational time falls."""
        day = np.searchsorted(self.cumulated, operational, side="right") - 1
        return np.clip(day, 0, self.days - 1).astype(np.int64)

    def table(self, group: int = 0) -> pl.DataFrame:
        """One row per day: date, intensity, operational time at its morning, number of the clock."""
        return pl.DataFrame(
            {
                "date": [self.start + timedelta(days=d) for d in range(self.days)],
                "intensity": self.intensity,
                "operationalTime": self.cumulated[:-1],
                "clock": np.full(self.days, group, dtype=np.int64),
            }
        )


def clocks_of(world: World) -> tuple[SeasonalClock, ...]:
    """The clock of each group of countries (`clock_group`): one, or several where rates drift apart."""
    days = np.arange(world.days)
    market = np.ones(world.days)
    for first in world.shock_starts:
        market[first : first + world.shock_days] *= world.shock_factor
    rates = (1.0,) if world.drift_at is None else DRIFT_RATES
    return tuple(
        SeasonalClock.spanning(world.start, world.days, market * np.where(days < world.drift_day, 1.0, rate))
        for rate in rates
    )


def clock_group(world: World, country: Ints) -> Ints:
    """Which of `clocks_of(world)` holds for customers of these countries."""
    return country % (1 if world.drift_at is None else len(DRIFT_RATES))
