"""The random numbers and the clock of the generator."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.generate.draws import Draws
from core.generate.season import SeasonalClock

CLOCK = SeasonalClock.spanning(date(2023, 7, 1), 1096)
DAYS = st.floats(min_value=0.0, max_value=1096.0)


@given(DAYS, DAYS)
def test_the_clock_never_runs_backwards(one: float, other: float) -> None:
    first, last = sorted((one, other))
    times = CLOCK.operational(np.array([first, last]))
    assert times[0] <= times[1]
    # The quietest day still moves the clock: a difference of a day is seen.
    assert last - first < 1.0 or times[1] - times[0] > 0.2


@given(DAYS)
def test_calendar_is_the_inverse_of_operational(day: float) -> None:
    there = CLOCK.operational(np.array([day]))
    assert CLOCK.calendar(there)[0] == pytest.approx(day, abs=1e-6)


@given(st.integers(min_value=0, max_value=1095), st.floats(min_value=0.001, max_value=0.999))
def test_a_time_within_a_day_falls_on_that_day(day: int, part: float) -> None:
    assert CLOCK.day_of(CLOCK.operational(np.array([day + part])))[0] == day


def test_one_operational_year_is_about_one_year() -> None:
    year = SeasonalClock.spanning(date(2023, 1, 1), 365)
    assert year.end == pytest.approx(365, rel=0.05)
    assert CLOCK.end == pytest.approx(1.11 * 1096, rel=0.03)  # 7 % growth a year over three years


def test_a_number_depends_on_its_address_only() -> None:
    keys = np.arange(100)
    draws = Draws(3, "test")
    assert np.array_equal(draws.uniform(keys)[40:60], draws.uniform(keys[40:60]))
    assert draws.uniform(41) == draws.uniform(keys)[41]
    assert np.array_equal(draws.uniform(keys[:, None], keys)[5], draws.uniform(5, keys))
    assert np.array_equal(draws.gamma(0.4, keys)[40:60], Draws(3, "test").gamma(0.4, keys[40:60]))
    for other in (Draws(4, "test"), Draws(3, "other")):
        assert not np.intersect1d(draws.words(keys), other.words(keys)).size
    assert not np.intersect1d(draws.words(keys, 1), draws.words(1, keys)[2:]).size


def test_numbers_stay_the_same_for_ever() -> None:
    """The shipped data depend on these: a change here is a change of every company."""
    assert Draws(1, "test").words(np.array([0, 1])).tolist() == [11982677053627481117, 6822310799819145165]


def test_distributions_have_their_moments() -> None:
    keys = np.arange(200_000)
    draws = Draws(5, "moments")
    samples = {
        "uniform": (draws.uniform(keys), 1 / 2, 1 / 12),
        "exponential": (draws.exponential(keys), 1.0, 1.0),
        "normal": (draws.normal(keys), 0.0, 1.0),
        "gamma below 1": (draws.gamma(0.4, keys), 0.4, 0.4),
        "gamma above 1": (draws.gamma(2.5, keys), 2.5, 2.5),
        "beta": (draws.beta(0.9, 20.0, keys), 0.9 / 20.9, 0.9 * 20.0 / (20.9**2 * 21.9)),
        "dirichlet": (draws.dirichlet([1.0, 2.0, 3.0], keys)[:, 1], 1 / 3, (1 / 3) * (2 / 3) / 7),
    }
    for name, (sample, mean, variance) in samples.items():
        assert sample.mean() == pytest.approx(mean, abs=5 * (variance / len(keys)) ** 0.5), name
        assert sample.var() == pytest.approx(variance, rel=0.05), name


def test_neighbouring_keys_are_not_correlated() -> None:
    keys = np.arange(200_000)
    draws = Draws(5, "neighbours")
    values = draws.uniform(keys)
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.01
    assert abs(np.corrcoef(draws.uniform(keys, 0), draws.uniform(keys, 1))[0, 1]) < 0.01


def test_choice_and_integers_cover_their_range() -> None:
    keys = np.arange(20_000)
    draws = Draws(5, "choice")
    assert np.bincount(draws.integers(4, keys)) == pytest.approx(5_000, abs=300)
    assert np.bincount(draws.choice([1, 0, 3], keys)) == pytest.approx([5_000, 0, 15_000], abs=300)
    assert sorted(draws.shuffled(50)) == list(range(50))
