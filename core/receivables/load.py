"""Invoices and payments of a database, matched as of a day."""

from core.database.base import Database
from core.errors import MissingDataError
from core.receivables.matching import Matching, match
from core.single_flight import SingleFlightCache

_CACHE: SingleFlightCache[Matching] = SingleFlightCache(4)


def load_matching(database: Database, as_of_day: int, terms_days: int) -> Matching:
    """The matching of all that was known before ``as_of_day``, shared by all who ask: never change it.

    Raises
    ------
    MissingDataError
        The database has no orders or no payments.
    """
    source = getattr(database, "url", None) or getattr(database, "file", None) or database
    key = (source, database.data_version(), as_of_day, terms_days)
    return _CACHE.get(key, lambda: read_matching(database, as_of_day, terms_days))


def read_matching(database: Database, as_of_day: int, terms_days: int) -> Matching:
    """As ``load_matching``, read anew."""
    invoices = database.query("marts/invoices", as_of_day=as_of_day)
    payments = database.query("marts/payments", as_of_day=as_of_day)
    if payments.is_empty():
        raise MissingDataError(
            "There are no payments before this date, so no invoice can be matched.",
            "Load or map a table of payments (Data page).",
            ("payments",),
        )
    return match(invoices, payments, terms_days=terms_days, as_of_day=as_of_day)
