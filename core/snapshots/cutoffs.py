"""Which as-of days a model is trained and tested on, so that no outcome of the test is seen in training."""


def training_days(
    first_day: int, last_day: int, test_cutoff: int, horizon: int, every: int = 60, warm_up: int = 90
) -> list[int]:
    """As-of days for training whose label windows end on or before the test cutoff, ascending.

    They step back from ``test_cutoff - horizon`` (the embargo), so that the latest window touches the cutoff.

    Parameters
    ----------
    first_day, last_day
        First and last day with an order in the data.
    test_cutoff
        The as-of day that the model will be tested or used on.
    horizon
        Length of the label window in days.
    every
        Days between two training days.
    warm_up
        Days of history that the earliest training day needs.
    """
    if horizon < 1 or every < 1:
        raise ValueError(f"horizon and every must be at least 1, not {horizon} and {every}")
    latest = min(test_cutoff, last_day + 1) - horizon
    return sorted(range(latest, first_day + warm_up - 1, -every))


def default_cutoffs(first_day: int, last_day: int, horizon: int, count: int = 4) -> list[int]:
    """Rolling test cutoffs with complete windows that do not overlap, ascending; at most ``count``.

    The last window ends with the data. A cutoff needs history for one training window before it: it lies at
    least two horizons and 90 days after the first order.
    """
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, not {horizon}")
    latest, earliest = last_day + 1 - horizon, first_day + 90 + horizon
    return sorted(range(latest, earliest - 1, -horizon))[-count:] if count > 0 else []
