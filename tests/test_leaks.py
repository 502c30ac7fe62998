"""Features know nothing of the time after their as-of day; each check is shown to catch a planted leak."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from feature_reference import odd_company
from sql_companies import Tables, before, random_company, write_sqlite

from core.database import Database, open_database
from core.days import to_day
from core.snapshots import (
    FEATURES,
    TRAINING_FEATURES,
    LeakError,
    check_no_leak,
    default_cutoffs,
    labels,
    order_span,
    snapshots,
    telltale_columns,
    training_days,
)
from core.snapshots.build import KEYS

Features = Callable[[Database, Sequence[int]], pl.DataFrame]

AS_OF = date(2023, 11, 20)
DAY = to_day(AS_OF)

LEAKS = {
    "orders of all time": """
        SELECT o.customer_id, :day AS as_of_day, COUNT(*) AS orders_ever, SUM(s.amount) AS amount
        FROM stg_orders AS o LEFT JOIN stg_sales AS s ON s.order_id = o.order_id AND s.order_day < :day
        WHERE o.customer_id IS NOT NULL GROUP BY o.customer_id HAVING MIN(o.order_day) < :day""",
    "amounts after the day": """
        SELECT s.customer_id, :day AS as_of_day, SUM(s.amount) AS amount FROM stg_sales AS s
        WHERE s.customer_id IS NOT NULL AND s.order_day <= :day + 30
        GROUP BY s.customer_id HAVING MIN(s.order_day) < :day""",
    "the final status": """
        SELECT o.customer_id, :day AS as_of_day, SUM(o.is_cancelled) AS cancelled FROM stg_orders AS o
        WHERE o.customer_id IS NOT NULL AND o.order_day < :day GROUP BY o.customer_id""",
    "shipping later": """
        SELECT o.customer_id, :day AS as_of_day, COUNT(o.shipped_day) AS shipped FROM stg_orders AS o
        WHERE o.customer_id IS NOT NULL AND o.order_day < :day GROUP BY o.customer_id""",
}


def leaky(text: str) -> Features:
    """Features by a query that reads what it must not."""

    def made(database: Database, days: Sequence[int]) -> pl.DataFrame:
        return pl.concat(database.query(text, day=day) for day in days).sort("as_of_day", "customer_id")

    return made


def opened(tables: Tables, folder: Path, engine: str) -> Database:
    """The company in a database of its own."""
    file = write_sqlite(tables, folder / "company.sqlite")
    if engine == "sqlite":
        return open_database(str(file))
    target = folder / "company.duckdb"
    target.unlink(missing_ok=True)
    with open_database(str(file)) as source, duckdb.connect(str(target)) as connection:
        for table in source.tables():
            if table.kind == "table":
                frame = source.query(f"SELECT * FROM {table.name}").to_arrow()
                connection.register("source_rows", frame)
                connection.execute(f"CREATE TABLE {table.name} AS SELECT * FROM source_rows")
    return open_database(f"duckdb:///{target}")


def differing(features: Features, one: Database, other: Database) -> list[str]:
    """Columns that are not bit by bit the same in two databases; ``rows`` if the customers differ."""
    left, right = features(one, [DAY]), features(other, [DAY])
    if not left.select(KEYS).equals(right.select(KEYS)):
        return ["rows"]
    return [name for name in left.columns if not left[name].equals(right[name], null_equal=True)]


def poisoned(tables: Tables) -> Tables:
    """The company with everything later a thousand times as large, shipped and paid otherwise."""
    limit = AS_OF.isoformat()
    late = {row["orderNumber"] for row in tables["orders"] if str(row["orderDate"])[:10] >= limit}

    def shipped(row: dict[str, object]) -> object:
        sent = row["shippedDate"]
        return sent if sent is not None and str(sent)[:10] < limit else "2030-01-01"

    return tables | {
        "orders": [row | {"status": "Cancelled", "shippedDate": shipped(row)} for row in tables["orders"]],
        "orderdetails": [
            row | ({"priceEach": float(str(row["priceEach"])) * 1000} if row["orderNumber"] in late else {})
            for row in tables["orderdetails"]
        ],
        "payments": [
            row
            | ({"amount": float(str(row["amount"])) * 1000} if str(row["paymentDate"])[:10] >= limit else {})
            for row in tables["payments"]
        ],
    }


@pytest.fixture(params=["sqlite", "duckdb"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[odd_company(3), random_company(5)], ids=["odd", "random"])
def company(request: pytest.FixtureRequest) -> Tables:
    tables: Tables = request.param
    assert 0 < len(before(tables, AS_OF)["orders"]) < len(tables["orders"])
    return tables


def folders(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    return tmp_path / "one", tmp_path / "other"


def test_time_travel_changes_nothing(company: Tables, engine: str, tmp_path: Path) -> None:
    one, other = folders(tmp_path)
    with opened(company, one, engine) as whole, opened(before(company, AS_OF), other, engine) as past:
        assert snapshots(whole, [DAY]).height > 5
        assert differing(snapshots, whole, past) == []
        assert differing(leaky(LEAKS["orders of all time"]), whole, past) == ["orders_ever"]
        assert differing(leaky(LEAKS["amounts after the day"]), whole, past) == ["amount"]


def test_a_poisoned_future_changes_nothing(company: Tables, engine: str, tmp_path: Path) -> None:
    one, other = folders(tmp_path)
    with opened(company, one, engine) as whole, opened(poisoned(company), other, engine) as strange:
        assert differing(snapshots, whole, strange) == []
        assert differing(leaky(LEAKS["amounts after the day"]), whole, strange) == ["amount"]
        assert differing(leaky(LEAKS["the final status"]), whole, strange) == ["cancelled"]
        assert differing(leaky(LEAKS["shipping later"]), whole, strange) == ["shipped"]


def test_several_days_at_once_know_no_more_than_one(company: Tables, tmp_path: Path) -> None:
    days = [DAY - 400, DAY - 90, DAY, DAY + 60]
    with opened(company, tmp_path, "sqlite") as database:
        together = snapshots(database, days)
        apart = pl.concat(snapshots(database, [day]) for day in days)
    assert together.equals(apart, null_equal=True)


def test_the_canary_lives_on_honest_features(company: Tables, engine: str, tmp_path: Path) -> None:
    days = [DAY - 200, DAY]
    with opened(company, tmp_path, engine) as database:
        frame = snapshots(database, days)
        assert check_no_leak(database, frame, days) == frame.height * len(FEATURES)
        assert check_no_leak(database, frame, days, sample=3) == 2 * 3 * len(FEATURES)


@pytest.mark.parametrize("leak", LEAKS)
def test_the_canary_refuses_leaking_queries(leak: str, tmp_path: Path) -> None:
    features = leaky(LEAKS[leak])
    with opened(random_company(5), tmp_path, "sqlite") as database:
        frame = features(database, [DAY])
        with pytest.raises(LeakError, match="knows the time after") as caught:
            check_no_leak(database, frame, [DAY], recompute=features)
    assert caught.value.feature in {"orders_ever", "amount", "cancelled", "shipped"}


def test_the_canary_refuses_columns_written_after_the_outcome(tmp_path: Path) -> None:
    with opened(random_company(5), tmp_path, "sqlite") as database:
        frame, outcome = snapshots(database, [DAY]), labels(database, [DAY], 90)["ordered"]
        assert 0 < outcome.sum() < len(outcome)
        planted = frame.with_columns(account_closed=1 - outcome)
        with pytest.raises(LeakError, match="account_closed cannot be computed") as caught:
            check_no_leak(database, planted, [DAY])
        assert caught.value.feature == "account_closed"
        assert check_no_leak(database, planted, [DAY], ignore=["account_closed"])
        for name in ("recency_days", "gap_cv", "main_product_line", "late_share"):
            value = pl.when(outcome == 1).then(pl.lit(None)).otherwise(pl.col(name))
            with pytest.raises(LeakError, match=name):
                check_no_leak(database, frame.with_columns(value.alias(name)), [DAY])


def test_columns_that_give_the_outcome_away_are_named() -> None:
    draw = np.random.default_rng(1)
    outcome = draw.integers(0, 2, 400)
    closed = [date(2024, 1, 1 + i % 28) if is_lost else None for i, is_lost in enumerate(outcome)]
    table = pl.DataFrame(
        {
            "lost": outcome,
            "closed_on": closed,
            "reason": ["moved" if is_lost else "none" for is_lost in outcome],
            "orders_after": 3 - 2 * outcome + draw.normal(0, 0.3, 400),
            "honest": outcome + draw.normal(0, 1, 400),
            "customer": [f"customer {i}" for i in range(400)],
            "constant": 1,
            "nothing": pl.Series([None] * 400, dtype=pl.Float64),
        }
    )
    found = telltale_columns(table, "lost")
    assert set(found) == {"closed_on", "reason", "orders_after"}
    assert found["closed_on"] == found["reason"] == 1.0
    assert "honest" in telltale_columns(table, "lost", limit=0.7)
    assert telltale_columns(table.with_columns(lost=pl.Series(outcome == 1)), "lost") == found
    with pytest.raises(ValueError, match="two values"):
        telltale_columns(table, "constant")


def auc(actual: np.ndarray, predicted: np.ndarray) -> float:
    """The share of pairs in the right order."""
    ranks = pl.Series(predicted).rank().to_numpy()
    positives, negatives = int(actual.sum()), int((1 - actual).sum())
    return float((ranks[actual == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auc_error(actual: np.ndarray) -> float:
    """The standard error of the AUC of a guess."""
    positives, negatives = int(actual.sum()), int((1 - actual).sum())
    return float(np.sqrt((positives + negatives + 1) / (12 * positives * negatives)))


@pytest.fixture(scope="module")
def generated(demo_database: Database) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features with outcomes of a generated company, for training and for the test after it."""
    first, last = order_span(demo_database)
    cutoff = default_cutoffs(first, last, 90)[-1]
    training = training_days(first, last, cutoff, 90)[-6:]
    assert max(training) + 90 <= cutoff
    days = [*training, cutoff]
    outcome = labels(demo_database, days, 90)
    assert outcome["complete"].min() == 1
    made = snapshots(demo_database, days).with_columns(outcome=outcome["ordered"])
    return made.filter(pl.col("as_of_day") < cutoff), made.filter(pl.col("as_of_day") == cutoff)


