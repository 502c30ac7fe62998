"""Calendar arithmetic, for any date."""

from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.days import (
    add_months,
    days_in,
    from_yyyymm,
    month_end,
    month_start,
    month_starts,
    previous_period,
    to_date,
    to_day,
    trailing_period,
)

dates = st.dates()
usual = st.dates(date(1900, 1, 1), date(2200, 1, 1))


def test_days_count_from_1970() -> None:
    assert to_day(date(1970, 1, 1)) == 0
    assert to_day(date(1969, 12, 31)) == -1
    assert to_day(datetime(2003, 1, 6, 23, 59)) == 12058
    assert to_date(12058) == date(2003, 1, 6)


@settings(deadline=None)
@given(dates)
def test_days_and_dates_are_the_same(when: date) -> None:
    assert to_date(to_day(when)) == when


@settings(deadline=None)
@given(dates, st.integers(-1000, 1000))
def test_a_day_later_is_one_more(when: date, days: int) -> None:
    if date.min.toordinal() <= when.toordinal() + days <= date.max.toordinal():
        assert to_day(when + timedelta(days=days)) == to_day(when) + days


@settings(deadline=None)
@given(dates)
def test_a_month_runs_from_its_start_to_its_end(when: date) -> None:
    start, end = month_start(when), month_end(when)
    assert start <= when <= end
    assert start.day == 1
    assert (start.year, start.month) == (end.year, end.month)
    assert end == date.max or (end + timedelta(days=1)).day == 1
    assert from_yyyymm(start.year * 100 + start.month) == start


@settings(deadline=None)
@given(usual, st.integers(-500, 500))
def test_months_can_be_added_and_taken_away(when: date, months: int) -> None:
    moved = add_months(when, months)
    assert add_months(moved, -months) == month_start(when)
    assert (moved.year - when.year) * 12 + moved.month - when.month == months


@settings(deadline=None)
@given(usual, usual)
def test_month_starts_are_without_gaps(one: date, other: date) -> None:
    first, last = sorted((one, other))
    starts = month_starts(first, last)
    assert starts[0] == month_start(first)
    assert starts[-1] == month_start(last)
    assert all(add_months(a, 1) == b for a, b in pairwise(starts))
    assert month_starts(last + timedelta(days=32), first) == []


@settings(deadline=None)
@given(usual, st.integers(0, 5000))
def test_the_previous_period_is_as_long_and_ends_the_day_before(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    before, until = previous_period(first, last)
    assert until == first - timedelta(days=1)
    assert days_in(before, until) == days_in(first, last) == length + 1


@settings(deadline=None)
@given(usual, st.integers(1, 1000))
def test_a_trailing_period_ends_before_the_as_of_date(as_of: date, days: int) -> None:
    first, last = trailing_period(as_of, days)
    assert last + timedelta(days=1) == as_of
    assert days_in(first, last) == days
