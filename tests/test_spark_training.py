"""Models that Spark's workers train: the same kind of model, which scores alike without Spark."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sql_companies import random_company, write_sqlite

from core.database import Database, open_database
from core.days import to_day
from core.jobs import score_customers, train_model
from core.jobs.distributed import Gathered, Training, gathered, is_worthwhile, learn, train_model_distributed
from core.jobs.distributed_frames import SparkFrames, collected
from core.jobs.distributed_rhythm import counted_histories, rhythm_of_counts, with_rhythm
from core.jobs.purchase_frames import purchase_frames
from core.jobs.registry import JobError
from core.jobs.run import active_model, silent
from core.model_store import FolderModelStore
from core.models.calibration import logit
from core.models.churn.candidates import TREES
from core.models.model import Model
from core.models.purchases.rhythm import Rhythm
from core.models.spend.candidates import TREES as AMOUNT_TREES
from core.snapshots import snapshots
from tests.conftest_spark import write_parquet

AS_OF, HORIZON = dt.date(2024, 11, 1), 60
COMPANY = random_company(7, customers=260, orders=2_600)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A company of 260 customers on one machine."""
    file = write_sqlite(COMPANY, tmp_path_factory.mktemp("sqlite") / "company.sqlite")
    with open_database(str(file), read_only=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def database(spark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same company on Spark."""
    folder = write_parquet(COMPANY, tmp_path_factory.mktemp("company"))
    with open_database(f"{spark}/;tables={folder};workers=2", read_only=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(database: Any) -> Iterator[Gathered]:
    """What both models learn from."""
    day = to_day(AS_OF)
    with gathered(database, as_of_day=day, horizon=HORIZON, terms_days=30, progress=silent) as found:
        yield found


@pytest.fixture(scope="module")
def churn(rows: Gathered) -> Training:
    """Churn, by two workers."""
    return learn(rows, "churn", silent)


@pytest.fixture(scope="module")
def active(rows: Gathered) -> pl.DataFrame:
    """The rows that both models learned from."""
    return rows.past.filter(pl.col("recency_days") <= 365)


def _as_stored(model: Model) -> Any:
    """The model as it comes out of a store."""
    return type(model).load(model.save())


def test_features_of_spark_are_those_of_one_machine(database: Any, sqlite: Database) -> None:
    day = to_day(AS_OF)
    first = int(sqlite.query("marts/order_dates", as_of_day=day)["first_order_day"][0])
    found = collected(SparkFrames(database, 30, first).features([day - 60, day]))
    expected = snapshots(sqlite, [day - 60, day])
    keys = ["as_of_day", "customer_id"]
    assert_frame_equal(
        found.sort(keys).select(expected.columns), expected.sort(keys), check_exact=False, abs_tol=1e-6
    )


@pytest.mark.parametrize("seasonal", [False, True])
def test_the_rhythm_is_that_of_one_machine(database: Any, sqlite: Database, seasonal: bool) -> None:
    day = to_day(AS_OF if seasonal else dt.date(2024, 3, 1))
    daily = sqlite.query("marts/orders_daily", as_of_day=day)
    by_day = daily.group_by("order_day").agg(pl.col("orders").sum()).sort("order_day")
    here = snapshots(sqlite, [day])
    features = SparkFrames(database, 30, int(by_day["order_day"][0])).features([day])
    rhythm = rhythm_of_counts(counted_histories(features, day), by_day, day)
    expected = Rhythm.learned(here, by_day, day)
    assert rhythm.clock.is_flat is not seasonal
    assert rhythm.model.logs() == pytest.approx(expected.model.logs(), abs=1e-3)
    assert rhythm.reference == pytest.approx(expected.reference)
    rows = collected(with_rhythm(features, rhythm, HORIZON)).sort("customer_id")
    told = rhythm.clock_columns(here.sort("customer_id"), HORIZON)
    assert rows["start"].to_numpy() == pytest.approx(
        logit(np.clip(rhythm.no_order(told, HORIZON), 1e-6, 1 - 1e-6)), abs=1e-8
    )
    for name in ("clock_recency", "clock_tenure", "clock_ahead", "clock_silence") if seasonal else ():
        assert rows[name].to_numpy() == pytest.approx(told[name].to_numpy(), abs=1e-8)


def test_churn_scores_of_the_stored_model_are_those_of_spark(churn: Training, active: pl.DataFrame) -> None:
    from pyspark.ml.functions import vector_to_array

    found = churn.learned.model.transform(churn.learned.numbers)
    found = found.withColumn("probability", vector_to_array("probability")[1])
    mine = _as_stored(churn.model).predict(active)[TREES]
    assert len(mine) == churn.card.trained_rows
    assert _share_alike(mine, _in_order(found, active, "probability")) > 0.999
    assert np.ptp(mine) > 0.1


def test_spend_scores_of_the_stored_model_are_those_of_spark(rows: Gathered, active: pl.DataFrame) -> None:
    spend = learn(rows, "spend", silent)
    found = spend.learned.model.transform(spend.learned.numbers)
    model = _as_stored(spend.model)
    mine = model.predict(active)[AMOUNT_TREES] / model.candidates_.trees.unit
    assert _share_alike(mine, _in_order(found, active, "prediction")) > 0.999
    assert np.ptp(mine) > 0.1
    assert spend.card.task == "spend"


def test_the_card_says_what_was_learned_where(churn: Training, sqlite: Database) -> None:
    frames = purchase_frames(sqlite, as_of_day=to_day(AS_OF), horizon=HORIZON, terms_days=30, progress=silent)
    assert churn.card.trained_rows == churn.model.members(frames.past).height
    assert churn.card.badge == "enough data"
    assert churn.card.metrics["AUC"]["value"] is not None
    assert any("on Spark with 2 workers" in note for note in churn.card.notes)


def test_a_stored_model_scores_without_spark_and_on_it(
    churn: Training, database: Database, sqlite: Database, tmp_path: Path
) -> None:
    store = FolderModelStore(tmp_path / "models")
    about = {"class": "core.models.churn.model:ChurnModel", "task": "churn"}
    store.put("churn", {**churn.model.save(), "about": about}, churn.card)
    assert active_model(store, "churn").version.card == churn.card
    on_spark = score_customers(database, store, "churn", as_of=AS_OF)
    here = score_customers(sqlite, store, "churn", as_of=AS_OF)
    columns = ["customer_id", "score", "low", "high", "reasons"]
    assert_frame_equal(
        on_spark.sort("customer_id").select(columns),
        here.sort("customer_id").select(columns),
        check_exact=False,
        abs_tol=1e-6,
    )
    written = database.query("SELECT customer_id, score FROM scores_churn ORDER BY customer_id")
    assert written["score"].to_list() == on_spark.sort("customer_id")["score"].to_list()


def test_where_there_is_nothing_to_distribute_it_is_said(
    database: Database, sqlite: Database, tmp_path: Path
) -> None:
    store = FolderModelStore(tmp_path / "models")
    assert not is_worthwhile(database, "churn", as_of_day=to_day(AS_OF), horizon=HORIZON)
    with pytest.raises(JobError, match="Only Spark trains on several machines"):
        train_model(sqlite, store, "churn", as_of=AS_OF, horizon=HORIZON, distributed=True)
    with pytest.raises(JobError, match="sales is trained on one machine"):
        train_model_distributed(database, store, "sales", as_of=AS_OF, horizon=HORIZON)


def _in_order(found: Any, like: pl.DataFrame, column: str) -> np.ndarray[Any, Any]:
    """Spark's scores in the order of our rows."""
    keys = ["customer_id", "as_of_day"]
    theirs = collected(found.select(*keys, column))
    return like.select(keys).join(theirs, on=keys, how="left", maintain_order="left")[column].to_numpy()


def _share_alike(mine: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> float:
    """The share of equal scores; a feature in its last digit may fall on the other side of a split."""
    return float(np.mean(np.abs(mine - theirs) <= 1e-6 * (1 + np.abs(theirs))))
