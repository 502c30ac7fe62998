"""Predicting any table: honest splits, baselines, leaks flagged, reasons that add up."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from core.models.tabular import TabularModel, TargetError
from core.models.tabular.model import BASE, LINEAR, TREES

ROWS = 400
_START = date(2024, 1, 1)


def _table(seed: int = 0, rows: int = ROWS) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    age, income = random.integers(20, 70, rows), random.gamma(3.0, 900.0, rows)
    region = random.choice(["north", "south", "west"], rows)
    chance = 1 / (1 + np.exp(-(age - 45) / 6 - (region == "south") * 1.0))
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "name": [f"customer {i}" for i in range(rows)],
            "age": age,
            "income": np.where(random.uniform(size=rows) < 0.2, np.nan, income),
            "region": region,
            "since": [_START + timedelta(days=int(d)) for d in random.integers(0, 400, rows)],
            "same": 1,
            "spend": 50.0 + 4.0 * age + 30.0 * (region == "west") + random.normal(0, 10, rows),
            "bought": np.where(random.uniform(size=rows) < chance, "yes", "no"),
        }
    ).with_columns(pl.col("income").fill_nan(None))


def test_a_chance_is_predicted_better_than_the_base_rate_and_reasons_add_up() -> None:
    table = _table()
    model = TabularModel()
    report = model.fit(table, "bought", ["age", "income", "region", "name", "same"])
    assert report.target.label in ("bought is no", "bought is yes")
    assert report.evaluation.difference(report.decision.champion, BASE, "AUC").low > 0.1
    assert {left.column for left in report.left_out} == {"name", "same"}
    assert report.importance["column"][0] == "age"
    scored, explained = model.score(table.head(50)), model.explain(table.head(50))
    for score, explanation in zip(scored["score"], explained, strict=True):
        total = explanation.base + sum(part.value for part in explanation.contributions)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(score, abs=1e-4)
    assert "age is" in " ".join(explained[0].reasons)


def test_an_amount_is_predicted_and_its_interval_holds_what_it_says() -> None:
    model = TabularModel()
    report = model.fit(_table(1, 1200), "spend", ["age", "region", "income"])
    assert report.target.kind == "amount"
    assert report.evaluation.score(report.decision.champion, "R²").value > 0.9
    fresh = _table(2, 1200)
    scored = model.score(fresh)
    inside = ((fresh["spend"] >= scored["low"]) & (fresh["spend"] <= scored["high"])).mean()
    assert inside == pytest.approx(0.8, abs=0.06)


def test_a_simple_relation_keeps_the_simple_model_and_a_crooked_one_the_trees() -> None:
    straight = TabularModel().fit(_table(), "spend", ["age", "region"])
    assert straight.decision.champion == LINEAR
    random = np.random.default_rng(3)
    x = random.uniform(-1, 1, (800, 2))
    crooked = pl.DataFrame(
        {"a": x[:, 0], "b": x[:, 1], "y": np.abs(x[:, 0]) + x[:, 1] ** 2 + random.normal(0, 0.1, 800)}
    )
    assert TabularModel().fit(crooked, "y").decision.champion == TREES


@pytest.fixture(scope="module")
def trained() -> TabularModel:
    model = TabularModel()
    model.fit(_table(), "bought", ["age", "income", "region", "since"])
    return model


@pytest.mark.parametrize("champion", [LINEAR, TREES])
def test_a_saved_model_scores_the_same(champion: str, trained: TabularModel) -> None:
    table, model = _table(), trained
    model.champion = champion
    loaded = TabularModel.load(model.save())
    assert loaded.score(table).equals(model.score(table))
    assert loaded.explain(table.head(3)) == model.explain(table.head(3))


def test_unseen_values_and_missing_ones_are_scored(trained: TabularModel) -> None:
    odd = pl.DataFrame(
        {"age": [None, 30], "income": [float("inf"), 1.0], "region": ["moon", None], "since": [None, _START]}
    )
    assert trained.score(odd)["score"].is_between(0, 1).all()


def test_a_column_written_after_the_outcome_is_flagged() -> None:
    table = _table().with_columns(
        refund=pl.when(pl.col("bought") == "yes").then(12.5), hint=pl.col("age") * 1.0
    )
    report = TabularModel().fit(table, "bought", ["age", "refund", "hint"])
    assert [suspect.column for suspect in report.suspects] == ["refund"]
    assert "known before" in report.suspects[0].sentence
    assert TabularModel().fit(table, "bought", ["age", "region"]).suspects == ()


def test_rows_are_split_by_time_where_there_is_a_date() -> None:
    """A relation that turns round: a random split would call the model good, one by time does not."""
    random = np.random.default_rng(4)
    day = np.sort(random.integers(0, 400, ROWS))
    x = random.normal(size=ROWS)
    y = np.where(day < 300, x, -x) + random.normal(0, 0.2, ROWS)
    table = pl.DataFrame({"x": x, "y": y, "day": [_START + timedelta(days=int(d)) for d in day]})
    by_time = TabularModel().fit(table, "y", ["x"], date="day")
    assert by_time.evaluation.score(by_time.decision.champion, "R²").value < 0
    assert "from 2024-11" in by_time.split or "from 2024-10" in by_time.split


def test_rows_of_a_group_stay_together() -> None:
    """Each customer has one answer: a split by rows would let the model learn it by heart."""
    random = np.random.default_rng(5)
    answer, key = random.normal(size=60), random.normal(size=60)
    table = pl.DataFrame({"customer": np.repeat(np.arange(60), 20)}).with_columns(
        key=pl.Series(np.repeat(key, 20)), y=pl.Series(np.repeat(answer, 20))
    )
    apart = TabularModel().fit(table, "y", ["key"])
    together = TabularModel().fit(table, "y", ["key"], group="customer")
    trees = (report.evaluation.score(TREES, "R²").value for report in (apart, together))
    learned_by_heart, honest = trees
    assert learned_by_heart > 0.6
    assert honest < 0.2


def test_noise_is_not_sold_as_a_prediction() -> None:
    table = _table().with_columns(coin=pl.Series(np.random.default_rng(6).choice(["a", "b"], ROWS)))
    report = TabularModel().fit(table, "coin", ["age", "income", "region"])
    gain = report.evaluation.difference(report.decision.champion, BASE, "AUC")
    assert gain.low < 0.05


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("nothing", {}, "There is no column nothing"),
        ("same", {}, "one value"),
        ("region", {}, "3 values"),
        ("region", {"positive": "east"}, "never is east"),
        ("bought", {"columns": ["name", "same"]}, "No column can be used"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(
    target: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(TargetError, match=message):
        TabularModel().fit(_table(), target, **options)  # type: ignore[arg-type]


def test_one_of_several_values_can_be_chosen() -> None:
    assert TabularModel().fit(_table(), "region", ["age", "spend"], positive="west").events > 100


def test_too_few_events_or_rows_are_said_with_their_number() -> None:
    rare = _table().with_columns(flag=pl.Series([1] * 12 + [0] * (ROWS - 12)))
    with pytest.raises(TargetError, match="only 12 rows"):
        TabularModel().fit(rare, "flag")
    with pytest.raises(TargetError, match="30 rows"):
        TabularModel().fit(_table().head(30), "spend")