def predicted(train: pl.DataFrame, test: pl.DataFrame, names: Sequence[str]) -> np.ndarray:
    """P(order) by shallow trees."""
    from xgboost import DMatrix
    from xgboost import train as boost

    def matrix(frame: pl.DataFrame) -> np.ndarray:
        return frame.select(pl.col(names).cast(pl.Float64)).to_numpy()

    settings = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "nthread": 1, "seed": 1}
    booster = boost(settings, DMatrix(matrix(train), train["outcome"].to_numpy()), num_boost_round=60)
    return np.asarray(booster.predict(DMatrix(matrix(test))))


def shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Outcomes dealt anew among the customers of each day."""
    return frame.with_columns(outcome=pl.col("outcome").shuffle(seed).over("as_of_day"))


NUMERIC = [name for name in TRAINING_FEATURES if FEATURES[name].unit != "text"]


def test_shuffled_outcomes_cannot_be_predicted(generated: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    train, test = generated
    honest = auc(test["outcome"].to_numpy(), predicted(train, test, NUMERIC))
    assert honest > 0.5 + 5 * auc_error(test["outcome"].to_numpy())  # there is something to lose
    for seed in range(3):
        dealt, judged = shuffled(train, seed), shuffled(test, seed + 100)
        actual = judged["outcome"].to_numpy()
        score = auc(actual, predicted(dealt, judged, NUMERIC))
        assert abs(score - 0.5) < 2.58 * auc_error(actual), seed


def test_shuffled_outcomes_betray_a_feature_made_from_them(
    generated: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    noise = np.random.default_rng(1)
    leaking = [
        frame.with_columns(planted=pl.col("outcome") + pl.Series(noise.normal(size=frame.height)))
        for frame in (shuffled(generated[0], 1), shuffled(generated[1], 2))
    ]
    actual = leaking[1]["outcome"].to_numpy()
    score = auc(actual, predicted(leaking[0], leaking[1], [*NUMERIC, "planted"]))
    assert abs(score - 0.5) > 2.58 * auc_error(actual)
