"""What customers spent by the month of their first order, as stored in the database."""

import polars as pl

from core.database.base import Database
from core.errors import MissingDataError
from core.single_flight import SingleFlightCache

_CACHE: SingleFlightCache[pl.DataFrame] = SingleFlightCache(8)


def by_first_month(database: Database, as_of_day: int) -> pl.DataFrame | None:
    """Revenue by month and by the month of the customer's first order, of what was known before a day.

    Returns
    -------
    The columns of the query ``models/revenue_by_first_month``; ``None`` where customers are not known.
    """
    key = (id(database), database.data_version(), as_of_day)
    try:
        return _CACHE.get(key, lambda: database.query("models/revenue_by_first_month", as_of_day=as_of_day))
    except MissingDataError:
        return None
