"""Predict any table: what columns can do, findings in plain values, training apart, keeping, writing back."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.database import Database, open_database
from core.errors import SalesError
from core.jobs import tabular
from core.jobs.tabular import (
    JobError,
    Order,
    Source,
    TabularWork,
    Trained,
    TrainingCancelled,
    keep_model,
    kept_models,
    name_for,
    open_kept,
    read_rows,
    write_scores,
)
from core.model_store import DatabaseModelStore, FolderModelStore, ModelStore
from core.predictions.tabular import (
    Findings,
    calibration,
    describe_columns,
    figure,
    outside,
    target_choices,
    what_if_row,
    what_if_values,
    with_dates,
)
from core.roles import Role, policy

ROWS = 240
TODAY = date(2026, 5, 1)


def shops() -> pl.DataFrame:
    random = np.random.default_rng(3)
    size, town = random.uniform(10, 90, ROWS), random.choice(["Bern", "Lyon"], ROWS)
    sales = pl.Series(5 * size + 40 * (town == "Lyon") + random.normal(0, 8, ROWS))
    return pl.DataFrame(
        {
            "shop": np.arange(1, ROWS + 1),
            "name": [f"shop {n}" for n in range(ROWS)],
            "size": size.round(1),
            "town": town,
            "opened": [date(2020, 1, 1) + timedelta(days=int(d)) for d in random.integers(0, 900, ROWS)],
            "country": "FR",
            "nothing": pl.Series([None] * ROWS, dtype=pl.String),
            "sales": [None if n % 10 == 0 else round(value, 2) for n, value in enumerate(sales)],
        }
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(f"sqlite:///{tmp_path / 'shops.sqlite'}", read_only=False) as opened:
        opened.write("shops", shops())
        opened.write("empty", shops().clear())
        yield opened


@pytest.fixture(scope="module")
def trained() -> Trained:
    order = Order(Source("shops"), "sales", ("size", "town", "opened", "country"))
    heard: list[tuple[str, float]] = []
    found = TabularWork().train(shops(), order, lambda *told: heard.append(told))
    assert [fraction for _what, fraction in heard] == sorted(fraction for _what, fraction in heard)
    assert len(heard) >= 3
    return found


def test_columns_that_cannot_or_should_not_predict_are_explained() -> None:
    facts = {fact.name: fact for fact in describe_columns(shops())}
    assert {name for name, fact in facts.items() if not fact.reason} == {"size", "town", "opened", "sales"}
    assert {name for name, fact in facts.items() if fact.is_key} == {"shop", "name"}
    assert facts["shop"].usable
    assert "keys" in facts["shop"].reason
    assert not any(facts[name].usable for name in ("name", "country", "nothing"))
    assert facts["country"].reason == "it is the same in every row"
    assert (facts["sales"].missing, facts["nothing"].missing) == (24, ROWS)


def test_what_can_be_predicted_of_a_column_is_proposed() -> None:
    frame = shops().with_columns(
        flag=pl.Series([1] * 30 + [0] * 210), three=pl.Series(["a", "b", "b", "c"] * 60)
    )
    amount, flag, three = (target_choices(frame, name) for name in ("sales", "flag", "three"))
    assert (amount.amount, amount.chosen, amount.unknown) == (True, "", 24)
    assert (flag.amount, flag.chosen) == (False, "1")
    assert (three.chosen, three.values) == ("b", (("b", 120), ("a", 60), ("c", 60)))
    problems = {
        name: target_choices(frame, name).problem for name in ("name", "country", "nothing", "opened")
    }
    assert "as keys and names" in problems["name"]
    assert "one value" in problems["country"]
    assert "empty" in problems["nothing"]
    assert problems["opened"]


def test_texts_that_are_dates_become_dates() -> None:
    frame = pl.DataFrame({"day": ["2024-02-29", None], "other": ["2024-02-30", "2024-01-01"]})
    assert with_dates(frame).dtypes == [pl.Date, pl.String]


def test_rows_are_read_within_limits(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_rows(database, Source("shops"))
    assert (whole.frame.height, whole.truncated) == (ROWS, False)
    assert whole.frame.schema["opened"] == pl.Date
    monkeypatch.setattr(tabular, "ROW_LIMIT", 100)
    part = read_rows(database, Source("shops"))
    assert (part.frame.height, part.truncated) == (100, True)
    assert read_rows(database, Source(query="SELECT size FROM shops WHERE shop < 4")).frame.shape == (3, 1)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source("nowhere"), "no table 'nowhere'"),
        (Source("empty"), "no rows in empty"),
        (Source(query="SELECT * FROM shops WHERE shop < 0"), "no rows in the query"),
        (Source(query="DELETE FROM shops"), "DELETE changes data"),
        (Source(query="SELECT shoe FROM shops"), "line 1"),
    ],
)
def test_rows_that_cannot_be_had_are_refused_with_a_reason(
    database: Database, source: Source, message: str
) -> None:
    with pytest.raises(SalesError, match=message):
        read_rows(database, source)
    assert database.query("SELECT COUNT(*) AS n FROM shops")["n"][0] == ROWS


def test_a_model_learned_in_a_process_of_its_own_is_judged_and_used(trained: Trained) -> None:
    found = trained.findings
    assert (found.kind, found.rows, found.champion) == ("amount", 216, "linear")
    assert found.is_better
    assert found.verdict.startswith("Better than always predicting the mean: improvement in MAE")
    assert found.choice.startswith("The simple model is used")
    assert [column for column, _reason in found.left_out] == ["country"]
    assert found.importance[0][0] == "size"
    assert trained.test.height == found.test_rows == 54
    scored = trained.model.score(shops())
    unknown = scored.filter(shops()["sales"].is_null())
    truth = 5 * shops()["size"] + 40 * (shops()["town"] == "Lyon").cast(pl.Int64)
    assert unknown.height == 24
    assert (scored["score"] - truth).abs().mean() < 6


def test_findings_survive_being_stored(trained: Trained) -> None:
    assert Findings.from_dict(trained.findings.as_dict()) == trained.findings


def test_too_few_rows_and_a_wrong_target_are_said_by_the_process() -> None:
    with pytest.raises(JobError, match="30 rows have a size, and 40 are needed"):
        TabularWork().train(shops().head(30), Order(Source("shops"), "size", ("town",)), lambda *_told: None)


def test_training_can_be_cancelled_before_and_while_it_runs() -> None:
    order = Order(Source("shops"), "sales", ("size",))
    early = TabularWork()
    early.cancel()
    with pytest.raises(TrainingCancelled):
        early.train(shops(), order, lambda *_told: None)
    late = TabularWork()
    with pytest.raises(TrainingCancelled):
        late.train(shops(), order, lambda *_told: late.cancel())


def test_reasons_of_all_rows_come_with_the_scores(trained: Trained) -> None:
    scored = TabularWork().explain(trained, shops(), lambda *_told: None)
    assert scored.columns == ["score", "low", "high", "reasons"]
    assert scored["reasons"].str.contains("size is").mean() > 0.9
    assert scored.drop("reasons").equals(trained.model.score(shops()))


@pytest.mark.parametrize("kind", ["database", "folder"])
def test_a_kept_model_is_listed_and_opens_as_it_was(
    kind: str, database: Database, tmp_path: Path, trained: Trained
) -> None:
    store: ModelStore = (
        DatabaseModelStore(database, tmp_path / "cache")
        if kind == "database"
        else FolderModelStore(tmp_path / "models")
    )
    assert kept_models(store) == []
    kept = keep_model(store, trained, "shop_sales")
    assert keep_model(store, kept, "shop_sales") is kept
    assert [version.task for version in kept_models(store)] == ["tabular-shop_sales"]
    opened = open_kept(store, "shop_sales")
    assert (opened.findings, opened.order, opened.version) == (trained.findings, trained.order, kept.version)
    assert opened.model.score(shops()).equals(trained.model.score(shops()))
    with pytest.raises(JobError, match="no model named other"):
        open_kept(store, "other")
    with pytest.raises(JobError, match="cannot be used"):
        keep_model(store, trained, "Shop sales")


def test_scores_are_written_with_keys_and_version_in_place_of_earlier_ones(
    database: Database, trained: Trained
) -> None:
    named = replace(trained, name="shop_sales", version="v1")
    scored = trained.model.score(shops()).with_columns(reasons=pl.lit("size is 3"))
    for version in ("v1", "v2"):
        again = replace(named, version=version)
        assert (
            write_scores(database, again, shops().select("shop"), scored, TODAY) == "scores_table_shop_sales"
        )
    rows = database.query("SELECT * FROM scores_table_shop_sales ORDER BY shop")
    assert rows.columns == ["shop", "score", "low", "high", "reasons", "model_version", "as_of"]
    assert rows["model_version"].unique().to_list() == ["v2"]
    assert rows["as_of"].unique().cast(pl.String).to_list() == ["2026-05-01"]
    assert rows["score"].to_list() == scored["score"].to_list()


def test_scores_never_replace_another_table(database: Database, trained: Trained) -> None:
    database.write("scores_table_mine", pl.DataFrame({"a": [1]}))
    scored = trained.model.score(shops()).with_columns(reasons=pl.lit(""))
    named = replace(trained, name="mine", version="v1")
    with pytest.raises(JobError, match="holds something else"):
        write_scores(database, named, shops().select("shop"), scored, TODAY)
    with pytest.raises(JobError, match="at least one key"):
        write_scores(database, named, shops().select([]), scored, TODAY)
    with pytest.raises(JobError, match="may not be called score"):
        write_scores(database, named, shops().select(Score="shop"), scored, TODAY)
    assert database.query("SELECT * FROM scores_table_mine")["a"].to_list() == [1]


def test_training_keeping_and_writing_need_an_admin(
    database: Database, tmp_path: Path, trained: Trained
) -> None:
    store = DatabaseModelStore(database, tmp_path / "cache")
    scored = trained.model.score(shops()).with_columns(reasons=pl.lit(""))
    with policy(lambda role: role <= Role.ANALYST):
        read_rows(database, Source("shops"), threading.Event())
        with pytest.raises(SalesError, match="training models"):
            TabularWork().train(shops(), trained.order, lambda *_told: None)
        with pytest.raises(SalesError, match="keeping models"):
            keep_model(store, trained, "x")
        with pytest.raises(SalesError, match="writing scores"):
            write_scores(database, replace(trained, name="x"), shops().select("shop"), scored, TODAY)


def test_what_if_starts_from_a_row_and_says_what_is_outside(trained: Trained) -> None:
    inputs = trained.findings.inputs
    assert [given["name"] for given in inputs] == ["size", "town", "opened"]
    values = what_if_values(shops()[5], inputs)
    assert trained.model.score(what_if_row(values, inputs)).equals(trained.model.score(shops()[5]))
    assert outside(values, inputs) == []
    changed = values | {"size": 500.0, "opened": "2031-01-01"}
    assert [told.split(":")[0] for told in outside(changed, inputs)] == ["size", "opened"]
    larger = trained.model.score(what_if_row(values | {"size": values["size"] + 10}, inputs))
    assert larger["score"][0] - trained.model.score(shops()[5])["score"][0] == pytest.approx(50, abs=3)
    odd = what_if_row({"size": "many", "town": None, "opened": "soon"}, inputs)
    assert odd.null_count().row(0) == (1, 1, 1)


def test_calibration_counts_what_happened_in_groups_of_equal_size() -> None:
    test = pl.DataFrame({"predicted": [0.1] * 10 + [0.9] * 10, "actual": [0.0] * 8 + [1.0] * 12})
    found = calibration(test)
    assert found["predicted"].to_list() == pytest.approx([0.1, 0.9])
    assert found["happened"].to_list() == pytest.approx([0.2, 1.0])
    assert found["rows"].to_list() == [10, 10]
    assert found["low"].to_list() == pytest.approx([0.057, 0.722], abs=0.001)  # Wilson, by hand
    assert calibration(test.clear()).is_empty()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12345.6, "12,346"),
        (123.45, "123.5"),
        (0.12345, "0.123"),
        (-0.00123, "−0.0012"),
        (0.0, "0"),
        (None, "–"),
    ],
)
def test_figures_are_short(value: float | None, shown: str) -> None:
    assert figure(value) == shown


def test_names_are_made_of_any_text() -> None:
    assert name_for("Order details: Größe!") == "order_details_gr_e"
    assert name_for("2024 sales") == "model_2024_sales"
    assert name_for("") == "model"
