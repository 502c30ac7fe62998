"""The forecast of any number of days, from the forecast of periods."""

import polars as pl

from core.days import to_day
from core.models.sales.periods import GRAINS, TOTAL, GrainName


def sales_within(
    forecast: pl.DataFrame, as_of_day: int, horizon: int, *, series: str = TOTAL, grain: GrainName = "month"
) -> float:
    """Sales expected in ``[as_of_day, as_of_day + horizon)``.

    A period that the horizon ends in counts by its days; what the current one already brought does not count.

    Parameters
    ----------
    forecast
        From ``SalesForecaster.score``.

    Returns
    -------
    float
        nan if the forecast does not reach to the end of the horizon.
    """
    end, total, reached = as_of_day + horizon, 0.0, as_of_day
    sizes = GRAINS[grain]
    rows = forecast.filter(pl.col("series") == series).sort("month")
    for month, amount, observed in rows.select("month", "forecast", "observed").iter_rows():
        start = to_day(month)
        stop = sizes.first_day(sizes.number(start) + 1)
        begin = max(start, as_of_day)
        if begin >= end:
            break
        total += (amount - observed) * (min(stop, end) - begin) / (stop - begin)
        reached = stop
    return total if reached >= end else float("nan")
