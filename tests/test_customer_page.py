"""The customer page."""

from core.database import Database
from core.jobs.prepare import Preparation
from core.predictions import dates_scored


def test_the_prepared_company_has_scores_of_today_and_of_the_past(
    predicted_database: Database, preparation: Preparation
) -> None:
    assert not preparation.failed
    for task in preparation.ready:
        assert len(dates_scored(predicted_database, task)) == 3, task
