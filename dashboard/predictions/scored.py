"""The base of views that show stored scores."""

import datetime as dt

import polars as pl

from core.filters import SalesFilters
from core.predictions import Scores, scores_on
from core.predictions.people import with_customers
from core.sales_data import SalesData
from dashboard.session import Session

NOT_SCORED = "There are no scores for this date yet.\nTrain the model above, or choose a later as-of date."


def scores_of(session: Session, task: str) -> Scores | None:
    """The scores that were known on the session's as-of date."""
    return scores_on(session.database, task, session.as_of)


def scored_customers(
    session: Session, sales: SalesData, filters: SalesFilters, task: str, skip: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The scores of a task for the customers that pass the filters, with what is known of each.

    Returns
    -------
    The columns of the score table and of ``core.predictions.people.selected_customers``; no rows where there
    are no scores.
    """
    found = scores_of(session, task)
    if found is None:
        return pl.DataFrame()
    return with_customers(found.frame, sales, filters, skip)


def predicted_on(session: Session, task: str) -> dt.date | None:
    """The day for which the scores shown were made."""
    found = scores_of(session, task)
    return found.as_of if found else None
