"""Metrics against independent calculations, intervals against known spreads, comparisons that are paired."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, ndcg_score, roc_auc_score

from core.evaluation import Estimate, bootstrap, evaluate
from core.evaluation import metrics as m

_RANDOM = np.random.default_rng(5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 4)), min_size=2, max_size=40))
def test_auc_and_brier_agree_with_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    actual = np.array([row[0] for row in rows], dtype=float)
    predicted = np.array([row[1] for row in rows]) / 6
    weight = np.array([row[2] for row in rows], dtype=float)
    kept = weight > 0
    if len(set(actual[kept])) < 2:
        assert np.isnan(m.auc(actual, predicted, weight))
        return
    expected = roc_auc_score(actual[kept], predicted[kept], sample_weight=weight[kept])
    assert m.auc(actual, predicted, weight) == pytest.approx(expected)
    assert m.brier(actual, predicted, weight) == pytest.approx(
        brier_score_loss(actual[kept], predicted[kept], sample_weight=weight[kept])
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(1, 3)), min_size=2, max_size=30))
@pytest.mark.parametrize("metric", [m.AUC, m.BRIER, m.GINI, m.ABSOLUTE_BIAS, m.WAPE, m.LIFT])
def test_a_weight_of_two_is_the_row_twice(metric: m.Metric, rows: list[tuple[int, int, int]]) -> None:
    actual, predicted, times = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if metric is m.LIFT:  # rows of equal score may be cut at the tenth: make the order unique
        predicted = np.arange(len(rows), dtype=float)
    repeated = np.repeat(np.arange(len(rows)), times.astype(int))
    twice = metric(actual[repeated], predicted[repeated])
    assert metric(actual, predicted, times) == pytest.approx(twice, nan_ok=True)


def test_gini_is_one_in_the_perfect_order_and_zero_in_none() -> None:
    amounts = np.array([0.0, 10.0, 250.0, 40.0])
    assert m.gini(amounts, amounts * 3) == pytest.approx(1.0)
    assert m.gini(amounts, np.ones(4)) == pytest.approx(0.0)
    assert m.gini(amounts, -amounts) < 0
    assert np.isnan(m.gini(np.zeros(4), amounts))


def test_calibration_error_of_a_known_shift() -> None:
    predicted = np.repeat(np.linspace(0.05, 0.95, 10), 1000)
    actual = np.concatenate([np.arange(1000) < round(p * 1000) for p in np.linspace(0.05, 0.95, 10)])
    assert m.ece(actual, predicted) == pytest.approx(0.0, abs=1e-9)
    assert m.ece(actual, predicted - 0.03) == pytest.approx(0.03, abs=1e-9)


def test_lift_bias_wape_and_coverage_by_hand() -> None:
    actual = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 1.0])
    predicted = np.linspace(1, 0, 10)
    assert m.lift_at(0.1)(actual, predicted) == pytest.approx(5.0)
    assert m.lift_at(0.2)(actual, predicted) == pytest.approx(2.5)
    assert m.absolute_bias([10, 30], [25, 25]) == pytest.approx(0.25)
    assert m.wape([10, -30], [15, -25]) == pytest.approx(0.25)
    assert m.coverage([1, 2, 3], [1, 3, 0], [1, 4, 5]) == pytest.approx(2 / 3)
    assert m.mase([10, 12], [11, 13], naive_error=2.0) == pytest.approx(0.5)


def test_ndcg_agrees_with_scikit_learn_and_knows_nothing_without_relevant_items() -> None:
    relevance = [0, 1, 0, 1, 1]
    expected = ndcg_score([relevance], [[5, 4, 3, 2, 1]], k=10)
    assert m.ndcg(relevance, ideal_count=3) == pytest.approx(expected)
    assert np.isnan(m.ndcg([0, 0], ideal_count=0))
    assert m.mean_value([0, 0], [0.5, np.nan]) == pytest.approx(0.5)


def test_bootstrap_finds_the_standard_error_of_a_mean() -> None:
    sample = _RANDOM.normal(3.0, 2.0, 400)
    found = bootstrap(lambda w: float(np.average(sample, weights=w)), 400, repeats=800, seed=1)
    assert found.value == pytest.approx(sample.mean())
    assert found.standard_error == pytest.approx(sample.std() / 20, rel=0.12)
    assert found.low < found.value < found.high


def _predictions(customers: int = 300) -> pl.DataFrame:
    chance = _RANDOM.uniform(0.05, 0.95, customers)
    frames = [
        pl.DataFrame(
            {
                "cutoff_day": np.full(customers, day),
                "customer_id": np.arange(customers),
                "actual": (_RANDOM.uniform(size=customers) < chance).astype(int),
                "truth": chance,
                "near": np.clip(chance + _RANDOM.normal(0, 0.02, customers), 0, 1),
                "random": _RANDOM.uniform(size=customers),
            }
        )
        for day in (19_000, 19_090, 19_180)
    ]
    return pl.concat(frames)


def test_values_are_averaged_over_cutoffs_and_differences_are_paired() -> None:
    frame = _predictions()
    found = evaluate(frame, models=["truth", "near"], baselines=["random"], metrics=m.CLASSIFICATION)
    per_cutoff = [roc_auc_score(part["actual"], part["truth"]) for part in frame.partition_by("cutoff_day")]
    assert found.score("truth", "AUC").value == pytest.approx(np.mean(per_cutoff))
    assert found.score("truth", "AUC", "2022-01-08").value == pytest.approx(per_cutoff[0])
    gain = found.difference("truth", "random", "AUC")
    assert gain.is_above_zero
    assert found.difference("truth", "random", "Brier").value > 0  # smaller is better there
    # Paired: two nearly equal models differ with far less spread than either has alone.
    spread = found.difference("truth", "near", "AUC").standard_error
    assert spread < found.score("truth", "AUC").standard_error / 3


def test_a_cutoff_with_one_class_is_left_out_of_the_mean() -> None:
    frame = _predictions(50)
    one_class = frame.with_columns(
        actual=pl.when(pl.col("cutoff_day") == 19_000).then(0).otherwise(pl.col("actual"))
    )
    found = evaluate(one_class, models=["truth"], baselines=[], metrics={"AUC": m.AUC}, repeats=20)
    assert np.isnan(found.score("truth", "AUC", "2022-01-08").value)
    assert np.isfinite(found.score("truth", "AUC").value)
    assert found.as_dict()["scores"][0]["value"] is None


def test_rows_of_one_customer_are_drawn_together() -> None:
    """A hundred copies of each row of thirty customers are no more certain than the thirty are."""
    small = _predictions(30).filter(pl.col("cutoff_day") == 19_000)
    copies = pl.concat([small] * 100)
    alone, copied = (
        evaluate(frame, models=["truth"], baselines=[], metrics={"Brier": m.BRIER}).score("truth", "Brier")
        for frame in (small, copies)
    )
    assert copied.standard_error == pytest.approx(alone.standard_error)


def test_no_rows_give_no_figures_but_no_error() -> None:
    empty = _predictions(5).clear()
    found = evaluate(empty, models=["truth"], baselines=["random"], metrics=m.CLASSIFICATION)
    assert np.isnan(found.score("truth", "AUC").value)
    assert Estimate(1.0, float("nan"), float("nan"), float("nan")).as_dict()["low"] is None
