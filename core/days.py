"""Calendar arithmetic on dates and on days since 1970-01-01, the way dates are stored for SQL."""

from datetime import date, datetime, timedelta

_EPOCH = date(1970, 1, 1).toordinal()
LAST_DAY = date.max.toordinal() - _EPOCH
"""The largest day that is a date; as a limit it means "no limit"."""
FIRST_DAY = date.min.toordinal() - _EPOCH
"""The smallest day that is a date; as a start it means "from the beginning"."""


def to_day(when: date) -> int:
    """Days from 1970-01-01 to ``when`` (negative before); the time of a datetime is left out."""
    return when.toordinal() - _EPOCH


def to_date(day: int) -> date:
    """The date that is ``day`` days after 1970-01-01."""
    return date.fromordinal(int(day) + _EPOCH)


def plain_date(when: date) -> date:
    """``when`` as a date without time."""
    return when.date() if isinstance(when, datetime) else when


def month_start(when: date) -> date:
    """The first day of the month of ``when``."""
    return date(when.year, when.month, 1)


def add_months(when: date, months: int) -> date:
    """The first day of the month ``months`` after (negative: before) that of ``when``."""
    total = when.year * 12 + when.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)


def month_end(when: date) -> date:
    """The last day of the month of ``when``."""
    if (when.year, when.month) == (date.max.year, date.max.month):
        return date.max
    return add_months(when, 1) - timedelta(days=1)


def month_starts(first: date, last: date) -> list[date]:
    """The first days of all months from that of ``first`` to that of ``last``; empty if that is earlier."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [add_months(first, i) for i in range(count)]


def from_yyyymm(yyyymm: int) -> date:
    """The first day of the month written as ``yyyymm``, such as 200403."""
    return date(yyyymm // 100, yyyymm % 100, 1)


def days_in(first: date, last: date) -> int:
    """How many days a period has, both ends included."""
    return (last - first).days + 1


def previous_period(first: date, last: date) -> tuple[date, date]:
    """The period of equal length in days that ends the day before ``first``; both ends included.

    Raises
    ------
    OverflowError
        It would begin before the year 1.
    """
    return first - timedelta(days=days_in(first, last)), first - timedelta(days=1)


def trailing_period(as_of: date, days: int = 365) -> tuple[date, date]:
    """The ``days`` days before ``as_of``, both ends included; ``as_of`` itself is not part of it."""
    return as_of - timedelta(days=days), as_of - timedelta(days=1)
