"""Trees that Spark's workers grow give the same scores in plain XGBoost."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.database.spark import spark_address
from core.database.spark.frames import arrow_of
from core.database.spark.session import close_session, open_session
from core.jobs.distributed_frames import collected
from core.jobs.distributed_trees import Columns, learned_amounts, learned_correction, varied_columns
from core.models.calibration import expit

DESCRIBED = {
    "recency_days": ("days since the last order", "days", "recency"),
    "revenue": ("revenue", "currency", "monetary"),
    "country": ("country", "text", "profile"),
    "constant": ("the same for all", "count", "profile"),
}


def _customers(count: int = 1_500) -> pl.DataFrame:
    """Customers who leave after half a year, most of them, with unknown amounts and awkward names."""
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "customer_id": np.arange(count),
            "as_of_day": np.full(count, 20_000),
            "recency_days": draw.integers(0, 365, count),
            "revenue": draw.gamma(2, 100, count),
            "country": draw.choice(["A", "B's"], count),
            "constant": np.ones(count),
            "start": draw.normal(0, 1, count),
        }
    )
    late = (pl.col("recency_days") > 180) ^ pl.Series(draw.random(count) < 0.2)
    return frame.with_columns(
        revenue=pl.when(pl.col("recency_days") % 5 > 0).then("revenue"),
        gone=late.cast(pl.Int64),
        amount=pl.col("revenue") / 200.0,
    )


@pytest.fixture(scope="module")
def customers() -> pl.DataFrame:
    """The rows that trees learn from."""
    return _customers()


@pytest.fixture(scope="module")
def rows(spark: str, customers: pl.DataFrame) -> Iterator[Any]:
    """The same rows in Spark."""
    session = open_session(spark_address(spark))
    yield session.createDataFrame(arrow_of("customers", customers))
    close_session(session)


def test_columns_that_vary_are_told_with_their_values(rows: Any) -> None:
    columns = varied_columns(rows, DESCRIBED)
    assert columns.names == ("recency_days", "revenue", "country")
    assert sorted(columns.codes["country"]) == ["A", "B's"]
    assert isinstance(columns, Columns)
    assert len(columns.labels) == 4


def test_churn_scores_are_those_of_spark(rows: Any, customers: pl.DataFrame) -> None:
    from pyspark.ml.functions import vector_to_array

    learned = learned_correction(
        rows, varied_columns(rows, DESCRIBED), customers, described=DESCRIBED, workers=2, seed=0
    )
    theirs = learned.model.transform(learned.numbers).withColumn("p", vector_to_array("probability")[1])
    found = collected(theirs.select("customer_id", "p")).sort("customer_id")["p"].to_numpy()
    mine = expit(customers["start"].to_numpy() + learned.trees.margin(customers))
    assert mine == pytest.approx(found, abs=1e-6)
    assert np.corrcoef(learned.trees.margin(customers), customers["gone"].to_numpy())[0, 1] > 0.5
    assert learned.trees.important["recency"] == "recency_days"


def test_spend_scores_are_those_of_spark(rows: Any, customers: pl.DataFrame) -> None:
    known = rows.fillna({"amount": 0.0})
    learned = learned_amounts(
        known, varied_columns(rows, DESCRIBED), customers, 200.0, described=DESCRIBED, workers=2, seed=0
    )
    theirs = collected(learned.model.transform(learned.numbers).select("customer_id", "prediction"))
    mine = learned.trees.predict(customers) / 200.0
    assert mine == pytest.approx(theirs.sort("customer_id")["prediction"].to_numpy(), abs=1e-6)
    assert np.ptp(mine) > 1.0
